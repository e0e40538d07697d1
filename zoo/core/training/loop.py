"""The one training loop and the one evaluation loop of the repository.

Nothing here waits for the device at every step: losses stay on it until `Fit.flush` fetches them,
a few times a second at most.
"""

from __future__ import annotations

import contextlib
import copy
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from zoo.core.batches import Batch, Batches
from zoo.core.history import History
from zoo.core.run import accelerator, rank_and_world
from zoo.core.task import Task
from zoo.core.training.schedules import Factors, Schedule

FLUSH_SECONDS = 0.5


@dataclass
class Fit:
    """One fit under way: what the loop changes and what callbacks see.

    Callbacks may read everything and set `stop`; `row` is the epoch's line of the table.
    """

    model: nn.Module
    forward: nn.Module  # the model, perhaps compiled or wrapped for several processes
    task: Task
    train: Batches
    optimizer: Optimizer
    schedule: Schedule
    steps: tuple[int, ...]  # of each epoch
    history: History
    device: torch.device
    dtype: torch.dtype | None = None
    clip: float | None = None
    accumulate: int = 1
    hooks: dict[str, list[Callable[..., Any]]] = field(default_factory=dict)
    on_flush: Callable[[], None] | None = None
    call: dict[str, Any] = field(default_factory=dict)  # what a repeated call must equal

    epoch: int = 0  # epochs of this fit that are done
    first_epoch: int = 0  # epochs that the learner had seen before this fit
    step: int = 0  # steps of this fit that are done
    seconds: float = 0.0  # spent on the current epoch
    began: float = 0.0  # clock at its start
    row: dict[str, float] = field(default_factory=dict)
    stop: bool = False
    interrupted: bool = False
    pending: list[tuple[Tensor, float]] = field(default_factory=list)
    flushed_at: float = field(default_factory=time.perf_counter)
    scaler: torch.amp.GradScaler = field(init=False)

    def __post_init__(self) -> None:
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.dtype is torch.float16)

    @property
    def step_in_epoch(self) -> int:
        """Steps of the current epoch that are done."""
        return self.step - sum(self.steps[: self.epoch])

    def set_rates(self, batch_rate: float = 1.0) -> Factors:
        """Give the optimizer the rates and momentum of the current step."""
        factors = self.schedule(self.step, self.steps)
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
                step = first + i
                raise FloatingPointError(
                    f"a loss must be finite, however {loss=} at {step=} with {lr=:.3g}; "
                    "the weights are back where the epoch began: use a rate ten times lower, "
                    "clip gradients, or look for infinite values in the data"
                )
        self.history.losses += losses
        self.history.lrs += rates
        if self.on_flush:
            self.on_flush()


def train_epoch(fit: Fit, batches: Iterable[Batch]) -> None:
    """Train on the batches until they, or the callbacks' patience, end.

    Raises:
        FloatingPointError: the loss is not finite.
    """
    edits, after = fit.hooks.get("batch", []), fit.hooks.get("step_end", [])
    for batch in batches:
        batch = to_device(batch, fit.device)
        for edit in edits:
            batch = edit(fit, batch)
        fit.set_rates(batch.rate)
        loss = train_step(fit, batch)
        fit.pending.append((loss, fit.optimizer.param_groups[-1]["lr"]))
        fit.step += 1
        for hook in after:
            hook(fit)
        if time.perf_counter() - fit.flushed_at > FLUSH_SECONDS:
            fit.flush()
        if fit.stop or fit.interrupted:
            break
    fit.flush()


def train_step(fit: Fit, batch: Batch) -> Tensor:
    """One optimizer step on one (global) batch; its mean loss, on the device.

    A batch that passes in several parts, or is shared by several processes, weighs every part by
    the number of its targets: the step equals that on the whole batch.
    """
    fit.optimizer.zero_grad()
    parts = split(batch, fit.accumulate)
    world = rank_and_world()[1]
    if len(parts) == 1 and world == 1:
        loss, _ = forward_loss(fit, batch)
        fit.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        loss = loss.detach()
    else:
        totals = torch.zeros(2, device=fit.device)  # sum of the losses, number of targets
        for i, part in enumerate(parts):
            with contextlib.nullcontext() if i == len(parts) - 1 else _unsynced(fit.forward):
                mean, count = forward_loss(fit, part)
                fit.scaler.scale(mean * count).backward()  # type: ignore[no-untyped-call]
            totals += torch.stack([mean.detach() * count, torch.as_tensor(count).to(mean)])
        if world > 1:
            torch.distributed.all_reduce(totals)
        loss, n = totals[0] / totals[1].clamp(min=1), totals[1].clamp(min=1)
        torch._foreach_mul_(_gradients(fit.optimizer), world / n)  # DDP has divided by world
    if fit.clip is not None:
        fit.scaler.unscale_(fit.optimizer)
        nn.utils.clip_grad_norm_(
            [p for group in fit.optimizer.param_groups for p in group["params"]], fit.clip
        )
    fit.scaler.step(fit.optimizer)
    fit.scaler.update()
    return loss


