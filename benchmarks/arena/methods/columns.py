"""A table's columns as boosting and networks of others want them."""

from __future__ import annotations

import pandas as pd

from benchmarks.arena.task import Task


def texts_of(task: Task) -> list[str]:
    """Names of the columns that are text."""
    return [*task.features.select_dtypes(exclude="number")]


def as_categories(task: Task) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows to learn from and to answer for; a text is a category of the former, or a gap."""
    rows, others = task.features, task.inputs.copy()
    for name in texts_of(task):
        levels = pd.CategoricalDtype(sorted(rows[name].dropna().unique()))
        is_known = others[name].isin(levels.categories)
        rows[name] = rows[name].astype(levels)
        others[name] = others[name].where(is_known).astype(levels)
    return rows, others


def as_texts(task: Task, gap: str = "missing") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows to learn from and to answer for: gaps of texts are a text of their own."""
    names = texts_of(task)
    rows, others = task.features, task.inputs.copy()
    rows[names], others[names] = rows[names].fillna(gap), others[names].fillna(gap)
    return rows, others
