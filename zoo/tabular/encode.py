"""From rows and a spec to the network's inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.tabular.spec import Category, Spec
from zoo.tabular.tables import Name, require_columns
from zoo.tabular.values import Value, as_numbers, distinct, key, one_number, plain

FARTHEST: Final = 100.0  # standard deviations from the mean that a number is cut at
_NUMERIC: Final = (int, float, bool)
THERE, MISSING = 1, 2  # rows of the embedding that says whether a number is there


class Encoder:
    """Turns tables, or single rows, into tensors as the spec says.

    An unseen category is row 0 of its embedding, and so is a gap where training had none. A gap in
    a number takes the median. Infinite numbers are gaps; others are cut at 100 standard deviations
    from the mean. Columns beyond those of the spec are not looked at.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.rows = [row_numbers(category) for category in spec.categories]

    @cached_property
    def with_gaps(self) -> list[int]:
        """Which numbers had gaps in training."""
        return [i for i, number in enumerate(self.spec.numbers) if number.gaps]

    def table(self, frame: pd.DataFrame) -> tuple[Tensor, Tensor]:
        """Inputs of many rows, on the CPU.

        **Shape.** x_cat: (N, n_cat), int32, rows of the embeddings; x_cont: (N, n_cont), float32.

        Raises:
            ValueError: columns lack, or cells of a column of numbers are none.
        """
        require_columns(frame, self.spec.inputs, "every column of the training")
        x_cat = np.empty((len(frame), len(self.spec.table_rows)), dtype=np.int32)
        x_cont = np.empty((len(frame), len(self.spec.numbers)), dtype=np.float32)
        for i, (category, rows) in enumerate(zip(self.spec.categories, self.rows, strict=True)):
            x_cat[:, i] = category_rows(frame[category.name], rows)
        flag = len(self.spec.categories)
        for i, number in enumerate(self.spec.numbers):
            cells = as_numbers(frame[number.name], number.name, number.kind)
            there = np.isfinite(cells)
            filled = np.where(there, cells, number.median)
            x_cont[:, i] = ((filled - number.mean) / number.std).clip(-FARTHEST, FARTHEST)
            if number.gaps:
                x_cat[:, flag] = np.where(there, THERE, MISSING)
                flag += 1
        return torch.from_numpy(x_cat), torch.from_numpy(x_cont)

    def row(self, row: Mapping[Any, Any]) -> tuple[Tensor, Tensor]:
        """Inputs of a single row, given as a mapping from column to cell; no DataFrame is made.

        **Shape.** x_cat: (1, n_cat); x_cont: (1, n_cont).

        Raises:
            ValueError: columns lack, or a cell of a column of numbers is none.
        """
        if any(name not in row for name in self.spec.inputs):
            require_columns(pd.DataFrame([dict(row)]), self.spec.inputs, "every column of training")
        codes = [
            look_up(plain(row[category.name]), rows)
            for category, rows in zip(self.spec.categories, self.rows, strict=True)
        ]
        scaled, flags = [], []
        for number in self.spec.numbers:
            cell = one_number(row[number.name], number.name, number.kind)
            there = math.isfinite(cell)
            value = ((cell if there else number.median) - number.mean) / number.std
            scaled.append(min(max(value, -FARTHEST), FARTHEST))
            if number.gaps:
                flags.append(THERE if there else MISSING)
        return torch.tensor([codes + flags], dtype=torch.int32), torch.tensor([scaled])


def row_numbers(category: Category) -> dict[tuple[str, Value], int]:
    """Row of each value of a category; equal numbers of other types are found too.

    >>> rows = row_numbers(Category("store", (1, "1", None)))
    >>> [look_up(value, rows) for value in (1, 1.0, "1", None, 2)]
    [1, 1, 2, 3, 0]
    """
    rows = {key(value): i for i, value in enumerate(category.values, 1)}
    for (_, value), row in list(rows.items()):
        if isinstance(value, _NUMERIC):
            for kind in _NUMERIC:
                if kind is not bool or value in (0, 1):
                    same = kind(value)
                    if same == value:
                        rows.setdefault(key(same), row)
    return rows


def look_up(value: Value, rows: Mapping[tuple[str, Value], int]) -> int:
    """The row of a value; 0 if it is unseen."""
    return rows.get(key(value), 0)


def category_rows(column: pd.Series, rows: Mapping[tuple[str, Value], int]) -> NDArray[np.int32]:
    """The rows of a whole column. Shape: (n,)."""
    codes, values = distinct(column)
    found = [look_up(value, rows) for value in [*values, None]]  # None is code -1
    return np.array(found, dtype=np.int32)[codes]


def text_columns(spec: Spec) -> list[Name]:
    """Columns of categories whose values are all text: a CSV file must not read them as numbers."""
    return [
        category.name
        for category in spec.categories
        if all(isinstance(value, str) for value in category.values if value is not None)
    ]
