from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import zoo
from tests.core.tiny import QUIET, Net, data, learner, recurrent_learner, same, weights
from tests.helpers.device import run_here
from zoo.core.batches import Data, TensorBatches
from zoo.core.config import FINISHED, TRAINING_STATE
from zoo.core.model import training_of
from zoo.core.training.learner import Learner

pytestmark = pytest.mark.device


def test_the_same_seed_gives_the_same_weights_whatever_the_user_drew() -> None:
    ends = []
    for _ in range(2):
        learn = learner(dropout=0.3)
        torch.rand(len(ends) + 1)
        learn.fit(2, 1e-2)
        ends.append(weights(learn))
    assert same(*ends)
    other = learner(run_here(seed=1), dropout=0.3)
    other.fit(2, 1e-2)
    assert not same(ends[0], weights(other))


def test_training_leaves_the_users_generators_alone() -> None:
    learn = learner(dropout=0.5)
    before = torch.get_rng_state()
    learn.fit(1, 1e-2)
    assert torch.equal(before, torch.get_rng_state())


def test_a_second_fit_does_not_replay_the_first() -> None:
    twice, once = learner(), learner()
    twice.fit(1, 1e-2)
    twice.fit(1, 1e-2)
    assert [row["epoch"] for row in twice.history.rows] == [0, 1]
    once.fit(2, 1e-2)
    assert twice.history.losses[:7] == once.history.losses[:7]
    assert twice.history.losses[7] == pytest.approx(once.history.losses[7], rel=1e-4)


def test_dropout_is_drawn_anew_in_every_epoch_and_fit() -> None:
    states = []

    class Look:
        def batch(self, fit, batch):
            if fit.step_in_epoch == 0:
                states.append(torch.get_rng_state())
            return batch

    learn = learner(dropout=0.2, callbacks=[Look()])
    for _ in range(2):
        learn.fit(2, 1e-2)
    assert len(states) == 4
    assert not any(torch.equal(states[i], states[j]) for i in range(4) for j in range(i))


@pytest.mark.parametrize(
    ("fit", "expected"),
    [
        (lambda learn: learn.fit(8, 3e-2), (0.87, 0.97)),
        (lambda learn: learn.fit_one_cycle(8, 3e-2), (0.87, 0.97)),
        (lambda learn: learn.fit_sgdr(3e-2, cycles=3, cycle_len=1, cycle_mult=2), (0.87, 0.97)),
        (lambda learn: learn.fit_sgdr(3e-2, cycles=8, cycle_len=1, cycle_mult=1), (0.87, 0.97)),
        (lambda learn: learn.fit_finetune(12, 0.12, frozen_epochs=2), (0.75, 0.87)),
    ],
)
def test_every_verb_trains(fit: Callable[[Learner], None], expected: tuple[float, float]) -> None:
    """More than the upper bound is what the rows that are trained on score."""
    learn = learner()
    fit(learn)
    low, high = expected
    assert low < learn.evaluate()["accuracy"] < high


def test_a_hidden_state_is_carried_and_learns() -> None:
    learn = recurrent_learner()
    learn.fit_one_cycle(12, 2e-2)
    assert 0.5 < learn.evaluate()["accuracy"] < 0.68  # 1/12 by chance, 1/2 with the stream's noise


def test_fit_finetune_trains_the_head_first_and_ends_unfrozen() -> None:
    learn = learner()
    learn.fit_finetune(2, 1e-2)
    assert len(learn.history.rows) == 3
    assert all(p.requires_grad for p in learn.model.parameters())
    assert max(learn.history.lrs[:7]) == pytest.approx(1e-2, rel=0.1)
    assert max(learn.history.lrs[7:]) == pytest.approx(5e-3, rel=0.1)


def test_snapshots_predict_by_averaging() -> None:
    learn = learner()
    learn.fit_sgdr(1e-2, cycles=3, cycle_len=1, cycle_mult=2, snapshots=True)
    assert len(learn.snapshots) == 3
    valid = learn.data.valid
    final, singles = weights(learn), []
    for state in learn.snapshots[-2:]:
        learn.model.load_state_dict(state)
        singles.append(learn.predict(valid))
    learn.model.load_state_dict(final)
    assert torch.allclose(learn.predict(valid, snapshots=2), torch.stack(singles).mean(0))
    assert same(final, learn.snapshots[-1])
    assert not same(learn.snapshots[0], learn.snapshots[1])
    target = torch.cat([batch.target for batch in valid.epoch(0)])
    right = learn.predict(valid, snapshots=3).argmax(1) == target
    assert learn.evaluate(snapshots=3)["accuracy"] == pytest.approx(float(right.float().mean()))
    with pytest.raises(ValueError, match="snapshots=4 of 3"):
        learn.predict(valid, snapshots=4)


def test_other_data_can_follow() -> None:
    learn = learner()
    learn.fit(1, 1e-2)
    learn.set_data(data(64))
    learn.fit(1, 1e-2)
    assert len(learn.history.losses) == 7 + 4


