"""From rows and a spec to the network's inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.core.messages import SHOWN, warn
from zoo.data.table import require_columns
from zoo.tabular.data.tables import ALL_INPUTS
from zoo.tabular.data.values import Value, as_numbers, distinct, key, one_number, plain, sense
from zoo.tabular.options import Name
from zoo.tabular.spec import Category, Number, Spec

FARTHEST: Final = 100.0  # standard deviations from the mean that a number of format 1 is cut at
LIMIT: Final = 3.0  # spreads from the median that a number is bent towards
FARTHEST_STRAIGHT: Final = 30.0  # spreads up to which what was bent can be told
_NUMERIC: Final = (int, float, bool)
THERE, MISSING = 1, 2  # rows of the embedding that says whether a number is there

Numbers = TypeVar("Numbers", float, NDArray[np.float64], Tensor)


class Encoder:
    """Turns tables, or single rows, into tensors as the spec says.

    An unseen category is row 0 of its embedding, and so is a gap where training had none; one
    warning names columns most of whose cells are unseen. A gap in a number takes the median.
    Infinite numbers are gaps; others are scaled by median and quartiles and `bent`. Columns beyond
    those of the spec are not looked at.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec, self.inputs = spec, spec.inputs
        exact = spec.cells == "exact"
        self.lookups = [Lookup(category, exact=exact) for category in spec.categories]

    def table(self, frame: pd.DataFrame) -> tuple[Tensor, Tensor]:
        """Inputs of many rows, on the CPU.

        Shape: x_cat (N, n_cat), int32, rows of the embeddings; x_cont (N, n_cont), float32

        Raises:
            ValueError: columns lack, or cells of a column of numbers are none.
        """
        require_columns(frame, self.inputs, ALL_INPUTS)
        x_cat = np.empty((len(frame), len(self.spec.table_rows)), dtype=np.int32)
        x_cont = np.empty((len(frame), len(self.spec.numbers)), dtype=np.float32)
        unseen: dict[Name, Value] = {}
        for i, lookup in enumerate(self.lookups):
            x_cat[:, i], unseen[lookup.name] = lookup.column(frame[lookup.name])
        _warn_of_unseen(unseen)
        flag = len(self.spec.categories)
        for i, number in enumerate(self.spec.numbers):
            cells = as_numbers(frame[number.name], number.name, number.kind)
            there = np.isfinite(cells)
            x_cont[:, i] = as_seen(np.where(there, cells, number.median), number)
            if number.gaps:
                x_cat[:, flag] = np.where(there, THERE, MISSING)
                flag += 1
        return torch.from_numpy(x_cat), torch.from_numpy(x_cont)

    def new_gaps(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Which numbers are missing, or infinite, where training had all. Shape: (N, n_cont)"""
        gaps = np.zeros((len(frame), len(self.spec.numbers)), dtype=bool)
        for i, number in enumerate(self.spec.numbers):
            if not number.gaps:
                gaps[:, i] = ~np.isfinite(as_numbers(frame[number.name], number.name, number.kind))
        return gaps

    def row(self, row: Mapping[Any, Any]) -> tuple[Tensor, Tensor]:
        """Inputs of a single row, a mapping from column to cell, without a DataFrame.

        Shape: x_cat (1, n_cat), x_cont (1, n_cont)

        Raises:
            ValueError: columns lack, or a cell of a column of numbers is none.
        """
        if any(name not in row for name in self.inputs):
            require_columns(row, self.inputs, ALL_INPUTS)
        cells = [plain(row[lookup.name]) for lookup in self.lookups]
        codes = list(map(Lookup.row, self.lookups, cells))
        if 0 in codes:
            every = zip(self.lookups, cells, codes, strict=True)
            unseen = {at.name: cell for at, cell, code in every if not code}
            _warn_of_unseen(
                {name: cell for name, cell in unseen.items() if sense(cell) is not None}
            )
        scaled, flags = [], []
        for number in self.spec.numbers:
            cell = one_number(row[number.name], number.name, number.kind)
            there = math.isfinite(cell)
            centre, width = number.scale
            value = ((cell if there else number.median) - centre) / width
            cut = bent(value) if number.spread else min(max(value, -FARTHEST), FARTHEST)
            scaled.append(cut)
            if number.gaps:
                flags.append(THERE if there else MISSING)
        return torch.tensor([codes + flags], dtype=torch.int32), torch.tensor([scaled])


def as_seen(cells: NDArray[np.float64], number: Number) -> NDArray[np.float64]:
    """Numbers without gaps as the network sees them. Shape: (n,)"""
    centre, width = number.scale
    scaled = (cells - centre) / width
    return bent(scaled) if number.spread else scaled.clip(-FARTHEST, FARTHEST)


def bent(scaled: Numbers) -> Numbers:
    """Numbers that approach -3 and 3 smoothly, so that one far cell cannot shout.

    Ordinary numbers hardly change (RealMLP's smooth clipping, Holzmueller et al. 2024, sec. 3).

    >>> [round(bent(x), 2) for x in (-0.5, 1.0, 3.0, 1e6)]
    [-0.49, 0.95, 2.12, 3.0]
    """
    curve: Numbers = (1 + (scaled / LIMIT) ** 2) ** 0.5
    return scaled / curve


def unbent(numbers: Tensor) -> Tensor:
    """What `bent` was given, up to `FARTHEST_STRAIGHT`: a linear model needs straight numbers."""
    least = (1 + (FARTHEST_STRAIGHT / LIMIT) ** 2) ** -1
    return numbers / (1 - (numbers / LIMIT) ** 2).clamp(min=least).sqrt()


class Lookup:
    """Finds the row of the embedding that belongs to a cell.

    A value as training had it comes first; then one that means the same: what was learnt as text is
    read as text (5 and 5.0 are "5"), numbers that are equal are equal (so is "5", where no text was
    learnt), and spaces around a text do not count.

    Args:
        category: the column and its values.
        exact: tell numbers and texts apart, as models of format 1 do.

    >>> words, numbers = Lookup(Category("shop", ("5", "07"))), Lookup(Category("shop", (5, 7)))
    >>> [[lookup.row(cell) for cell in ("5", 5, 5.0, "07", 7)] for lookup in (words, numbers)]
    [[1, 1, 1, 2, 0], [1, 1, 1, 2, 2]]
    """

    def __init__(self, category: Category, *, exact: bool = False) -> None:
        self.name, self.exact = category.name, exact
        self.rows = row_numbers(category)
        self.no_texts = not any(isinstance(value, str) for value in category.values)
        self.alike: dict[Any, int] = {}
        for i, value in enumerate(category.values, 1):
            self.alike.setdefault(sense(value), i)

    def row(self, value: Value) -> int:
        """The row of a plain value; 0 if it is unseen."""
        row = self.rows.get(key(value), 0)
        if row or self.exact:
            return row
        if not isinstance(value, str) and (row := self.rows.get(key(str(value)), 0)):
            return row
        return self.alike.get(sense(value, as_number=self.no_texts), 0)

    def column(self, column: pd.Series) -> tuple[NDArray[np.int32], Value]:
        """The rows of a whole column, and an unseen value if most of its cells are unseen.

        Gaps do not count as cells.

        Shape: (n,)
        """
        codes, values = distinct(column)
        rows = np.array([self.row(value) for value in (*values, None)], dtype=np.int32)
        is_cell = np.array([sense(value) is not None for value in (*values, None)])
        unseen = is_cell & (rows == 0)
        if not unseen.any() or 2 * unseen[codes].sum() <= is_cell[codes].sum():
            return rows[codes], None
        return rows[codes], values[int(unseen.argmax())]


def row_numbers(category: Category) -> dict[tuple[str, Value], int]:
    """Row of each value of a category; equal numbers of other types are there too.

    >>> rows = row_numbers(Category("store", (1, "1", None)))
    >>> [rows.get(key(value), 0) for value in (1, 1.0, "1", None, 2)]
    [1, 1, 2, 3, 0]
    """
    rows = {key(value): i for i, value in enumerate(category.values, 1)}
    for (_, value), row in list(rows.items()):
        if isinstance(value, _NUMERIC):
            for same in (kind(value) for kind in _NUMERIC):
                if same == value:
                    rows.setdefault(key(same), row)
    return rows


def text_columns(spec: Spec) -> dict[Name, tuple[str, ...]]:
    """The texts of each column that training had as text: a file's cells there are no numbers."""
    columns = [(category.name, category.values) for category in spec.categories]
    columns += [(target.name, target.classes) for target in spec.targets]
    texts = {name: tuple(v for v in values if isinstance(v, str)) for name, values in columns}
    if spec.cells == "exact":  # only where all values are texts
        columns = [(name, v) for name, v in columns if len(texts[name]) + v.count(None) == len(v)]
    return {name: texts[name] for name, _ in columns if texts[name]}


def _warn_of_unseen(unseen: Mapping[Name, Value]) -> None:
    """One warning for the columns most of whose cells are unseen, with a cell of each, or None."""
    cells = {name: value for name, value in unseen.items() if value is not None}
    if cells:
        shown = [f"{name!r} (such as {value!r:.40})" for name, value in cells.items()]
        more = f" and {len(shown) - SHOWN} more columns" if len(shown) > SHOWN else ""
        warn(
            "categories must be known from training to tell something, got mostly unknown ones in "
            f"{', '.join(shown[:SHOWN])}{more}. Each counts as an average category."
        )
