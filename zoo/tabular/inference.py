"""Rows through the networks of a model: many in batches, or a single one without any of that."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.core.batches import TensorBatches
from zoo.core.placed import Placed
from zoo.core.training.evaluation import set_aside
from zoo.tabular.data.distributions import typical_rows
from zoo.tabular.data.encode import Encoder
from zoo.tabular.data.prepared import encode, still
from zoo.tabular.models.network import TableNet
from zoo.tabular.spec import Spec
from zoo.tabular.task import task_of


class Inference:
    """The networks of a model with all that their predictions need.

    What comes back is decoded and averaged over the networks: probabilities, or scaled numbers.

    Args:
        placed: one network, or those of an ensemble, where they compute.
        spec: what turns a table into their inputs.
    """

    def __init__(self, placed: Placed[TableNet], spec: Spec) -> None:
        self.placed, self.spec = placed, spec
        self.encoder, self.task = Encoder(spec), task_of(spec)

    def many(self, frame: pd.DataFrame) -> Tensor:
        """Predictions of the rows of a table. Shape: (N, n_out), on the CPU.

        Raises:
            ValueError: columns lack, or cells of a column of numbers are none.
        """
        return self.decoded(self.encoder.table(frame))

    def decoded(self, inputs: tuple[Tensor, Tensor]) -> Tensor:
        """Predictions of rows as the networks take them. Shape: (N, n_out), on the CPU."""
        if not len(inputs[1]):
            return torch.empty(0, self.spec.n_out)
        predictions = self.placed.predict(self._batches(inputs).epoch(0), self.task)
        return torch.cat([outputs.mean.cpu() for outputs in predictions])

    def vectors(self, frame: pd.DataFrame) -> NDArray[np.float32]:
        """The last hidden layers of all networks side by side. Shape: (N, d)

        Raises:
            ValueError: columns lack, or cells of a column of numbers are none.
        """

        def hidden(network: TableNet, inputs: tuple[Tensor, ...]) -> Tensor:
            x_cat, x_cont = inputs
            return torch.cat([layer.flatten(1) for layer in network.hidden(x_cat, x_cont)], dim=1)

        inputs = self.encoder.table(frame) if len(frame) else typical_rows(self.spec, 1)
        return self.placed.vectors(self._batches(inputs).epoch(0), hidden)[: len(frame)]

    @torch.inference_mode()
    def one(self, row: Mapping[Any, Any] | pd.Series) -> list[float]:
        """The n_out numbers of a single row, a mapping from column to cell.

        Raises:
            ValueError: columns lack, or a cell of a column of numbers is none.
        """
        x_cat, x_cont = self.encoder.row(row if isinstance(row, Mapping) else row.to_dict())
        device, predictions = self.placed.device, []
        inputs = x_cat.to(device), x_cont.to(device, self._kind)
        for member in self.placed.voices:  # whose learner may have trained it on
            evaluating = set_aside(member) if member.training else contextlib.nullcontext()
            with evaluating, torch.autocast(device.type, enabled=False):
                predictions.append(self.task.decode(member(*inputs)).float())
        numbers: list[float] = self.placed.mixture(predictions)[0].tolist()
        return numbers

    def scores(self, rows: pd.DataFrame) -> dict[str, float]:
        """Loss and metrics on labelled rows.

        Raises:
            ValueError: columns lack, or classes are unknown.
        """
        return self.scored(*encode(rows, self.spec))

    def scored(self, inputs: tuple[Tensor, Tensor], target: Tensor) -> dict[str, float]:
        """Loss and metrics on rows as the networks take them."""
        return self.placed.evaluate(self._batches(inputs, target).epoch(0), self.task)

    def _batches(
        self, inputs: tuple[Tensor, Tensor], target: Tensor | None = None
    ) -> TensorBatches:
        x_cat, x_cont = inputs
        target = x_cont[:, :0] if target is None else target
        return still((x_cat, x_cont.to(self._kind)), target, self.placed.run)

    @property
    def _kind(self) -> torch.dtype:
        """Type of the networks' numbers: double in scikit-learn's estimators."""
        return next(self.placed.members[0].parameters()).dtype
