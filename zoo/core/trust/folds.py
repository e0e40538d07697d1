"""Folds: parts of the data that are held out one after another, so that each row is scored once.

Rows of one group, such as copies of a photo, share a fold; each class is spread over the folds as
evenly as its groups allow. By time a fold is a span of it, and what trains lies before.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo.core.split import Rows, numbered

FEWEST: Final = 2
MARKED: Final = (
    "folds must be drawn from data without parts of their own, got data that set a validation part "
    "apart. Leave the folds out, or move all examples into one part."
)


class Fold(NamedTuple):
    """One of several parts to hold out.

    Attributes:
        number: which, from 0.
        of: how many there are.
    """

    number: int
    of: int


def require_fold(fold: Fold) -> None:
    """Refuse a fold that there is not.

    Raises:
        ValueError: its number or the number of folds is out of range.
    """
    if not (fold.of >= FEWEST and 0 <= fold.number < fold.of):
        raise ValueError(
            f"a fold must be one of {FEWEST} or more, counted from 0, got {tuple(fold)}. Try "
            "Fold(0, 5)."
        )


def rows_of_fold(
    fold: Fold,
    n: int,
    seed: int,
    *,
    groups: Sequence[Hashable] | NDArray[Any] | None = None,
    strata: Sequence[Hashable] | NDArray[Any] | None = None,
    times: NDArray[Any] | None = None,
) -> tuple[Rows, Rows]:
    """The rows that train and those that are held out in one fold.

    Each group goes, the largest first, to the fold with the fewest rows of its stratum, as
    scikit-learn's `GroupKFold` does for groups alone; its `StratifiedGroupKFold` would take minutes
    for as many groups as rows. The only group of a stratum (a class) always trains: nothing could
    be learnt of the stratum otherwise.

    Args:
        fold: which part.
        n: number of rows.
        seed: the draw is a function of it, the same for all folds.
        groups: one key per row; rows of one key are held out together.
        strata: one key per row, such as its class.
        times: one moment per row. The rows are cut into `fold.of + 1` spans of like many rows, the
            first of which only trains; no held-out row is as early as one that trains. Shape: (n,)

    Returns:
        Training rows and held-out rows, each sorted.

    Raises:
        ValueError: there are fewer groups than folds, a fold has none of its own, or there are too
            few moments.
    """
    require_fold(fold)
    if times is not None:
        return _span(fold, np.asarray(times))
    group_of = np.arange(n) if groups is None else numbered(groups)
    stratum_of = np.zeros(n, np.int64) if strata is None else numbered(strata)
    n_groups = int(group_of.max()) + 1 if n else 0
    strata_there, groups_there = np.unique(np.stack([stratum_of, group_of]), axis=1)
    only = np.unique(groups_there[np.bincount(strata_there)[strata_there] == 1])
    fold_of = _dealt(group_of, stratum_of, fold.of, seed)
    if len(set(np.delete(fold_of, only).tolist())) < fold.of:
        what = "rows" if groups is None else "groups of rows"
        always = (
            f", {len(only)} of which are the only one of a class and train" if len(only) else ""
        )
        raise ValueError(
            f"folds must have {what} each, got folds={fold.of} for {n_groups}{always}. Take fewer "
            "folds."
        )
    fold_of[only] = -1
    is_held_out = fold_of[group_of] == fold.number
    rows = np.arange(n, dtype=np.int64)
    return rows[~is_held_out], rows[is_held_out]


def _dealt(group_of: Rows, stratum_of: Rows, k: int, seed: int) -> Rows:
    """The fold of each group; a group belongs to the stratum of its first row."""
    sizes = np.bincount(group_of)
    stratum_of_group = stratum_of[np.unique(group_of, return_index=True)[1]]
    drawn = np.random.default_rng(seed).permutation(len(sizes))
    order = drawn[np.lexsort((-sizes[drawn], stratum_of_group[drawn]))]
    fold_of = np.empty(len(sizes), np.int64)
    total, own, stratum = [0] * k, [0] * k, -1
    for group in order.tolist():
        if stratum_of_group[group] != stratum:
            stratum, own = stratum_of_group[group], [0] * k
        chosen = min(range(k), key=lambda i: (own[i], total[i]))
        fold_of[group] = chosen
        own[chosen] += int(sizes[group])
        total[chosen] += int(sizes[group])
    return fold_of


def _span(fold: Fold, times: NDArray[Any]) -> tuple[Rows, Rows]:
    """Rows before a span of time, and those within it."""
    latest_of_span = [part[-1] for part in np.array_split(np.sort(times), fold.of + 1)]
    low, high = latest_of_span[fold.number], latest_of_span[fold.number + 1]
    train, valid = np.flatnonzero(times <= low), np.flatnonzero((times > low) & (times <= high))
    if not len(valid):
        raise ValueError(
            f"folds by time must have moments of their own, got folds={fold.of} for "
            f"{len(np.unique(times))} moments. Take fewer folds."
        )
    return train, valid
