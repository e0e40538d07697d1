"""A fit under way: all that the loop changes and that callbacks see."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from zoo.core.batches import Batches
from zoo.core.history import History
from zoo.core.messages import did_you_mean
from zoo.core.task import Task
from zoo.core.training.evaluation import evaluate
from zoo.core.training.groups import LayerGroup, train_mode
from zoo.core.training.options import BatchNormMode
from zoo.core.training.pace import Pace
from zoo.core.training.schedules import Factors, Schedule
from zoo.core.training.updates import Updates

HOOKS: Final = ("fit_start", "batch", "step_end", "epoch_end", "fit_end")
"""All take the fit; `batch` takes (fit, batch) and returns the batch to train on.

`fit_end` comes however a fit ends, also after Ctrl-C (then `fit.interrupted`), but for an error.
"""


@dataclass
class Progress:
    """How far a learner has come, over all its fits.

    Attributes:
        epoch: epochs that are done; a second fit does not replay the first.
        history: the record of every step and epoch.
        snapshots: weights at the ends of SGDR cycles.
        closed: the finished fits: {"call": settings by name, "epoch": the epoch after it, "made":
            the share of its steps, where there was no time for all}.
    """

    epoch: int = 0
    history: History = field(default_factory=History)
    snapshots: list[dict[str, Tensor]] = field(default_factory=list)
    closed: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Fit:
    """One fit under way. Callbacks may read everything and set `stop`.

    Attributes:
        model: the network that trains.
        forward: the network as the loop calls it, perhaps compiled or wrapped for several
            processes.
        steps: number of steps of each epoch.
        first_epoch: epochs that the learner had done before this fit.
        epoch: epochs of this fit that are done.
        step: steps of this fit that are done.
        row: the latest epoch's line of the table.
        call: settings that a repeated call must equal, by name.
        pace: plans the steps by the time that there is; None makes all of them.
        made: share of its steps that there was time for.
        parts: that a batch passes in: `accumulate`, or more where memory did not hold these.
        updates: makes the optimizer's steps; the loop goes through it.
        notes: why the weights are not those of the last row; printed below the table.
    """

    model: nn.Module
    forward: nn.Module
    groups: Sequence[LayerGroup]
    task: Task
    train: Batches
    valid: Batches | None
    optimizer: Optimizer
    schedule: Schedule
    steps: tuple[int, ...]
    progress: Progress
    device: torch.device
    dtype: torch.dtype | None = None
    batchnorm: BatchNormMode = "thawed"
    clip: float | None = None
    accumulate: int = 1
    callbacks: Sequence[Any] = ()
    on_flush: Callable[[], None] | None = None
    call: dict[str, Any] = field(default_factory=dict)
    pace: Pace | None = None

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0  # spent on the current epoch
    began: float = 0.0  # clock at its start
    row: dict[str, float] = field(default_factory=dict)
    stop: bool = False
    interrupted: bool = False
    made: float = 1.0
    notes: list[str] = field(default_factory=list)
    pending: list[tuple[Tensor, float]] = field(default_factory=list)
    flushed_at: float = field(default_factory=time.perf_counter)
    first_epoch: int = field(init=False)
    hooks: dict[str, list[Callable[..., Any]]] = field(init=False)
    parts: int = field(init=False)
    scaler: torch.amp.GradScaler = field(init=False)
    updates: Updates = field(init=False)

    def __post_init__(self) -> None:
        self.first_epoch = self.progress.epoch
        self.hooks = collect_hooks(self.callbacks)
        self.parts = self.accumulate
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.dtype is torch.float16)
        self.updates = Updates(self.optimizer)

    @property
    def history(self) -> History:
        """The record of the learner's life, this fit's steps and epochs last."""
        return self.progress.history

    @property
    def step_in_epoch(self) -> int:
        """Steps of the current epoch that are done."""
        return self.step - sum(self.steps[: self.epoch])

    @property
    def position(self) -> int:
        """Place of the next step in the schedule."""
        return self.step if self.pace is None else round(self.pace.position)

    @property
    def is_over(self) -> bool:
        """Whether there is no time for a further step."""
        return self.pace is not None and self.step >= self.pace.last

    def train_mode(self) -> None:
        """Switch the model to training mode, but for batch norms whose statistics stay."""
        train_mode(self.model, self.groups, self.batchnorm)

    def evaluate(self) -> dict[str, float]:
        """Loss and metrics on the validation part; nothing without one."""
        if self.valid is None:
            return {}
        return evaluate([self.model], self.valid.epoch(0), self.task, self.device, self.dtype)

    def set_rates(self, batch_rate: float) -> Factors:
        """Give the optimizer the rates and momentum of the current step."""
        factors = self.schedule(self.position, self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = group["max_lr"] * factors.rate * batch_rate
            if factors.momentum is None:
                continue
            if "betas" in group:
                group["betas"] = (factors.momentum, *group["betas"][1:])
            elif "momentum" in group:
                group["momentum"] = factors.momentum
        return factors

    def flush(self) -> None:
        """Fetch the losses of the last steps from the device into the history.

        Raises:
            FloatingPointError: one of them is not finite.
        """
        self.flushed_at = time.perf_counter()
        if not self.pending:
            return
        losses = torch.stack([loss for loss, _ in self.pending]).tolist()
        rates = [rate for _, rate in self.pending]
        first = self.step - len(losses)
        self.pending.clear()
        for i, (loss, lr) in enumerate(zip(losses, rates, strict=True)):
            if not math.isfinite(loss):
                raise FloatingPointError(
                    f"a loss must be finite, got {loss=} at step={first + i} with {lr=:.3g}; the "
                    "weights are back where the epoch began. Use a rate ten times lower, clip "
                    "gradients, or look for infinite values in the data."
                )
        self.history.losses += losses
        self.history.lrs += rates
        if self.pace is not None:
            self.pace.plan(self.step, len(losses))
        if self.on_flush:
            self.on_flush()


def collect_hooks(callbacks: Iterable[Any]) -> dict[str, list[Callable[..., Any]]]:
    """The callbacks' methods by hook.

    Raises:
        TypeError: an object has none of the hooks.
    """
    hooks: dict[str, list[Callable[..., Any]]] = {name: [] for name in HOOKS}
    for callback in callbacks:
        methods = [name for name in HOOKS if callable(getattr(callback, name, None))]
        if not methods:
            own = [name for name in vars(type(callback)) if not name.startswith("_")]
            hints = [did_you_mean(name, HOOKS) for name in own]
            raise TypeError(
                f"a callback must have at least one of the methods {', '.join(HOOKS)}, got "
                f"{type(callback).__name__} with {own}. {hints[0] if hints else 'Add one.'}"
            )
        for name in methods:
            hooks[name].append(getattr(callback, name))
    return hooks
