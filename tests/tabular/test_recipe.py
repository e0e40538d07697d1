"""How long a network for tables trains."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from tests.tabular.small import RUN, learner, table
from zoo.tabular import recipe
from zoo.tabular.verbs import learner as make_learner

ENDS = [*itertools.accumulate([4, 8, 16, 32])]


def noise(n: int = 60) -> pd.DataFrame:
    """Numbers that tell nothing of the target."""
    numbers = np.random.default_rng(0).normal(size=(n, 4))
    return pd.DataFrame(numbers, columns=["a", "b", "c", "y"])


def test_training_ends_after_a_cycle_that_did_not_help_with_the_best_weights() -> None:
    learn = make_learner(noise(), "y", run=RUN, layers=(16,))
    recipe.fit(learn, None, 1e-2)
    losses = [row["valid_loss"] for row in learn.history.rows]
    ends = [losses[end - 1] for end in ENDS if end <= len(losses)]
    assert len(losses) in ENDS
    assert len(losses) < ENDS[-1], "noise is learnt by heart before the last cycle"
    assert learn.evaluate()["loss"] == pytest.approx(min(ends))
    assert recipe.best_cycle(learn, [4, 8, 16, 32]) == ends.index(min(ends)) + 1


def test_on_all_rows_training_has_the_passes_that_were_best() -> None:
    first = make_learner(noise(), "y", run=RUN, layers=(16,))
    recipe.fit(first, None, 1e-2)
    best = recipe.best_cycle(first, [4, 8, 16, 32])
    whole = make_learner(noise(), "y", run=RUN, layers=(16,), valid_fraction=0)
    recipe.fit(whole, None, 1e-2, like=[first])
    assert len(whole.history.rows) == ENDS[best - 1]
    assert whole.history.lrs[-1] < 1e-3, "the last cycle ends"


def test_stated_epochs_are_one_cycle_and_without_held_out_rows_training_is_short() -> None:
    learn, twin = learner(table(100)), learner(table(100))
    recipe.fit(learn, 2, 1e-2)
    twin.fit_one_cycle(2, 1e-2)
    assert learn.history.losses == twin.history.losses
    alone = learner(table(100), valid_fraction=0)
    recipe.fit(alone, None, 1e-2)
    assert len(alone.history.rows) == 12


def test_classes_are_learnt_with_more_dropout_than_numbers_and_many_numbers_without() -> None:
    frame = table(60)
    networks = [
        make_learner(frame, target, run=RUN, **more).model
        for target in ("bought", "amount")
        for more in ({}, {"dropout": 0.2}, {"model": "tabm"})
    ]
    assert [net.settings["dropout"] for net in networks] == [0.3, 0.2, 0.1, 0.1, 0.2, 0.1]
    many = pd.DataFrame({"x": np.arange(12_600.0), "y": np.arange(12_600.0)})
    assert make_learner(many, "y", run=RUN).model.settings["dropout"] == 0.0
