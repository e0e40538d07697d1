"""The data doctor of all domains: what is wrong with data, before an hour is spent on them.

Errors spoil a training or its score: what cannot be read, the same input on both sides of the split
(a leak) or under two labels, labels for validation alone. Warnings may be meant: duplicates within
a part, classes of very different size, labels that are probably wrong. A domain adds what it alone
can tell (`zoo/DOMAIN/examinations.py`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo.core.messages import few
from zoo.core.split import numbered
from zoo.core.trust.diagnosis import Finding, Group, Items, Level, Suspect
from zoo.core.trust.wrong_labels import Doubts, doubted

FEW, UNEVEN = 10, 10.0  # items of a class; times the smallest class
WEAK = 0.5  # times the mistakes of always guessing the commonest label,
SURE = 0.9  # from which on a weak doubter's label is suggested
Rows = NDArray[np.int64]


class Same(NamedTuple):
    """Words for items that are the same.

    Attributes:
        exactly: in every byte or cell, such as "the same file".
        nearly: to an eye, such as "nearly the same photo".
        several: what is wrong if their labels differ.
    """

    exactly: str
    nearly: str
    several: str = "under several labels"


def rows_finding(
    level: Level, kind: str, text: str, rows: Iterable[int], *, drop: bool = False
) -> list[Finding]:
    """A finding of single rows; none if there are no rows.

    Args:
        level: see `Finding`.
        kind: see `Finding`.
        text: see `Finding`.
        rows: those concerned.
        drop: whether one would leave them out.
    """
    own = tuple(int(row) for row in rows)
    groups = tuple((row,) for row in own)
    return [Finding(level, kind, text, groups, own if drop else ())] if own else []


def copies(items: Items, group_of: Rows, exact: Sequence[Hashable], words: Same) -> list[Finding]:
    """Groups of items that are the same: on both sides, under two labels, or just twice.

    Args:
        items: all items.
        group_of: number of a row that shows the same; its own of what has no copy. Shape: (n,)
        exact: what is equal for exact copies alone. Length: n
        words: how the findings call them.
    """
    groups_of: dict[tuple[Level, str, str], list[Group]] = defaultdict(list)
    for group in _groups(group_of):
        kind = words.nearly if len({exact[row] for row in group}) > 1 else words.exactly
        if len({items.parts[row] for row in group}) > 1:
            groups_of["error", "leak", f"{kind} in train and valid"].append(group)
        elif len({str(items.labels[row]) for row in group}) > 1:
            groups_of["error", "two labels", f"{kind} {words.several}"].append(group)
        else:
            groups_of["warning", "duplicates", f"{kind} more than once"].append(group)
    return [
        Finding(*what, tuple(groups), tuple(r for g in groups for r in _spare(items, what[1], g)))
        for what, groups in groups_of.items()
    ]


def equal_rows(keys: Sequence[Hashable] | NDArray[Any]) -> Rows:
    """The first row of the same key, for each. Shape: (n,)

    >>> equal_rows(["a", "b", "a"]).tolist()
    [0, 1, 0]
    """
    numbers = numbered(keys)
    first = np.unique(numbers, return_index=True)[1]
    return np.asarray(first[numbers]) if len(numbers) else numbers


def balance(items: Items) -> list[Finding]:
    """Labels that are rare, far more frequent than others, or on one side of the split alone."""
    counts, kind = items.counts(), items.kind
    train, valid = (
        Counter({name: n for (part, name), n in counts.items() if part == side})
        for side in ("train", "valid")
    )
    if not train:
        return []
    found: list[tuple[Level, str, str]] = []
    if unknown := sorted(set(valid) - set(train)):
        found.append(("error", "balance", f"labels in valid alone: {few(unknown)}"))
    if valid and (untested := sorted(set(train) - set(valid))):
        found.append(("warning", "balance", f"labels in train alone: {few(untested)}"))
    if lone := sorted(name for name, n in train.items() if n == 1):
        text = f"classes of one member, none of which is left to validate on: {few(lone)}"
        found.append(("warning", "lone", text))
    if rare := sorted(name for name, n in train.items() if 1 < n < FEW):
        found.append(("warning", "balance", f"fewer than {FEW} {kind} to train on: {few(rare)}"))
    ranking = train.most_common()
    (most, high), (least, low) = ranking[0], ranking[-1]
    if high > UNEVEN * low:
        text = f"{most} has {high} {kind}, {least} {low}: consider balancing"
        found.append(("warning", "balance", text))
    return [Finding(*one) for one in found]


def wrong_labels(items: Items, doubts: Doubts) -> list[Finding]:
    """Labels that predictions out of fold contradict; see `zoo.core.trust.wrong_labels`.

    Args:
        items: all items.
        doubts: probabilities of each row's class, by something that has not seen the row.
    """
    by_text = {str(name): number for number, name in enumerate(doubts.classes)}
    numbers = np.array([by_text.get(str(label), -1) for label in items.labels], np.int64)
    rows = np.flatnonzero((numbers >= 0) & np.isfinite(doubts.probabilities).all(1))
    if len(rows) < 2:
        return []
    p = doubts.probabilities[rows]
    ranked, better = doubted(numbers[rows], p)
    accuracy = float((p.argmax(1) == numbers[rows]).mean())
    suspects = tuple(
        Suspect(int(rows[i]), doubts.classes[k], float(p[i, k]))
        for i, k in zip(ranked.tolist(), better.tolist(), strict=True)
    )
    text = f"labels that predictions out of fold (accuracy {accuracy:.3f}) contradict, surest first"
    n_most = np.bincount(numbers[rows]).max()
    is_weak = (1 - accuracy) * len(rows) > WEAK * (len(rows) - n_most)
    if is_weak:
        text += "; of predictions so weak most doubts are mistaken: look at each"
    groups = tuple((one.row,) for one in suspects)
    least = SURE if is_weak else 0.0
    found = [Finding("warning", "wrong labels", text, groups, (), suspects, least)]
    return found if suspects else []


def _groups(group_of: Rows) -> list[Group]:
    """Rows of one number, of which there are several, in the order of the first."""
    order = np.argsort(group_of, kind="stable")
    cuts = np.flatnonzero(np.diff(group_of[order])) + 1
    return [tuple(one.tolist()) for one in np.split(order, cuts) if len(one) > 1]


def _spare(items: Items, kind: str, group: Group) -> Group:
    """The rows of a group that one would leave out.

    Of copies all but the first; of a leak those that train; of contradictions those whose label is
    not that of most, or all.
    """
    if kind == "leak":
        return tuple(row for row in group if items.parts[row] == "train")
    if kind == "duplicates":
        return group[1:]
    ranking = Counter(str(items.labels[row]) for row in group).most_common(2)
    is_told = ranking[0][1] > ranking[1][1]
    return tuple(r for r in group if not is_told or str(items.labels[r]) != ranking[0][0])
