"""Which rows to validate on: a random part, the latest, whole groups, or those that are named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from zoo.core.run import Run
from zoo.core.split import held_out, held_out_of_each, require_both_parts
from zoo.core.trust.folds import Fold, rows_of_fold
from zoo.data.table import require_columns
from zoo.tabular.data.contents import copies
from zoo.tabular.data.tables import read_table, texts_of
from zoo.tabular.data.values import as_numbers, distinct, is_text, reads_as_number, without_arrow
from zoo.tabular.options import Name, Options

LEAST: Final = 2  # rows to train on: batch norms need a deviation


def divide(
    frame: pd.DataFrame,
    settings: Options,
    classes: pd.Series | None = None,
    ignore: Sequence[Name] = (),
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Training and validation rows, in the table's order, by one of `valid`, `time` and `group`.

    By time, no validation row is as early as a training row. Groups stay together on one side; as
    many are validated on as come nearest to the fraction.

    Args:
        frame: all rows.
        settings: all options of the verb.
        classes: class of each row, if a random part shall have its share of each.
        ignore: columns that do not tell copies of a row apart.

    Raises:
        ValueError: the split is contradictory, or leaves too few rows on a side.
    """
    valid, time, group = settings["valid"], settings["time"], settings["group"]
    fraction, seed = settings["valid_fraction"], (settings["run"] or Run()).seed
    fold = settings["fold"] and Fold(*settings["fold"])
    ways = {"valid": valid, "time": time, "group": group}
    several = [name for name, value in ways.items() if value is not None]
    if len(several) > 1:
        raise ValueError(
            f"rows must be set aside in one way, got {' and '.join(several)}. Keep one of them."
        )
    _require_enough(frame)
    if is_table(valid):
        return frame, read_table(valid, texts_of(frame), frame.columns)
    if valid is not None:
        is_valid = mask_of(valid, frame)
    elif fraction == 0 and fold is None:
        return frame, None
    elif time is not None:
        times = _times(frame, time)
        if fold is not None:
            train, held = rows_of_fold(fold, len(frame), seed, times=times)
            return frame.iloc[train], frame.iloc[held]
        is_valid = _latest(times, fraction)
    else:
        groups: NDArray[Any] | None
        strata = None
        if group is not None:
            require_columns(frame, [group], "the column of groups")
            groups = distinct(frame[group])[0]
        else:
            groups = copies(frame.drop(columns=[*ignore]))
            strata = None if classes is None else distinct(classes)[0]
        if fold is not None:
            train, held = rows_of_fold(fold, len(frame), seed, groups=groups, strata=strata)
            return frame.iloc[train], frame.iloc[held]
        is_valid = _drawn(groups, strata, len(frame), fraction, seed)
    require_both_parts(
        int((~is_valid).sum()),
        int(is_valid.sum()),
        way_out="Choose another valid or valid_fraction; valid_fraction=0 does without a score.",
    )
    _require_enough(frame[~is_valid])
    return frame[~is_valid], frame[is_valid]


def is_table(valid: Any) -> bool:
    """Whether validation rows are a table of their own."""
    return isinstance(valid, (str, pd.DataFrame)) or hasattr(valid, "__fspath__")


def mask_of(valid: Any, frame: pd.DataFrame) -> NDArray[np.bool_]:
    """A truth for each row of a table; a Series says it by its index. Shape: (n,).

    Raises:
        ValueError: there is not one truth for each row.
    """
    if isinstance(valid, pd.Series) and not valid.index.equals(frame.index):
        both = (valid.index, frame.index)
        if not all(index.is_unique for index in both) or set(both[0]) != set(both[1]):
            raise ValueError(
                f"truths must have the index of the table, got another one of {len(valid)} for "
                f"{len(frame)} rows. Compare a column of the same table, or pass valid.to_numpy() "
                "if the order is that of the rows."
            )
        valid = valid.reindex(frame.index)
    mask = np.asarray(without_arrow(valid) if isinstance(valid, pd.Series) else valid)
    if mask.shape != (len(frame),) or types.infer_dtype(mask, skipna=False) != "boolean":
        raise ValueError(
            "validation rows must be a table or a truth for each row, got a "
            f"{type(valid).__name__} of shape={mask.shape}, dtype={mask.dtype} for {len(frame)} "
            "rows. Compare a column, as in valid=df['year'] == 2015."
        )
    return mask.astype(bool)


def _require_enough(train: pd.DataFrame) -> None:
    if len(train) < LEAST:
        raise ValueError(
            f"training must have at least {LEAST} rows, got n_samples = {len(train)}. Add rows, or "
            "validate on fewer."
        )


def _times(frame: pd.DataFrame, name: Name) -> NDArray[np.float64]:
    """The moment of each row, as numbers. Shape: (n,)"""
    require_columns(frame, [name], "the column of times")
    column = without_arrow(frame[name])
    texts = is_text(column.dtype) and not all(map(reads_as_number, distinct(column)[1]))
    times = as_numbers(column, name, "time" if texts else "number")
    if not np.isfinite(times).all():
        raise ValueError(
            f"a split by time must have the time of every row, got "
            f"{int((~np.isfinite(times)).sum())} gaps in {name!r}. Fill them or leave these rows "
            "out."
        )
    return times


def _latest(times: NDArray[np.float64], fraction: float) -> NDArray[np.bool_]:
    """Whether each row belongs to the latest ones."""
    cut = np.sort(times)[max(len(times) - round(fraction * len(times)), 0) - 1]
    # Where the training rows would reach to the last moment, the others begin there.
    return np.asarray(times == cut if cut == times.max() else times > cut)


def _drawn(
    groups: NDArray[Any] | None, strata: NDArray[Any] | None, n: int, fraction: float, seed: int
) -> NDArray[np.bool_]:
    """A random part of n rows; of every class that part, of two or more rows at least one.

    Groups, such as the copies of a row, stay together.
    """
    if groups is not None:
        drawn = held_out(n, fraction, seed, groups=groups, strata=strata)[1]
    elif strata is not None:
        return held_out_of_each(strata, fraction, seed)
    else:
        drawn = np.random.default_rng(seed).permutation(n)[: round(n * fraction)]
    return np.isin(np.arange(n), drawn)
