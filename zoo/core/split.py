"""Parts of a data set that share no row: drawing them and checking them.

Rows are compared by content (`zoo.core.contents`): a copy of a training row in the validation part
is a leak, whatever its index or its file's name.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from zoo.core.contents import Hashes
from zoo.core.messages import warn

Rows = NDArray[np.int64]

PART_NAMES: Final = {"train", "training", "valid", "validation", "val", "dev", "test", "testing"}
LOOKED_AT: Final = 1_000  # rows that show what a column is about


def warn_of_marked_parts(table: Any, used: Iterable[Hashable]) -> None:
    """Warn of a column of a table that marks parts by their names and is not used for that.

    Args:
        table: a DataFrame.
        used: columns whose meaning the call has settled.
    """
    settled = set(used)
    for name in table.columns:
        if name in settled or list(table.columns).count(name) > 1:
            continue
        column = table[name]
        if any(str(cell).strip().lower() not in PART_NAMES for cell in column.iloc[:LOOKED_AT]):
            continue
        parts = {str(cell).strip().lower() for cell in column.unique().tolist()}
        if len(parts) > 1 and parts <= PART_NAMES and parts & {"train", "training"}:
            warn(
                f"rows of all parts are used, got a column {name!r} that marks "
                f"{', '.join(sorted(parts))}. Choose the rows of a part, and pass those to "
                "validate on as valid=..."
            )


def require_disjoint(
    train: Hashes,
    valid: Hashes,
    *,
    rows: str = "rows",
    way_out: str = "Leave them out of one part.",
) -> None:
    """Refuse a validation part with rows of the training part.

    Args:
        train: content hashes of the training rows.
        valid: content hashes of the validation rows.
        rows: what the rows are called, such as "photos".
        way_out: sentence that ends the message.

    Raises:
        ValueError: at least one row is in both parts.
    """
    n = int(np.isin(valid, train).sum())
    if n:
        raise ValueError(
            f"training and validation {rows} must be different, got {n} of {len(valid)} validation "
            f"{rows} that are trained on too. {way_out}"
        )


def held_out(
    n: int,
    share: float,
    seed: int,
    *,
    groups: Sequence[Hashable] | NDArray[Any] | None = None,
    strata: Sequence[Hashable] | NDArray[Any] | None = None,
    trained_on: NDArray[np.bool_] | None = None,
) -> tuple[Rows, Rows]:
    """Draw the rows of a validation part: whole groups, and of every stratum its share.

    Args:
        n: number of rows.
        share: part of the rows to hold out, between 0 and 1.
        seed: the draw is a function of it.
        groups: one key per row; rows of one key end on the same side.
        strata: one key per row, such as its class; each keeps its share as nearly as groups let it.
        trained_on: whether a pretrained model was trained on each row; such are not held out.

    Returns:
        Training rows and validation rows, each sorted.

    Raises:
        ValueError: there are too few rows, a pretrained model was trained on all of them, or the
            groups leave a part empty, or the smaller part for training.
    """
    if not 0 < share < 1:
        raise ValueError(f"a held-out share must be between 0 and 1, got {share=}. Try 0.2.")
    if n < 2:
        raise ValueError(
            f"a part is held out of 2 rows or more, got {n=}. Add rows, or give valid."
        )
    group_of = np.arange(n) if groups is None else numbered(groups)
    stratum_of = np.zeros(n, np.int64) if strata is None else numbered(strata)
    sizes = np.bincount(group_of)
    first_rows = np.unique(group_of, return_index=True)[1]
    stays = np.zeros(len(sizes), bool)
    if trained_on is not None:
        stays[group_of[trained_on]] = True
    if stays.all():
        raise ValueError(
            f"rows to validate on must be new to the pretrained model, got {n} that it was trained "
            "on. Give others as valid."
        )
    order = np.random.default_rng(seed).permutation(len(sizes))
    chosen = _chosen_groups(order, sizes, stratum_of[first_rows], stays, share)
    is_held_out = chosen[group_of]
    got = is_held_out.mean()
    if not 0 < got <= max(0.5, 1.5 * share) or got == 1:
        raise ValueError(
            f"groups must let about the share of rows be held out, got {len(sizes)} groups of up "
            f"to {int(sizes.max())} of {n} rows for {share=}. Divide the rows yourself, or "
            "group by another column."
        )
    rows = np.arange(n, dtype=np.int64)
    return rows[~is_held_out], rows[is_held_out]


def _chosen_groups(
    order: Rows, sizes: Rows, stratum_of: Rows, stays: NDArray[np.bool_], share: float
) -> NDArray[np.bool_]:
    """Choose groups in an order, but those that stay: about the share of every stratum's rows."""
    chosen = np.zeros(len(order), bool)
    owed = 0.0  # rows that earlier strata should have given, so that small strata count together
    for stratum in range(int(stratum_of.max()) + 1):
        own = order[stratum_of[order] == stratum]
        owed += share * int(sizes[own].sum())
        taken = nearest_to(owed, own[~stays[own]], sizes)
        chosen[taken] = True
        owed -= int(sizes[taken].sum())
    if not chosen.any():
        new = order[~stays[order]]
        chosen[new[sizes[new].argmin()]] = True
    return chosen


