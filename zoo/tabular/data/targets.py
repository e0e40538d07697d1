"""The column to predict: classes, or numbers scaled for the network; and back again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pandas.api import types
from torch import Tensor

from zoo.core.messages import SHOWN, quoted, warn
from zoo.tabular.data.encode import Lookup
from zoo.tabular.data.values import (
    FEW,
    Value,
    as_numbers,
    distinct,
    has_kinds,
    is_text,
    key,
    reads_as_number,
    sense,
)
from zoo.tabular.options import Name, TaskName
from zoo.tabular.spec import Category, Spec, Target

CONSTANT: Final = 1e-9  # share of its mean that a target without deviation may be off by
MOSTLY: Final = 0.9  # share of different texts that are numbers, from which on the target is


def task_of_targets(frame: pd.DataFrame, names: Sequence[Name], task: TaskName | None) -> TaskName:
    """The task that the user names, else the one that the targets' values suggest.

    Raises:
        ValueError: the target is numbers written as text, or classes are infinite numbers.
    """
    if task is None:
        task = guess_task(frame[names[0]]) if len(names) == 1 else "regression"
    if task == "classification" and any((distinct(frame[name])[0] < 0).any() for name in names):
        raise ValueError(
            f"classes must be finite, got infinite numbers in {quoted(list(names))}. Leave these "
            "rows out."
        )
    return task


def guess_task(column: pd.Series) -> TaskName:
    """Classification for text, truths, categories and whole numbers with at most 20 values.

    Raises:
        ValueError: the column is text that reads as many numbers, such as "$1,234.50".
    """
    kinds = has_kinds(column)
    if kinds is not None:
        return "classification" if kinds else "regression"
    values = [value for value in distinct(column)[1] if sense(value) is not None]
    numbers = [value for value in values if reads_as_number(value)]
    if len(values) > FEW and len(numbers) > MOSTLY * len(values):
        raise ValueError(
            f"a target of numbers must hold numbers alone, got {len(values)} texts such as "
            f"{numbers[0]!r:.40}. Convert them, for example by pd.to_numeric, or pass "
            "task='classification' if each is a class."
        )
    return "classification"


def labelled(frame: pd.DataFrame, targets: Sequence[Name]) -> NDArray[np.bool_]:
    """Which rows have all their targets; an empty text is none. Shape: (n,)."""
    is_labelled = np.ones(len(frame), dtype=bool)
    for name in targets:
        column = frame[name]
        is_labelled &= column.notna().to_numpy(dtype=bool)
        if is_text(column.dtype) or isinstance(column.dtype, pd.CategoricalDtype):
            codes, values = distinct(column)
            empty = [i for i, value in enumerate(values) if sense(value) is None]
            is_labelled &= ~np.isin(codes, empty)
    return is_labelled


def with_targets(frame: pd.DataFrame, targets: Sequence[Name]) -> pd.DataFrame:
    """The rows that have all targets; one warning counts the others.

    Whole numbers that were floats for their gaps alone are whole again.

    Raises:
        ValueError: there are none.
    """
    is_labelled = labelled(frame, targets)
    if is_labelled.all():
        return frame
    if not is_labelled.any():
        raise ValueError(
            f"learning and scoring need rows with a target, got {quoted(list(targets))} empty in "
            f"all {len(frame)}. Choose another column."
        )
    n = int((~is_labelled).sum())
    message = f"rows must have a target, got {n} of {len(frame)} without. They are left out."
    warn(message)
    rows = frame[is_labelled]
    return rows.astype({name: np.int64 for name in targets if _is_whole(rows[name])})


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
                "a classification must have one target and no logarithm, got "
                f"targets={list(targets)}, {log_target=}. Train a model for each target."
            )
        return (Target(targets[0], _classes(frame[targets[0]], targets[0])),)
    scales = []
    for name in targets:
        numbers = target_numbers(frame[name], name, log_target)
        mean, spread = float(numbers.mean()), float(numbers.std())
        varies = spread > 1e-12 * max(abs(mean), 1e-280)
        if not varies:  # the mean of equal numbers may be none of them
            mean = float(numbers[0])
        scales.append(Target(name, (), mean, spread if varies else still_std(mean)))
    return tuple(scales)


def still_std(mean: float) -> float:
    """The deviation that stands for none, by which a target is known to be still."""
    return CONSTANT * max(abs(mean), CONSTANT)


def is_still(target: Target) -> bool:
    """Whether a regression's target was the same in all training rows."""
    return target.std <= still_std(target.mean)


