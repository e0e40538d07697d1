"""The pace of a fit that has a budget: as many steps as there is time for, by the same schedule.

The first steps tell how long one takes, and the fit is planned anew as it goes on. Where all steps
do not fit, each of them moves further in the schedule, so that the rate has come down when the time
is over. A schedule of several cycles ends with the last that fits, or the next one where half of it
does.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from zoo.core import budget
from zoo.core.training.schedules import ends

LEAST_STEPS: Final = 0.5  # of a further cycle's

if TYPE_CHECKING:
    from zoo.core.budget import Budget
    from zoo.core.training.fit import Fit


class Pace:
    """Plans the steps of a fit by its budget.

    Args:
        time: the budget.

    Attributes:
        position: of the next step in the schedule, in steps of a fit that has time.
        last: number of the steps after which the fit is over; infinite until steps were measured.
    """

    def __init__(self, time: Budget) -> None:
        self.time = time
        self.position, self.last = 0.0, math.inf
        self._speed, self._goal = 1.0, math.inf  # of the position: per step, and at most
        self._seconds = 0.0  # of a step
        self._measured, self._at = 0, 0.0  # steps of this fit that were measured, and until when

    def begin(self) -> None:
        """Look at the clock: an epoch begins."""
        self._at = budget.clock()

    def step(self, fit: Fit) -> None:
        """Move on by a step that has been made."""
        self.position = min(self.position + self._speed, self._goal)
        if self.time.left_to_train <= 0:
            self.last = fit.step

    def plan(self, fit: Fit, new_steps: int) -> None:
        """Measure steps that have been made, and plan those that follow."""
        now = budget.clock()
        if new_steps:
            seconds = (now - self._at) / new_steps
            is_first = self._measured <= 1  # the first step of all is longer than others
            self._seconds = seconds if is_first else (self._seconds + seconds) / 2
            self._measured, self._at = self._measured + new_steps, now
        if self._measured <= 1 and self.time.left_to_train > 0:
            return
        at, n = self.position, self.affordable(fit)
        goals = [end for end in ends(fit.schedule, fit.steps) if end > at - 0.5]
        i = sum(goal - at <= n for goal in goals)  # of which are reached
        goal = goals[max(i - 1, 0)]
        if 0 < i < len(goals) and (goals[i] - goal) * LEAST_STEPS <= n - (goal - at):
            if goal > at + 0.5:  # the cycle after this goal will be shortened
                self.last, self._speed, self._goal = fit.step + n, 1.0, goals[i]
                return
            goal = goals[i]
        n = min(n, math.ceil(goal - at))
        self.last, self._goal = fit.step + n, goal
        self._speed = (goal - 1 - at) / (n - 1) if n > 1 else goal - at

    def affordable(self, fit: Fit) -> int:
        """Steps that there is time for, with the passes over the validation part among them."""
        left, after, n = self.time.left_to_train, self._pass_seconds(fit), 0
        for epoch in range(fit.epoch, len(fit.steps)):
            steps = fit.steps[epoch] - (fit.step_in_epoch if epoch == fit.epoch else 0)
            seconds = steps * self._seconds + after
            if seconds > left:
                return n + max(int((left - after) / max(self._seconds, 1e-9)), 0)
            left, n = left - seconds, n + steps
        return n

    def _pass_seconds(self, fit: Fit) -> float:
        return 0.0 if fit.valid is None else self.time.book.pass_seconds
