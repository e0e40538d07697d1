"""Why a table's model says what it says: which columns it goes by, and in which direction.

Columns of the user's table, or groups of them, are the parts. Each is some columns of what the
networks take: a number with gaps is two. Rows that are put together from parts of several rows
answer all questions: shuffled ones the importance of a column, mixtures of a row and a background
its Shapley values, and rows that are alike in one column the dependence on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.core.explanation import LOG_ODDS, Explanation, label_among, log_odds
from zoo.core.messages import did_you_mean, quoted
from zoo.core.predictions import Prediction
from zoo.core.trust.importance import permutation_importance
from zoo.core.trust.shapley import shapley
from zoo.tabular.data.distributions import typical_rows
from zoo.tabular.data.targets import encode_targets, unscaled
from zoo.tabular.data.values import as_numbers, plain
from zoo.tabular.dependence import Dependence
from zoo.tabular.inference import Inference
from zoo.tabular.options import Name
from zoo.tabular.spec import Spec

BACKGROUND: Final = 128  # rows that stand for all others in an explanation
CURVES: Final = 200  # rows of which the dependence is drawn
GRID: Final = 25  # numbers at which it is drawn, or categories at most

Groups = Mapping[str, Sequence[Name]]
"""Columns that count as one part, by the name of the group."""

Inputs = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Parts:
    """The parts of a row, and which of them each column of the networks' inputs belongs to.

    Attributes:
        names: columns of the user's table, or groups of them.
        of_cat: the part of each column of `x_cat`. Shape: (n_cat,)
        of_cont: that of each column of `x_cont`. Shape: (n_numbers,)
    """

    names: tuple[str, ...]
    of_cat: Tensor
    of_cont: Tensor

    @classmethod
    def of(cls, spec: Spec, groups: Groups | None = None) -> Parts:
        """Every column by itself, but for those that are in groups.

        Raises:
            ValueError: a group has no columns, a column is in two, or is no input.
        """
        group_of = _group_of(spec, groups or {})
        names = list(dict.fromkeys(str(group_of.get(name, name)) for name in spec.inputs))
        part = {name: names.index(str(group_of.get(name, name))) for name in spec.inputs}
        gaps = [number.name for number in spec.numbers if number.gaps]
        of_cat = [part[one] for one in [*(c.name for c in spec.categories), *gaps]]
        of_cont = [part[number.name] for number in spec.numbers]
        whole = torch.int64
        return cls(
            tuple(names), torch.tensor(of_cat, dtype=whole), torch.tensor(of_cont, dtype=whole)
        )

    def joined(self, inputs: Inputs, rows: NDArray[np.int64]) -> Inputs:
        """Rows whose parts are those of other rows.

        Args:
            inputs: the rows to take parts of.
            rows: the row that each part is taken of. Shape: (m, n_parts)

        Shape: (m, n_cat) and (m, n_numbers)
        """
        taken = torch.from_numpy(rows)
        x_cat, x_cont = inputs
        return x_cat.gather(0, taken[:, self.of_cat]), x_cont.gather(0, taken[:, self.of_cont])


def _group_of(spec: Spec, groups: Groups) -> dict[Name, str]:
    """The group of each column that is in one."""
    members = [(name, group) for group, names in groups.items() for name in names]
    columns = [name for name, _ in members]
    if unknown := [name for name in columns if name not in spec.inputs]:
        raise ValueError(
            f"groups must be of the model's columns, got {quoted(unknown)}. "
            f"{did_you_mean(unknown[0], spec.inputs)}"
        )
    clashes = [name for name in groups if name in spec.inputs and name not in groups[name]]
    if len(set(columns)) < len(columns) or not all(groups.values()) or clashes:
        raise ValueError(
            "groups must have columns, each in one group, and names that no other column has, got "
            f"groups={dict(groups)!r:.100}. Write groups={{'place': ['city', 'zip']}}."
        )
    return dict(members)


def importance(
    inference: Inference,
    rows: pd.DataFrame,
    groups: Groups | None,
    metric: str,
    repeats: int,
    seed: int,
) -> pd.DataFrame:
    """See `TableModel.importance`."""
    spec, parts = inference.spec, Parts.of(inference.spec, groups)
    inputs, target = inference.encoder.table(rows), encode_targets(rows, inference.spec)
    metric = label_among(metric, list(inference.scored(inputs, target)), "metric")
    sign = -1.0 if metric == "loss" or spec.task == "regression" else 1.0  # errors fall

    def score(taken: NDArray[np.int64]) -> float:
        return sign * inference.scored(parts.joined(inputs, taken), target)[metric]

    return permutation_importance(score, parts.names, len(rows), repeats=repeats, seed=seed)


def explanation(
    inference: Inference,
    row: pd.DataFrame,
    label: Any,
    background: pd.DataFrame | None,
    groups: Groups | None,
    orders: int,
    seed: int,
) -> Explanation[Any]:
    """See `TableModel.explain`."""
    spec, parts = inference.spec, Parts.of(inference.spec, groups)
    own = inference.encoder.table(row)
    decoded = inference.decoded(own)
    others = _background(inference, background, seed)
    n = len(others[1])
    both = torch.cat([own[0], others[0]]), torch.cat([own[1], others[1]])
    output = _output(spec, decoded, label)

    def value(is_own: NDArray[np.bool_], of: NDArray[np.int64]) -> NDArray[np.float64]:
        taken = np.where(is_own, 0, of[:, None] + 1)
        return _explained(spec, inference.decoded(parts.joined(both, taken)), output)

    found = shapley(value, len(parts.names), n, orders=orders, seed=seed)
    cells = {str(name): str(plain(cell)) for name, cell in row.iloc[0].items()}
    return Explanation(
        label=spec.classes[output] if spec.classes else str(spec.targets[output].name),
        prediction=_prediction(spec, decoded, output),
        names=parts.names,
        scores=tuple(found.values.tolist()),
        unit=LOG_ODDS if spec.classes else f"units of {spec.targets[output].name}",
        base=found.base,
        errors=tuple(found.errors.tolist()) if found.errors.any() else (),
        values=tuple(cells.get(name, "") for name in parts.names),
    )


def dependence(inference: Inference, rows: pd.DataFrame, column: Name, label: Any) -> Dependence:
    """See `TableModel.dependence`."""
    spec = inference.spec
    part = spec.inputs.index(label_among(column, spec.inputs, "column"))
    column = spec.inputs[part]
    some = np.linspace(0, len(rows) - 1, min(len(rows), CURVES)).round().astype(np.int64)
    at, values = _grid(spec, rows, column)
    inputs, parts = inference.encoder.table(rows), Parts.of(spec)
    taken = np.tile(some[:, None, None], (1, len(at), len(parts.names)))
    taken[:, :, part] = at
    decoded = inference.decoded(parts.joined(inputs, taken.reshape(-1, len(parts.names))))
    output = _output(spec, inference.decoded(inputs).mean(0, keepdim=True), label)
    if spec.classes:
        said, unit = decoded.double()[:, output], f"probability of {spec.classes[output]}"
    else:
        said, unit = unscaled(decoded, spec)[:, output], str(spec.targets[output].name)
    return Dependence(str(column), unit, values, said.view(len(some), len(at)).numpy())


def _background(inference: Inference, rows: pd.DataFrame | None, seed: int) -> Inputs:
    """What stands for all other rows: some of the caller's, or what the spec remembers."""
    if rows is None:
        return typical_rows(inference.spec, BACKGROUND, seed)
    if not len(rows):
        raise ValueError("a background must have rows, got none. Leave it out, or give a table.")
    if len(rows) > BACKGROUND:
        drawn = np.random.default_rng(seed).choice(len(rows), BACKGROUND, replace=False)
        rows = rows.iloc[np.sort(drawn)]
    return inference.encoder.table(rows)


