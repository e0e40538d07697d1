"""Which rows to validate on: a random part, the latest, whole groups, or those that are named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from zoo.core.split import held_out, held_out_of_each, require_both_parts
from zoo.data.table import require_columns
from zoo.tabular.data.contents import copies
from zoo.tabular.data.tables import read_table, texts_of
from zoo.tabular.data.values import as_numbers, distinct, is_text, reads_as_number, without_arrow
from zoo.tabular.options import Name

LEAST: Final = 2  # rows to train on: batch norms need a deviation


@dataclass(frozen=True)
class Split:
    """How to set rows aside for validation, by at most one of `valid`, `time` and `group`.

    Attributes:
        valid: a table of its own, or a truth for each row (a Series by its index); None leaves it
            to the others.
        fraction: share of the rows (of every class, of the groups); 0 validates on nothing.
        time: column of times; the latest rows are validated on, none of them as early as a
            training row.
        group: column of groups, whose rows stay together on one side; as many are validated on as
            come nearest to the fraction.
        seed: seed of the random parts.
    """

    valid: Any = None
    fraction: float = 0.2
    time: Name | None = None
    group: Name | None = None
    seed: int = 0


def divide(
    frame: pd.DataFrame,
    split: Split,
    classes: pd.Series | None = None,
    ignore: Sequence[Name] = (),
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Training and validation rows, in the table's order.

    Args:
        frame: all rows.
        split: how to set validation rows aside.
        classes: class of each row, if a random part shall have its share of each.
        ignore: columns that do not tell copies of a row apart.

    Raises:
        ValueError: the split is contradictory, or leaves too few rows on a side.
    """
    _require_one_way(split)
    _enough(frame, None)
    if is_table(split.valid):
        return _enough(frame, read_table(split.valid, texts_of(frame), frame.columns))
    if split.valid is not None:
        is_valid = mask_of(split.valid, frame)
    elif split.fraction == 0:
        return _enough(frame, None)
    elif split.time is not None:
        is_valid = _latest(frame, split.time, split.fraction)
    elif split.group is not None:
        is_valid = _groups(frame, split.group, split.fraction, split.seed)
    else:
        is_valid = _drawn(frame.drop(columns=[*ignore]), classes, split.fraction, split.seed)
    require_both_parts(
        int((~is_valid).sum()),
        int(is_valid.sum()),
        way_out="Choose another valid or valid_fraction; valid_fraction=0 does without a score.",
    )
    return _enough(frame[~is_valid], frame[is_valid])


def is_table(valid: Any) -> bool:
    """Whether validation rows are a table of their own."""
    return isinstance(valid, (str, pd.DataFrame)) or hasattr(valid, "__fspath__")


def mask_of(valid: Any, frame: pd.DataFrame) -> NDArray[np.bool_]:
    """A truth for each row of a table; a Series says it by its index. Shape: (n,).

    Raises:
        ValueError: there is not one truth for each row.
    """
    if isinstance(valid, pd.Series) and not valid.index.equals(frame.index):
        valid = _by_index(valid, frame)
    mask = np.asarray(without_arrow(valid) if isinstance(valid, pd.Series) else valid)
    if mask.shape != (len(frame),) or not (types.is_bool_dtype(mask) or _are_truths(mask)):
        raise ValueError(
            "validation rows must be a table or a truth for each row, got a "
            f"{type(valid).__name__} of shape={mask.shape}, dtype={mask.dtype} for {len(frame)} "
            "rows. Compare a column, as in valid=df['year'] == 2015."
        )
    return mask.astype(bool)


def _by_index(valid: pd.Series, frame: pd.DataFrame) -> pd.Series:
    """The truths in the order of the table's rows."""
    both = (valid.index, frame.index)
    if not all(index.is_unique for index in both) or set(both[0]) != set(both[1]):
        raise ValueError(
            "truths must have the index of the table, got another one of "
            f"{len(valid)} for {len(frame)} rows. Compare a column of the same table, or pass "
            "valid.to_numpy() if the order is that of the rows."
        )
    return valid.reindex(frame.index)


def _require_one_way(split: Split) -> None:
    ways = {name: getattr(split, name) for name in ("valid", "time", "group")}
    several = [name for name, value in ways.items() if value is not None]
    if len(several) > 1:
        raise ValueError(
            f"rows must be set aside in one way, got {' and '.join(several)}. Keep one of them."
        )


def _enough(
    train: pd.DataFrame, valid: pd.DataFrame | None
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    if len(train) < LEAST:
        raise ValueError(
            f"training must have at least {LEAST} rows, got n_samples = {len(train)}. Add rows, or "
            "validate on fewer."
        )
    return train, valid


def _are_truths(mask: NDArray[Any]) -> bool:
    return mask.dtype == object and all(isinstance(value, (bool, np.bool_)) for value in mask)


def _latest(frame: pd.DataFrame, name: Name, fraction: float) -> NDArray[np.bool_]:
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
    cut = np.sort(times)[max(len(times) - round(fraction * len(times)), 0) - 1]
    if cut == times.max():  # the training rows would reach to the last moment: begin there
        return np.asarray(times == cut)
    return np.asarray(times > cut)


def _groups(frame: pd.DataFrame, name: Name, fraction: float, seed: int) -> NDArray[np.bool_]:
    require_columns(frame, [name], "the column of groups")
    return _held_out(len(frame), fraction, seed, groups=distinct(frame[name])[0])


def _held_out(n: int, fraction: float, seed: int, **kinds: Any) -> NDArray[np.bool_]:
    return np.isin(np.arange(n), held_out(n, fraction, seed, **kinds)[1])


def _drawn(
    frame: pd.DataFrame, classes: pd.Series | None, fraction: float, seed: int
) -> NDArray[np.bool_]:
    """A random part; of every class that part, of two or more rows at least one.

    Copies of a row stay together.
    """
    n = len(frame)
    if (groups := copies(frame)) is not None:
        strata = None if classes is None else distinct(classes)[0]
        return _held_out(n, fraction, seed, groups=groups, strata=strata)
    if classes is None:
        drawn = np.random.default_rng(seed).permutation(n)[: round(n * fraction)]
        return np.isin(np.arange(n), drawn)
    return held_out_of_each(distinct(classes)[0], fraction, seed)
