"""As many texts as a budget has time to read: cutting long ones into words takes minutes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from zoo.core import budget
from zoo.core.batches import drawn
from zoo.core.run import Run
from zoo.core.trust.budget import remembered_share
from zoo.text.data.labelled_texts import Labelled

MEASURED: Final = 100  # texts that are read, after as many to begin with
FEWEST: Final = 200  # texts that are kept
MOST_READ: Final = 0.3  # of the time that is left


def in_time(texts: Labelled, read: Callable[[Any], Any], run: Run | None) -> Labelled:
    """The texts; where a budget has no time to read them all, a share of them, drawn once.

    Args:
        texts: all of a call; parts that the data set apart stay whole.
        read: cuts a text, or a pair of them, into words.
        run: the call's; a resumed one keeps to the texts of the earlier call.
    """
    if run is None or run.budget is None or texts.is_valid is not None:
        return texts
    time, n = run.budget, len(texts.texts)

    def share() -> float:
        rows = drawn(n, 0.0, 2 * MEASURED)
        for row in rows[: len(rows) // 2]:
            read(texts.texts[row])
        began = budget.clock()
        for row in rows[len(rows) // 2 :]:
            read(texts.texts[row])
        seconds = (budget.clock() - began) / (len(rows) - len(rows) // 2) * n
        return MOST_READ * max(time.left, 0.0) / max(seconds, 1e-9)

    part = remembered_share(run, "texts", share)
    if part >= 1 or n <= FEWEST:
        return texts
    rows = drawn(n, part, FEWEST)
    time.say(f"{len(rows)} of {n} texts were read")
    return texts.take(rows)
