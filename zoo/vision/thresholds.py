"""From which probability on a photo has a label: tuned on the validation part, kept in the spec."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.core.learner import Learner
from zoo.vision.tasks import task_of

GRID: Final = np.arange(0.02, 0.981, 0.02)


def tune_threshold(learn: Learner, beta: float | None = None) -> float:
    """Take the threshold with the best mean F score over labels on the validation part.

    The score there is flattered by it, the less the more photos there are.

    Args:
        learn: a learner for several labels a photo, with a validation part.
        beta: how many times recall counts as precision; None takes the spec's.

    Returns:
        The threshold, also in the spec of every model of the learner from now on.

    Raises:
        ValueError: a photo has one class or a number, or there is no validation part.
    """
    spec, valid = learn.data.spec, learn.data.valid
    if spec.task != "multi-label" or valid is None:
        raise ValueError(
            "a threshold is for several labels a photo and is tuned on a validation part, however "
            f"task={spec.task!r} and there is {'a' if valid else 'no'} validation part"
        )
    spec = spec if beta is None else replace(spec, beta=beta)
    truth = torch.cat([batch.target.cpu() for batch in valid.epoch(0)]).numpy()
    threshold = best_threshold(learn.predict(valid).numpy(), truth, spec.beta)
    spec = replace(spec, threshold=threshold)
    learn.set_data(learn.data._replace(spec=spec))
    learn.task = replace(learn.task, metrics=task_of(spec).metrics)
    return threshold


def best_threshold(probabilities: NDArray[Any], truth: NDArray[Any], beta: float = 1.0) -> float:
    """The threshold of the best F score, mean over labels; of equal ones the middle.

    **Shape.** (N, L) both.

    >>> best_threshold(np.array([[0.1], [0.3], [0.7]]), np.array([[0], [1], [1]]))
    0.2
    """
    scores = np.array([_f(probabilities >= threshold, truth > 0, beta) for threshold in GRID])
    best = GRID[scores >= scores.max() - 1e-9]
    return round(float(best[len(best) // 2]), 2)


def _f(said: NDArray[np.bool_], truth: NDArray[np.bool_], beta: float) -> float:
    both = (said & truth).sum(0)
    of_all = beta**2 * truth.sum(0) + said.sum(0)
    return float(((1 + beta**2) * both / np.maximum(of_all, 1)).mean())
