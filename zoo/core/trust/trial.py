"""One learner trained beside rows that it has not seen, and what was measured on them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from zoo.core.model import finished
from zoo.core.run import rank_and_world
from zoo.core.task import rescaled
from zoo.core.training.learner import Learner
from zoo.core.trust.budget import time_to_train
from zoo.core.trust.contest import Contest, scores
from zoo.core.trust.gauge import Gauge, Measured
from zoo.core.trust.rivals import Rival, contest_of, targets_of

LEAST_OF_RIVALS: Final = 0.2  # seconds, beyond a budget: the first rows of each
HELD_OUT: Final = ".held-out.safetensors"  # predictions of rows that decided something

Recipe = Callable[[Any, Sequence[Any]], Tensor | None]
"""(learner, validated learners of the same call, before all rows are trained on): trains it.

If the held-out rows decided something on the way, it returns predictions of them that this does not
flatter, decoded, in the order of the validation batches."""

Difficulty = Callable[[Any], NDArray[np.float64]]
"""From a learner to how hard each of its validation rows is to predict. Shape: (n,)"""

Rivals = Callable[[Any], Sequence[Rival[Any]]]
"""From a learner to the rivals that suit its data."""


@dataclass
class Trial:
    """What was measured of a learner.

    Attributes:
        learn: the learner.
        metrics: scores of the network alone; empty if it is not kept apart and chose nothing.
        contest: with its rivals; None where nothing can be compared.
        partners: fitted partners by name.
        measured: how strange the held-out rows are; None if nobody measures it.
        seconds: that it took.
    """

    learn: Learner[Any, Any]
    metrics: dict[str, float]
    contest: Contest | None = None
    partners: dict[str, nn.Module] = field(default_factory=dict)
    measured: Measured | None = None
    seconds: float = 0.0


def trial_of(
    learn: Learner[Any, Any],
    recipe: Recipe,
    rivals: Rivals | None,
    *,
    apart: bool,
    in_folds: bool,
    everything: bool,
    unscored: dict[str, float] | None,
    gauge: Gauge | None = None,
    difficulty: Difficulty | None = None,
) -> Trial:
    """Train a learner and compare it with its rivals.

    Args:
        learn: the learner.
        recipe: trains it.
        rivals: those to compare it with; None if there are none.
        apart: whether it is only measured, not yet the model.
        in_folds: whether it is one of several folds, whose predictions are kept.
        everything: whether rivals that pay in long calls alone take part too.
        unscored: see `zoo.core.trust.judge.train_and_judge`.
        gauge: what measures how strange rows are; None if the domain has none.
        difficulty: what says how hard rows are to predict; None if the domain does not.
    """
    started = time.perf_counter()
    with time_to_train(learn, has_rivals=rivals is not None):
        said = _remembered(learn, recipe(learn, ()))
    valid, task = learn.data.valid, learn.task
    metrics = finished(learn, unscored).metrics if apart and not learn.interrupted else {}
    if said is not None and valid is not None:
        metrics = scores(task, said, targets_of(valid))
    trial = Trial(learn, metrics)
    if gauge is not None and valid is not None and not learn.interrupted:
        trial.measured = gauge.of_held_out(learn)
    some = rivals(learn) if rivals else ()
    if learn.shortened:  # there is no time for those that only compare
        some = [one for one in some if one.blends]
    keeps = in_folds and learn.data.origin is not None
    if learn.interrupted or valid is None or task.score is None or not (some or keeps):
        return trial
    trial.contest, trial.partners = contest_of(
        learn.predict(valid) if said is None else said,
        learn.data,
        some,
        task,
        learn.device,
        lasted=time.perf_counter() - started,
        seed=learn.run.seed,
        everything=everything,
        most=_time_of_rivals(learn),
    )
    if difficulty is not None:
        trial.contest.difficulty = difficulty(learn)
    return trial


def _time_of_rivals(learn: Learner[Any, Any]) -> float:
    """Seconds that rivals may take; some in any case where the network may have learnt nothing."""
    if learn.budget is None:
        return math.inf
    return max(learn.budget.left, LEAST_OF_RIVALS if learn.shortened else 0.0)


def joined(contests: Sequence[Contest]) -> Contest:
    """The contests of all folds as one, in the units of the first: each fold scales by its own."""
    task = contests[0].task
    return Contest.joined(
        [
            replace(
                one,
                task=task,
                target=rescaled(one.target, one.task, task),
                predictions={n: rescaled(p, one.task, task) for n, p in one.predictions.items()},
            )
            for one in contests
        ]
    )


def over_folds(trials: Sequence[Trial], contest: Contest | None) -> dict[str, Any]:
    """Mean and spread of the scores over folds, and a prediction for each row.

    A metric is the mean of its values on the folds, as scikit-learn's `cross_val_score` has it; of
    one that is no mean over rows, such as RMSE, the value on the rows of all folds is another
    (RMSE: never lower). That one follows from the predictions, and stands in the table of rivals.
    """
    each = [trial.metrics for trial in trials]
    if contest is not None and contest.mixture:
        each = contest.by_part(contest.returned)
    each = [metrics for metrics in each if metrics]  # a fold without new rows has none
    record: dict[str, Any] = {"metrics": {}, "spread": {}}
    for name in each[0] if each else ():
        values = [one[name] for one in each]
        record["metrics"][name] = float(np.mean(values))
        record["spread"][name] = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    origins = [
        trial.learn.data.origin
        for trial in trials
        if trial.contest is not None and trial.learn.data.origin is not None
    ]
    if contest is None or sum(len(one.valid) for one in origins) != len(contest.returned):
        return record
    names = origins[0].names
    predictions = torch.full((len(names), *contest.returned.shape[1:]), torch.nan)
    rows = torch.from_numpy(np.concatenate([one.valid for one in origins]))
    predictions[rows] = contest.returned
    return record | {"out_of_fold": (predictions, names, contest.task)}


def _remembered(learn: Learner[Any, Any], said: Tensor | None) -> Tensor | None:
    """What a recipe says of the held-out rows; of a run that had finished, what it said then."""
    if learn.run.out is None:
        return said
    path = Path(learn.run.out) / HELD_OUT
    if learn.state.is_finished:
        return load_file(path)["predictions"] if path.exists() else None
    if said is not None and rank_and_world()[0] == 0:
        save_file({"predictions": said.contiguous()}, path)
    return said
