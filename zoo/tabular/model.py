"""A trained model of a table: predict, evaluate, look inside, save, export, train on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, Unpack, overload

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.core.config import Config
from zoo.core.explanation import Explanation
from zoo.core.export import How
from zoo.core.frames import frame_of
from zoo.core.interface import Interface, reply_of, shown_parts
from zoo.core.model import Model
from zoo.core.neighbours import most_alike
from zoo.core.predictions import (
    Estimate,
    HowSure,
    Interval,
    Prediction,
    PredictionSet,
    Unknown,
    record_of,
)
from zoo.core.run import Run, in_fp32
from zoo.core.task import Task
from zoo.core.training.options import BatchNormMode
from zoo.core.trust.shapley import ORDERS
from zoo.core.trust.unknown import Statistics, marked, verdict_table
from zoo.data.table import require_columns
from zoo.hub.mixin import HubMixin
from zoo.tabular.data.contents import row_hashes
from zoo.tabular.data.encode import text_columns
from zoo.tabular.data.tables import ALL_INPUTS, Table, read_table
from zoo.tabular.data.targets import unscaled, with_targets
from zoo.tabular.data.values import Value, plain
from zoo.tabular.dependence import Dependence
from zoo.tabular.embeddings import map_of, vectors_of
from zoo.tabular.fields import fields_of
from zoo.tabular.inference import Inference
from zoo.tabular.models.arguments import network_arguments
from zoo.tabular.models.network import TableNet
from zoo.tabular.options import Name
from zoo.tabular.reasons import Groups, dependence, explanation, importance
from zoo.tabular.spec import Spec
from zoo.tabular.strangeness import Cells, Strange
from zoo.tabular.task import task_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = Mapping[Any, Any] | pd.Series
"""One row, as a mapping from column to cell."""

Rows = Table | Sequence[Mapping[Any, Any]]
"""Many rows: a table or a list of mappings."""

Answer = Value | dict[Name, float] | Prediction[Value] | PredictionSet[Value] | Interval | Estimate
"""The prediction for one row: a class, a number, or a number for each of several targets; a set or
an interval where a coverage is asked for, a prediction with `unknown` where that is."""


class TableModel(HubMixin, Model[TableNet, Spec]):
    """A model that predicts a column from the others; what `train`, `finetune` and `load` return.

    Attributes:
        spec: columns, categories, statistics and target.
        history: the record of the training.
        metrics: scores on the validation part.
        licence: licence of the weights, for the card; set it to state yours.
    """

    domain = "tabular"
    batchnorm: ClassVar[BatchNormMode] = "live"

    def __init__(
        self, members: Sequence[TableNet], spec: Spec, *, run: Run | None = None, **record: Any
    ) -> None:
        super().__init__(members, spec, run=in_fp32(run or Run(), "tables"), **record)
        self._inference = Inference(self._placed, spec)

    def __repr__(self) -> str:
        names = ", ".join(str(target.name) for target in self.spec.targets)
        return f"<{self.members[0].name}, {self.spec.task} of {names}; {self._scored}>"

    @overload
    def predict(self, rows: Row, **how_sure: Unpack[HowSure]) -> Answer: ...

    @overload
    def predict(self, rows: Rows, **how_sure: Unpack[HowSure]) -> pd.Series | pd.DataFrame: ...

    def predict(
        self,
        rows: Row | Rows,
        *,
        coverage: float | None = None,
        randomised: bool = False,
        unknown: bool | float = False,
    ) -> Answer | pd.Series | pd.DataFrame:
        """The prediction for a row, or a Series (several targets: a DataFrame) of them for many.

        All columns of the training must be there; others are not looked at. Any cell may be empty:
        a number takes the median, a category of which training knew no gaps the mean vector, as an
        unseen category does; a warning names columns most of whose categories are unseen. What was
        learnt as text is read as text, and equal numbers are equal, whatever type a file or a
        program gave them. Infinite numbers are gaps.

        Args:
            rows: a mapping from column to cell, or a row of a DataFrame (a Series): one prediction;
                a DataFrame, the path of a CSV or Parquet file, a list of mappings: many, under the
                table's index.
            coverage: how often the truth shall be in what is predicted, such as 0.9, by the ranks
                of errors on held-out rows (`zoo.core.trust.conformal`): of classes a
                `PredictionSet` for a row and a Series of tuples for many, of one number an
                `Interval` and a DataFrame with the columns `low` and `high` beside it.
            randomised: exactly as often: sets of classes may be empty then.
            unknown: whether to tell rows that are unlike those of the training: with unseen
                categories, numbers out of their range, in another unit or missing where training
                had all, or columns that do not go together (`zoo.tabular.strangeness`). True
                calls one of a hundred ordinary rows so, another number another share. A row's
                prediction is a `Prediction` or an `Estimate` with `unknown` then, that of many a
                DataFrame with the columns `unknown`, `strangeness` and `reason`.

        Raises:
            ValueError: columns lack, or cells of a column of numbers are none; a coverage, or what
                is unknown, is asked for of a model that was not judged on held-out rows.
            FileNotFoundError: the file does not exist.
        """
        names = [target.name for target in self.spec.targets]
        if unknown is not False:
            told: Answer | pd.DataFrame = self._with_verdicts(rows, coverage, randomised, unknown)
            return told
        if coverage is not None:
            return self._sure(rows, coverage, randomised)
        if isinstance(rows, (Mapping, pd.Series)):
            decoded = self._inference.one(rows)
            if self.spec.task == "classification":
                return self.spec.classes[decoded.index(max(decoded))]
            numbers = unscaled(torch.tensor([decoded], dtype=torch.float64), self.spec)[0].tolist()
            return numbers[0] if len(names) == 1 else dict(zip(names, numbers, strict=True))
        frame = self._frame(rows)
        outputs = self._inference.many(frame)
        if self.spec.task == "classification":
            classes = pd.Series(list(self.spec.classes), name=names[0])
            return classes.take(outputs.argmax(1).tolist()).set_axis(frame.index)
        table = pd.DataFrame(unscaled(outputs, self.spec).numpy(), frame.index, names)
        return table[names[0]] if len(names) == 1 else table

    def _with_verdicts(
        self, rows: Row | Rows, coverage: float | None, randomised: bool, rate: bool | float
    ) -> Any:
        """Predictions with what is unknown, see `predict`."""
        is_one = isinstance(rows, (Mapping, pd.Series))
        frame = self._frame([dict(rows)] if isinstance(rows, (Mapping, pd.Series)) else rows)
        verdicts = self._verdicts_of(frame, rate)
        if not is_one:
            answers = self.predict(frame, coverage=coverage, randomised=randomised)
            return pd.concat([answers, verdict_table(verdicts, frame.index)], axis=1)
        decoded = self._inference.many(frame)
        if coverage is not None:
            return marked(self._covered(decoded, coverage, randomised), verdicts)[0]
        return self._marked(decoded, verdicts)[0]

    def _marked(self, decoded: Tensor, verdicts: Sequence[Unknown]) -> list[Any]:
        """Decoded predictions as ones that say what is unknown."""
        if self.spec.task == "classification":
            answers = [Prediction.of(self.spec.classes, row) for row in decoded.tolist()]
            return marked(answers, verdicts)
        names, columns = (t.name for t in self.spec.targets), unscaled(decoded, self.spec).T
        each = [marked(column.tolist(), verdicts) for column in columns]
        if len(each) == 1:
            return each[0]
        keys = [*names]
        return [dict(zip(keys, row, strict=True)) for row in zip(*each, strict=True)]

    def _answers_for(
        self, frame: pd.DataFrame, coverage: float | None, unknown: bool | float
    ) -> list[Any]:
        """What is said of each row where a coverage, or what is unknown, is asked for."""
        decoded = self._inference.many(frame)
        if unknown is False:
            return self._covered(decoded, coverage)  # type: ignore[arg-type]
        verdicts = self._verdicts_of(frame, unknown)
        if coverage is None:
            return self._marked(decoded, verdicts)
        return marked(self._covered(decoded, coverage), verdicts)

    def _verdicts_of(self, frame: pd.DataFrame, rate: bool | float) -> list[Unknown]:
        """Whether rows are unlike those of the training, and which cell makes them so."""
        encoder = self._inference.encoder
        cells = Cells(self.spec, *encoder.table(frame), encoder.new_gaps(frame))
        found: list[Strange] = []

        def strangeness(statistics: Statistics) -> NDArray[np.float64]:
            found.append(Strange.of(cells, statistics))
            return found[0].of_rows

        def why(row: int, limit: float) -> str:
            return found[0].reason(
                row, [plain(c) for c in frame[self.spec.inputs].iloc[row]], limit
            )

        return self._verdicts(strangeness, rate, why)

    def _sure(
        self, rows: Row | Rows, coverage: float, randomised: bool
    ) -> Answer | pd.Series | pd.DataFrame:
        """Sets or intervals, see `predict`."""
        name = self.spec.targets[0].name
        if isinstance(rows, (Mapping, pd.Series)):
            decoded = torch.tensor([self._inference.one(rows)])
            answer: Answer = self._covered(decoded, coverage, randomised)[0]
            return answer
        frame = self._frame(rows)
        answers = self._covered(self._inference.many(frame), coverage, randomised)
        if self.spec.task == "classification":
            return pd.Series([one.labels for one in answers], frame.index, object, name)
        numbers = [(float(one), one.low, one.high) for one in answers]
        return pd.DataFrame(numbers, frame.index, [name, "low", "high"], np.float64)

    def _covered(self, decoded: Tensor, coverage: float, *args: Any, **how: Any) -> list[Any]:
        """See `Model`; intervals in the target's own units."""
        answers = super()._covered(decoded, coverage, *args, **how)
        if self.spec.task == "classification":
            return answers
        three = torch.tensor([(float(one), one.low, one.high) for one in answers]).double()
        numbers = unscaled(three.reshape(-1, 1), self.spec).reshape(-1, 3).tolist()
        return [Interval(*one) for one in numbers]

    def records(
        self,
        files: Sequence[Path],
        *,
        k: int = 1,
        coverage: float | None = None,
        unknown: bool | float = False,
    ) -> Iterator[dict[str, Any]]:
        """See `Model.records`; a file is a table."""
        if coverage is not None or unknown is not False:
            for file in files:
                frame = self._frame(str(file))
                answers = self._answers_for(frame, coverage, unknown)
                for row, answer in zip(frame.index, answers, strict=True):
                    yield {"file": str(file), "row": row, **_record_of(answer, k)}
            return
        outputs = self.probabilities if self.spec.task == "classification" else self.predict
        for file in files:
            table = pd.DataFrame(outputs(str(file)))
            for row, numbers in zip(table.index, table.to_numpy().tolist(), strict=True):
                yield {"file": str(file), "row": row, **self._record(numbers, k)}

    @overload
    def probabilities(self, rows: Row) -> dict[Value, float]: ...

    @overload
    def probabilities(self, rows: Rows) -> pd.DataFrame: ...

    def probabilities(self, rows: Row | Rows) -> dict[Value, float] | pd.DataFrame:
        """The probability of every class: a dict for a row, a DataFrame of one column per class.

        Args:
            rows: one row or many, as for `predict`.

        Raises:
            ValueError: columns lack, cells of a column of numbers are none, or the model is a
                regression.
        """
        if self.spec.task != "classification":
            raise ValueError(
                "probabilities must be those of classes, got a model of "
                f"task={self.spec.task!r}. Use predict."
            )
        classes = list(self.spec.classes)
        if isinstance(rows, (Mapping, pd.Series)):
            return dict(zip(classes, self._inference.one(rows), strict=True))
        frame = self._frame(rows)
        return pd.DataFrame(self._inference.many(frame).numpy(), frame.index, classes)

    def evaluate(self, data: Table | None = None) -> dict[str, float]:
        """Loss and metrics on labelled rows; those without a label are left out, with a warning.

        Another warning says if the model was trained on some of the rows.

        Args:
            data: a table as for training; None returns the scores on the validation part of the
                training.

        Raises:
            ValueError: there are no rows, columns lack, classes are unknown, or the model has no
                scores.
        """
        if data is None:
            return self._validation_scores()
        return self._inference.scores(self._labelled(data))

    def with_examples(self, data: Table) -> Self:
        """Keep those rows of a table that the model was trained on, see `keep_examples`."""
        frame, targets = self._read(data), [target.name for target in self.spec.targets]
        frame = with_targets(frame.set_axis(range(len(frame))), targets)
        rows = frame[self.trained_on(row_hashes(frame, self.spec))]
        shown = {str(name): rows[name].tolist() for name in (*self.spec.inputs, *targets)}
        return self.keep_examples(rows, shown)

    def importance(
        self,
        data: Table,
        *,
        groups: Groups | None = None,
        metric: str = "loss",
        repeats: int = 5,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Which columns the model goes by: how much worse it scores when one is shuffled.

        Score rows that it was not trained on. A column that another one repeats looks needless
        alone: name both in a group.

        Args:
            data: labelled rows, as for `evaluate`.
            groups: columns that are shuffled together, by a name, as in {"place": ["city", "zip"]}.
            metric: "loss", or a metric that `evaluate` returns.
            repeats: shuffles of each column.
            seed: of the shuffles.

        Returns:
            A row per column or group, the most important first, with `importance`, the mean rise
            of the loss or error (or fall of the accuracy), and `spread`, its standard deviation
            over the shuffles.

        Raises:
            ValueError: as `evaluate`, or groups or metric do not suit.
        """
        return importance(self._inference, self._labelled(data), groups, metric, repeats, seed)

    def explain(
        self,
        row: Row | Rows,
        label: Any = None,
        *,
        background: Rows | None = None,
        groups: Groups | None = None,
        orders: int = ORDERS,
        seed: int = 0,
    ) -> Explanation[Any]:
        """Each column's share of a prediction: Shapley values, see `zoo.core.trust.shapley`.

        They lead from the mean over a background to the prediction: in log odds of a class, or in
        units of a target, base and scores add up to it. Of up to eight columns or groups they are
        exact for this background; of more they come with their sampling errors. If the model was
        trained with `keep_examples=True`, `alike` lists the training rows that are most alike.

        Args:
            row: a mapping from column to cell, a row of a DataFrame, or a table of one row.
            label: the class to explain, or of several targets one; None takes the likeliest class,
                or the first target.
            background: rows that stand for all others, of which 128 are drawn if there are more;
                None takes what the model remembers of the training rows, each column by itself.
            groups: columns that count as one, see `importance`.
            orders: random orders in which more than eight columns join.
            seed: of the orders, and of the background.

        Raises:
            ValueError: columns lack, it is not one row, or the model does not know the label.
        """
        rows = self._frame([dict(row)] if isinstance(row, (Mapping, pd.Series)) else row)
        if len(rows) != 1:
            raise ValueError(f"an explanation is of one row, got {len(rows)}. Explain each.")
        others = None if background is None else self._frame(background)
        told = explanation(self._inference, rows, label, others, groups, orders, seed)
        return (
            told if self.examples is None else replace(told, alike=self._alike(self.embed(rows)[0]))
        )

    def interface(self) -> Interface:
        """See `Model.interface`: a field for each column; shares of the columns tell why."""

        def row(cells: Sequence[Any]) -> dict[Name, Any]:
            return dict(zip(self.spec.inputs, cells, strict=True))

        def answer(cells: Sequence[Any]) -> Any:
            if self.spec.task != "classification":
                return self.predict(row(cells))
            shares = self.probabilities(row(cells))
            return Prediction.of([*shares], [*shares.values()])

        return Interface(
            fields_of(self.spec),
            lambda *cells: reply_of(answer(cells)),
            shown_parts(self.spec.classes),
            lambda *cells: self.explain(row(cells)),
        )

    def dependence(self, data: Table, column: Name, label: Any = None) -> Dependence:
        """How predictions depend on one column: a curve for each of 200 rows, and their mean.

        Args:
            data: rows whose column is changed, and whose cells of it are tried.
            column: the column.
            label: the class whose probability is shown, or of several targets one; None takes the
                class that is likeliest in the mean, or the first target.

        Raises:
            ValueError: columns lack, the column is no input, or the model does not know the label.
        """
        return dependence(self._inference, self._read(data), column, label)

    def embed(self, rows: Row | Rows) -> NDArray[np.float32]:
        """The vector of each row, the network's last hidden layer: (n, d), float32.

        A single row has one. Vectors of several networks stand side by side.

        Args:
            rows: see `predict`.

        Raises:
            ValueError: columns lack, or cells of a column of numbers are none.
        """
        frame = self._frame([dict(rows)] if isinstance(rows, (Mapping, pd.Series)) else rows)
        return self._inference.vectors(frame)

    def similar(self, row: Row, k: int = 5, *, among: Rows) -> pd.DataFrame:
        """The rows that are most alike one to the model, the nearest first, and their similarity.

        Alike are rows whose vectors (`embed`) point most nearly the same way (cosine); the search
        is exact. The index is that of the table.

        Args:
            row: a single row.
            k: number of rows at most.
            among: rows to search.

        Raises:
            ValueError: there are none, columns lack, or k is none.
        """
        frame = self._frame(among)
        near = most_alike(self.embed(row)[0], self.embed(frame), k)
        found = frame.iloc[near.index].copy()
        found.insert(len(found.columns), "similarity", near["similarity"].to_numpy(), True)
        return found

    def embeddings(self, column: Name) -> pd.DataFrame:
        """The learnt vectors of a column of categories, one row per value.

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

    def export(self, path: Path | str, **how: Unpack[How]) -> Path:
        """Write a file that takes raw cells and gives predictions, see `Model.export`.

        See `zoo.tabular.export` for its inputs and outputs.

        Raises:
            ModuleNotFoundError: a package that it needs is not installed.
            ValueError: the options are none, or do not go together; or it is to be quantized, which
                would save a table's network nothing that counts.
        """
        from zoo.tabular.export import program_of

        return self._export(path, program_of(self._placed, self.spec), how)

    def answers(self, decoded: Tensor, names: Any) -> pd.DataFrame:
        """See `Model.answers`; of a regression a column of numbers for each target."""
        if self.spec.task == "classification":
            return super().answers(decoded, names)
        targets = [target.name for target in self.spec.targets]
        return pd.DataFrame(unscaled(decoded, self.spec).numpy(), pd.Index(names), targets)

    def _built(self) -> tuple[str, str, dict[str, Any]]:
        arguments = self.members[0].arguments()
        return self.spec.task, arguments.pop("name"), arguments

    def _example(self) -> str:
        return 'model.predict("rows.csv")'

    def _task(self) -> Task:
        return task_of(self.spec)

    def _check_config(self, config: Config) -> None:
        super()._check_config(config)
        network_arguments(config, self.spec)

    def _weights(self) -> list[dict[str, Tensor]]:
        for member in self.members:
            if member.training:  # its learner has trained it on
                member.fill_unseen()
        return super()._weights()

    def _record(self, numbers: list[float], k: int) -> dict[str, Any]:
        """Probabilities or predicted numbers of a row as plain values."""
        if self.spec.task == "classification":
            return Prediction.of(self.spec.classes, numbers).record(k)
        names = [str(target.name) for target in self.spec.targets]
        values = dict(zip(names, numbers, strict=True))
        return {"values": values} if len(numbers) > 1 else {"value": numbers[0]}

    def _frame(self, rows: Rows) -> pd.DataFrame:
        """Many rows as a table; it may be empty."""
        rows = frame_of(rows)
        if isinstance(rows, pd.DataFrame) and not len(rows):
            return rows
        if isinstance(rows, (list, tuple)) and all(isinstance(row, Mapping) for row in rows):
            names = self.spec.inputs
            for row in rows:
                if any(name not in row for name in names):
                    require_columns(row, names, ALL_INPUTS)
            return pd.DataFrame({name: [row[name] for row in rows] for name in names})
        return self._read(rows)

    def _labelled(self, data: Table) -> pd.DataFrame:
        """Rows to score on; a warning tells if the model was trained on some."""
        targets = [target.name for target in self.spec.targets]
        frame = self._read(data)
        require_columns(frame, targets, "the target")
        require_columns(frame, self.spec.inputs, ALL_INPUTS)
        frame = with_targets(frame, targets)
        self._warn_of_seen_rows(row_hashes(frame, self.spec))
        return frame

    def _read(self, data: Rows) -> pd.DataFrame:
        return read_table(data, text_columns(self.spec), self.spec.columns)


def _record_of(answer: Any, k: int) -> dict[str, Any]:
    """As `record_of`; the numbers of several targets share a verdict."""
    if not isinstance(answer, dict):
        return record_of(answer, k)
    values = {str(name): float(one) for name, one in answer.items()}
    verdict: dict[str, Any] = next(iter(answer.values())).unknown.record()
    return {"values": values, **verdict}
