"""The column to predict: classes, or numbers scaled for the network; and back again."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pandas.api import types
from torch import Tensor

from zoo.tabular.encode import look_up, row_numbers
from zoo.tabular.spec import Category, Spec, Target, TaskName
from zoo.tabular.tables import Name, few
from zoo.tabular.values import as_numbers, distinct, kind_of

FEW_CLASSES: Final = 20  # different whole numbers that are still classes


def guess_task(column: pd.Series) -> TaskName:
    """Classification for text, truths, categories and whole numbers with at most 20 values."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype) or types.is_bool_dtype(dtype):
        return "classification"
    if types.is_integer_dtype(dtype):
        return "classification" if int(column.nunique()) <= FEW_CLASSES else "regression"
    if types.is_numeric_dtype(dtype) or kind_of(column) != "number":
        return "regression"
    numeric = types.infer_dtype(column, skipna=True) in (
        "decimal",
        "floating",
        "mixed-integer-float",
    )
    return "regression" if numeric else "classification"


def with_targets(frame: pd.DataFrame, targets: Sequence[Name]) -> pd.DataFrame:
    """The rows whose targets are known; one warning counts the others.

    Raises:
        ValueError: there are none.
    """
    known = frame[list(targets)].notna().all(axis=1).to_numpy(dtype=bool)
    if known.all():
        return frame
    if not known.any():
        raise ValueError(
            f"learning needs rows with a target, however {few(list(targets))} is empty in all "
            f"{len(frame)}; choose another column"
        )
    n = int((~known).sum())
    message = f"rows need a target to be learnt, however {n} of {len(frame)} have none; left out"
    warnings.warn(message, stacklevel=4)
    return frame[known]


def fit_targets(
    frame: pd.DataFrame, targets: Sequence[Name], task: TaskName, *, log_target: bool = False
) -> tuple[Target, ...]:
    """Classes, or mean and deviation, of the targets in the training rows.

    Raises:
        ValueError: one class alone, several targets of a classification, cells that are no finite
            numbers, or none that has a logarithm.
    """
    if task == "classification":
        if len(targets) > 1 or log_target:
            raise ValueError(
                "a classification has one target and no logarithm, however "
                f"targets={list(targets)}, {log_target=}; train a model for each"
            )
        return (Target(targets[0], _classes(frame[targets[0]], targets[0])),)
    found = []
    for name in targets:
        numbers = target_numbers(frame[name], name, log_target)
        spread = float(numbers.std())
        tiny = 1e-12 * max(abs(float(numbers.mean())), 1e-280)
        found.append(Target(name, (), float(numbers.mean()), spread if spread > tiny else 1.0))
    return tuple(found)


def target_numbers(column: pd.Series, name: Name, log_target: bool) -> NDArray[np.float64]:
    """A regression's target, or its logarithm. Shape: (n,).

    Raises:
        ValueError: cells are no finite numbers, or have no logarithm.
    """
    numbers = as_numbers(column, name)
    wrong = np.flatnonzero(~np.isfinite(numbers) | ((numbers <= 0) if log_target else False))
    if len(wrong):
        rule = "is a positive number where its logarithm is learnt" if log_target else "is finite"
        raise ValueError(
            f"a target {rule}, however row {wrong[0]} and {len(wrong) - 1} others of {name!r} have "
            f"{few([float(numbers[row]) for row in wrong])}; leave these rows out"
        )
    return np.log(numbers) if log_target else numbers


def encode_targets(frame: pd.DataFrame, spec: Spec) -> Tensor:
    """What the loss compares outputs with.

    **Shape.** (N,) int64, the classes' numbers; or (N, n_targets) float32, scaled.

    Raises:
        ValueError: classes that the model does not know, or numbers as in `target_numbers`.
    """
    if spec.task == "classification":
        target = spec.targets[0]
        codes, values = distinct(frame[target.name])
        rows = row_numbers(Category(target.name, target.classes))
        unknown = [value for value in values if not look_up(value, rows)]
        if unknown:
            raise ValueError(
                f"every class must be one of the training rows', however {few(unknown)} of "
                f"{target.name!r} are none of {few(target.classes)}; leave these rows out, or "
                "have every class on both sides of the split"
            )
        numbers = np.array([look_up(value, rows) - 1 for value in values], dtype=np.int64)
        return torch.from_numpy(numbers[codes])
    scaled = [
        (target_numbers(frame[t.name], t.name, spec.log_target) - t.mean) / t.std
        for t in spec.targets
    ]
    return torch.from_numpy(np.stack(scaled, axis=1).astype(np.float32))


def unscaled(scaled: Tensor, spec: Spec) -> Tensor:
    """A regression's targets in the user's units, float64. Shape: (N, n_targets) both."""
    means = torch.tensor([t.mean for t in spec.targets], dtype=torch.float64)
    stds = torch.tensor([t.std for t in spec.targets], dtype=torch.float64)
    numbers = scaled.detach().cpu().double() * stds + means
    return numbers.exp() if spec.log_target else numbers


def _classes(column: pd.Series, name: Name) -> tuple[Any, ...]:
    """The different values, sorted: numbers by size, text by letters."""
    values = [value for value in distinct(column)[1] if value is not None]
    if len(values) < 2:
        raise ValueError(
            f"telling classes apart needs at least two, however {name!r} has classes={values}; "
            "add rows of another, or choose another target"
        )
    return tuple(sorted(values, key=lambda value: (isinstance(value, str), value)))
