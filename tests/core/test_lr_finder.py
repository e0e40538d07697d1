from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.core.tiny import QUIET, data, learner, recurrent_learner, same, weights
from zoo.core.batches import Data, TensorBatches
from zoo.core.task import Task
from zoo.core.training.learner import Learner
from zoo.core.training.lr_finder import minimum, slide, steep, summarise, valley

pytestmark = pytest.mark.device


@pytest.mark.parametrize("make", [lambda: learner(norm=True, dropout=0.2), recurrent_learner])
def test_lr_find_leaves_everything_untouched(make) -> None:
    probed, plain = make(), make()
    for learn in (probed, plain):
        learn.fit(1, 1e-2)
    before, generator = weights(probed), torch.get_rng_state()
    carried = getattr(probed.model, "carried", ())
    modes = [module.training for module in probed.model.modules()]
    rows = list(probed.history.rows)
    probed.lr_find()
    assert same(before, weights(probed))
    assert torch.equal(generator, torch.get_rng_state())
    after = getattr(probed.model, "carried", ())
    assert all(torch.equal(a, b) for a, b in zip(carried, after, strict=True))
    assert modes == [module.training for module in probed.model.modules()]
    assert rows == probed.history.rows
    for learn in (probed, plain):
        learn.fit(1, 1e-2)
    assert same(weights(probed), weights(plain))


def test_a_sweep_stops_when_the_loss_diverges() -> None:
    curve = learner(optimizer="sgd").lr_find(end=1e4)
    lrs, losses = curve.sweeps[0]
    assert len(lrs) < 100
    assert losses[-1] > 4 * min(losses) or lrs[-1] > 1


def test_all_suggestions_lie_within_the_sweep() -> None:
    curve = learner().lr_find()
    assert set(curve.suggestions) == {"valley", "steep", "minimum", "slide"}
    assert all(1e-7 < lr < 10 for lr in curve.suggestions.values())
    assert curve.stability is None


def test_several_sweeps_see_different_batches_and_tell_how_stable_they_are() -> None:
    curve = learner().lr_find(sweeps=3)
    assert len(curve.sweeps) == 3
    assert all(len(lrs) <= 40 for lrs, _ in curve.sweeps)
    starts = [losses[0] for _, losses in curve.sweeps]
    assert len(set(starts)) == 3
    low, high = curve.ranges["valley"]
    assert low <= curve.valley <= high
    assert curve.stability == pytest.approx(high / low)


def test_the_suggested_rate_trains_well() -> None:
    learn = learner()
    learn.fit_one_cycle(10, learn.lr_find(sweeps=3).suggestions["minimum"])
    assert learn.evaluate()["accuracy"] > 0.75


def bowl() -> tuple[list[float], list[float]]:
    """Flat until 1e-4, falls until 1e-1, then explodes."""
    lrs = np.logspace(-7, 1, 100)
    fall = np.clip((np.log10(lrs) + 4) / 3, 0, None)
    return lrs.tolist(), (2.0 - fall + 5 * np.clip(np.log10(lrs) + 1, 0, None) ** 2).tolist()


def test_each_rule_finds_its_place_on_a_known_curve() -> None:
    lrs, losses = bowl()
    assert 1e-3 < valley(lrs, losses) < 1e-2
    assert 1e-4 < steep(lrs, losses) < 0.15
    assert 5e-3 < minimum(lrs, losses) < 2e-2
    assert 1e-4 < slide(lrs, losses) < 1


def test_each_rule_gives_the_rate_that_was_worked_out_by_hand() -> None:
    lrs, losses = [1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0], [5.0, 4.0, 2.0, 1.0, 3.0, 9.0]
    assert valley(lrs, losses) == 1e-3  # 5, 4, 2, 1 fall: the second of these four
    assert steep(lrs, losses) == 1e-3  # from 5 to 2 over two decades, as from 4 to 1 later
    assert minimum(lrs, losses) == pytest.approx(1e-2)
    assert slide(lrs, losses) == 1e-3  # slopes -1.5 and -1.5 side by side


def test_stability_is_one_for_equal_sweeps() -> None:
    assert summarise([bowl(), bowl()]).stability == pytest.approx(1.0)


def test_the_plot_marks_every_suggestion() -> None:
    curve = learner().lr_find(sweeps=2)
    labels = [text.get_text() for text in curve.plot().get_legend().get_texts()]
    assert [label.split()[0] for label in labels] == [
        "valley",
        "steep",
        "minimum",
        "slide",
        "range",
    ]


@pytest.mark.parametrize("bad", [{"start": 0.0}, {"start": 1.0, "end": 0.1}, {"steps": 3}])
def test_a_senseless_sweep_is_refused(bad) -> None:
    name, value = next(iter(bad.items()))
    with pytest.raises(ValueError, match=f"{name}={value}"):
        learner().lr_find(**bad)


@pytest.mark.parametrize("settings", [{}, {"sweeps": 3}])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_model_that_is_fitted_already_has_a_curve(optimizer: str, settings) -> None:
    x, net = torch.randn(256, 4, generator=torch.Generator().manual_seed(0)), nn.Linear(4, 1)
    line = TensorBatches((1e3 * x,), net(1e3 * x).detach()[:, 0], batch_size=32)
    squares = Task(lambda out, y: (F.mse_loss(out[:, 0], y), len(y)), lambda out: out[:, 0])
    learn = Learner(net, Data(line, None, None), squares, optimizer=optimizer, run=QUIET)
    curve = learn.lr_find(**settings)
    assert all(len(lrs) >= 10 and np.isfinite(losses).all() for lrs, losses in curve.sweeps)
    assert all(0 < lr < 1e-3 for lr in curve.suggestions.values())


def test_infinite_data_is_named_and_nothing_lost() -> None:
    poisoned = data()
    poisoned.train.inputs[0][:] = float("inf")
    learn = learner(data=poisoned)
    before = weights(learn)
    with pytest.raises(ValueError, match="10 steps, got 0"):
        learn.lr_find()
    assert same(before, weights(learn))


def test_a_sweep_that_never_diverges_takes_all_its_steps_over_several_epochs() -> None:
    (lrs, losses), *more = learner().lr_find(end=1e-5).sweeps
    assert len(lrs) == len(losses) == 100
    assert not more


def test_the_plot_shows_the_lowest_loss_and_not_the_explosion() -> None:
    curve = learner(optimizer="sgd").lr_find(end=1e4)
    losses = curve.sweeps[0][1]
    low, high = curve.plot().get_ylim()
    assert low < min(losses) < high < max(losses)


def test_the_plot_of_a_flat_curve_has_a_range() -> None:
    rates = np.logspace(-7, 1, 100).tolist()
    low, high = summarise([(rates, [2.0] * 100)]).plot().get_ylim()
    assert 0 < high - low < 1e-5


def test_a_curve_shows_its_suggestions_and_not_its_hundred_points() -> None:
    shown = repr(summarise([bowl()]))
    assert "suggestions=" in shown
    assert "sweeps=" not in shown
    assert "ranges=" not in shown