def _output(spec: Spec, decoded: Tensor, label: Any) -> int:
    """The number of the output in question: a class or target; else the likeliest, or the first."""
    names: list[Any] = list(spec.classes) or [target.name for target in spec.targets]
    if label is not None:
        return names.index(label_among(label, names))
    return int(decoded[0].argmax()) if spec.classes else 0


def _explained(spec: Spec, decoded: Tensor, output: int) -> NDArray[np.float64]:
    """Log odds of a class, or a target in its units. Shape: (N, n_out) -> (N,)"""
    if spec.classes:
        return np.asarray(log_odds(decoded.double(), output).numpy())
    return np.asarray(unscaled(decoded, spec)[:, output].numpy())


def _prediction(spec: Spec, decoded: Tensor, output: int) -> Prediction[Any] | float:
    if spec.classes:
        return Prediction.of(spec.classes, decoded[0].tolist())
    return float(_explained(spec, decoded, output)[0])


def _grid(spec: Spec, rows: pd.DataFrame, column: Name) -> tuple[NDArray[np.int64], list[Any]]:
    """Rows whose cells a column is set to, and these cells: numbers at quantiles, or categories.

    Categories are the most frequent first, but whole numbers rise.
    """
    number = next((one for one in spec.numbers if one.name == column), None)
    if number is None:
        cells = pd.Series([plain(cell) for cell in rows[column]], dtype=object)
        counts = cells.value_counts(dropna=False)
        first = cells.drop_duplicates().index.tolist()
        some = sorted(first, key=lambda row: -counts.get(cells[row], 0))[:GRID]
        if all(type(cells[row]) in (int, float) for row in some):
            some.sort(key=lambda row: cells[row])
        shown = ["gap" if cells[row] is None else cells[row] for row in some]
        return np.array(some, dtype=np.int64), shown
    numbers = as_numbers(rows[column], column, number.kind)
    rising = np.argsort(numbers, kind="stable")
    rising = rising[np.isfinite(numbers[rising])]
    if not len(rising):
        raise ValueError(
            f"a dependence must be on cells that are there, got {column!r} empty in all rows. "
            "Choose another column."
        )
    at = rising[np.linspace(0, len(rising) - 1, min(len(rising), GRID)).round().astype(np.int64)]
    at = at[np.append(True, np.diff(numbers[at]) > 0)]
    cells = rows[column].iloc[at] if number.kind == "time" else numbers[at]
    return at, list(pd.to_datetime(cells)) if number.kind == "time" else cells.tolist()
