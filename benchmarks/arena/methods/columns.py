"""A table's columns as boosting and networks of others want them."""

from __future__ import annotations

import pandas as pd

from benchmarks.arena.task import Task


def texts_of(task: Task) -> list[str]:
    """Names of the columns that are text."""
    return [*task.features.select_dtypes(exclude="number")]


def as_categories(task: Task) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows to learn from and to answer for: texts as categories of the former, the rest a gap."""
    rows, others = task.features, task.inputs.copy()
    for name in texts_of(task):
        levels = pd.CategoricalDtype(sorted(rows[name].dropna().unique()))
        rows[name], others[name] = rows[name].astype(levels), others[name].astype(levels)
    return rows, others


def as_texts(task: Task, gap: str = "missing") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows to learn from and to answer for: gaps of texts are a text of their own."""
    names = texts_of(task)
    return tuple(
        x.assign(**{n: x[n].fillna(gap) for n in names}) for x in (task.features, task.inputs)
    )  # type: ignore[return-value]
