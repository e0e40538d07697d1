"""What tables and data sets say of their photos: a class, several labels or a number each.

The data decide what is asked: lists, or cells with a separator, are several labels; numbers that
are not all whole are to be estimated; all else names a class. `LabelOptions` say otherwise.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from zoo.core.fitters import is_text
from zoo.core.messages import few
from zoo.vision.option_names import TaskName

Label = str | tuple[str, ...] | float
"""Of a photo: its class, its labels, or its number."""

Targets = NDArray[Any]
"""Labels as `encoded` gives them. Shape: (n,) or (n, n_classes)."""

_LISTS = (list, tuple, set, np.ndarray)
SEPARATORS: Final = ("|", ";")  # that are found without being told: no name of a class has them
STRATA: Final = 10  # ranges of numbers that both sides of a split get their share of


@dataclass(frozen=True)
class LabelOptions:
    """What the user says of the labels; None leaves it to the data.

    Attributes:
        task: what is asked of a photo.
        separator: text between the labels in a cell.
        y_range: lowest and highest number.
        beta: how many times recall counts as precision in F scores.

    Raises:
        ValueError: settings belong to different tasks, or a separator or range is none.
    """

    task: TaskName | None = None
    separator: str | None = None
    y_range: tuple[float, float] | None = None
    beta: float | None = None

    def __post_init__(self) -> None:
        tasks = {"multi-label": self.separator, "regression": self.y_range}
        stated = {self.task, *(task for task, value in tasks.items() if value is not None)} - {None}
        if len(stated) > 1:
            raise ValueError(
                "separator must be for several labels and y_range for numbers, got "
                f"task={self.task!r}, separator={self.separator!r}, y_range={self.y_range}. Leave "
                "out what belongs to another task."
            )
        if self.separator == "":
            raise ValueError("separator must be some text, got separator=''. Try separator='|'.")
        low, high = self.y_range or (0, 1)
        if not -math.inf < low < high < math.inf:
            raise ValueError(
                f"y_range must be two finite numbers, the lower first, got y_range={self.y_range}. "
                "Give such as (0, 10)."
            )

    @property
    def settled(self) -> TaskName | None:
        """The task, as far as the user has settled it."""
        if self.separator is not None:
            return "multi-label"
        return "regression" if self.y_range is not None else self.task

    def task_fields(self, task: TaskName, labels: Sequence[Targets]) -> dict[str, Any]:
        """What the model's spec says of the task, by name.

        Args:
            task: what the labels ask.
            labels: those of the training part, then of other parts, as `encoded` gives them.

        Raises:
            ValueError: numbers lie outside the range.
        """
        fields: dict[str, Any] = {"task": task, "separator": self.separator}
        if self.beta is not None:
            fields["beta"] = float(self.beta)
        if task != "regression":
            return fields
        if self.y_range is not None:
            (low, high), numbers = self.y_range, np.concatenate(labels)
            if numbers.min() < low or numbers.max() > high:
                raise ValueError(
                    f"all numbers must lie within y_range, got {numbers.min():g} to "
                    f"{numbers.max():g} for y_range={self.y_range}. Widen it, best by a tenth."
                )
            fields["y_range"] = (float(low), float(high))
        spread = float(labels[0].std())
        return fields | {"y_scale": (float(labels[0].mean()), spread if spread > 0 else 1.0)}


ANY_LABELS: Final = LabelOptions()


def read(cells: pd.Series, options: LabelOptions) -> list[Label]:
    """The labels in a table's column, without spaces around them.

    Raises:
        ValueError: cells are no finite numbers where numbers are asked for, some are lists and
            others not, or lists where one label is asked for.
    """
    task, separator = options.settled, options.separator
    is_list = cells.map(lambda cell: isinstance(cell, _LISTS)).astype(bool)
    lists = bool(len(cells)) and bool(is_list.all())
    if is_list.any() and (not lists or task not in (None, "multi-label")):
        odd = int(np.flatnonzero(~is_list)[0]) if not lists else 0
        raise ValueError(
            "several labels of a photo must be a list in every row, for task='multi-label', but "
            f"row {odd} of {cells.name!r} has {cells.iloc[odd]!r:.60}, got {task=}. Give an empty "
            "list to a photo without labels."
        )
    if separator is None and not lists and task in (None, "multi-label"):
        separator = next((mark for mark in SEPARATORS if _has(cells, mark)), None)
    if task == "multi-label" or (task is None and (lists or separator)):
        return [_several(cell, separator) for cell in cells]
    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    finite = np.isfinite(numbers)
    if task == "regression" or (task is None and finite.all() and (numbers % 1).any()):
        if not finite.all():
            row = int(np.flatnonzero(~finite)[0])
            raise ValueError(
                f"every photo must have a finite number to be estimated, but row {row} of "
                f"{cells.name!r} has {cells.iloc[row]!r}, got {int((~finite).sum())} such rows. "
                "Correct them, or name another task."
            )
        return numbers.tolist()
    if pd.api.types.is_float_dtype(cells) and (numbers % 1 == 0).all():
        cells = cells.astype(int)  # a pandas column that once had gaps: 1.0 is class 1
    return [_name(cell) for cell in cells]


def task_of(labels: Sequence[Label]) -> TaskName:
    """What labels of this kind ask."""
    first = labels[0] if labels else ""
    if isinstance(first, tuple):
        return "multi-label"
    return "regression" if isinstance(first, float) else "classification"


def classes_of(labels: Sequence[Label]) -> tuple[str, ...]:
    """The different names, sorted; none of numbers.

    Raises:
        ValueError: there is one class alone, or no label.
    """
    task = task_of(labels)
    if task == "regression":
        return ()
    classes = tuple(sorted({name for label in labels for name in _names(label)}))
    if damaged := [name for name in classes if not is_text(name)]:
        raise ValueError(
            f"the name of a class must be whole characters, got {damaged[0]!r}. Rename the folder "
            "or label."
        )
    if task == "classification" and len(classes) < 2:
        raise ValueError(f"classes must be two or more, got {classes=}. Add photos of another.")
    if not classes:
        raise ValueError(
            f"some photos must have labels, got {len(labels)} photos without any. Check the column."
        )
    return classes


def encoded(labels: Sequence[Label], classes: Sequence[str], rule: str) -> Targets:
    """What the loss compares outputs with.

    Shape: (n,) int64, numbers of the classes; (n, n_classes) float32, 1 for a label that the
    photo has; or (n,) float32, the numbers.

    Args:
        labels: the photos' labels.
        classes: the known classes.
        rule: what a message says of unknown ones.

    Raises:
        ValueError: a class is unknown.
    """
    task, number = task_of(labels), {name.strip(): i for i, name in enumerate(classes)}
    number |= {name: i for i, name in enumerate(classes)}  # of models of spaces around names, too
    if task == "regression":
        return np.array(labels, dtype=np.float32)
    if unknown := sorted({name for label in labels for name in _names(label)} - set(number)):
        raise ValueError(
            f"{rule}, got {few(unknown)}. Known are {few(list(classes))}: rename or remove others."
        )
    if task == "classification":
        return np.array([number[str(label)] for label in labels], dtype=np.int64)
    has = np.zeros((len(labels), len(classes)), dtype=np.float32)
    for row, label in enumerate(labels):
        has[row, [number[name] for name in _names(label)]] = 1
    return has


def strata(labels: Sequence[Label], fraction: float) -> NDArray[np.int64]:
    """Groups that a split shares out: classes, rarest labels, or ranges of numbers. Shape: (n,)."""
    task = task_of(labels)
    if task == "regression":
        ranks = np.argsort(np.argsort(np.array(labels), kind="stable"), kind="stable")
        n = min(max(int(len(labels) * fraction), 1), STRATA)
        return np.asarray(ranks * n // max(len(labels), 1), dtype=np.int64)
    counts = Counter(name for label in labels for name in _names(label))
    rarest = [min(_names(label), key=lambda n: (counts[n], n), default="") for label in labels]
    return np.unique(rarest, return_inverse=True)[1].astype(np.int64)


def counts(values: Targets, n_classes: int) -> NDArray[np.int64]:
    """How many photos have each class or label, from `encoded`. Shape: (n_classes,)."""
    if values.ndim == 2:
        return np.asarray(values.sum(0), dtype=np.int64)
    return np.bincount(values, minlength=n_classes)


def absent(values: Targets, classes: Sequence[str]) -> list[str]:
    """The classes that no photo has, from `encoded`; none of numbers."""
    n_each = counts(values, len(classes)) if classes else ()
    return [name for name, n in zip(classes, n_each, strict=True) if n == 0]


def of_items(labels: Iterable[Any], task: TaskName | None) -> Targets:
    """What a data set says of its images: numbers of classes, vectors of 0 and 1, or numbers.

    Shape: as `encoded` gives them.

    Raises:
        ValueError: it is none of them, or the vectors differ in length.
    """
    items = [plain(label) for label in labels]
    lists = bool(items) and all(isinstance(label, list) for label in items)
    if task == "multi-label" or (task is None and lists):
        widths = {len(label) if isinstance(label, list) else 0 for label in items}
        values = np.array(items, dtype=np.float32) if len(widths) == 1 else np.zeros(0)
        if values.ndim != 2 or not np.isin(values, (0, 1)).all():
            raise ValueError(
                "several labels of an image must be a vector with 0 or 1 for each label, got "
                f"{items[:3]} of the first images. Return such vectors, all of one length."
            )
        return values
    if wrong := [one for one in items if not (isinstance(one, int | float) and math.isfinite(one))]:
        raise ValueError(
            f"labels of a data set must be whole numbers, got label={wrong[0]!r}. Number the "
            "classes from 0, and name them in its `classes`."
        )
    values = np.array(items, dtype=np.float64)
    if task == "regression" or (task is None and (values % 1).any()):
        return values.astype(np.float32)
    if (values % 1).any():
        raise ValueError(
            "labels of a data set must be whole numbers for classes, got "
            f"{items[:3]}. Number the classes from 0, or use task='regression'."
        )
    return values.astype(np.int64)


def _names(label: Label) -> tuple[str, ...]:
    return label if isinstance(label, tuple) else (str(label),)


def _several(cell: Any, separator: str | None) -> tuple[str, ...]:
    """The labels in a cell, each once; an empty cell has none."""
    if isinstance(cell, set):
        parts = sorted(map(_name, cell))
    elif isinstance(cell, _LISTS):  # of which None and NaN are no labels
        parts = [_name(part) for part in cell if part is not None and part == part]
    elif pd.isna(cell):
        parts = []
    else:
        parts = _name(cell).split(separator) if separator else [_name(cell)]
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _name(cell: Any) -> str:
    """The name of a class, without spaces around it; 1.0 is class 1, as gaps make floats."""
    return str(int(cell) if isinstance(cell, float) and cell.is_integer() else cell).strip()


def _has(cells: pd.Series, mark: str) -> bool:
    return any(isinstance(cell, str) and mark in cell for cell in cells)


def plain(label: Any) -> Any:
    """A data set's label as Python has it: a number or a list of numbers."""
    if isinstance(label, Tensor | np.ndarray | np.generic):
        return label.tolist()
    return list(label) if isinstance(label, tuple) else label
