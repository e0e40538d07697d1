"""The one training loop of the repository.

Nothing here waits for the device at every step: losses stay on it until `Fit.flush` fetches them,
a few times a second at most. Where memory does not hold a batch, it passes in more parts.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from zoo.core.batches import Batch
from zoo.core.messages import warn
from zoo.core.run import accelerator, rank_and_world
from zoo.core.training.evaluation import to_device
from zoo.core.training.fit import Fit
from zoo.core.training.groups import has_vector_norms

FLUSH_SECONDS = 0.5
_NO_MEMORY: Final = ("DefaultCPUAllocator", "can't allocate memory", "out of memory")
_ONE_VALUE: Final = "more than 1 value per channel"  # in the error of a batch norm


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
        if fit.pace is not None:
            fit.pace.step(fit.step)
        for hook in after:
            hook(fit)
        if time.perf_counter() - fit.flushed_at > FLUSH_SECONDS:
            fit.flush()
        if fit.stop or fit.interrupted or fit.is_over:
            break
    fit.flush()


def train_step(fit: Fit, batch: Batch) -> Tensor:
    """One optimizer step on one (global) batch; its mean loss, on the device.

    A batch that passes in several parts, or is shared by several processes, weighs every part by
    the number of its targets: the step equals that on the whole batch, unless batch norms learn,
    which normalise every part by itself.

    Raises:
        MemoryError: there is no memory for the smallest part of a batch.
    """
    loss = _loss_and_gradients(fit, batch)
    if fit.clip is not None:
        fit.scaler.unscale_(fit.optimizer)
        nn.utils.clip_grad_norm_(
            [p for group in fit.optimizer.param_groups for p in group["params"]], fit.clip
        )
    if fit.scaler.is_enabled():
        fit.scaler.step(fit.optimizer)
        fit.scaler.update()
    else:
        fit.updates.step()
    return loss


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there is no memory left, on a CPU or a GPU."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return any(words in str(error) for words in _NO_MEMORY)


def _loss_and_gradients(fit: Fit, batch: Batch) -> Tensor:
    """Compute the gradients of a batch; its mean loss. Parts halve until memory holds one."""
    while True:
        try:
            return _backward(fit, batch)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error) or rank_and_world()[1] > 1:
                raise
            lack = error.with_traceback(None)  # which holds the tensors of the failed step
        _halve(fit, len(batch.target), lack)


def _halve(fit: Fit, n: int, lack: BaseException) -> None:
    """Have batches pass in twice as many parts from now on.

    Raises:
        MemoryError: parts cannot be smaller.
    """
    fit.updates.zero_grad()
    if fit.device.type == "cuda":
        torch.cuda.empty_cache()
    parts = 2 * fit.parts
    if hasattr(fit.model, "carried") or n // parts < _fewest(fit, parts):
        raise MemoryError(
            f"training must have memory for the smallest part of a batch, got too little for {n} "
            f"rows in {fit.parts} parts. Take a smaller batch_size, smaller inputs or a smaller "
            "model."
        ) from lack
    fit.parts = parts
    warn(
        f"memory must hold a part of a batch, got too little for {n} rows in {parts // 2}. Batches "
        f"pass in {parts} parts from now on, by which only batch norms that learn differ."
    )


def _backward(fit: Fit, batch: Batch) -> Tensor:
    """Gradients of a batch's mean loss, and this loss, on the device."""
    fit.updates.zero_grad()
    parts, world = split(batch, fit.parts, fewest=_fewest(fit, fit.parts)), rank_and_world()[1]
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
            totals += torch.stack([mean.detach(), torch.ones_like(mean)]) * count
        if world > 1:
            torch.distributed.all_reduce(totals)
        loss, n = totals[0] / totals[1].clamp(min=1), totals[1].clamp(min=1)
        torch._foreach_mul_(_gradients(fit.optimizer), world / n)  # DDP has divided by world
    return loss


def _fewest(fit: Fit, parts: int) -> int:
    """Rows that a part must have at least."""
    return 2 if parts > 1 and has_vector_norms(fit.model) else 1


def forward_loss(fit: Fit, batch: Batch) -> tuple[Tensor, Tensor | int]:
    """Mean loss of a batch and the number of targets in it, in the fit's precision.

    Raises:
        ValueError: a batch norm has a single value per channel, from which it cannot learn.
    """
    plain = fit.dtype is None  # autocast costs some microseconds even where it does nothing
    try:
        with contextlib.nullcontext() if plain else torch.autocast(fit.device.type, fit.dtype):
            return fit.task.loss(fit.forward(*batch.inputs), batch.target)
    except ValueError as error:
        if _ONE_VALUE not in str(error):
            raise
        raise ValueError(
            "batch norms must have several values per channel to learn from, got a single one "
            f"with {len(batch.target)} of a batch's rows at a time. Raise batch_size, or lower "
            "accumulate."
        ) from error


def split(batch: Batch, n: int, *, fewest: int = 1) -> list[Batch]:
    """The batch in n parts of nearly equal size, or in fewer of at least `fewest` rows."""
    n = min(n, len(batch.target) // fewest)
    if n <= 1:
        return [batch]
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
