"""Rows of tables: cells as a graph takes them, texts of categories and doubles of numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from zoo_runtime.graph import Graph
from zoo_runtime.predictions import Label

DAY = 86_400.0  # seconds

Row = Mapping[str, Any]


class TableModel:
    """A model of a table.

    Args:
        graph: the exported model.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph, self.facts = graph, graph.facts
        spec = self.facts["spec"]
        known: dict[str, Mapping[str, int]] = self.facts["categories"]
        self._numbers = {one["name"]: one["kind"] for one in spec["numbers"]}
        self._texts = {one["name"]: known[str(one["name"])] for one in spec["categories"]}
        self._targets = [str(one["name"]) for one in spec["targets"]]

    def predict(self, rows: Row | Sequence[Row]) -> Any | list[Any]:
        """The class or number of a row, or a list of them for several rows.

        A row is a mapping from column to cell; of several targets it gets a mapping from target to
        number. None, NaN and empty texts are gaps.

        Raises:
            ValueError: a column lacks, or a cell of a column of numbers is none.
        """
        if isinstance(rows, Mapping):
            return self.predict([rows])[0]
        if not rows:
            return []
        feeds, labels = self._feeds(rows), self.facts["labels"]
        if labels:
            best = self.graph.run(feeds, "probabilities").argmax(1)
            return [labels[i] for i in best.tolist()]
        columns = [self.graph.run(feeds, name).tolist() for name in self._targets]
        if len(columns) == 1:
            return columns[0]
        return [dict(zip(self._targets, row, strict=True)) for row in zip(*columns, strict=True)]

    def probabilities(self, rows: Row | Sequence[Row]) -> Any:
        """The probability of every class of a row, or a list of them for several rows.

        Raises:
            ValueError: as `predict`, or the model estimates numbers.
        """
        labels: list[Label] = self.facts["labels"]
        if not labels:
            raise ValueError("probabilities must be those of classes, got a model of numbers.")
        if isinstance(rows, Mapping):
            return self.probabilities([rows])[0]
        shares = self.graph.run(self._feeds(rows), "probabilities").tolist()
        return [dict(zip(labels, row, strict=True)) for row in shares]

    def _feeds(self, rows: Sequence[Row]) -> dict[str, Any]:
        names = [*self._texts, *self._numbers]
        missing = [name for name in names if any(name not in row for row in rows)]
        if missing:
            raise ValueError(
                f"a row must have the columns {', '.join(map(str, names))}, got none called "
                f"{missing[0]!r}. Leave a cell empty (None) where nothing is known."
            )
        feeds: dict[str, Any] = {}
        for name, known in self._texts.items():
            cells = [text_of(row[name], known) for row in rows]
            feeds[str(name)] = np.array(cells, dtype=object)[:, None]
        for name, kind in self._numbers.items():
            numbers = [number_of(row[name], kind, name) for row in rows]
            feeds[str(name)] = np.array(numbers, dtype=np.float64)[:, None]
        return feeds


def text_of(cell: Any, known: Mapping[str, int]) -> str:
    """A category as the graph's dictionary has it; "" is a gap.

    >>> text_of(5.0, {"5": 1}), text_of(" red", {"red": 1}), text_of(float("nan"), {})
    ('5', 'red', '')
    """
    if _is_gap(cell):
        return ""
    text = str(cell.item() if hasattr(cell, "item") else cell)
    if text in known:
        return text
    stripped = text.strip()
    if stripped in known:
        return stripped
    whole = stripped.removesuffix(".0")
    return whole if whole in known else stripped


def number_of(cell: Any, kind: str, name: str) -> float:
    """A cell as a double: numbers, days since 1970 (UTC) or days; NaN is a gap.

    >>> number_of("2.5", "number", "x"), number_of("1970-01-02T12:00", "time", "x")
    (2.5, 1.5)

    Raises:
        ValueError: it is neither a number nor empty.
    """
    if _is_gap(cell) or (isinstance(cell, str) and not cell.strip()):
        return math.nan
    try:
        if kind == "time":
            return _days(cell)
        if isinstance(cell, (timedelta, np.timedelta64)):
            return float(np.timedelta64(cell) / np.timedelta64(1, "s")) / DAY
        return float(cell)
    except (AttributeError, OverflowError, TypeError, ValueError):
        what = "times such as 2015-07-31" if kind == "time" else "numbers"
        raise ValueError(
            f"column {name!r} must hold {what}, got {cell!r:.40}. Correct it, or leave it empty."
        ) from None


def _is_gap(cell: Any) -> bool:
    """Whether it is None, NaN, or pandas' NA, of which nobody can tell whether it equals itself."""
    return cell is None or type(cell).__name__ == "NAType" or bool(np.any(cell != cell))


def _days(cell: Any) -> float:
    if isinstance(cell, np.datetime64):
        return float((cell - np.datetime64(0, "s")) / np.timedelta64(1, "s")) / DAY
    if isinstance(cell, date) and not isinstance(cell, datetime):
        cell = datetime(cell.year, cell.month, cell.day)
    moment = cell if isinstance(cell, datetime) else datetime.fromisoformat(cell.strip())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp() / DAY
