"""The learning-rate finder: loss against rate over a short sweep (Smith 2015, sec. 3.3).

It is a probe: model, generators, carried state and the learner's record are as before afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from torch import nn

from zoo.core.batches import Batch, Batches, seed_of
from zoo.core.pictures import BLUE, DASHES, ORANGE, PALETTE, new_axes
from zoo.core.run import seeded
from zoo.core.training import checkpoint, loop
from zoo.core.training.evaluation import set_aside
from zoo.core.training.fit import Fit
from zoo.core.training.schedules import Schedule, exponential

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NewFit = Callable[[int, Schedule, Sequence[Any]], Fit]
"""From the number of steps, the schedule and callbacks to a fit with a progress of its own."""

STEPS, SWEEP_STEPS = 100, 40
LEAST_STEPS = 10  # that a sweep takes, and tells something after
DIVERGED = 4.0  # times the best smoothed loss so far
SKIP_FIRST, SKIP_LAST = 0.10, 0.05  # shares of the sweep that no suggestion looks at


@dataclass(frozen=True)
class LRCurve:
    """One or several sweeps, and the rates that they suggest.

    Attributes:
        sweeps: (rates, smoothed losses) of each sweep.
        suggestions: by rule; the geometric mean over sweeps.
        ranges: by rule, the lowest and highest suggestion over the sweeps.
        stability: highest / lowest valley suggestion over the sweeps; 1 is perfectly stable,
            None after a single sweep, which cannot tell.
    """

    sweeps: list[tuple[list[float], list[float]]] = field(repr=False)
    suggestions: dict[str, float]
    ranges: dict[str, tuple[float, float]] = field(repr=False)
    stability: float | None

    @property
    def valley(self) -> float:
        """The default suggestion."""
        return self.suggestions["valley"]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Loss against rate, the suggestions marked, their range over sweeps shaded."""
        ax = ax or new_axes()
        for lrs, curve in self.sweeps:
            ax.plot(lrs, curve, color=BLUE, alpha=1.0 if len(self.sweeps) == 1 else 0.6)
        looks = zip(self.suggestions.items(), PALETTE[1:], DASHES, strict=False)
        for (rule, lr), color, dashes in looks:
            ax.axvline(lr, color=color, linestyle=dashes, label=f"{rule} {lr:.1e}")
        if len(self.sweeps) > 1:
            low, high = self.ranges["valley"]
            label = f"range of the valley, {len(self.sweeps)} sweeps"
            ax.axvspan(low, high, color=ORANGE, alpha=0.15, hatch="//", label=label)
        losses = np.concatenate([losses for _, losses in self.sweeps])
        low, high = float(losses.min()), float(np.quantile(losses, 0.9))  # not the explosion
        margin = 0.1 * max(high - low, 1e-6)
        ax.set_ylim(low - margin, high + margin)
        title = "Learning-rate finder: the loss as the rate rises"
        ax.set(title=title, xscale="log", xlabel="learning rate", ylabel="loss, smoothed")
        ax.legend()
        return ax


def lr_find(
    new_fit: NewFit,
    model: nn.Module,
    seed: int,
    *,
    start: float,
    end: float,
    steps: int | None,
    sweeps: int,
) -> LRCurve:
    """Sweep the rate from start to end; everything is as before afterwards.

    Args:
        new_fit: makes the fit of a sweep.
        model: the network that it trains.
        seed: every sweep's draws are a function of it.
        start: lowest rate of the head.
        end: highest rate.
        steps: steps of one sweep; None takes 100, or 40 for each of several sweeps.
        sweeps: number of sweeps, over different batches.

    Raises:
        ValueError: the rates do not rise, or the sweep is too short to tell anything.
    """
    steps = steps or (STEPS if sweeps == 1 else SWEEP_STEPS)
    if not 0 < start < end or steps < LEAST_STEPS or sweeps < 1:
        raise ValueError(
            f"a sweep must rise from a positive rate over at least {LEAST_STEPS} steps, got "
            f"{start=}, {end=}, {steps=}, {sweeps=}. The defaults suit most."
        )
    schedule = partial(exponential, start=start, end=end)
    state = checkpoint.model_state(model)
    modes = {module: module.training for module in model.modules()}
    curves = []
    with set_aside(model):
        for sweep in range(sweeps):
            fit = new_fit(steps, schedule, [_StopOnDivergence(steps)])
            with seeded(seed_of(seed, sweep), fit.device):
                try:
                    curves.append(_sweep(fit, sweep))
                finally:
                    checkpoint.load_model_state(model, state)
    for module, mode in modes.items():
        module.training = mode
    return summarise(curves)


