"""Which rows to validate on: a random part, the latest, whole groups, or those that are named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from zoo.tabular.tables import Name, read_table, require_columns
from zoo.tabular.values import as_numbers, distinct

LEAST: Final = 2  # rows to train on: batch norms need a deviation


@dataclass(frozen=True)
class Split:
    """How to set rows aside for validation. At most one of `valid`, `time` and `group` is given.

    Attributes:
        valid: a table of its own, or a truth for each row; None leaves it to the others.
        fraction: of the rows (of every class, of the groups); 0 validates on nothing.
        time: a column; the latest rows are validated on, none of them as early as a training row.
        group: a column; the rows of a group are on one side together.
        seed: of what is drawn.
    """

    valid: Any = None
    fraction: float = 0.2
    time: Name | None = None
    group: Name | None = None
    seed: int = 0


def divide(
    frame: pd.DataFrame, split: Split, classes: pd.Series | None = None
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Training and validation rows, in the table's order.

    Args:
        frame: all rows.
        split: how.
        classes: of the rows, if a random part shall have its share of each.

    Raises:
        ValueError: the split is contradictory, or leaves too few rows on a side.
    """
    _require_one_way(split)
    _enough(frame, None)
    if isinstance(split.valid, (str, pd.DataFrame)) or hasattr(split.valid, "__fspath__"):
        return _enough(frame, read_table(split.valid))
    if split.valid is not None:
        is_valid = _mask(split.valid, frame)
    elif split.fraction == 0:
        return _enough(frame, None)
    elif split.time is not None:
        is_valid = _latest(frame, split.time, split.fraction)
    elif split.group is not None:
        is_valid = _groups(frame, split.group, split.fraction, split.seed)
    else:
        is_valid = _drawn(len(frame), classes, split.fraction, split.seed)
    if not is_valid.any():
        raise ValueError(
            f"validation needs rows, however none of {len(frame)} would be validated on with "
            f"{split.fraction=}; raise it, or set valid_fraction=0 to do without"
        )
    return _enough(frame[~is_valid], frame[is_valid])


def _require_one_way(split: Split) -> None:
    ways = {name: getattr(split, name) for name in ("valid", "time", "group")}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) > 1:
        raise ValueError(f"rows are set aside in one way, however {given=}; keep one of them")
    if not 0 <= split.fraction < 1:
        raise ValueError(
            f"a fraction is 0 or more and below 1, however valid_fraction={split.fraction}; try 0.2"
        )


def _enough(
    train: pd.DataFrame, valid: pd.DataFrame | None
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    if len(train) < LEAST:
        raise ValueError(
            f"learning needs at least {LEAST} rows, however n_samples = {len(train)} are left to "
            "train on; add rows, or validate on fewer"
        )
    return train, valid


def _mask(valid: Any, frame: pd.DataFrame) -> NDArray[np.bool_]:
    """A truth for each row. Shape: (n,)."""
    if isinstance(valid, pd.Series) and valid.index.equals(frame.index):
        valid = valid.to_numpy()
    mask = np.asarray(valid)
    if mask.shape != (len(frame),) or not (types.is_bool_dtype(mask) or _are_truths(mask)):
        raise ValueError(
            "validation rows are a table or a truth for each row, however valid is a "
            f"{type(valid).__name__} of shape={mask.shape}, dtype={mask.dtype} for {len(frame)} "
            "rows; compare a column, as in valid=df['year'] == 2015"
        )
    return mask.astype(bool)


def _are_truths(mask: NDArray[Any]) -> bool:
    return mask.dtype == object and all(isinstance(value, (bool, np.bool_)) for value in mask)


def _latest(frame: pd.DataFrame, name: Name, fraction: float) -> NDArray[np.bool_]:
    require_columns(frame, [name], "the column of times")
    column = frame[name]
    text = isinstance(column.dtype, pd.StringDtype) or column.dtype == object
    times = as_numbers(column, name, "time" if text else "number")
    if not np.isfinite(times).all():
        raise ValueError(
            f"a split by time needs the time of every row, however {name!r} has "
            f"{int((~np.isfinite(times)).sum())} gaps; fill them or leave these rows out"
        )
    cut = np.sort(times)[max(len(times) - round(fraction * len(times)), 0) - 1]
    if cut == times.max():  # the training rows would reach to the last moment: begin there
        return np.asarray(times == cut)
    return np.asarray(times > cut)


def _groups(frame: pd.DataFrame, name: Name, fraction: float, seed: int) -> NDArray[np.bool_]:
    require_columns(frame, [name], "the column of groups")
    codes, values = distinct(frame[name])
    codes = np.where(codes < 0, len(values), codes)  # rows without a group are one
    sizes = np.bincount(codes)
    drawn = np.random.default_rng(seed).permutation(len(sizes))
    before = np.cumsum(sizes[drawn]) - sizes[drawn]
    chosen = drawn[before < fraction * len(codes)]
    return np.isin(codes, chosen)


def _drawn(n: int, classes: pd.Series | None, fraction: float, seed: int) -> NDArray[np.bool_]:
    """A random part; of every class that part, of two or more rows at least one."""
    rng = np.random.default_rng(seed)
    is_valid = np.zeros(n, dtype=bool)
    if classes is None:
        is_valid[rng.permutation(n)[: round(n * fraction)]] = True
        return is_valid
    codes, _ = distinct(classes)
    ends = np.cumsum(np.bincount(codes))[:-1]
    for rows in np.split(np.argsort(codes, kind="stable"), ends):
        size = min(max(round(len(rows) * fraction), 1), max(len(rows) - 1, 0))
        is_valid[rng.permutation(rows)[:size]] = True
    return is_valid
