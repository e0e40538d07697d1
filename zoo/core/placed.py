"""The networks of a model where they compute: their device, their precision, what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from zoo.core.batches import Batch
from zoo.core.forks import compute_alone_after_fork
from zoo.core.memory import keep_freed_blocks
from zoo.core.run import Run
from zoo.core.task import Task
from zoo.core.training import loop

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True, eq=False)
class Placed(Generic[Network]):
    """One network, or those of an ensemble, where a run has them compute.

    Args:
        members: the networks.
        run: where and how exactly.
        bf16_on_cpu: the model's record, see `Run.autocast_dtype`.
        layout: of the weights: convolutions like channels last.
    """

    members: Sequence[Network]
    run: Run
    bf16_on_cpu: bool = False
    layout: torch.memory_format = torch.preserve_format

    @cached_property
    def device(self) -> torch.device:
        """Where they compute."""
        compute_alone_after_fork()
        device = self.run.torch_device()
        if device.type == "cpu":
            keep_freed_blocks()
        return device

    @cached_property
    def dtype(self) -> torch.dtype | None:
        """What autocast computes in; None is plain fp32."""
        return self.run.autocast_dtype(self.device, bf16_on_cpu=self.bf16_on_cpu)

    @property
    def ready(self) -> list[Network]:
        """The networks, on their device and in their layout."""
        return [self._moved(member) for member in self._laid_out]

    def evaluate(self, batches: Iterable[Batch], task: Task) -> dict[str, float]:
        """Loss and metrics, see `loop.evaluate`."""
        return loop.evaluate(self.ready, batches, task, self.device, self.dtype)

    def predict(
        self,
        batches: Iterable[Batch],
        task: Task,
        see: Callable[[Sequence[Any], Tensor, Tensor], None],
    ) -> None:
        """Show `see` what the networks say of each batch, see `loop.predict_batches`."""
        loop.predict_batches(self.ready, batches, task, self.device, self.dtype, see)

    @cached_property
    def _laid_out(self) -> list[Network]:
        return [member.to(memory_format=self.layout) for member in self.members]

    def _moved(self, member: Network) -> Network:
        """The network, moved if it must: asking all its tensors takes a millisecond."""
        there = next(member.parameters()).device == self.device
        return member if there else member.to(self.device)
