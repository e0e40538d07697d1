"""What a fine-tuned model is compared with: answering always alike, and what it started from."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from zoo.core.batches import Data
from zoo.core.training.shares import Weights
from zoo.core.trust.rivals import Rival
from zoo.vision.classification import probe
from zoo.vision.classification.model import PhotoLearner
from zoo.vision.classification.spec import Spec


class Constant(nn.Module):
    """The same output for every photo.

    Shape: (B, ...) -> (B, n_out)
    """

    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.register_buffer("value", value)

    def forward(self, x: Tensor) -> Tensor:
        """The constant, once for each photo."""
        value: Any = self.value
        return torch.as_tensor(value).expand(len(x), -1)


def rivals_of(learn: PhotoLearner, first: Weights | None) -> Sequence[Rival[Spec]]:
    """The rivals of a trained learner; they only compare, for their share is one of weights.

    Args:
        learn: the learner.
        first: weights that it started from, if they could answer already: those of the linear
            probe, or of the pretrained model.
    """
    some = [Rival("constant", _constant, blends=False)]
    if first is None:
        return some
    model: Any = learn.model

    def as_it_was(data: Data[Spec], seconds: float) -> nn.Module:
        network: nn.Module = copy.deepcopy(model)
        network.load_state_dict(first)
        return network.eval()

    is_probe = model.head.hidden is None and not model.trained
    name = "linear probe" if is_probe else "before fine-tuning"
    return [*some, Rival(name, as_it_was, blends=False)]


def _constant(data: Data[Spec], seconds: float) -> Constant:
    """Shares of the classes, of photos that have each label, or the mean: a probe of nothing."""
    photos: Any = data.train
    targets = photos.photos.targets.numpy()
    nothing = np.zeros((len(targets), 1), np.float32)
    return Constant(torch.from_numpy(probe.fit(nothing, targets, data.spec)[1]))
