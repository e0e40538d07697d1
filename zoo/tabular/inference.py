"""Rows through the networks of a model: many in batches, or a single one without any of that."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from zoo.core import loop
from zoo.core.batches import Batch, Batches
from zoo.core.memory import keep_freed_blocks
from zoo.core.run import Run
from zoo.core.task import Task
from zoo.tabular.data import EVALUATION_ROWS, encode, still
from zoo.tabular.encode import Encoder
from zoo.tabular.models.network import TableNet
from zoo.tabular.spec import Spec
from zoo.tabular.task import task_of


class Inference:
    """The networks of a model with all that their predictions need.

    What comes back is decoded and averaged over the networks: probabilities, or scaled numbers.

    Args:
        members: one network, or those of an ensemble.
        spec: of their table.
        run: where and how exactly to compute.
    """

    def __init__(self, members: Sequence[TableNet], spec: Spec, run: Run) -> None:
        self.members, self.spec, self.run = members, spec, run
        self.encoder = Encoder(spec)

    def many(self, frame: pd.DataFrame) -> Tensor:
        """Of the rows of a table. Shape: (N, n_out), on the CPU.

        Raises:
            ValueError: columns lack, or cells of a column of numbers are none.
        """
        x_cat, x_cont = self.encoder.table(frame)
        if not len(frame):
            return torch.empty(0, self.spec.n_out)
        parts = zip(
            torch.split(x_cat, EVALUATION_ROWS),
            torch.split(x_cont.to(self._kind), EVALUATION_ROWS),
            strict=True,
        )
        found: list[Tensor] = []
        loop.predict_batches(
            self._ready,
            (Batch((cat, cont), cont[:, :0]) for cat, cont in parts),
            self.task,
            self._device,
            self._dtype,
            lambda outputs, mean, target: found.append(mean.cpu()),
        )
        return torch.cat(found)

    @torch.inference_mode()
    def one(self, row: Mapping[Any, Any]) -> list[float]:
        """Of a single row, given as a mapping from column to cell: n_out numbers.

        Raises:
            ValueError: columns lack, or a cell of a column of numbers is none.
        """
        x_cat, x_cont = self.encoder.row(row)
        inputs = x_cat.to(self._device), x_cont.to(self._device, self._kind)
        found = []
        with contextlib.ExitStack() as stack:
            for member in self._ready if self._must_move else self.members:
                if member.training:
                    stack.enter_context(loop.set_aside(member))
                with torch.autocast(
                    self._device.type, self._dtype, enabled=self._dtype is not None
                ):
                    output = member(*inputs)
                found.append(self.task.decode(output).float())
        mean = found[0] if len(found) == 1 else torch.stack(found).mean(0)
        numbers: list[float] = mean[0].tolist()
        return numbers

    def scores(self, rows: pd.DataFrame | Batches) -> dict[str, float]:
        """Loss and metrics on labelled rows.

        Raises:
            ValueError: columns lack, or classes are unknown.
        """
        batches = rows
        if isinstance(rows, pd.DataFrame):
            (x_cat, x_cont), target = encode(rows, self.spec)
            batches = still((x_cat, x_cont.to(self._kind)), target, self.run)
        epoch = batches.epoch(0)  # type: ignore[operator]
        return loop.evaluate(self._ready, epoch, self.task, self._device, self._dtype)

    @cached_property
    def task(self) -> Task:
        """Loss, decoding and metrics."""
        return task_of(self.spec)

    @cached_property
    def _device(self) -> torch.device:
        device = self.run.torch_device()
        if device.type == "cpu":
            keep_freed_blocks()
        return device

    @cached_property
    def _dtype(self) -> torch.dtype | None:
        return self.run.autocast_dtype(self._device)

    @property
    def _kind(self) -> torch.dtype:
        """Of the networks' numbers: double in scikit-learn's estimators."""
        return next(self.members[0].parameters()).dtype

    @property
    def _must_move(self) -> bool:
        return next(self.members[0].parameters()).device != self._device

    @property
    def _ready(self) -> list[TableNet]:
        return [member.to(self._device) for member in self.members]
