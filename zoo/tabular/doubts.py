"""Probabilities by which the classes of a table's rows are doubted, from a cheap model."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from zoo.core.trust.diagnosis import Items
from zoo.core.trust.doctor import equal_rows
from zoo.core.trust.wrong_labels import (
    Classifier,
    Doubts,
    doubts_of_model,
    out_of_fold,
    require_doubter,
    spread,
)
from zoo.tabular.data.columns import Columns
from zoo.tabular.data.contents import cell_hashes
from zoo.tabular.data.values import as_numbers, distinct
from zoo.tabular.model import TableModel
from zoo.tabular.spec import Category, Number

Labels = bool | TableModel
"""Whether labels are doubted, or the model by which they are."""

MOST_BOOSTED: Final = 5  # classes, beyond which boosting takes too long and trees are averaged
TREES, LEAF = 200, 3  # rows that a leaf has at least: one alone learns a wrong label by heart
LARGEST: Final = 255  # different values of a category that boosting takes as such


def matrix(
    frame: pd.DataFrame, columns: Columns, leave_out: Collection[Any] = ()
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Inputs as numbers, gaps as NaN, and which of them are few categories. (n, d) and (d,)."""
    own = [one for one in columns.inputs if one.name not in leave_out]
    x = np.stack([codes_of(frame, one) for one in own], 1) if own else np.zeros((len(frame), 1))
    few = [isinstance(one, Category) and len(one.values) <= LARGEST for one in own] or [False]
    return x, np.array(few)


def codes_of(frame: pd.DataFrame, column: Category | Number) -> NDArray[np.float64]:
    """A column as numbers: categories in the order of their values, gaps NaN. Shape: (n,)"""
    if isinstance(column, Number):
        cells = as_numbers(frame[column.name], column.name, column.kind)
        return np.where(np.isfinite(cells), cells, np.nan)
    codes, values = distinct(frame[column.name])
    ranks = np.argsort(np.argsort([f"{type(one).__name__} {one}" for one in values]))
    return np.append(ranks.astype(np.float64), np.nan)[codes]


def classifier_of(n_classes: int, is_category: NDArray[np.bool_]) -> Callable[[], Classifier]:
    """What makes a cheap classifier of rows: boosting of few classes, a mean of trees of many.

    Args:
        n_classes: how many classes there are.
        is_category: which inputs are categories. Shape: (d,)
    """
    if n_classes > MOST_BOOSTED:
        return lambda: make_pipeline(
            SimpleImputer(strategy="median", keep_empty_features=True),
            ExtraTreesClassifier(TREES, min_samples_leaf=LEAF, random_state=0),
        )
    return partial(HistGradientBoostingClassifier, categorical_features=is_category, random_state=0)


def doubts_of(
    items: Items, labels: Labels, x: NDArray[np.float64], is_category: NDArray[np.bool_]
) -> Doubts:
    """Probabilities of the class of each row by something that has not seen it.

    Args:
        items: all rows.
        labels: True for a model of its own, or a model with `out_of_fold`.
        x: inputs. Shape: (n, d)
        is_category: which inputs are categories. Shape: (d,)
    """
    require_doubter(labels, TableModel, named=False)
    if isinstance(labels, TableModel):
        return doubts_of_model(labels, items.names_in_data())
    rows = np.array([row for row, one in enumerate(items.labels) if one is not None], np.int64)
    own = [items.labels[row] for row in rows]
    classifier = classifier_of(len({str(one) for one in own}), is_category)
    groups = equal_rows(cell_hashes(pd.DataFrame(x)))[rows]
    return spread(out_of_fold(classifier, x[rows], own, groups=groups), rows, len(items))
