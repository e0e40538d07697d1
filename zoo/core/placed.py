"""The networks of a model where they compute: their device, their precision, what they say."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.core.batches import Batch
from zoo.core.forks import compute_alone_after_fork
from zoo.core.memory import keep_freed_blocks
from zoo.core.mixture import PLAIN, Mixture
from zoo.core.run import Run
from zoo.core.task import Task
from zoo.core.training.evaluation import (
    Outputs,
    evaluate,
    predict_batches,
    set_aside,
    to_device,
    with_own_state,
)
from zoo.core.trust.blend import Blend

Network = TypeVar("Network", bound=nn.Module)
Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True, eq=False)
class Placed(Generic[Network]):
    """One network, or those of an ensemble, where a run has them compute.

    Args:
        members: the networks.
        run: where and how exactly.
        layout: memory format of the weights: convolutions like channels last.
        blend: simple models that have a share in the prediction.
    """

    members: Sequence[Network]
    run: Run
    layout: torch.memory_format = torch.preserve_format
    blend: Blend | None = None

    @cached_property
    def device(self) -> torch.device:
        """Where they compute."""
        compute_alone_after_fork()
        device = self.run.torch_device()
        if self.run.keep_memory and device.type == "cpu":
            keep_freed_blocks()
        return device

    @cached_property
    def dtype(self) -> torch.dtype | None:
        """What autocast computes in; None is plain fp32, which "auto" is on every CPU."""
        return self.run.autocast_dtype(self.device)

    @property
    def ready(self) -> list[Network]:
        """The networks, on their device and in their layout."""
        return [self._moved(member) for member in self._laid_out]

    @property
    def voices(self) -> list[nn.Module]:
        """All that a prediction is the mean of: the networks, and the partners of a blend.

        Networks to whom the partners have left nothing are not asked.
        """
        if self.blend is None:
            return [*self.ready]
        partners = [self._moved(partner) for partner in self.blend.partners]
        return [*self.ready, *partners] if self.blend.rest else [*partners]

    @cached_property
    def mixture(self) -> Mixture:
        """From the decoded predictions of all voices to one."""
        return PLAIN if self.blend is None else self.blend.mixture(len(self.members))

    def evaluate(self, batches: Iterable[Batch], task: Task) -> dict[str, float]:
        """Loss and metrics, see `zoo.core.training.evaluation.evaluate`."""
        return evaluate(self.voices, batches, task, self.device, self.dtype, self.mixture)

    def predict(self, batches: Iterable[Batch], task: Task) -> Iterator[Outputs]:
        """Yield what the voices say of each batch."""
        return predict_batches(self.voices, batches, task, self.device, self.dtype, self.mixture)

    def vectors(
        self, batches: Iterable[Batch], vector_of: Callable[[Network, tuple[Tensor, ...]], Tensor]
    ) -> NDArray[np.float32]:
        """The vectors of inputs, those of all networks side by side. Shape: (n, d)

        Args:
            batches: the inputs, one at least.
            vector_of: what a network has of a batch's inputs before its head. Shape: (B, d)
        """
        members: list[Any] = [with_own_state(member) for member in self.ready]
        rows = []
        with contextlib.ExitStack() as stack:
            for member in members:
                stack.enter_context(set_aside(member))
            for batch in batches:
                inputs = to_device(batch, self.device).inputs
                with (
                    torch.inference_mode(),
                    torch.autocast(self.device.type, self.dtype, enabled=self.dtype is not None),
                ):
                    each = [vector_of(member, inputs).float().cpu() for member in members]
                rows.append(torch.cat(each, dim=1))
        return np.asarray(torch.cat(rows).numpy())

    @cached_property
    def _laid_out(self) -> list[Network]:
        return [member.to(memory_format=self.layout) for member in self.members]

    def _moved(self, member: Module) -> Module:
        """The module, moved if it must: asking all its tensors takes a millisecond."""
        first = next(chain(member.parameters(), member.buffers()), None)
        there = first is None or first.device == self.device
        return member if there else member.to(self.device)