def target_numbers(column: pd.Series, name: Name, log_target: bool) -> NDArray[np.float64]:
    """A regression's target, or its logarithm. Shape: (n,).

    Raises:
        ValueError: cells are no finite numbers, or have no logarithm.
    """
    numbers = as_numbers(column, name)
    wrong = np.flatnonzero(~np.isfinite(numbers) | ((numbers <= 0) if log_target else False))
    if len(wrong):
        rule = "positive where its logarithm is learnt" if log_target else "finite"
        shown = quoted([float(numbers[row]) for row in wrong[:SHOWN]])
        raise ValueError(
            f"a target must be {rule}, got {shown} in row {column.index[wrong[0]]} and "
            f"{len(wrong) - 1} others of {name!r}. Leave these rows out."
        )
    return np.log(numbers) if log_target else numbers


def encode_targets(frame: pd.DataFrame, spec: Spec) -> Tensor:
    """What the loss compares outputs with.

    Shape: (N,) int64, the classes' numbers; or (N, n_targets) float32, scaled

    Raises:
        ValueError: classes that the model does not know, or numbers as in `target_numbers`.
    """
    if spec.task == "classification":
        target = spec.targets[0]
        codes, values = distinct(frame[target.name])
        lookup = Lookup(Category(target.name, target.classes))
        rows = [lookup.row(value) for value in values]
        unknown = [value for value, row in zip(values, rows, strict=True) if not row]
        unknown += [float("inf")] if (codes < 0).any() else []  # gaps are left out before
        if unknown:
            raise ValueError(
                f"every class must be one of the training rows', got {quoted(unknown)} in "
                f"{target.name!r}, none of {quoted(target.classes)}. Leave these rows out, or have "
                "every class on both sides of the split."
            )
        return torch.from_numpy(np.array(rows, dtype=np.int64)[codes] - 1)
    scaled = [
        (target_numbers(frame[t.name], t.name, spec.log_target) - t.mean) / t.std
        for t in spec.targets
    ]
    return torch.from_numpy(np.stack(scaled, axis=1).astype(np.float32))


def unscaled(scaled: Tensor, spec: Spec) -> Tensor:
    """A regression's targets in the user's units, float64; a still one exactly as it was.

    Shape: (N, n_targets) both.
    """
    means = torch.tensor([t.mean for t in spec.targets], dtype=torch.float64)
    widths = [0.0 if is_still(t) else t.std for t in spec.targets]
    stds = torch.tensor(widths, dtype=torch.float64)
    scaled = scaled.detach().cpu().double()
    moved = scaled * stds
    if 0.0 in widths:  # infinity stays, as an end of an interval
        moved = torch.where(scaled.isinf(), scaled, moved)
    numbers = moved + means
    return numbers.exp() if spec.log_target else numbers


def _classes(column: pd.Series, name: Name) -> tuple[Any, ...]:
    """The different values, sorted: numbers by size, text by letters.

    Of texts that differ in spaces around them alone the first by letters stands for all.
    """
    values = sorted(distinct(column)[1], key=lambda value: (isinstance(value, str), value))
    first: dict[tuple[str, Value], Value] = {}  # of the texts with the same letters
    for value in values:
        first.setdefault(key(value.strip() if isinstance(value, str) else value), value)
    classes = list(first.values())
    if same := [value for value in values if value not in classes]:
        warn(
            f"classes must differ in more than spaces, got {quoted(same)} in {name!r}. They are "
            "counted with the class of the same letters."
        )
    if len(classes) < 2:
        raise ValueError(
            f"a classification must have at least two classes, got {classes=} in {name!r}. Add "
            "rows of another class, or choose another target."
        )
    if len(classes) == len(column) > 2:
        warn(
            f"classes should have several rows, got {len(classes)} rows of a class each in "
            f"{name!r}: nothing can be learnt of them. Choose another target, or "
            "task='regression'."
        )
    return tuple(classes)


def _is_whole(column: pd.Series) -> bool:
    """Whether a column of floats holds whole numbers alone."""
    if not types.is_float_dtype(column.dtype):
        return False
    cells = column.to_numpy(np.float64)
    return bool((np.abs(cells) < 2**53).all() and (cells == np.floor(cells)).all())
