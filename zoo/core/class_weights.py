"""How much each class counts in the loss, where classes are not equally frequent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from numbers import Real
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.core.messages import few

ClassWeights = Literal["balanced"] | Mapping[Any, float]
"""By class; "balanced" weighs each by the inverse of its frequency, their mean over rows 1."""


def class_weights(
    chosen: ClassWeights | None,
    n_each: NDArray[Any],
    n_rows: int,
    classes: Sequence[Any],
    *,
    several: bool,
) -> Tensor | None:
    """How much each class, or the presence of each label, counts. Shape: (n_classes,).

    Args:
        chosen: what the user says; None for no weights.
        n_each: training rows of each class. Shape: (n_classes,).
        n_rows: training rows in all.
        classes: the classes, in the order of the outputs.
        several: whether a row has any number of classes.

    Raises:
        ValueError: there are unknown classes, or weights that are not positive.

    >>> class_weights("balanced", np.array([3, 1]), 4, ["no", "yes"], several=False)
    tensor([0.6667, 2.0000])
    """
    if chosen is None:
        return None
    if isinstance(chosen, str):
        n = n_each.clip(1)
        balanced = n_rows / n - 1 if several else n_rows / n / len(n)
        return torch.from_numpy(balanced.clip(1e-3).astype(np.float32))
    unknown = [name for name in chosen if name not in classes]
    wrong = {name: w for name, w in chosen.items() if not _is_weight(w)}
    if unknown or wrong:
        raise ValueError(
            "every class weight must be positive and of a class, got "
            f"{few(unknown) or wrong}. Classes are {few(classes)}."
        )
    return torch.tensor([float(chosen.get(name, 1.0)) for name in classes])


def _is_weight(value: Any) -> bool:
    return isinstance(value, Real) and 0 < float(value) < inf
