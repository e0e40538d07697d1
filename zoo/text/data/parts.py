"""A training and a validation part: each class in both, copies of a text never in both."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from zoo.core.contents import Hashes
from zoo.core.messages import warn
from zoo.core.seen_rows import SeenRows, new_rows
from zoo.core.split import held_out, nearest_to, require_both_parts, require_disjoint
from zoo.core.trust.folds import MARKED, Fold, rows_of_fold
from zoo.text.data.labelled_texts import Labelled
from zoo.text.data.pairs import sides
from zoo.text.data.texts import key_of

Rows = NDArray[np.int64]

SHARED: Final = 0.1  # of the pairs held out: those that begin as a trained one does
WAY_OUT = "Leave these texts out of one of them."


def parts(
    data: Labelled,
    valid: Labelled | None,
    fraction: float,
    seed: int,
    fold: Fold | None = None,
) -> tuple[Labelled, Labelled | None]:
    """What to train on and what to validate on.

    Args:
        data: all labelled texts.
        valid: texts that the user gives to validate on, or None.
        fraction: fraction of the texts to hold out where neither the user nor the data set some
            apart.
        seed: seed of the draw.
        fold: one of several parts to hold out instead; copies and classes as in `split`.

    Raises:
        ValueError: a text to validate on is trained on as well, or nothing can be held out.
    """
    if fold is not None:
        return _with_warning(*_one_of_folds(data, fold, seed))
    if data.is_valid is not None:
        rest = np.flatnonzero(~data.is_valid)
        n = len(data.texts)
        require_both_parts(len(rest), n, rows="texts", way_out="Give others to train on.")
        train, apart = data.take(rest), data.to_score() if data.is_valid.any() else None
        if valid is None:
            return train, unseen(apart, None, train.hashes())
        data = train
    if valid is not None:
        valid.check_kind(data.task)
        valid.check_pairs(data.n_texts)
        require_disjoint(data.hashes(), valid.hashes(), rows="texts", way_out=WAY_OUT)
        return data, valid
    return _with_warning(*split(data, fraction, seed)) if fraction else (data, None)


def _with_warning(train: Labelled, held: Labelled | None) -> tuple[Labelled, Labelled | None]:
    """Both parts; a warning tells if many pairs of one begin as pairs of the other do."""
    if held is not None and held.n_texts > 1 and held.groups is None:
        known = {key_of(sides(text)[0]) for text in train.texts} - {""}
        n = sum(key_of(sides(text)[0]) in known for text in held.texts)
        if n > SHARED * len(held.texts):
            warn(
                f"more than {SHARED:.0%} of the pairs to validate on have their first text in "
                "common with pairs that are trained on, so scores may be better than for new "
                "ones; name its column as group=... to keep such pairs on one side"
            )
    return train, held


def _one_of_folds(data: Labelled, fold: Fold, seed: int) -> tuple[Labelled, Labelled]:
    """The texts that train in one fold, and those that are held out."""
    if data.is_valid is not None:
        raise ValueError(MARKED)
    groups = data.keys
    strata: Any = data.labels if data.task == "classification" else None
    if data.task == "regression":
        strata = data.ranges(1 / fold.of)
    train, held = rows_of_fold(fold, len(groups), seed, groups=groups, strata=strata)
    return data.take(train), data.take(held)


def unseen(
    valid: Labelled | None,
    earlier: SeenRows | None,
    trained: Hashes | None = None,
    *,
    drawn: bool = True,
) -> Labelled | None:
    """The validation part without the texts that are trained on, see `without`."""
    if valid is None or (earlier is None and trained is None):
        return valid
    named = np.array([bool(key_of(text)) for text in valid.texts])
    is_new = ~named
    rows = without(valid.hashes(), earlier, trained, drawn=drawn)
    is_new[np.flatnonzero(named)[rows]] = True
    return valid.take(np.flatnonzero(is_new)) if is_new.any() else None


def without(
    hashes: Hashes, earlier: SeenRows | None, trained: Hashes | None = None, *, drawn: bool = True
) -> Rows:
    """The rows of a validation part that are not trained on; a warning tells of the others.

    Args:
        hashes: content of the validation part.
        earlier: rows that the pretrained model was trained on.
        trained: content of the training part.
        drawn: see `zoo.core.seen_rows.new_rows`.

    Raises:
        ValueError: as `zoo.core.seen_rows.new_rows`.
    """
    is_own = np.zeros(len(hashes), dtype=bool) if trained is None else np.isin(hashes, trained)
    if n := int(is_own.sum()):
        warn(
            f"{n} of {len(hashes)} texts to validate on are trained on too, and are left out of "
            "the validation."
        )
    rest = np.flatnonzero(~is_own)
    return rest[new_rows(hashes[rest], earlier, rows="texts", drawn=drawn)]


def split(data: Labelled, fraction: float, seed: int) -> tuple[Labelled, Labelled | None]:
    """Two parts at random, the second with this fraction of each class; copies stay together.

    Numbers are divided by ranges of like many texts as if these were classes.

    Without a second part where copies leave nothing to hold out.

    Raises:
        ValueError: each text is the only one of its class.
    """
    if data.groups is not None:
        return _of_groups(data, fraction, seed)
    units = units_of(map(key_of, data.texts))
    rng = np.random.default_rng(seed)
    is_number = data.task == "regression"
    numbers = data.ranges(fraction) if is_number else data.numbers(data.classes())
    draw = _by_label if data.task == "multi-label" else _by_class
    n_texts = len(data.texts)
    held = [] if are_too_few(units, n_texts, fraction) else draw(numbers, units, fraction, rng)
    if not held and len(units) == n_texts:
        raise ValueError(
            f"a class must have several texts to hold out some, got {n_texts} texts, each the only "
            "one of its class. Give valid=..., or valid_fraction=0."
        )
    if not held:
        warn_of_copies(units, n_texts)
        return data, None
    mask = np.zeros(n_texts, dtype=bool)
    mask[np.concatenate([units[i] for i in held])] = True
    return data.take(np.flatnonzero(~mask)), data.take(np.flatnonzero(mask))


def _of_groups(data: Labelled, fraction: float, seed: int) -> tuple[Labelled, Labelled]:
    """Two parts that share no group."""
    strata: Any = None if data.task == "multi-label" else data.labels
    strata = data.ranges(fraction) if data.task == "regression" else strata
    rows = held_out(len(data.texts), fraction, seed, groups=data.keys, strata=strata)
    return data.take(rows[0]), data.take(rows[1])


def units_of(keys: Iterable[Hashable]) -> list[Rows]:
    """The rows that stay together: those of one key; without a key ("") each by itself."""
    rows: dict[Hashable, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(("", row) if key == "" else key, []).append(row)
    return [np.array(own, dtype=np.int64) for own in rows.values()]


def are_too_few(units: list[Rows], n: int, fraction: float) -> bool:
    """Whether n texts are mostly copies, of so few that their fraction is not even one of them."""
    return 2 * len(units) <= n and len(units) * fraction < 1


def warn_of_copies(units: list[Rows], n: int) -> None:
    """Tell that there is nothing to validate on."""
    warn(
        f"No texts are held out: the {n} texts are copies of {len(units)}, too few to validate on "
        "others than are trained on. Give valid=... to have scores."
    )


def _by_class(
    numbers: NDArray[Any], units: list[Rows], fraction: float, rng: np.random.Generator
) -> list[int]:
    """The units to hold out: of each class this fraction, at least one if more is left."""
    sizes = np.array([len(rows) for rows in units])
    own_class = numbers[[rows[0] for rows in units]]
    held: list[int] = []
    owed = 0  # rows that classes of large units could not give
    for number in np.unique(own_class).tolist():
        own = np.flatnonzero(own_class == number)
        n = int(sizes[own].sum())
        owed += min(max(round(fraction * n), 1), n - 1)
        held += (taken := nearest_to(owed, rng.permutation(own), sizes, len(own) - 1))
        owed -= int(sizes[taken].sum())
    return held


def _by_label(
    table: NDArray[Any], units: list[Rows], fraction: float, rng: np.random.Generator
) -> list[int]:
    """The units to hold out: of each label this fraction.

    Sechidis et al. 2011, "On the stratification of multi-label data": the label with the fewest
    texts left is divided first, each of its texts going where most of the label are still wanted.
    Labels of one or two texts are trained on, so some units are added at last to make the fraction.
    """
    sizes = np.array([len(rows) for rows in units])
    has = np.stack([table[rows].sum(0) for rows in units])  # (units, labels): texts with each label
    left = has.sum(0)
    wanted = np.outer([1 - fraction, fraction], left)
    room = np.array([1 - fraction, fraction]) * sizes.sum()
    side = np.full(len(units), -1)
    order = rng.permutation(len(units))

    def put(unit: int, train: float, valid: float) -> None:
        where = int(valid > train or (valid == train and room[1] > room[0]))
        side[unit] = where
        wanted[where] -= has[unit]
        room[where] -= sizes[unit]

    while (left > 0).any():
        label = int(np.where(left > 0, left, np.inf).argmin())
        own = order[(side[order] < 0) & (has[order, label] > 0)]
        for unit in own.tolist():
            put(unit, *wanted[:, label])
        left -= has[own].sum(0)
    for unit in order[side[order] < 0].tolist():
        put(unit, *room)
    trained = has[side == 0].sum(0)
    for unit in order[side[order] == 0].tolist():
        if abs(room[1] - sizes[unit]) >= abs(room[1]):
            continue
        if ((trained > has[unit]) | (has[unit] == 0)).all() and (side == 0).sum() > 1:
            side[unit], room[1], trained = 1, room[1] - sizes[unit], trained - has[unit]
    return [int(unit) for unit in np.flatnonzero(side == 1)]
