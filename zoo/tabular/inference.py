"""Rows through the networks of a model: many in batches, or a single one without any of that.

Tables compute in fp32: their networks are small, and bf16 makes near predictions equal.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from zoo.core.batches import Batch
from zoo.core.messages import warn
from zoo.core.placed import Placed
from zoo.core.run import Run
from zoo.core.task import Task
from zoo.core.training.evaluation import set_aside
from zoo.tabular.data.encode import Encoder
from zoo.tabular.data.prepared import EVALUATION_ROWS, encode, still
from zoo.tabular.models.network import TableNet
from zoo.tabular.spec import Spec
from zoo.tabular.task import task_of


def in_fp32(run: Run) -> Run:
    """The run with precision fp32; one warning says so to a user who wants another.

    >>> in_fp32(Run()).precision
    'fp32'
    """
    if run.precision not in ("auto", "fp32"):
        warn(
            f"models of tables must compute in fp32, got precision={run.precision!r}. It is not "
            "used, because it would make near predictions equal."
        )
    return run if run.precision == "fp32" else replace(run, precision="fp32")


class Inference:
    """The networks of a model with all that their predictions need.

    What comes back is decoded and averaged over the networks: probabilities, or scaled numbers.

    Args:
        placed: one network, or those of an ensemble, where they compute.
        spec: what turns a table into their inputs.
    """

    def __init__(self, placed: Placed[TableNet], spec: Spec) -> None:
        self.placed, self.spec = placed, spec
        self.encoder = Encoder(spec)

    def many(self, frame: pd.DataFrame) -> Tensor:
        """Predictions of the rows of a table. Shape: (N, n_out), on the CPU.

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
        batches = (Batch((cat, cont), cont[:, :0]) for cat, cont in parts)
        predictions = self.placed.predict(batches, self.task)
        return torch.cat([outputs.mean.cpu() for outputs in predictions])

    @torch.inference_mode()
    def one(self, row: Mapping[Any, Any] | pd.Series) -> list[float]:
        """The n_out numbers of a single row, a mapping from column to cell.

        Raises:
            ValueError: columns lack, or a cell of a column of numbers is none.
        """
        x_cat, x_cont = self.encoder.row(row if isinstance(row, Mapping) else row.to_dict())
        device, dtype = self.placed.device, self.placed.dtype
        inputs = x_cat.to(device), x_cont.to(device, self._kind)
        predictions = []
        with contextlib.ExitStack() as stack:
            for member in self.placed.ready:
                if member.training:  # its learner has trained it on
                    stack.enter_context(set_aside(member))
                with torch.autocast(device.type, dtype, enabled=dtype is not None):
                    output = member(*inputs)
                predictions.append(self.task.decode(output).float())
        mean = predictions[0] if len(predictions) == 1 else torch.stack(predictions).mean(0)
        numbers: list[float] = mean[0].tolist()
        return numbers

    def scores(self, rows: pd.DataFrame) -> dict[str, float]:
        """Loss and metrics on labelled rows.

        Raises:
            ValueError: columns lack, or classes are unknown.
        """
        (x_cat, x_cont), target = encode(rows, self.spec)
        batches = still((x_cat, x_cont.to(self._kind)), target, self.placed.run)
        return self.placed.evaluate(batches.epoch(0), self.task)

    @cached_property
    def task(self) -> Task:
        """Loss, decoding and metrics."""
        return task_of(self.spec)

    @property
    def _kind(self) -> torch.dtype:
        """Type of the networks' numbers: double in scikit-learn's estimators."""
        return next(self.placed.members[0].parameters()).dtype
