"""A budget: the time that a call may take, handed down to what trains.

Whoever is given a budget ends by it, with the best that was made until then. A part of a budget
ends earlier; all parts share what was measured and what is said in the end.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Final

SPARED: Final = 0.02  # of a call's time, to write its model
MOST_KEPT: Final = 0.7  # of the time left, for what comes after a fit

clock = time.perf_counter  # seconds; tests put their own in its place


@dataclass
class Book:
    """What is known of a call's time, shared by all parts of its budget.

    Attributes:
        pass_seconds: a pass over the validation part; 0 if nobody has measured it.
        batch_seconds: a batch of it; 0 likewise.
        notes: what was left out for want of time, in words.
    """

    pass_seconds: float = 0.0
    batch_seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Budget:
    """Time that something may take.

    Args:
        end: when it must be over, on `clock`.
        passes: over the validation part, that come after training and before the end.
        book: see `Book`.
    """

    end: float
    passes: float = 0.0
    book: Book = field(default_factory=Book)

    @classmethod
    def of(cls, minutes: float) -> Budget:
        """The budget of what begins now."""
        return cls(clock() + 60 * minutes * (1 - SPARED))

    @property
    def left(self) -> float:
        """Seconds until the end; negative after it."""
        return self.end - clock()

    @property
    def left_to_train(self) -> float:
        """Seconds until training must be over, for the passes that come after it."""
        left = self.left
        return left - min(self.passes * self.book.pass_seconds, max(MOST_KEPT * left, 0.0))

    def part(self, share: float = 1.0, *, passes: float = 0.0, keep: float = 0.0) -> Budget:
        """The budget of a part that begins now.

        Args:
            share: of the time left to train; less than all of it ends before the passes.
            passes: that come after training beside those known.
            keep: seconds that are kept for what follows the part.
        """
        if share < 1:
            return replace(self, end=clock() + share * (self.left_to_train - keep), passes=passes)
        return replace(self, end=self.end - keep, passes=self.passes + passes)

    def say(self, note: str) -> None:
        """Remember what was left out for want of time."""
        if note not in self.book.notes:
            self.book.notes.append(note)
