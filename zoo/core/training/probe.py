"""The linear probe: logistic (or ridge) regression on the frozen body's features.

It is the yardstick of transfer, and where fine-tuning starts from: a head that is fitted before the
body moves keeps the pretrained features whole (Kumar et al. 2022, "Fine-Tuning can Distort
Pretrained Features", sec. 3: LP-FT).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from torch import Tensor, nn

from zoo.core.budget import Budget
from zoo.core.task import Task

Floats = NDArray[np.float32]
Line = tuple[NDArray[Any], NDArray[Any]]
"""Slopes (n_out, d) and biases (n_out,)."""

PENALTY: Final = 0.1  # times half the squared weights, beside the mean loss; features standardised
ITERATIONS: Final = 200
SHARED: Final = 100.0  # rows whose scale is that of all features together
SPREAD: Final = 0.5  # of penalties around the first, in powers of ten: ten times off costs 2 nats
PARTS: Final = 5  # on which penalties are compared,
FEW: Final = 3000  # all of them up to so many rows, else the first


def fit(
    features: Floats,
    targets: NDArray[Any],
    task: Task,
    n_out: int,
    penalties: Sequence[float] = (PENALTY,),
    time: Budget | None = None,
) -> tuple[Floats, Floats]:
    """Weights (n_out, d) and biases (n_out,) of a linear layer on the features.

    Args:
        features: one row of features per example. Shape: (n, d).
        targets: numbers of classes (n,), integers; labels (n, n_labels) of 0 and 1; or numbers
            (n,). A class without an example is less likely than all others.
        task: its `weights` count, and its `encode` tells the outputs that numbers stand for.
        n_out: number of outputs.
        penalties: of several the one is taken whose loss on folds is least, shrunk to the first,
            which is taken where rows are too few.
        time: that comparing them may take.
    """
    penalty = best_penalty(features, targets, task, n_out, penalties, time)
    mean, scale = features.mean(0, dtype=np.float64), scales(features)
    x = (features - mean) / scale
    weights = None if task.weights is None else task.weights.numpy(force=True)
    if targets.ndim == 2:
        each = np.ones(n_out) if weights is None else weights
        pairs = zip(targets.T, each, strict=True)
        lines = [_presence(x, has, weight, penalty) for has, weight in pairs]
        slopes, biases = (np.stack(part) for part in zip(*lines, strict=True))
    elif are_classes(targets):
        counts = None if weights is None else weights[targets]
        slopes, biases = _softmax(x, targets, counts, n_out, penalty)
    else:
        ridge = Ridge(alpha=penalty * len(x))
        ridge.fit(x, targets if task.encode is None else task.encode(targets))
        slopes, biases = np.atleast_2d(ridge.coef_), np.atleast_1d(ridge.intercept_)
    slopes = slopes / scale
    biases = biases - slopes @ mean
    return slopes.astype(np.float32), biases.astype(np.float32)


def scales(features: Floats) -> NDArray[np.float64]:
    """The scale of each feature: its deviation, drawn to that of all where rows are few.

    A few rows tell the deviation of one feature badly, and of one that hardly varies they tell that
    its slope may be endless.

    Shape: (n, d) -> (d,)
    """
    variances, n = features.var(0, dtype=np.float64), len(features)
    shared = (n * variances + SHARED * variances.mean()) / (n + SHARED)
    return np.sqrt(np.where(shared > 0, shared, 1.0))


def decoded(features: Floats, slopes: Floats, biases: Floats, task: Task) -> Tensor:
    """What a probe predicts of features. Shape: (n, d) -> (n, ...)"""
    return task.decode(torch.from_numpy(features @ slopes.T + biases))


def are_classes(targets: NDArray[Any]) -> bool:
    """Whether targets are numbers of classes, one for each row."""
    return targets.ndim == 1 and targets.dtype.kind in "iu"


@torch.no_grad()
def start_head(last: nn.Linear, slopes: Floats, biases: Floats) -> None:
    """Give a head of one linear layer the probe's weights."""
    last.weight.copy_(torch.from_numpy(slopes))
    last.bias.copy_(torch.from_numpy(biases))


def best_penalty(
    features: Floats,
    targets: NDArray[Any],
    task: Task,
    n_out: int,
    penalties: Sequence[float],
    time: Budget | None = None,
) -> float:
    """The penalty with the least loss on rows held out, each class spread over the parts.

    What is minimised is the posterior's logarithm, with a normal prior around the first one. Where
    time is over, the parts until then decide.
    """
    n = len(targets)
    if len(penalties) == 1 or n < 2 * PARTS or task.score is None:
        return penalties[0]
    drawn = np.random.default_rng(0).permutation(n)
    order = np.lexsort((drawn, targets if targets.ndim == 1 else drawn))
    decades = [math.log10(penalty / penalties[0]) for penalty in penalties]
    costs = {p: (d / SPREAD) ** 2 / 2 for p, d in zip(penalties, decades, strict=True)}
    for part in range(PARTS if n <= FEW else 1):
        held = np.sort(order[part::PARTS])
        rest, before = np.setdiff1d(order, held), dict(costs)
        for penalty in penalties:
            if time is not None and time.left <= 0:
                return min(penalties, key=before.__getitem__)
            line = fit(features[rest], targets[rest], task, n_out, (penalty,))
            said = decoded(features[held], *line, task)
            mean, count = task.score(said, torch.from_numpy(targets[held]))
            costs[penalty] += float(mean * count)
    return min(penalties, key=costs.__getitem__)


def _softmax(
    x: Floats, labels: NDArray[Any], weights: NDArray[Any] | None, n_out: int, penalty: float
) -> Line:
    own = np.unique(labels)
    slopes, biases = np.zeros((n_out, x.shape[1])), np.full(n_out, -np.inf)
    if len(own) == 1:
        biases[own] = 0
    else:
        regression = LogisticRegression(C=1 / (penalty * len(x)), max_iter=ITERATIONS)
        regression.fit(x, labels, weights)
        lines, starts = regression.coef_, regression.intercept_
        if len(lines) == 1:  # two classes: scikit-learn keeps the one difference
            lines, starts = (np.concatenate([-one, one]) / 2 for one in (lines, starts))
        slopes[own], biases[own] = lines, starts
    biases[np.isneginf(biases)] = biases[own].min() - np.log(len(x) + 1)
    return slopes, biases


def _presence(x: Floats, has: NDArray[Any], weight: float, penalty: float) -> tuple[Any, float]:
    """Slopes and bias of one label; its prior alone where all rows have it, or none."""
    n = float(has.sum())
    if n in (0.0, float(len(has))):
        return np.zeros(x.shape[1]), float(np.log((n + 0.5) / (len(has) - n + 0.5)))
    regression = LogisticRegression(C=1 / (penalty * len(x)), max_iter=ITERATIONS)
    regression.fit(x, has > 0, np.where(has > 0, weight, 1.0))
    return regression.coef_[0], float(regression.intercept_[0])
