"""Drawn parts of photos that share none: copies of a photo stay on one side."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.core.contents import Hashes
from zoo.core.seen_rows import SeenRows
from zoo.core.split import Rows, connected, numbered
from zoo.core.trust.folds import Fold, rows_of_fold


def disjoint(
    train: Rows,
    valid: Rows,
    hashes: Hashes,
    labels: NDArray[Any],
    trained_on: SeenRows | None = None,
) -> tuple[Rows, Rows]:
    """Drawn parts that share no photo; validation has none that a pretrained model knows, if any.

    All copies of a photo go to one side, about as many to validation as before; parts without
    copies stay as they are.

    Args:
        train: rows to train on.
        valid: rows to validate on.
        hashes: content of all rows. Shape: (n,)
        labels: those of all rows, as `zoo.vision.data.labels.encoded` gives them; every class
            keeps rows to train on.
        trained_on: photos that the pretrained model knows.

    Raises:
        ValueError: nothing would be left to validate on.
    """
    rows, share = np.concatenate([train, valid]), len(valid) / (len(train) + len(valid))
    is_valid = np.isin(rows, valid)
    split = np.intersect1d(hashes[train], hashes[valid])  # sorted: as good as drawn
    copies = np.isin(hashes[rows], split)
    n_each = np.unique(hashes[rows[copies]], return_counts=True)[1]
    chosen = split[: max(int((n_each.cumsum() <= (copies & is_valid).sum()).sum()), 1)]
    is_valid[copies] = np.isin(hashes[rows[copies]], chosen)
    if labels.dtype == np.int64:
        is_valid &= np.isin(labels[rows], labels[rows[~is_valid]])
    if trained_on is not None and not trained_on.is_cut_off:
        known = np.isin(hashes[rows], trained_on.hashes)
        if (known & is_valid).any() and not known.all():
            is_valid = ~known & _about(share, known, is_valid)
    if not is_valid.any() or is_valid.all():
        raise ValueError(
            "validation needs photos that are no copies of training photos, got none. Give others "
            "as valid."
        )
    if not copies.any() and trained_on is None:
        return train, valid
    return np.sort(rows[~is_valid]), np.sort(rows[is_valid])


def together(hashes: Hashes | None, groups: Rows | None) -> Rows | None:
    """A key for each photo, the same for its copies and for those of its group.

    A copy in another group joins both groups.

    Args:
        hashes: content of the photos; None if it is not known. Shape: (n,)
        groups: number of each photo's group, from 0; None without groups. Shape: (n,)
    """
    if hashes is None or groups is None:
        return groups if hashes is None else numbered(hashes)
    return connected(numbered(hashes), groups)


def held_out_fold(
    fold: tuple[int, int], strata: Rows, groups: Rows | None, seed: int
) -> NDArray[np.bool_]:
    """Whether each photo is held out in one of several parts; a group shares one.

    Args:
        fold: which part, and how many there are.
        strata: those of `zoo.vision.data.labels.strata`, each spread over the parts. Shape: (n,)
        groups: those of `together`, if any photo belongs to another. Shape: (n,)
        seed: the draw is a function of it.

    Raises:
        ValueError: there are fewer groups than parts, or no such part.
    """
    n = len(strata)
    _, held_out = rows_of_fold(Fold(*fold), n, seed, groups=groups, strata=strata)
    return np.isin(np.arange(n), held_out)


def _about(share: float, known: NDArray[np.bool_], is_valid: NDArray[np.bool_]) -> Any:
    """The unknown ones of the drawn rows, filled up with others that are unknown."""
    wanted = max(round(share * len(known)), 1)
    order = np.argsort(~is_valid, kind="stable")  # those drawn come first
    kept = order[~known[order]][:wanted]
    return np.isin(np.arange(len(known)), kept)
