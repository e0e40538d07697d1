"""How much each training row counts, by a column of weights and by its class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.core.messages import few
from zoo.data.table import require_columns
from zoo.tabular.data.encode import Lookup
from zoo.tabular.data.values import as_numbers
from zoo.tabular.options import Name
from zoo.tabular.spec import Category, Spec

LEAST: Final = 1e-7  # share of a class that an output starts at

ClassWeights = Literal["balanced"] | Mapping[Any, float]


def row_weights(frame: pd.DataFrame, name: Name) -> NDArray[np.float64]:
    """The cells of a column of weights. Shape: (n,).

    Raises:
        ValueError: the column lacks, some are below 0 or no finite numbers, or all are 0.
    """
    require_columns(frame, [name], "the column of weights")
    weights = as_numbers(frame[name], name)
    wrong = weights[~(np.isfinite(weights) & (weights >= 0))]
    if len(wrong) or not weights.any():
        raise ValueError(
            f"weights must be finite, 0 or more, and not all 0, got {few(wrong.tolist()) or '0'} "
            f"in {len(wrong) or len(weights)} of {len(weights)} rows of {name!r}. Correct them."
        )
    return weights


def weights_of(
    weights: NDArray[np.float64] | None, classes: ClassWeights | None, target: Tensor, spec: Spec
) -> Tensor | None:
    """How much each row counts, 1 on average; None if all count alike. Shape: (N,), float32.

    Args:
        weights: the rows' own, all above 0. Shape: (N,).
        classes: those of their classes, which multiply.
        target: the rows' targets, as `encode_targets` gives them.
        spec: says which classes there are.

    Raises:
        ValueError: a class is unknown, or its weight not positive.
    """
    if weights is None and classes is None:
        return None
    each = np.ones(len(target)) if weights is None else weights / weights.mean()
    if classes is not None:
        each = each * _of_classes(classes, target.numpy(), each, spec)
    return torch.from_numpy((each / each.mean()).astype(np.float32))


def _of_classes(
    chosen: ClassWeights, target: NDArray[np.int64], weights: NDArray[np.float64], spec: Spec
) -> NDArray[np.float64]:
    """The weight of each row's class. Shape: (N,)."""
    by_class = np.ones(len(spec.classes))
    if isinstance(chosen, str):
        by_class = 1 / np.bincount(target, weights, len(spec.classes)).clip(1e-12)
    else:
        lookup = Lookup(Category(spec.targets[0].name, spec.targets[0].classes))
        rows = {name: lookup.row(name) for name in chosen}
        wrong = {k: w for k, w in chosen.items() if not rows[k] or not 0 < w < np.inf}
        if wrong:
            raise ValueError(
                "every class weight must be positive and of a class, got "
                f"{wrong}. Classes are {few(spec.classes)}."
            )
        by_class[[row - 1 for row in rows.values()]] = list(chosen.values())
    return by_class[target]


def start_of(target: Tensor, weights: Tensor, spec: Spec) -> Tensor:
    """The output that fits the rows best where nothing else is known of them. Shape: (n_out,)

    Logarithms of the classes' shares, or means of scaled targets, by weight. A network that starts
    there need not reach them against batch norms, which know no weights.
    """
    if spec.task == "regression":
        return (target * weights.unsqueeze(1)).sum(0) / weights.sum()
    counts = torch.bincount(target, weights, minlength=spec.n_out)
    return (counts / counts.sum()).clamp(min=LEAST).log()


def with_weights(target: Tensor, weights: Tensor | None) -> Tensor:
    """Targets that carry their rows' weights, as one more column of float32; as they are if None.

    Shape: (N, 1 + n_targets), or (N, 2) of classes
    """
    if weights is None:
        return target
    columns = target.unsqueeze(1) if target.dim() == 1 else target
    return torch.cat([columns.float(), weights.unsqueeze(1)], 1)


def without_weights(target: Tensor, spec: Spec) -> tuple[Tensor, Tensor | None]:
    """The targets as `encode_targets` gives them, and the weights that they carry, if any."""
    if spec.task == "classification":
        return (target, None) if target.dim() == 1 else (target[:, 0].long(), target[:, 1])
    n = len(spec.targets)
    return (target, None) if target.shape[1] == n else (target[:, :n], target[:, n])
