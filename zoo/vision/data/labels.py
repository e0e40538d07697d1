"""What tables and data sets say of their photos: a class, several labels or a number each.

The data decide what is asked: lists, or cells with a separator, are several labels; numbers that
are not all whole are to be estimated; all else names a class. `Asked` says otherwise.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Final, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from zoo.core.annotations import is_text
from zoo.core.messages import few
from zoo.vision.classification.spec import TaskName

Label = str | tuple[str, ...] | float
"""Of a photo: its class, its labels, or its number."""

_LISTS = (list, tuple, set, np.ndarray)
SEPARATORS: Final = ("|", ";")  # that are found without being told: no name of a class has them
STRATA: Final = 10  # ranges of numbers that both sides of a split get their share of


@dataclass(frozen=True)
class Asked:
    """What the user says of the labels; None leaves it to the data.

    Args:
        task: what is asked of a photo.
        separator: between the labels in a cell.
        y_range: what numbers lie between.
        beta: how many times recall counts as precision in the F score of classes and labels.

    Raises:
        ValueError: an unknown task, no separator at all, or settings of different tasks.
    """

    task: TaskName | None = None
    separator: str | None = None
    y_range: tuple[float, float] | None = None
    beta: float | None = None

    def __post_init__(self) -> None:
        if self.task is not None and self.task not in get_args(TaskName):
            raise ValueError(
                f"a task is one of {', '.join(get_args(TaskName))}, however task={self.task!r}; "
                "leave it out to have the data decide"
            )
        wrong = {
            name: value
            for name, value, of in (
                ("separator", self.separator, "multi-label"),
                ("y_range", self.y_range, "regression"),
            )
            if value is not None and self.task not in (None, of)
        }
        if wrong or (self.separator is not None and self.y_range is not None):
            raise ValueError(
                "a separator is for several labels and y_range for numbers, however "
                f"task={self.task!r}, separator={self.separator!r}, y_range={self.y_range}; "
                "leave out what belongs to another task"
            )
        if self.separator == "" or not isinstance(self.separator, str | None):
            raise ValueError(
                "labels in a cell have some text between them, however "
                f"separator={self.separator!r}; give such as '|'"
            )
        if self.y_range is not None and not _is_pair(self.y_range):
            raise ValueError(
                f"a range is two numbers, (low, high), however y_range={self.y_range!r}; "
                "give them so"
            )
        if self.beta is not None and not 0.01 <= self.beta <= 100:
            raise ValueError(f"beta is in .01 to 100, however beta={self.beta}; 1 and 2 are usual")

    @property
    def settled(self) -> TaskName | None:
        """The task, as far as the user has settled it."""
        if self.separator is not None:
            return "multi-label"
        return "regression" if self.y_range is not None else self.task

    def of_task(self, task: TaskName, train: NDArray[Any], valid: NDArray[Any]) -> dict[str, Any]:
        """What the spec says of the task, from the labels as `encoded` gives them.

        Raises:
            ValueError: numbers lie outside the range asked for.
        """
        told: dict[str, Any] = {"task": task, "separator": self.separator}
        if self.beta is not None:
            told["beta"] = float(self.beta)
        if task != "regression":
            return told
        if self.y_range is not None:
            told["y_range"] = _checked_range(self.y_range, np.concatenate([train, valid]))
        spread = float(train.std())
        return told | {"y_scale": (float(train.mean()), spread if spread > 0 else 1.0)}


def read(cells: pd.Series, asked: Asked) -> list[Label]:
    """The labels in a table's column, without spaces around them.

    Raises:
        ValueError: cells are no finite numbers where numbers are asked for, some are lists and
            others not, or lists where one label is asked for.
    """
    task, separator = asked.settled, asked.separator
    is_list = cells.map(lambda cell: isinstance(cell, _LISTS)).astype(bool)
    lists = bool(len(cells)) and bool(is_list.all())
    if is_list.any() and (not lists or task not in (None, "multi-label")):
        odd = int(np.flatnonzero(~is_list)[0]) if not lists else 0
        raise ValueError(
            f"several labels of a photo are a list in every row, and asked for as several, however "
            f"row {odd} of {cells.name!r} has {cells.iloc[odd]!r:.60} and task={task!r}; give an "
            "empty list to a photo without labels"
        )
    if separator is None and not lists and task in (None, "multi-label"):
        separator = next((mark for mark in SEPARATORS if _has(cells, mark)), None)
    if task == "multi-label" or (task is None and (lists or separator)):
        return [_several(cell, separator) for cell in cells]
    numeric = pd.to_numeric(cells, errors="coerce")
    numbers = numeric.to_numpy(dtype=float, na_value=np.nan)
    finite = np.isfinite(numbers)
    if task == "regression" or (task is None and finite.all() and (numbers % 1).any()):
        if not finite.all():
            row = int(np.flatnonzero(~finite)[0])
            raise ValueError(
                f"every photo has a finite number to be estimated, however row {row} of "
                f"{cells.name!r} has {cells.iloc[row]!r} ({int((~finite).sum())} such in all); "
                "correct these rows, or ask for another task"
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
        raise ValueError(
            f"telling classes apart needs at least two, however {classes=}; add photos of another"
        )
    if not classes:
        raise ValueError(
            f"labels are learnt from photos that have some, however none of {len(labels)} has any; "
            "check the column"
        )
    return classes


def encoded(labels: Sequence[Label], classes: Sequence[str], rule: str) -> NDArray[Any]:
    """What the loss compares outputs with.

    **Shape.** (n,) int64, numbers of the classes; (n, n_classes) float32, 1 for a label that the
    photo has; or (n,) float32, the numbers.

    Args:
        labels: of the photos.
        classes: that are known.
        rule: what a message says of unknown ones.

    Raises:
        ValueError: a class is unknown.
    """
    task, number = task_of(labels), {name.strip(): i for i, name in enumerate(classes)}
    number |= {name: i for i, name in enumerate(classes)}  # of models of spaces around names, too
    if task == "regression":
        return np.array(labels, dtype=np.float32)
    unknown = sorted({name for label in labels for name in _names(label)} - set(number))
    if unknown:
        raise ValueError(
            f"{rule}, however {few(unknown)}; known are {few(list(classes))}: rename or remove"
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
    number = {name: i for i, name in enumerate(sorted(set(rarest)))}
    return np.array([number[name] for name in rarest], dtype=np.int64)


def counts(values: NDArray[Any], n_classes: int) -> NDArray[np.int64]:
    """How many photos have each class or label, from `encoded`. Shape: (n_classes,)."""
    if values.ndim == 2:
        return np.asarray(values.sum(0), dtype=np.int64)
    return np.bincount(values, minlength=n_classes)


def of_items(labels: Iterable[Any], task: TaskName | None) -> NDArray[Any]:
    """What a data set says of its images: numbers of classes, vectors of 0 and 1, or numbers.

    **Shape.** As `encoded` gives them.

    Raises:
        ValueError: it is none of them, or the vectors differ in length.
    """
    found = [plain(label) for label in labels]
    lists = bool(found) and all(isinstance(label, list) for label in found)
    if task == "multi-label" or (task is None and lists):
        widths = {len(label) if isinstance(label, list) else 0 for label in found}
        values = np.array(found, dtype=np.float32) if len(widths) == 1 else np.zeros(0)
        if values.ndim != 2 or not np.isin(values, (0, 1)).all():
            raise ValueError(
                "several labels of an image are a vector with 0 or 1 for each label, however "
                f"the first images have {found[:3]}; return such vectors, all of one length"
            )
        return values
    wrong = [label for label in found if not _is_number(label)]
    if wrong:
        raise ValueError(
            f"labels of a data set are whole numbers, however label={wrong[0]!r}; number the "
            "classes from 0 and name them in its `classes`"
        )
    values = np.array(found, dtype=np.float64)
    if task == "regression" or (task is None and (values % 1).any()):
        return values.astype(np.float32)
    if (values % 1).any():
        raise ValueError(
            "labels of a data set are whole numbers where classes are told apart, however the "
            f"first are {found[:3]}; number the classes from 0, or ask for task='regression'"
        )
    return values.astype(np.int64)


def _checked_range(y_range: tuple[float, float], numbers: NDArray[Any]) -> tuple[float, float]:
    low, high = y_range
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"a range is (low, high), both finite, however {y_range=}; give them so")
    if numbers.min() < low or numbers.max() > high:
        raise ValueError(
            f"all numbers lie within y_range, however they reach from {numbers.min():g} to "
            f"{numbers.max():g} and {y_range=}; widen it, best by a tenth"
        )
    return float(low), float(high)


def _names(label: Label) -> tuple[str, ...]:
    return label if isinstance(label, tuple) else (str(label),)


def _several(cell: Any, separator: str | None) -> tuple[str, ...]:
    """The labels in a cell, each once; an empty cell has none."""
    if isinstance(cell, _LISTS):
        parts = sorted(map(_name, cell)) if isinstance(cell, set) else _present(cell)
    elif pd.isna(cell):
        parts = []
    else:
        parts = _name(cell).split(separator) if separator else [_name(cell)]
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _present(cell: Iterable[Any]) -> list[str]:
    """The labels of a list; None and NaN are none."""
    return [_name(part) for part in cell if part is not None and part == part]


def _name(cell: Any) -> str:
    """The name of a class, without spaces around it; 1.0 is class 1, as gaps make floats."""
    return str(int(cell) if isinstance(cell, float) and cell.is_integer() else cell).strip()


def _is_pair(value: Any) -> bool:
    listed = isinstance(value, _LISTS) and not isinstance(value, set) and len(value) == 2
    return listed and all(isinstance(number, Real) for number in value)


def _has(cells: pd.Series, mark: str) -> bool:
    return any(isinstance(cell, str) and mark in cell for cell in cells)


def plain(label: Any) -> Any:
    """A data set's label as Python has it: a number or a list of numbers."""
    if isinstance(label, Tensor):
        return label.tolist()
    if isinstance(label, np.ndarray | np.generic):
        return label.tolist()
    return list(label) if isinstance(label, tuple) else label


def _is_number(label: Any) -> bool:
    return isinstance(label, int | float) and math.isfinite(label)
