"""The linear probe: logistic (or ridge) regression on the frozen body's features.

It is the yardstick of transfer, and where fine-tuning starts from: a head that is fitted before the
body moves keeps the pretrained features whole (Kumar et al. 2022, "Fine-Tuning can Distort
Pretrained Features", sec. 3: LP-FT).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from zoo.vision.classification.spec import Spec
from zoo.vision.models.classifier import Classifier

Floats = NDArray[np.float32]

PENALTY = 0.1  # times half the squared weights, beside the mean loss; features standardised
ITERATIONS = 200
INSIDE: Final = 0.02  # numbers at the ends of their range count as this share within it


def fit(
    features: Floats, targets: NDArray[Any], spec: Spec, weights: NDArray[Any] | None = None
) -> tuple[Floats, Floats]:
    """Weights (n_out, d) and biases (n_out,) of a linear layer on the features.

    Args:
        features: one row of features per photo. Shape: (N, d).
        targets: as `zoo.vision.data.labels.encoded` gives them; each class must occur.
        spec: the task's spec.
        weights: weights of the classes, or of a label's presence. Shape: (n_classes,).
    """
    scaler = StandardScaler()
    x = scaler.fit_transform(features)
    if spec.task == "multi-label":
        each = np.ones(targets.shape[1]) if weights is None else weights
        lines = [_presence(x, has, weight) for has, weight in zip(targets.T, each, strict=True)]
        slopes, biases = (np.stack(part) for part in zip(*lines, strict=True))
    elif spec.task == "regression":
        slopes, biases = _line(x, targets, spec)
    else:
        slopes, biases = _softmax(x, targets, None if weights is None else weights[targets])
    slopes = slopes / scaler.scale_
    biases = biases - slopes @ scaler.mean_
    return slopes.astype(np.float32), biases.astype(np.float32)


@torch.no_grad()
def start_head(classifier: Classifier, slopes: Floats, biases: Floats) -> None:
    """Give a head of one linear layer the probe's weights."""
    last: Any = classifier.head.layers[-1]
    last.weight.copy_(torch.from_numpy(slopes))
    last.bias.copy_(torch.from_numpy(biases))


def _softmax(x: Floats, labels: NDArray[Any], weights: NDArray[Any] | None) -> tuple[Any, Any]:
    regression = LogisticRegression(C=1 / (PENALTY * len(x)), max_iter=ITERATIONS)
    regression.fit(x, labels, weights)
    slopes, biases = regression.coef_, regression.intercept_
    if len(slopes) == 1:  # two classes: scikit-learn keeps the one difference
        slopes = np.concatenate([-slopes, slopes]) / 2
        biases = np.concatenate([-biases, biases]) / 2
    return slopes, biases


def _presence(x: Floats, has: NDArray[Any], weight: float) -> tuple[Any, float]:
    """Slopes and bias of one label; its prior alone where all photos have it, or none."""
    n = float(has.sum())
    if n in (0.0, float(len(has))):
        return np.zeros(x.shape[1]), float(np.log((n + 0.5) / (len(has) - n + 0.5)))
    regression = LogisticRegression(C=1 / (PENALTY * len(x)), max_iter=ITERATIONS)
    regression.fit(x, has > 0, np.where(has > 0, weight, 1.0))
    return regression.coef_[0], float(regression.intercept_[0])


def _line(x: Floats, numbers: NDArray[Any], spec: Spec) -> tuple[Any, Any]:
    """Numbers as the network's output gives them: scaled, or before the sigmoid of their range."""
    y = (numbers.astype(np.float64) - spec.y_scale[0]) / spec.y_scale[1]
    if spec.y_range is not None:
        low, high = spec.y_range
        share = np.clip((numbers - low) / (high - low), INSIDE, 1 - INSIDE)
        y = np.log(share / (1 - share))
    ridge = Ridge(alpha=PENALTY * len(x)).fit(x, y)
    return np.atleast_2d(ridge.coef_), np.atleast_1d(ridge.intercept_)
