"""A trained model of a table: predict, evaluate, look inside, save, export, train on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from zoo.core import artifact
from zoo.core.artifact import Config
from zoo.core.batches import Data
from zoo.core.card import render
from zoo.core.history import History
from zoo.core.learner import Learner
from zoo.core.run import Run
from zoo.tabular.encode import text_columns
from zoo.tabular.inference import Inference
from zoo.tabular.models.network import TableNet
from zoo.tabular.spec import Spec
from zoo.tabular.tables import Name, read_table
from zoo.tabular.targets import unscaled
from zoo.tabular.task import task_of
from zoo.tabular.vectors import map_of, vectors_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class TableModel:
    """A model that predicts a column from the others; what `train`, `finetune` and `load` return.

    Attributes:
        spec: columns, categories, statistics and target.
        history: the record of the training.
        metrics: scores on the validation part.
        licence: of the weights, for the card; set it to state yours.
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
        self._learner = learner
        self._inference = Inference(self.members, spec, self.run)

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
        decoded = self._inference.many(frame)
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
            return dict(zip(classes, self._inference.one(given), strict=True))
        frame = self._frame(rows)
        shares = self._inference.many(frame).numpy()
        return pd.DataFrame(shares, index=frame.index, columns=classes)

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
            return self._inference.scores(self._learner.data.valid)
        return self._inference.scores(read_table(data, as_text=text_columns(self.spec)))

    def embeddings(self, column: Name) -> pd.DataFrame:
        """The learnt vectors of a column of categories, a row a value.

        Raises:
            ValueError: the column is none of the model's categories.
        """
        return vectors_of(self.members[0], self.spec, column)

    def embedding_map(self, column: Name) -> Figure:
        """A picture of the column's vectors on their first two principal components.

        Near points are values that the network treats alike. `figure.savefig("map.png")` keeps it.

        Raises:
            ValueError: the column is none of the model's categories.
        """
        return map_of(self.embeddings(column))

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

    def export(self, path: Path | str) -> Path:
        """Write an ONNX file that takes raw cells and gives predictions, without this library.

        See `zoo.tabular.export.write_onnx` for its inputs and outputs.

        Raises:
            ModuleNotFoundError: it needs the extra `onnx`.
        """
        from zoo.tabular.export import write_onnx

        return write_onnx(path, self.members, self.spec)

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
        known = self._learner
        if known is not None and known.model is self.members[0]:
            return known
        nothing: Any = None
        self._learner = Learner(
            self.members[0],
            known.data if known else Data(nothing, None, self.spec),
            task_of(self.spec),
            batchnorm="live",
            as_model=self._trained_on,
            run=self.run,
        )
        return self._learner

    def _trained_on(self, learn: Learner, networks: list[Any]) -> TableModel:
        """What the model has become, its scores yet to be taken."""
        return TableModel(
            networks,
            self.spec,
            history=learn.history,
            data=self.data,
            training=self.training,
            licence=self.licence,
            extra=self.extra,
            learner=learn,
            run=self.run,
        )

    def _frame(self, rows: Any) -> pd.DataFrame:
        """Many rows as a table; it may be empty."""
        if isinstance(rows, pd.DataFrame) and not len(rows):
            return rows
        if isinstance(rows, (list, tuple)) and all(isinstance(row, Mapping) for row in rows):
            rows = pd.DataFrame(list(rows), columns=None if rows else self.spec.inputs)
            return rows if not len(rows) else read_table(rows)
        return read_table(rows, as_text=text_columns(self.spec))

    def _of_one(self, row: Mapping[Any, Any]) -> Any:
        decoded = self._inference.one(row)
        if self.spec.task == "classification":
            return self.spec.classes[int(np.argmax(decoded))]
        numbers = unscaled(torch.tensor([decoded], dtype=torch.float64), self.spec)[0].tolist()
        if len(numbers) == 1:
            return numbers[0]
        return dict(zip([target.name for target in self.spec.targets], numbers, strict=True))
