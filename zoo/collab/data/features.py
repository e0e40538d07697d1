"""Features of users or items: columns of a table as numbers from 0 to 1.

A truth value, or a number that is 0 or 1 everywhere, is a flag; text and categories are one column
per value; numbers are one column for each tenth of those in training. All flags of a row together
have length one, so that an item of five genres does not weigh five times as much.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from zoo.collab.data.ids import IdIndex
from zoo.core.messages import warn

BINS: Final = 10  # of a number
MOST_VALUES: Final = 1000  # of a column of text

Encoder = dict[str, dict[str, Any]]
"""Column -> {"flag": True}, {"values": [...]} or {"edges": [...]}: plain values for config.json."""


def require_ids(table: pd.DataFrame, side: str, names: Collection[str]) -> None:
    """Refuse a table of features whose ids are a column while its index only counts the rows.

    Args:
        table: table of features.
        side: "user" or "item".
        names: names under which a column holds ids of that side, in lower case.

    Raises:
        ValueError: there is a column of ids, and no index.
    """
    columns = [name for name in table.columns if str(name).lower() in names]
    if columns and isinstance(table.index, pd.RangeIndex):
        raise ValueError(
            f"features of {side}s must have the ids as their index, got them in the column "
            f"{columns[0]!r}. Try {side}_features=table.set_index({columns[0]!r})."
        )


def fit(table: pd.DataFrame) -> Encoder:
    """Choose the encoding of each column of a table with one row per id.

    Raises:
        ValueError: a column of text has too many values to be a feature.
    """
    return {str(name): _fit_column(str(name), table[name]) for name in table.columns}


def width(encoder: Mapping[str, Any]) -> int:
    """Columns of the encoded table."""
    return sum(map(_width, encoder.values()))


def encode(
    table: pd.DataFrame, encoder: Mapping[str, Any], ids: Sequence[Hashable]
) -> NDArray[np.float32]:
    """Features of ids; zeros for row 0, gaps and ids not in the table. Shape: (n + 1, width).

    Raises:
        ValueError: a column is missing, or an id is twice in the table's index.
    """
    missing = [name for name in encoder if name not in table.columns]
    if missing or table.index.has_duplicates:
        raise ValueError(
            "a table of features must have one row per id, its index, and the columns that the "
            f"model knows, got {missing=}, repeated={int(table.index.duplicated().sum())}. Set the "
            "ids as its index."
        )
    rows = IdIndex(list(table.index)).rows(ids) - 1
    if len(ids) and (rows < 0).mean() > 0.5:
        warn(
            f"{int((rows < 0).sum())} of {len(ids)} ids have no features, such as "
            f"{ids[int(np.argmin(rows))]!r}. The index of the table must hold the ids."
        )
    parts = [_encode_column(table[name], how) for name, how in encoder.items()]
    features = np.concatenate(parts, axis=1)
    is_flag = np.repeat(["flag" in how for how in encoder.values()], [p.shape[1] for p in parts])
    counts = features[:, is_flag].sum(1, keepdims=True)
    features[:, is_flag] /= np.sqrt(np.maximum(counts, 1))  # so that flags have length one together
    nothing = np.zeros((1, features.shape[1]), dtype=np.float32)
    encoded: NDArray[np.float32] = np.concatenate([features, nothing])[np.append(-1, rows)]
    return encoded


def _fit_column(name: str, column: pd.Series) -> dict[str, Any]:
    if is_bool_dtype(column) or (is_numeric_dtype(column) and column.dropna().isin([0, 1]).all()):
        return {"flag": True}
    if is_numeric_dtype(column):
        finite = column[np.isfinite(column.to_numpy(dtype=float, na_value=np.nan))]
        if not len(finite):
            raise ValueError(
                f"a feature must have values, but column {name!r} is empty. Leave it out."
            )
        edges = np.unique(np.quantile(finite, np.linspace(0, 1, BINS + 1)[1:-1]))
        return {"edges": edges.tolist()}
    values = sorted(map(str, column.dropna().unique()))
    if len(values) > MOST_VALUES:
        raise ValueError(
            f"a feature must have at most {MOST_VALUES} values, got {len(values)} in column "
            f"{name!r}. Leave it out."
        )
    return {"values": values}


def _width(how: Mapping[str, Any]) -> int:
    return 1 if "flag" in how else len(how["values"]) if "values" in how else len(how["edges"]) + 1


def _encode_column(column: pd.Series, how: Mapping[str, Any]) -> NDArray[np.float32]:
    if "flag" in how:
        return np.nan_to_num(_numbers(column)).astype(np.float32)[:, None]
    if "values" in how:
        positions = pd.Index(how["values"]).get_indexer(_texts(column, how["values"]))
        positions[column.isna()] = -1
    else:
        numbers = _numbers(column)
        positions = np.where(np.isnan(numbers), -1, np.searchsorted(how["edges"], numbers))
    n = _width(how)
    flags: NDArray[np.float32] = np.eye(n + 1, n, dtype=np.float32)[positions]  # a gap has none
    return flags


def _numbers(column: pd.Series) -> NDArray[np.float64]:
    """Numbers, or texts that spell them; gaps are NaN.

    Raises:
        ValueError: a cell is neither.
    """
    numbers = column if is_bool_dtype(column) else pd.to_numeric(column, errors="coerce")
    wrong = column[numbers.isna() & column.notna()]
    if len(wrong):
        raise ValueError(
            f"a feature must hold what it held in training, got {wrong.iloc[0]!r} in the column "
            f"of numbers {column.name!r}. Correct or empty such cells."
        )
    return numbers.to_numpy(dtype=np.float64, na_value=np.nan)


def _texts(column: pd.Series, values: Sequence[str]) -> pd.Series:
    """Cells as the values of training spell them: 5.0 is "5" unless there is a value "5.0"."""
    texts = column.astype(str)
    return texts.where(texts.isin(values), texts.str.replace(r"\.0+$", "", regex=True))
