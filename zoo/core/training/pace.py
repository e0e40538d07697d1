"""The pace of a fit that has a budget: as many steps as there is time for, by the same schedule.

The first steps tell how long one takes, and the fit is planned anew as it goes on. Where all steps
do not fit, each of them moves further in the schedule, so that the rate has come down when the time
is over. A schedule of several cycles ends with the last that fits, or the next one where half of it
does.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from zoo.core import budget
from zoo.core.budget import Budget
from zoo.core.training.schedules import Schedule, ends

STEP: Final = 3.0  # times a batch that is only predicted: a step goes through it and back
LEAST_STEPS: Final = 0.5  # of a further cycle's


class Pace:
    """Plans the steps of a fit by its budget.

    Args:
        time: the budget.
        schedule: of the rates.
        steps: number of steps of each epoch, if there is time for all.
        validates: whether a pass over the validation part follows each epoch.

    Attributes:
        position: of the next step in the schedule, in steps of a fit that has time.
        last: number of the steps after which the fit is over; infinite until steps were measured.
    """

    def __init__(
        self, time: Budget, schedule: Schedule, steps: Sequence[int], *, validates: bool
    ) -> None:
        self.time, self.validates = time, validates
        self.position, self.last = 0.0, math.inf
        if time.left_to_train < STEP * time.book.batch_seconds:
            self.last = 0
        self._steps, self._ends = steps, ends(schedule, steps)
        self._speed, self._goal = 1.0, math.inf  # of the position: per step, and at most
        self._seconds = 0.0  # of a step
        self._measured, self._at = 0, 0.0  # steps of this fit that were measured, and until when

    def begin(self) -> None:
        """Look at the clock: an epoch begins."""
        self._at = budget.clock()

    def step(self, done: int) -> None:
        """Move on by a step that has been made, the last of so many."""
        self.position = min(self.position + self._speed, self._goal)
        if self.time.left_to_train <= 0:
            self.last = done

    def plan(self, done: int, new: int) -> None:
        """Plan the steps that follow.

        Args:
            done: steps of the fit.
            new: how many of them were made since the last plan, to be measured.
        """
        now = budget.clock()
        if new:
            seconds = (now - self._at) / new
            is_first = self._measured <= 1  # the first step of all is longer than others
            self._seconds = seconds if is_first else (self._seconds + seconds) / 2
            self._measured, self._at = self._measured + new, now
        if self._measured <= 1 and self.time.left_to_train > 0:
            return
        at, n = self.position, self.affordable(done)
        goals = [end for end in self._ends if end > at - 0.5]
        i = sum(goal - at <= n for goal in goals)  # of which are reached
        goal = goals[max(i - 1, 0)]
        if 0 < i < len(goals) and (goals[i] - goal) * LEAST_STEPS <= n - (goal - at):
            if goal > at + 0.5:  # the cycle after this goal will be shortened
                self.last, self._speed, self._goal = done + n, 1.0, goals[i]
                return
            goal = goals[i]
        n = min(n, math.ceil(goal - at))
        self.last, self._goal = done + n, goal
        self._speed = (goal - 1 - at) / (n - 1) if n > 1 else goal - at

    def affordable(self, done: int) -> int:
        """Steps that there is time for after those done, and for the passes among them."""
        after = self.time.book.pass_seconds if self.validates else 0.0
        last_of_epoch, left, n = [*itertools.accumulate(self._steps)], self.time.left_to_train, 0
        for last in last_of_epoch[bisect_left(last_of_epoch, done) :]:
            steps = last - done - n
            seconds = steps * self._seconds + after
            if seconds > left:
                return n + max(int((left - after) / max(self._seconds, 1e-9)), 0)
            left, n = left - seconds, n + steps
        return n