def held_out_of_each(classes: NDArray[np.int64], share: float, seed: int) -> NDArray[np.bool_]:
    """Draw a validation part of every class: its share, and of two or more rows at least one.

    Args:
        classes: number of each row's class, from 0. Shape: (n,)
        share: part of each class to hold out.
        seed: the draw is a function of it.

    Returns:
        Whether each row is held out. Shape: (n,)
    """
    rng = np.random.default_rng(seed)
    is_held_out = np.zeros(len(classes), bool)
    ends = np.cumsum(np.bincount(classes))[:-1]
    for rows in np.split(np.argsort(classes, kind="stable"), ends):
        n = min(max(round(len(rows) * share), 1), max(len(rows) - 1, 0))
        is_held_out[rng.permutation(rows)[:n]] = True
    return is_held_out


def nearest_to(owed: float, order: Rows, sizes: Rows, most: int | None = None) -> list[int]:
    """Take groups one after another, as long as that brings their rows nearer to a number.

    Args:
        owed: number of rows.
        order: groups that may be taken. Shape: (k,)
        sizes: number of rows of every group. Shape: (n_groups,)
        most: groups to take at most.
    """
    taken: list[int] = []
    for group in order.tolist():
        if len(taken) != most and abs(owed - sizes[group]) < abs(owed):
            taken.append(group)
            owed -= int(sizes[group])
    return taken


def require_both_parts(n_train: int, n_valid: int, *, rows: str = "rows", way_out: str) -> None:
    """Refuse a division that leaves a part empty.

    Args:
        n_train: number of rows to train on.
        n_valid: number of rows to validate on.
        rows: what the rows are called, such as "photos".
        way_out: sentence that ends the message.

    Raises:
        ValueError: one of the numbers is 0.
    """
    if not n_train or not n_valid:
        raise ValueError(
            f"both parts must have {rows}, got {n_train} to train and {n_valid} to validate on. "
            f"{way_out}"
        )


def connected(contents: Rows, groups: Rows) -> Rows:
    """A number for each row, the same for copies of its content and for rows of its group.

    A copy in another group joins both groups.

    Args:
        contents: number of each row's content, from 0. Shape: (n,)
        groups: number of each row's group, from 0. Shape: (n,)
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = int(contents.max()) + 1
    ones = np.ones(len(groups), bool)
    graph = coo_array((ones, (contents, groups + n)), shape=(n + len(groups),) * 2)
    parts: Rows = connected_components(graph, directed=False)[1].astype(np.int64)
    return parts[contents]


def numbered(keys: Sequence[Hashable] | NDArray[Any]) -> NDArray[np.int64]:
    """A number from 0 on for each key, in the order of their first rows."""
    numbers: dict[Hashable, int] = {}
    listed = keys.tolist() if isinstance(keys, np.ndarray) else keys
    return np.array([numbers.setdefault(key, len(numbers)) for key in listed], np.int64)
