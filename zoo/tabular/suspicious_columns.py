"""Columns that give the answer away, tell rows apart, or tie both sides of a split together."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from zoo.core.trust.diagnosis import Finding, Items, Level
from zoo.tabular.data.columns import Columns
from zoo.tabular.data.values import as_numbers, distinct
from zoo.tabular.doubts import codes_of
from zoo.tabular.options import Name, TaskName

TELLING: Final = 0.95  # share of what is to be known of the target that a column alone may tell
LEAVES: Final = 64  # of the tree that looks at a column
SAMPLE: Final = 5_000  # rows that it looks at
MANY: Final = 100  # rows, below which whole numbers may differ by chance
DENSE: Final = 1.5  # times the rows: the span of numbers that count them
FEWEST: Final = 10  # groups, below which a column is a category
PERSONS: Final = re.compile(
    r"(user|customer|patient|subject|person|client|household|member|student|session|account|driver"
    r"|participant|speaker|owner|author)s?([ _.-]?(id|no|nr|number|key|code))?|id",
    re.IGNORECASE,
)


def identifiers(train: pd.DataFrame, columns: Columns) -> dict[Name, str]:
    """Columns that tell every row apart, and how.

    Args:
        train: rows to train on, without the target.
        columns: inputs that a training would take.
    """
    found: dict[Name, str] = {n: why for n, why in columns.left_out if is_identifier(why)}
    for number in columns.numbers if len(train) >= MANY else ():
        if number.kind != "number":
            continue
        cells = as_numbers(train[number.name], number.name)
        if not np.isfinite(cells).all() or (cells % 1).any() or len(np.unique(cells)) < len(cells):
            continue
        counts = cells.max() - cells.min() + 1 <= DENSE * len(cells)
        way = "numbers the rows" if counts else "differs in every row, as an identifier does"
        found[number.name] = f"{way}; name it in ignore"
    return found


def is_identifier(why: str) -> bool:
    """Whether a column was left out for telling rows apart."""
    return "identifier" in why or "index" in why


def leaks(
    train: pd.DataFrame, columns: Columns, target: Name, task: TaskName | None
) -> dict[Name, float]:
    """Columns that alone predict the target nearly without a mistake, and the share that they tell.

    A small tree on the column is scored by cross-validation: 1 less its mistakes as a share of
    those that the most frequent class makes; of numbers R2 of their ranks, which a few odd ones do
    not hide.
    """
    rows = np.random.default_rng(0).permutation(len(train))[:SAMPLE]
    some = train.iloc[rows]
    is_number = task == "regression"
    truth: NDArray[Any] = (
        rankdata(as_numbers(some[target], target)) if is_number else distinct(some[target])[0]
    )
    n_each = np.array([1.0]) if is_number else np.bincount(truth)
    least = 1 - n_each.max() / len(some)  # share of mistakes of the most frequent class
    if least == 0 or (is_number and truth.std() == 0) or not np.isfinite(truth).all():
        return {}
    tree: Any = DecisionTreeRegressor if is_number else DecisionTreeClassifier
    leaves = max(LEAVES, 2 * len(n_each))
    found: dict[Name, float] = {}
    for column in columns.inputs:
        x = codes_of(some, column)
        model = tree(max_leaf_nodes=leaves, min_samples_leaf=2, random_state=0)
        score = float(cross_val_score(model, x[:, None], truth, cv=_folds(is_number)).mean())
        told = score if is_number else 1 - (1 - score) / least
        if told >= TELLING:
            found[column.name] = told
    return found


def across(
    frame: pd.DataFrame,
    items: Items,
    columns: Columns,
    *,
    group: Name | None,
    time: Name | None,
    apart: Collection[Name],
) -> list[Finding]:
    """Groups and times that stand on both sides of a stated split, or may do so of a drawn one.

    What the call names is an error; what its name or cells suggest is a warning.
    """
    is_valid = np.array([part == "valid" for part in items.parts])
    names = [name for name in frame.columns if name not in apart]
    found = []
    for name in [group] if group is not None else _person_like(frame, names):
        level: Level = "warning" if group is None else "error"
        codes = distinct(frame[name])[0]
        if not is_valid.any() and group is None:
            text = f"rows of one {name!r} may fall on both sides: pass group={name!r}"
            found.append(Finding(level, "group", text))
        known = is_valid & np.isin(codes, codes[~is_valid]) & (codes >= 0)
        if n := int(known.sum()):
            text = f"{n} of {int(is_valid.sum())} validation rows share {name!r} with training rows"
            found.append(Finding(level, "group", text))
    dates = [n.name for n in columns.numbers if n.kind == "time" and n.name in names]
    for name in [time] if time is not None else dates:
        level = "warning" if time is None else "error"
        cells = as_numbers(frame[name], name, _kind_of(frame, name, columns))
        if not is_valid.any() or not np.isfinite(cells[~is_valid]).any():
            continue
        if n := int((cells[is_valid] <= np.nanmax(cells[~is_valid])).sum()):
            text = (
                f"{n} of {int(is_valid.sum())} validation rows are no later in {name!r} than the "
                "last training row"
            )
            found.append(Finding(level, "time", text))
    return found


def _person_like(frame: pd.DataFrame, names: Sequence[Name]) -> list[Name]:
    """Columns named as those of persons are, that have several rows of each."""
    kept: list[Name] = []
    for name in names:
        if isinstance(name, str) and PERSONS.fullmatch(name.strip()):
            n = len(distinct(frame[name])[1])
            if FEWEST <= n <= len(frame) / 2:
                kept.append(name)
    return kept


def _kind_of(frame: pd.DataFrame, name: Name, columns: Columns) -> Any:
    own = next((n.kind for n in columns.numbers if n.name == name), None)
    return own or ("number" if pd.api.types.is_numeric_dtype(frame[name].dtype) else "time")


def _folds(is_number: bool) -> Any:
    from sklearn.model_selection import KFold, StratifiedKFold

    return (KFold if is_number else StratifiedKFold)(5, shuffle=True, random_state=0)
