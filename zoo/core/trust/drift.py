"""Drift: what of new inputs has moved away from those of the training, by what a model stores.

A model's artifact knows of its training rows a column's median and quartiles, its categories, the
words of several texts, ids, and the scores of the validation; none of them tells of a single row.
What has moved is told with the number of predictions that it touches.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo.core.trust.diagnosis import Finding, Items, Report

SHIFT: Final = 0.25  # distances of quartiles by which a median may move,
LUCK: Final = 4.0  # beside so many standard errors
WIDER: Final = 2.0  # times the distance of quartiles, from which on it has changed
REACH: Final = 2.0  # distances from the median that are usual: Tukey's fences of a symmetric column
FAR: Final = 30.0  # distances from the median at which a cell has another unit
RARE: Final = 0.01  # share of cells that may be unseen, or far
STRANGE: Final = 0.1  # share of inputs that may be unlike the training's; by luck, .01 are
FEWEST: Final = 20  # rows that tell of a shift
DOUBT: Final = 0.1  # by which the mean probability may be lower than the share that was right

Floats = NDArray[np.float64]


class Moved(NamedTuple):
    """What has moved, and the rows whose predictions it touches. Shape: rows (k,)"""

    text: str
    rows: NDArray[np.int64]


def drift_report(kind: str, names: Sequence[Hashable], moves: Sequence[Moved | None]) -> Report:
    """What has moved, as the data doctor reports it.

    Args:
        kind: what inputs are called, such as "rows".
        names: what each is called.
        moves: what has moved; None for what has not.
    """
    n, found = len(names), [one for one in moves if one is not None]
    nothing = [None] * n
    items = Items(kind, names, nothing, nothing, ["new"] * n, np.zeros(n, np.uint64))
    findings = [
        Finding(
            "warning",
            "drift",
            f"{one.text}; touches {len(one.rows)} of {n} predictions",
            tuple((row,) for row in one.rows.tolist()),
        )
        for one in found
    ]
    if len(found) > 1:
        touched = len(np.unique(np.concatenate([one.rows for one in found])))
        text = f"together they touch {touched} of {n} predictions"
        findings.append(Finding("warning", "drift in all", text))
    return Report(items, findings)


def moved_number(
    name: Hashable, cells: Floats, median: float, spread: float, width: float, *, had_gaps: bool
) -> Moved | None:
    """How a column of numbers has moved, if it has.

    The standard error of a median is .93 distances of quartiles over the root of the rows, as of a
    normal distribution.

    Args:
        name: the column.
        cells: those of the new rows; NaN or infinite where there is a gap. Shape: (n,)
        median: that of the training.
        spread: distance of the quartiles in the training.
        width: the same of the new rows.
        had_gaps: whether the training had gaps in the column.
    """
    there = np.isfinite(cells)
    away = np.where(there, (cells - median) / spread, 0.0)
    said, rows = [], np.zeros(len(cells), bool)
    n = int(there.sum())
    if n >= FEWEST:
        shift = float(np.median(away[there]))
        if abs(shift) > SHIFT + LUCK * 0.93 / n**0.5:
            said.append(f"its median is {shift * spread + median:g}, not {median:g}")
        elif not 1 / WIDER <= width / spread <= WIDER and n >= 5 * FEWEST:
            said.append(f"its quartiles are {width:g} apart, not {spread:g}")
        elif (np.abs(away) > FAR).mean() > RARE:
            said.append(f"cells lie more than {FAR:g} distances of quartiles off its median")
        rows |= np.abs(away) > (REACH if said else np.inf)
    if not had_gaps and not there.all():
        said.append("it has gaps, of which there were none")
        rows |= ~there
    return Moved(f"column {name!r}: {', '.join(said)}", np.flatnonzero(rows)) if said else None


def unseen(what: str, is_unseen: NDArray[np.bool_], most: float = RARE) -> Moved | None:
    """What the training had not, such as categories, if more than a share of rows has it.

    Args:
        what: in words, such as "column 'land': categories".
        is_unseen: whether each row has it. Shape: (n,)
        most: the share that may.
    """
    share = float(is_unseen.mean()) if len(is_unseen) else 0.0
    if share <= most:
        return None
    return Moved(f"{what} that the training had not", np.flatnonzero(is_unseen))


def unlike(kind: str, answers: Sequence[Any]) -> Moved | None:
    """Whether many inputs are unlike those of the training, by `predict(unknown=True)`.

    Args:
        kind: what inputs are called, such as "texts".
        answers: the predictions; their `unknown` is None where the model does not tell.
    """
    marks = [one.unknown is not None and one.unknown.is_unknown for one in answers]
    if len(marks) < FEWEST:
        return None
    return unseen(f"{kind} of a kind", np.array(marks), STRANGE)


def less_sure(probabilities: Floats, accuracy: float | None) -> Moved | None:
    """Whether a model is less sure of new inputs than it was right in its validation.

    Args:
        probabilities: that of the predicted class of each input. Shape: (n,)
        accuracy: the share of the validation that was right; None if nobody knows.
    """
    if accuracy is None or len(probabilities) < FEWEST:
        return None
    mean, error = (
        float(probabilities.mean()),
        float(probabilities.std()) / len(probabilities) ** 0.5,
    )
    if mean > accuracy - DOUBT - LUCK * error:
        return None
    text = f"the predicted class has probability {mean:.2f}, while {accuracy:.2f} were right before"
    return Moved(text, np.flatnonzero(probabilities < 0.5))
