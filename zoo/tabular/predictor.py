"""A trained model of a table: predict, evaluate, save, load, train on."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from zoo.core import artifact, loop
from zoo.core.artifact import Config
from zoo.core.batches import Batch, Data
from zoo.core.card import render
from zoo.core.history import History
from zoo.core.learner import Learner
from zoo.core.memory import keep_freed_blocks
from zoo.core.run import Run
from zoo.tabular.data import EVALUATION_ROWS, encode, still
from zoo.tabular.encode import Encoder, text_columns
from zoo.tabular.models.network import TableNet
from zoo.tabular.spec import Spec
from zoo.tabular.tables import Name, few, read_table
from zoo.tabular.targets import unscaled
from zoo.tabular.task import task_of


class TableModel:
    """A model that predicts a column from the others; what `train`, `finetune` and `load` return.

    Attributes:
        spec: columns, categories, statistics and target.
        history: the record of the training.
        metrics: scores on the validation part.
    """

    def __init__(
        self,
        members: Sequence[TableNet],
        spec: Spec,
        *,
        history: History | None = None,
        metrics: dict[str, float] | None = None,
        data: str = "",
        training: dict[str, Any] | None = None,
        licence: str = "unknown",
        extra: dict[str, Any] | None = None,
        learner: Learner | None = None,
        run: Run | None = None,
    ) -> None:
        self.members, self.spec, self.run = list(members), spec, run or Run()
        self.history, self.metrics = history or History(), metrics or {}
        self.data, self.training, self.extra = data, training or {}, extra or {}
        self.licence = licence
        self.encoder = Encoder(spec)
        self._learner = learner

    def __repr__(self) -> str:
        scores = ", ".join(f"{name} {value:.4g}" for name, value in self.metrics.items())
        names = ", ".join(str(target.name) for target in self.spec.targets)
        return f"<{self.members[0].name}, {self.spec.task} of {names}; {scores or 'no scores'}>"

    def predict(self, rows: Any) -> Any:
        """The prediction for a row, or a Series (several targets: a DataFrame) of them for many.

        Args:
            rows: a mapping from column to cell, or a row of a DataFrame (a Series): one prediction;
                a DataFrame, the path of a CSV or Parquet file, a list of mappings: many, under the
                table's index. All columns of the training must be there (cells may be empty);
                others are not looked at.

        Raises:
            ValueError: columns lack, or cells of a column of numbers are none.
            FileNotFoundError: there is no such file.
        """
        if isinstance(rows, (Mapping, pd.Series)):
            return self._of_one(rows if isinstance(rows, Mapping) else rows.to_dict())
        frame = self._frame(rows)
        decoded = self._decoded(frame)
        if self.spec.task == "classification":
            classes = pd.Series(list(self.spec.classes), name=self.spec.targets[0].name)
            found = classes.take(decoded.argmax(1).tolist())
            return found.set_axis(frame.index)
        numbers = unscaled(decoded, self.spec).numpy()
        names = [target.name for target in self.spec.targets]
        if len(names) == 1:
            return pd.Series(numbers[:, 0], index=frame.index, name=names[0])
        return pd.DataFrame(numbers, index=frame.index, columns=names)

    def probabilities(self, rows: Any) -> Any:
        """Of every class: a dict for a row, a DataFrame with a column a class for many.

        Args:
            rows: see `predict`.

        Raises:
            ValueError: see `predict`; or the model is a regression.
        """
        if self.spec.task != "classification":
            raise ValueError(
                f"classes have probabilities, however this model's task={self.spec.task!r}; use "
                "predict"
            )
        classes = list(self.spec.classes)
        if isinstance(rows, (Mapping, pd.Series)):
            given = rows if isinstance(rows, Mapping) else rows.to_dict()
            return dict(zip(classes, self._decode_one(given), strict=True))
        frame = self._frame(rows)
        return pd.DataFrame(self._decoded(frame).numpy(), index=frame.index, columns=classes)

    def evaluate(self, data: Any = None) -> dict[str, float]:
        """Loss and metrics on labelled rows.

        Args:
            data: a DataFrame or the path of a CSV or Parquet file; None takes the validation part
                of the training, which a loaded model does not have.

        Raises:
            ValueError: there are no rows, columns lack, or classes are unknown.
        """
        if data is None:
            if self._learner is None or self._learner.data.valid is None:
                raise ValueError(
                    "this model has no validation rows, however data=None; pass a labelled table"
                )
            batches: Any = self._learner.data.valid
        else:
            frame = read_table(data, as_text=self._text_columns)
            batches = still(*encode(frame, self.spec), self.run)
        task = task_of(self.spec)
        return loop.evaluate(self._ready, batches.epoch(0), task, self._device, self._dtype)

    def embedding(self, column: Name) -> pd.DataFrame:
        """The learnt vectors of a column of categories, a row a value.

        Raises:
            ValueError: the column is none of the model's categories.
        """
        names = [category.name for category in self.spec.categories]
        if column not in names:
            raise ValueError(
                f"categories have vectors, however {column=} is none of {few(names)}; name one"
            )
        number = names.index(column)
        embeddings = self.members[0].embeddings
        assert embeddings is not None
        vectors = embeddings.table(number).detach().cpu().numpy()[1:]
        index = pd.Index(list(self.spec.categories[number].values), name=column, dtype=object)
        return pd.DataFrame(vectors.copy(), index=index)

    def save(self, directory: Path | str) -> Path:
        """Write the artifact: config.json, model.safetensors, README.md, history.csv.

        Raises:
            FileExistsError: the directory holds something else than an artifact.
        """
        first = self.members[0]
        arguments = first.arguments()
        names = ["model.safetensors", *(f"model-{i + 2}.safetensors" for i in range(99))]
        config = Config(
            domain="tabular",
            task=self.spec.task,
            model={"name": arguments.pop("name"), "args": arguments},
            spec=self.spec.to_json(),
            members=names[: len(self.members)],
            licence=self.licence,
            data=self.data,
            metrics=self.metrics,
            training=self.training,
            extra=self.extra,
        )
        example = (
            f'import zoo\n\nmodel = zoo.load("{Path(directory).name}")\nmodel.predict("rows.csv")'
        )
        for member in self.members:
            member.fill_unseen()
        weights = [member.state_dict() for member in self.members]
        card = render(config, load_example=example)
        return artifact.write(directory, config, weights, self.history, card)

    def learner(self) -> Learner:
        """The learner that trained the model, or a new one without data: `set_data` gives it some.

        Raises:
            ValueError: the model is an ensemble, which is not trained as one.
        """
        if len(self.members) > 1:
            raise ValueError(
                f"a learner trains one network, however this ensemble has {len(self.members)=}; "
                "fine-tune one of its members"
            )
        if self._learner is None:
            nothing: Any = None
            data = Data(nothing, None, self.spec)
            self._learner = Learner(self.members[0], data, task_of(self.spec), run=self.run)
        return self._learner

    @property
    def _text_columns(self) -> list[Name]:
        return text_columns(self.spec)

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
        """Of the network's numbers: double in scikit-learn's estimators."""
        return next(self.members[0].parameters()).dtype

    @property
    def _ready(self) -> list[TableNet]:
        return [member.to(self._device) for member in self.members]

    def _frame(self, rows: Any) -> pd.DataFrame:
        """Many rows as a table; it may be empty."""
        if isinstance(rows, pd.DataFrame) and not len(rows):
            return rows
        if isinstance(rows, (list, tuple)) and all(isinstance(row, Mapping) for row in rows):
            rows = pd.DataFrame(list(rows), columns=None if rows else self.spec.inputs)
            return rows if not len(rows) else read_table(rows)
        return read_table(rows, as_text=self._text_columns)

    def _decoded(self, frame: pd.DataFrame) -> Tensor:
        """Probabilities, or scaled numbers. Shape: (N, n_out), on the CPU."""
        x_cat, x_cont = self.encoder.table(frame)
        x_cont = x_cont.to(self._kind)
        if not len(frame):
            return torch.empty(0, self.spec.n_out)
        batches = (
            Batch((cat, cont), cont[:, :0])
            for cat, cont in zip(
                torch.split(x_cat, EVALUATION_ROWS),
                torch.split(x_cont, EVALUATION_ROWS),
                strict=True,
            )
        )
        found: list[Tensor] = []
        loop.predict_batches(
            self._ready,
            batches,
            task_of(self.spec),
            self._device,
            self._dtype,
            lambda outputs, mean, target: found.append(mean.cpu()),
        )
        return torch.cat(found)

    @torch.inference_mode()
    def _decode_one(self, row: Mapping[Any, Any]) -> list[float]:
        """One row through the members; without a table, batches or a loader."""
        x_cat, x_cont = self.encoder.row(row)
        inputs = x_cat.to(self._device), x_cont.to(self._device, self._kind)
        found = []
        with contextlib.ExitStack() as stack:
            for member in self.members:
                if member.training:
                    stack.enter_context(loop.set_aside(member.to(self._device)))
                with torch.autocast(
                    self._device.type, self._dtype, enabled=self._dtype is not None
                ):
                    output = member(*inputs)
                found.append(self._decode(output).float())
        mean = found[0] if len(found) == 1 else torch.stack(found).mean(0)
        numbers: list[float] = mean[0].tolist()
        return numbers

    @cached_property
    def _decode(self) -> Any:
        return task_of(self.spec).decode

    def _of_one(self, row: Mapping[Any, Any]) -> Any:
        decoded = self._decode_one(row)
        if self.spec.task == "classification":
            return self.spec.classes[int(np.argmax(decoded))]
        numbers = unscaled(torch.tensor([decoded], dtype=torch.float64), self.spec)[0].tolist()
        if len(numbers) == 1:
            return numbers[0]
        return dict(zip([target.name for target in self.spec.targets], numbers, strict=True))