def forward_loss(fit: Fit, batch: Batch) -> tuple[Tensor, Tensor | int]:
    """Mean loss of a batch and the number of targets in it, in the fit's precision."""
    if fit.dtype is None:
        return fit.task.loss(fit.forward(*batch.inputs), batch.target)
    with torch.autocast(fit.device.type, fit.dtype):
        return fit.task.loss(fit.forward(*batch.inputs), batch.target)


@torch.inference_mode()
def predict_batches(
    models: Sequence[nn.Module],
    batches: Iterable[Batch],
    task: Task,
    device: torch.device,
    dtype: torch.dtype | None = None,
    see: Callable[[Sequence[Any], Tensor, Tensor], None] | None = None,
) -> None:
    """Show `see` each batch's outputs (one a model), mean decoded predictions and target.

    The models' modes and carried states are as before afterwards.
    """
    models = [with_own_state(model) for model in models]
    with contextlib.ExitStack() as stack:
        for model in models:
            stack.enter_context(set_aside(model))
        for batch in batches:
            batch = to_device(batch, device)
            with torch.autocast(device.type, dtype, enabled=dtype is not None):
                outputs = [model(*batch.inputs) for model in models]
            decoded = [task.decode(output).float() for output in outputs]
            mean = torch.stack(decoded).mean(0) if len(decoded) > 1 else decoded[0]
            if see:
                see(outputs, mean, batch.target)


def evaluate(
    models: Sequence[nn.Module],
    batches: Iterable[Batch],
    task: Task,
    device: torch.device,
    dtype: torch.dtype | None = None,
) -> dict[str, float]:
    """Loss and metrics over the batches; of several models, those of their mean prediction.

    Where the task has no loss of predictions, the loss of several models is the mean of theirs.
    """
    metrics = {name: metric.to(device) for name, metric in task.metrics().items()}
    of_output, of_mean = task.valid_loss or task.loss, task.score if len(models) > 1 else None
    totals = torch.zeros(2, device=device, dtype=torch.float64 if device.type != "mps" else None)

    def see(outputs: Sequence[Any], mean: Tensor, target: Tensor) -> None:
        each = [of_mean(mean, target)] if of_mean else [of_output(one, target) for one in outputs]
        for loss, count in each:
            totals.add_(torch.stack([loss * count, torch.as_tensor(count).to(loss)]))
        for metric in metrics.values():
            if len(target):
                metric.update(mean, target)

    predict_batches(models, batches, task, device, dtype, see)
    if rank_and_world()[1] > 1:
        torch.distributed.all_reduce(totals)
    values = {name: float(metric.compute()) for name, metric in metrics.items()}
    return {"loss": float(totals[0] / totals[1].clamp(min=1)), **values}


def with_own_state(model: nn.Module) -> nn.Module:
    """The model; where it carries a state, a copy with the same weights and a state of its own.

    So threads that evaluate one model never meet in it.
    """
    if getattr(model, "carried", None) is None:
        return model
    twin = copy.copy(model)
    twin.carried = ()  # type: ignore[assignment]
    return twin


@contextlib.contextmanager
def set_aside(model: nn.Module) -> Any:
    """Evaluation mode and no carried state inside; modes and carried state as before afterwards."""
    training = [module for module in model.modules() if module.training]
    carried = getattr(model, "carried", None)
    if carried is not None:
        model.carried = ()  # type: ignore[assignment]
    if training:  # going through all modules costs a single photo a tenth of its time
        model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
        if carried is not None:
            model.carried = carried


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch on the device; itself if it is there."""
    if batch.target.device == device and all(x.device == device for x in batch.inputs):
        return batch
    inputs = tuple(x.to(device, non_blocking=True) for x in batch.inputs)
    return batch._replace(inputs=inputs, target=batch.target.to(device, non_blocking=True))


def split(batch: Batch, n: int) -> list[Batch]:
    """The batch in n parts of nearly equal size, fewer if it has fewer rows."""
    if n == 1 or len(batch.target) <= 1:
        return [batch]
    n = min(n, len(batch.target))
    columns = zip(*(x.tensor_split(n) for x in batch.inputs), strict=True)
    targets = batch.target.tensor_split(n)
    return [batch._replace(inputs=x, target=y) for x, y in zip(columns, targets, strict=True)]


def _gradients(optimizer: Optimizer) -> list[Tensor]:
    params = (p for group in optimizer.param_groups for p in group["params"])
    return [p.grad for p in params if p.grad is not None]


def _unsynced(model: nn.Module) -> contextlib.AbstractContextManager[Any]:
    """Leave gradients unsynchronised between processes until the batch's last part."""
    shared = accelerator()
    context: contextlib.AbstractContextManager[Any] = (
        shared.no_sync(model) if shared else contextlib.nullcontext()
    )
    return context
