"""From which probability on a photo has a label: tuned on the validation part, kept in the spec.

Each label has a threshold of its own, since the best one for F falls with how well, and how often,
a label is found (Lipton et al. 2014, "Optimal Thresholding of Classifiers to Maximize F1 Measure":
half of the best F score, for true probabilities).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from zoo.vision.classification.model import PhotoLearner
from zoo.vision.classification.task import task_of

GRID: Final = np.arange(0.02, 0.981, 0.02)
WIDTH: Final = 5  # thresholds that an F score is averaged over, since few photos make it jagged


def tune_threshold(learn: PhotoLearner, beta: float | None = None) -> tuple[float, ...]:
    """Take the thresholds with the best F score of each label on the validation part.

    The score there is flattered by it, the less the more photos there are.

    Args:
        learn: a learner for several labels per photo, with a validation part.
        beta: how many times recall counts as precision; None takes the spec's.

    Returns:
        The thresholds, one per label, also in the spec of every model of the learner from now on.

    Raises:
        ValueError: a photo has one class or a number, or there is no validation part.
    """
    spec, valid = learn.data.spec, learn.data.valid
    if spec.task != "multi-label" or valid is None:
        raise ValueError(
            "a threshold must be tuned for several labels per photo on a validation part, got "
            f"task={spec.task!r} and {'a' if valid else 'no'} validation part. Train with "
            "task='multi-label'."
        )
    spec = spec if beta is None else replace(spec, beta=beta)
    truth = torch.cat([batch.target.cpu() for batch in valid.epoch(0)]).numpy()
    best = best_thresholds(learn.predict(valid).numpy(), truth, spec.beta)
    spec = replace(spec, threshold=best)
    learn.set_data(learn.data._replace(spec=spec))
    learn.task = replace(learn.task, metrics=task_of(spec).metrics)
    return best


def best_thresholds(
    probabilities: NDArray[Any], truth: NDArray[Any], beta: float = 1.0
) -> tuple[float, ...]:
    """The threshold of the best F score for each label; .5 for one that no photo has.

    Shape: (N, L) both; L numbers.

    >>> best_thresholds(np.array([[0.1], [0.3], [0.7]]), np.array([[0], [1], [1]]))
    (0.2,)
    """
    scores = np.stack(
        [_f_scores(probabilities >= threshold, truth > 0, beta) for threshold in GRID]
    )
    smooth = uniform_filter1d(scores, WIDTH, axis=0, mode="nearest")
    return tuple(_middle(smooth[:, i]) if truth[:, i].any() else 0.5 for i in range(truth.shape[1]))


def _middle(scores: NDArray[Any]) -> float:
    """Of equally good thresholds the middle one."""
    best = GRID[scores >= scores.max() - 1e-9]
    return round(float(best[len(best) // 2]), 2)


def _f_scores(said: NDArray[np.bool_], truth: NDArray[np.bool_], beta: float) -> NDArray[Any]:
    """F score of each label.

    scikit-learn's `fbeta_score` gives the same for two labels or more, 30 to 40 times as slowly; it
    takes a single label for two classes.

    Shape: both (N, L); result (L,).
    """
    both = (said & truth).sum(0)
    of_all = beta**2 * truth.sum(0) + said.sum(0)
    return np.asarray((1 + beta**2) * both / np.maximum(of_all, 1))
