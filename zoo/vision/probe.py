"""The linear probe: logistic regression on the frozen body's features.

It is the yardstick of transfer, and where fine-tuning starts from: a head that is fitted before the
body moves keeps the pretrained features whole (Kumar et al. 2022, "Fine-Tuning can Distort
Pretrained Features", sec. 3: LP-FT).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from zoo.core import loop
from zoo.core.batches import Batch
from zoo.core.task import Task
from zoo.vision.models.classifier import Classifier
from zoo.vision.models.head import pooled

Floats = NDArray[np.float32]

PENALTY = 0.1  # times half the squared weights, beside the mean loss; features standardised
ITERATIONS = 200


class Features(nn.Module):
    """The body with the head's pooling. Shape: (B, 3, H, W) -> (B, d)."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, x: Tensor) -> Tensor:
        """Pooled features."""
        head, features = self.classifier.head, self.classifier.features(x)
        return pooled(features, head.pool) if head.spatial else features


def extract(
    classifier: Classifier,
    batches: Iterable[Batch],
    device: torch.device,
    dtype: torch.dtype | None = None,
) -> tuple[Floats, NDArray[np.int64]]:
    """Features and labels of all photos. Shape: (N, d) and (N,)."""
    features: list[Tensor] = []
    labels: list[Tensor] = []

    def see(outputs: Sequence[Any], mean: Tensor, target: Tensor) -> None:
        features.append(mean.cpu())
        labels.append(target.cpu())

    loop.predict_batches([Features(classifier)], batches, _PLAIN, device, dtype, see)
    return torch.cat(features).numpy(), torch.cat(labels).numpy()


def with_mirrored(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Each batch as it is, and once more with its photos mirrored."""
    for batch in batches:
        yield batch
        yield batch._replace(inputs=tuple(x.flip(-1) for x in batch.inputs))


def fit(features: Floats, labels: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Weights (n_classes, d) and biases (n_classes,) of a softmax layer on the features.

    Classes are the labels 0 to their largest; each must occur.
    """
    scaler = StandardScaler()
    regression = LogisticRegression(C=1 / (PENALTY * len(features)), max_iter=ITERATIONS)
    regression.fit(scaler.fit_transform(features), labels)
    weights, biases = regression.coef_, regression.intercept_
    if len(weights) == 1:  # two classes: scikit-learn keeps the one difference
        weights = np.concatenate([-weights, weights]) / 2
        biases = np.concatenate([-biases, biases]) / 2
    weights = weights / scaler.scale_
    biases = biases - weights @ scaler.mean_
    return weights.astype(np.float32), biases.astype(np.float32)


@torch.no_grad()
def start_head(classifier: Classifier, features: Floats, labels: NDArray[np.int64]) -> None:
    """Give a head of one linear layer the probe's weights."""
    weights, biases = fit(features, labels)
    last = classifier.head.layers[-1]
    assert isinstance(last, nn.Linear)
    last.weight.copy_(torch.from_numpy(weights))
    assert last.bias is not None
    last.bias.copy_(torch.from_numpy(biases))


_PLAIN = Task(loss=lambda output, target: (output.mean(), 1), decode=lambda output: output)