def test_ctrl_c_keeps_what_was_learnt() -> None:
    class PressCtrlC:
        def step_end(self, fit) -> None:
            if fit.step == 10:
                os.kill(os.getpid(), signal.SIGINT)

    learn = learner()
    before = weights(learn)
    handler = signal.getsignal(signal.SIGINT)
    learn.fit(50, 1e-2, callbacks=[PressCtrlC()])
    assert learn.interrupted
    assert len(learn.history.losses) == 10
    assert len(learn.history.rows) == 1
    assert not same(before, weights(learn))
    assert signal.getsignal(signal.SIGINT) is handler


def test_ctrl_c_ends_a_recipe_of_several_fits() -> None:
    class PressCtrlC:
        def step_end(self, fit) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    learn = learner(callbacks=[PressCtrlC()])
    learn.fit_finetune(3)
    assert len(learn.history.losses) == 1


def test_a_loss_that_is_not_finite_names_step_rate_and_way_out() -> None:
    poisoned = data()
    poisoned.train.inputs[0][37] = float("nan")
    learn = learner(data=poisoned)
    before = weights(learn)
    with pytest.raises(FloatingPointError, match=r"loss=nan at step=\d with lr=0.01") as caught:
        learn.fit(1, 1e-2)
    assert "rate ten times lower" in str(caught.value)
    assert same(before, weights(learn))


def test_an_exploding_rate_gives_back_the_epochs_beginning() -> None:
    class Explode:
        def epoch_end(self, fit) -> None:
            for group in fit.optimizer.param_groups:
                group["max_lr"] = 1e30

    learn = learner(optimizer="sgd", callbacks=[Explode()])
    with pytest.raises(FloatingPointError, match="with lr=1e"):
        learn.fit(3, 1e-2)
    reference = learner(optimizer="sgd")
    reference.fit(1, 1e-2)
    assert same(weights(learn), weights(reference))


def test_evaluating_nothing_is_one_clear_error() -> None:
    with pytest.raises(ValueError, match="validation data, got none"):
        learner(data=Data(data().train)).evaluate()


@pytest.mark.parametrize("epochs", [0, -1, 1.5, "4"])
def test_no_epochs_and_half_ones_are_refused(epochs) -> None:
    with pytest.raises(ValueError, match=f"epochs={epochs!r}"):
        learner().fit(epochs)


def test_a_hidden_state_does_not_accumulate() -> None:
    with pytest.raises(ValueError, match="accumulate=2"):
        recurrent_learner(accumulate=2)


@pytest.mark.parametrize(
    "bad", [{"accumulate": 0}, {"weight_decay": -1}, {"clip": 0}, {"batchnorm": "liv"}]
)
def test_settings_out_of_range_are_refused(bad) -> None:
    name, value = next(iter(bad.items()))
    with pytest.raises(ValueError, match=f"got {name}={value!r} "):
        learner(**bad)


def test_an_unknown_optimizer_is_refused() -> None:
    with pytest.raises(ValueError, match="optimizer='adam'"):
        learner(optimizer="adam").fit(1)


def test_a_users_own_module_is_saved_and_loaded(tmp_path) -> None:
    learn = learner()
    learn.fit(1, 1e-2)
    directory = learn.save(tmp_path / "mine")
    assert same(weights(zoo.load(directory, model=Net())), weights(learn))
    with pytest.raises(zoo.ArtifactError, match="model=Net"):
        zoo.load(directory)
    with pytest.raises(ValueError, match="bare Net"):
        learn.as_model()


def test_any_module_without_layers_is_one_group() -> None:
    x = torch.randn(64, 4)
    batches = TensorBatches(x, (x[:, 0] > 0).long(), batch_size=8)
    model = torch.nn.Linear(4, 2)
    learn = learner()
    learn = type(learn)(model, Data(batches, batches), learn.task, run=QUIET)
    learn.fit(10, 1e-1)
    assert 0.05 < learn.evaluate()["loss"] < 0.15  # 0.69 by chance
    assert np.isfinite(learn.history.losses).all()


def test_other_data_are_those_of_a_learner() -> None:
    nothing: Any = None
    with pytest.raises(TypeError, match=r"got a NoneType\. Call learner\(\.\.\.\)\.data"):
        learner().set_data(nothing)


def test_a_run_that_is_over_leaves_its_record_and_one_that_is_not_its_state(tmp_path) -> None:
    learn = learner(replace(QUIET, out=tmp_path))
    learn.fit(1, 1e-2)
    assert (tmp_path / TRAINING_STATE).exists()
    learn.save(tmp_path)
    assert (tmp_path / FINISHED).exists()
    assert not (tmp_path / TRAINING_STATE).exists()


def test_the_card_tells_the_spread_of_the_rates(tmp_path) -> None:
    learn = learner()
    learn.fit(1, (1e-4, 1e-2))
    record = training_of(learn)
    assert (record["lr"], record["ratio"], record["epochs"]) == (0.01, 100.0, 1)


def test_fit_finetune_begins_and_tops_where_fastai_does() -> None:
    learn = learner()
    learn.fit_finetune(2, 0.02, ratio=10.0)
    rates = learn.history.lrs
    steps = len(rates) // 3  # of an epoch: one on the frozen body, two on everything
    assert max(rates[:steps]) == pytest.approx(0.02, rel=0.1)
    assert rates[steps] == pytest.approx(0.01 / 5)
    assert max(rates[steps:]) == pytest.approx(0.01, rel=0.05)
    assert learn.rates[0] == pytest.approx(learn.rates[-1] / 10)
