"""Networks over batches, to predict and to score; the one loop that does not train."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from zoo.core.batches import Batch, pinned
from zoo.core.mixture import PLAIN, Mixture
from zoo.core.run import rank_and_world
from zoo.core.task import Task


class Outputs(NamedTuple):
    """What networks say of one batch.

    Attributes:
        each: output of every network, as it is.
        mean: one prediction from their decoded ones, see `Mixture`.
        target: the batch's targets, on the device.
    """

    each: list[Any]
    mean: Tensor
    target: Tensor


def predict_batches(
    models: Sequence[nn.Module],
    batches: Iterable[Batch],
    task: Task,
    device: torch.device,
    dtype: torch.dtype | None = None,
    mixture: Mixture = PLAIN,
) -> Iterator[Outputs]:
    """Yield what the models say of each batch.

    The models' modes and carried states are as before when the iterator ends or is closed.
    """
    models = [with_own_state(model) for model in models]
    with contextlib.ExitStack() as stack:
        for model in models:
            stack.enter_context(set_aside(model))
        for batch in batches:
            with torch.inference_mode():  # left before the consumer goes on
                outputs = _outputs(models, to_device(batch, device), task, dtype, mixture)
            yield outputs


def evaluate(
    models: Sequence[nn.Module],
    batches: Iterable[Batch],
    task: Task,
    device: torch.device,
    dtype: torch.dtype | None = None,
    mixture: Mixture = PLAIN,
) -> dict[str, float]:
    """Loss and metrics over the batches; of several models, those of their mixture.

    Each of several processes passes its shard, and gets the scores of the whole. Where the task
    has no loss of predictions, the loss of several models is the mean of theirs.
    """
    metrics = {name: metric.to(device) for name, metric in task.metrics().items()}
    is_mixed = len(models) > 1 or not mixture.is_plain
    of_output, of_mean = task.valid_loss or task.loss, task.score if is_mixed else None
    totals = torch.zeros(2, device=device, dtype=torch.float64 if device.type != "mps" else None)
    outputs = predict_batches(models, batches, task, device, dtype, mixture)
    for each, mean, target in outputs:
        with torch.inference_mode():
            losses = [of_mean(mean, target)] if of_mean else [of_output(x, target) for x in each]
            for loss, count in losses:
                totals += torch.stack([loss, torch.ones_like(loss)]) * count
            for metric in metrics.values():
                if len(target):
                    metric.update(mean, target)
    if rank_and_world()[1] > 1:
        torch.distributed.all_reduce(totals)
    values = {name: float(metric.compute()) for name, metric in metrics.items()}
    return {"loss": float(totals[0] / totals[1].clamp(min=1)), **values}


def _outputs(
    models: Sequence[nn.Module],
    batch: Batch,
    task: Task,
    dtype: torch.dtype | None,
    mixture: Mixture,
) -> Outputs:
    with torch.autocast(batch.target.device.type, dtype, enabled=dtype is not None):
        each = [model(*batch.inputs) for model in models]
    decoded = [task.decode(output).float() for output in each]
    return Outputs(each, mixture(decoded), batch.target)


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
def set_aside(model: nn.Module) -> Iterator[None]:
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
    """The batch on the device, but for what stays on the CPU; itself if it is there."""
    if batch.target.device == device and all(x.device == device for x in batch.inputs):
        return batch

    def sent(tensor: Tensor) -> Tensor:
        return pinned(tensor, device).to(device, non_blocking=True)

    inputs = (x if i in batch.on_cpu else sent(x) for i, x in enumerate(batch.inputs))
    return batch._replace(inputs=tuple(inputs), target=sent(batch.target))
