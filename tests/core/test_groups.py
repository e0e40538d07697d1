from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import nn

from tests.core.tiny import Net, learner, same, weights
from zoo.core.training.groups import (
    BatchNormMode,
    LayerGroup,
    group_rates,
    layer_groups,
    parameter_groups,
    train_mode,
)


class Forgetful(Net):
    def layers(self) -> list[LayerGroup]:
        return super().layers()[1:]


class Greedy(Net):
    def layers(self) -> list[LayerGroup]:
        return [*super().layers(), LayerGroup("again", (self.head,))]


@pytest.mark.parametrize(("model", "said"), [(Forgetful(), "in 0"), (Greedy(), "in 2")])
def test_groups_must_cover_each_parameter_once(model: nn.Module, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        layer_groups(model)


def test_a_frozen_parameter_still_needs_a_group() -> None:
    model = Forgetful()
    model.first.requires_grad_(False)
    with pytest.raises(ValueError, match=r"got 'first\.weight' in"):
        layer_groups(model)


def test_rates_spread_geometrically() -> None:
    assert group_rates((1e-5, 1e-3), 3) == pytest.approx([1e-5, 1e-4, 1e-3])
    assert group_rates(slice(1e-5, 1e-3), 3) == pytest.approx([1e-5, 1e-4, 1e-3])
    assert group_rates([1e-3, 1e-4, 5e-3], 3) == [1e-3, 1e-4, 5e-3]


@pytest.mark.parametrize("lr", [[1e-3] * 4, -1.0, 0.0, float("nan"), (0.0, 1e-3)])
def test_senseless_rates_are_refused(lr) -> None:
    with pytest.raises(ValueError, match="rate"):
        group_rates(lr, 3)


def test_norms_biases_and_bias_tables_are_not_decayed() -> None:
    model = nn.ModuleDict(
        {"linear": nn.Linear(2, 2), "norm": nn.LayerNorm(2), "table": nn.Embedding(5, 1)}
    )
    groups = parameter_groups([LayerGroup("all", (model,))], [1.0], 0.1)
    decayed = {id(p) for group in groups if group["weight_decay"] for p in group["params"]}
    assert decayed == {id(model["linear"].weight)}


@pytest.mark.parametrize("n", [-1, -2, 0, 1, 2])
def test_frozen_groups_do_not_move_and_others_do(n: int) -> None:
    learn = learner(norm=True)
    learn.freeze_to(n)
    before = weights(learn)
    learn.fit(2, 1e-2)
    first = n % 3
    for i, group in enumerate(learn.groups):
        moved = [
            not torch.equal(before[name], tensor)
            for name, tensor in learn.model.state_dict().items()
            if name.startswith(group.name)
        ]
        assert all(moved) if i >= first else not any(moved)


@pytest.mark.parametrize("n", [3, -4])
def test_freezing_everything_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match=f"n={n} of 3"):
        learner().freeze_to(n)


@pytest.mark.parametrize(
    ("mode", "frozen_moves", "thawed_moves"),
    [("live", True, True), ("thawed", False, True), ("fixed", False, False)],
)
def test_batch_norm_statistics_follow_the_stated_choice(
    mode: str, frozen_moves: bool, thawed_moves: bool
) -> None:
    for freeze_to, moves in ((-1, frozen_moves), (0, thawed_moves)):
        learn = learner(norm=True, batchnorm=mode)
        learn.freeze_to(freeze_to)
        before = learn.model.middle[0].running_mean.clone()
        learn.fit(1, 1e-3)
        assert torch.equal(before, learn.model.middle[0].running_mean) is not moves


@pytest.mark.parametrize("mode", get_args(BatchNormMode))
def test_a_head_has_statistics_of_its_own_which_always_learn(mode: BatchNormMode) -> None:
    body, head = nn.BatchNorm1d(2), nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    model, groups = nn.Sequential(body, head), [LayerGroup("body", (body,))]
    train_mode(model, [*groups, LayerGroup("head", (head,))], mode)
    assert head[1].training
    assert body.training is (mode != "fixed")


def test_a_model_of_one_group_has_no_head() -> None:
    model = nn.BatchNorm1d(2)
    train_mode(model, [LayerGroup("model", (model,))], "fixed")
    assert not model.training


def test_a_zero_width_of_rates_is_one_parameter_group() -> None:
    learn = learner()
    assert len(learn.new_fit([1], 1e-3, lambda step, steps: 1.0).optimizer.param_groups) == 2
    assert same(weights(learn), weights(learner()))


def test_a_word_is_no_rate() -> None:
    with pytest.raises(ValueError, match="numbers, got lr='fast'"):
        group_rates("fast", 3)  # type: ignore[arg-type]