def summarise(curves: list[tuple[list[float], list[float]]]) -> LRCurve:
    """The suggestions of several (rates, raw losses) and their spread."""
    smoothed = [
        (lrs, pd.Series(losses).ewm(alpha=1 - 0.98 ** (STEPS / len(lrs))).mean().tolist())
        for lrs, losses in curves
    ]
    suggestions = {rule: [f(*_inner(*curve)) for curve in smoothed] for rule, f in RULES.items()}
    means = {rule: math.exp(float(np.log(lrs).mean())) for rule, lrs in suggestions.items()}
    ranges = {rule: (min(lrs), max(lrs)) for rule, lrs in suggestions.items()}
    low, high = ranges["valley"]
    return LRCurve(smoothed, means, ranges, high / low if len(curves) > 1 else None)


def valley(lrs: Sequence[float], losses: Sequence[float]) -> float:
    """Half of the middle third of the longest falling stretch of the loss (fastai 2).

    The stretch is the longest falling subsequence, so that a bump does not end it.
    """
    length = [1] * len(losses)
    for i in range(len(losses)):
        for j in range(i):
            if losses[i] < losses[j]:
                length[i] = max(length[i], length[j] + 1)
    last = int(np.argmax(length))
    return lrs[last - length[last] // 2]


def steep(lrs: Sequence[float], losses: Sequence[float]) -> float:
    """Where the loss falls fastest along the logarithm of the rate."""
    return lrs[int(np.argmin(np.gradient(np.asarray(losses), np.log(lrs))))]


def minimum(lrs: Sequence[float], losses: Sequence[float]) -> float:
    """A tenth of the rate of the least loss."""
    return lrs[int(np.argmin(losses))] / 10


def slide(lrs: Sequence[float], losses: Sequence[float], width: int = 15) -> float:
    """The interval-slide rule: an interval moves down from the end until both ends slope alike.

    Its lower end is the suggestion (fastai 2: width 15 steps of 100, slopes within .05).
    """
    slopes = np.gradient(np.asarray(losses))
    width = max(width * len(lrs) // STEPS, 1)
    for high in range(len(lrs) - 1, width, -1):
        if abs(slopes[high] - slopes[high - width]) <= 0.05:
            return lrs[high - width]
    return lrs[0]


RULES = {"valley": valley, "steep": steep, "minimum": minimum, "slide": slide}


class _StopOnDivergence:
    """Ends a sweep whose smoothed loss has exceeded four times its best, or is not finite.

    A model that is nearly fitted exceeds four times nothing at once: the first steps are taken.
    """

    def __init__(self, steps: int) -> None:
        self.beta = 0.98 ** (STEPS / steps)
        self.mean, self.best, self.n = 0.0, math.inf, 0

    def step_end(self, fit: Fit) -> None:
        loss = float(fit.pending[-1][0])
        self.n += 1
        self.mean = self.beta * self.mean + (1 - self.beta) * loss
        smoothed = self.mean / (1 - self.beta**self.n)
        self.best = min(self.best, smoothed)
        if not math.isfinite(loss):
            fit.pending.pop()
            fit.step -= 1
            fit.stop = True
        elif self.n >= LEAST_STEPS and smoothed > DIVERGED * self.best:
            fit.stop = True


def _sweep(fit: Fit, number: int) -> tuple[list[float], list[float]]:
    """The rates and losses of one sweep over batches of its own."""
    steps, epoch = sum(fit.steps), fit.first_epoch
    fit.train_mode()
    first = epoch + number * math.ceil(steps / fit.train.steps(epoch))
    loop.train_epoch(fit, _endless(fit.train, first, steps))
    if len(fit.history.losses) < LEAST_STEPS:
        raise ValueError(
            f"a sweep must have finite losses over {LEAST_STEPS} steps, got "
            f"{len(fit.history.losses)}. Look for infinite values in the data, or lower start."
        )
    return fit.history.lrs, fit.history.losses


def _endless(batches: Batches, first: int, steps: int) -> Iterator[Batch]:
    """So many batches from an epoch on, over as many epochs as it takes."""
    for epoch in count(first):
        for batch in batches.epoch(epoch):
            yield batch
            steps -= 1
            if steps == 0:
                return


def _inner(
    lrs: Sequence[float], losses: Sequence[float]
) -> tuple[Sequence[float], Sequence[float]]:
    """The sweep without its first tenth and last twentieth."""
    keep = slice(int(SKIP_FIRST * len(lrs)), len(lrs) - int(SKIP_LAST * len(lrs)))
    return lrs[keep], losses[keep]
