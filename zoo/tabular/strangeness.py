"""How strange a row is, by its strangest cell: alone, and beside the other cells of the row.

A number becomes a normal score by the training rows' quantiles, as does a category whose values are
numbers; a frequent value of another category is 0 or 1. What the other columns would have it be
follows from the inverse of the matrix of their correlations. How far off it is, and how far it is
from the middle of its own column, is told by how often training rows were as far: -log of their
share, which goes on beyond the rarest tenth, hundredth or thousandth as an exponential tail does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.core.trust.gauge import Gauge
from zoo.tabular.data.encode import MISSING, unbent
from zoo.tabular.spec import LEVELS, Category, Distribution, Number, Spec

ROWS: Final = 20_000  # of the training that are looked at
MOST: Final = 256  # columns, and values of columns, that are looked at together
FREQUENT: Final = 0.02  # share of the rows that have a value, or have not, to be one of them
FARTHEST: Final = 40.0  # normal scores
NARROWEST: Final = 0.05  # spreads that a score is worth at least, beyond the quantiles
TAILS: Final = (0.5, 0.9, 0.99, 0.999)
ROWS_BEYOND: Final = 10  # of the training that lie beyond a level, so that it tells of none of them

Floats = NDArray[np.float64]
Statistics = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of rows as the network takes them, and what a spec remembers of their columns.

    Args:
        spec: with a distribution for each input.
        x_cat: rows of embeddings. Shape: (n, n_cat)
        x_cont: scaled numbers. Shape: (n, n_cont)
        new_gaps: which numbers are missing where training had all; None if that is not known.
            Shape: (n, n_cont)
    """

    spec: Spec
    x_cat: Tensor
    x_cont: Tensor
    new_gaps: NDArray[np.bool_] | None = None

    @cached_property
    def is_gap(self) -> NDArray[np.bool_]:
        """Which numbers are missing, as far as training knew of gaps. Shape: (n, n_cont)"""
        gaps, flag = np.zeros(self.x_cont.shape, bool), len(self.spec.categories)
        for i, number in enumerate(self.spec.numbers):
            if number.gaps:
                gaps[:, i] = self.x_cat[:, flag].numpy() == MISSING
                flag += 1
        return gaps

    @cached_property
    def ordered(self) -> list[int]:
        """Categories whose values are numbers, of which there is an order."""
        return [i for i, one in enumerate(self.spec.categories) if _is_ordered(one)]

    @cached_property
    def places(self) -> list[int]:
        """The number of the input that each column of `scores` is of."""
        n = len(self.spec.categories)
        return [*range(n, n + len(self.spec.numbers)), *self.ordered]

    @property
    def inputs(self) -> list[int]:
        """The number of the input that each column of `x_cat` is of."""
        n, numbers = len(self.spec.categories), self.spec.numbers
        return [*range(n), *(n + i for i, number in enumerate(numbers) if number.gaps)]

    @cached_property
    def scores(self) -> Floats:
        """Normal scores of numbers and ordered categories, 0 in gaps. Shape: (n, n_scores)"""
        known, columns = self._distributions, self.x_cont.double()
        found = []
        for i, number in enumerate(self.spec.numbers):
            cells = unbent(columns[:, i]) if number.spread else columns[:, i]
            scores = _scores(cells.numpy(), number, known[number.name])
            found.append(np.where(self.is_gap[:, i], 0.0, scores))
        for i in self.ordered:
            by_row = _scores_of_values(self.spec.categories[i], self.shares[i])
            found.append(by_row[self.x_cat[:, i].numpy()])
        return np.array(found).reshape(len(found), len(self.x_cat)).T

    @cached_property
    def shares(self) -> list[Floats]:
        """Shares of the values of each column of `x_cat`, from row 1 on."""
        known = self._distributions
        found = [np.array(known[one.name].shares) for one in self.spec.categories]
        gaps = [known[one.name].gaps for one in self.spec.numbers if one.gaps]
        return [*found, *(np.array([1 - gap, gap]) for gap in gaps)]

    @cached_property
    def values(self) -> list[tuple[int, int]]:
        """Columns of `x_cat` and their frequent values, the most frequent first."""
        all_ = [
            (abs(share - 0.5), column, row)
            for column, shares in enumerate(self.shares)
            for row, share in enumerate(shares.tolist(), 1)
            if FREQUENT <= share <= 1 - FREQUENT and column not in self.ordered
        ]
        room = max(MOST - len(self.places), 0)
        return [(column, row) for _, column, row in sorted(all_)[:room]]

    @cached_property
    def together(self) -> Floats:
        """Scores, and whether frequent values are there, standardised. Shape: (n, k)"""
        parts = [self.scores[:, :MOST].T]
        for column, row in self.values:
            share = self.shares[column][row - 1]
            there = (self.x_cat[:, column].numpy() == row) - share
            parts.append(there[None] / (share * (1 - share)) ** 0.5)
        return np.concatenate(parts).T

    @property
    def _distributions(self) -> dict[Any, Distribution]:
        return {one.name: one for one in self.spec.distributions}


def fit(cells: Cells, like: Statistics | None = None) -> dict[str, Tensor]:
    """Statistics of training rows, of all of them together.

    Args:
        cells: of training rows.
        like: statistics of a part of them; None if there are none. Tails are told at its levels:
            with further ones the same cell would be stranger than those that set the limit.
    """
    z, n = cells.together, len(cells.x_cat)
    k = z.shape[1]
    correlations = z.T @ z / n
    kept = n / (n + k + 1)  # of what few rows tell; the rest is a matrix of columns on their own
    precision = np.linalg.inv(kept * correlations + (1 - kept) * np.eye(k))
    off = np.concatenate([np.abs(cells.scores), np.abs(_off(z, precision))], axis=1)
    levels = [one for one in TAILS if n * (1 - one) >= ROWS_BEYOND] or [TAILS[0]]
    levels = levels if like is None else levels[: len(like["tails"])]
    counts = [torch.bincount(one, minlength=1)[1:] for one in cells.x_cat.long().T]
    once = [int((one == 1).sum()) for one in counts]
    return {
        "precision": torch.from_numpy(precision).float(),
        "tails": torch.from_numpy(_tails(off, levels, cells)).float(),
        "unseen": torch.tensor([(one + 0.5) / (n + 1) for one in once]).float(),
    }


def _tails(off: Floats, levels: Sequence[float], cells: Cells) -> Floats:
    """How far off cells are at the levels. Shape: (n, c) -> (n_levels, c)

    A value that fewer rows have than lie beyond the last level would be told by how far its rows
    are from all others: for it, the last level is among its own rows.
    """
    tails = np.quantile(off, levels, axis=0)
    for j, (column, row) in enumerate(cells.values, off.shape[1] - len(cells.values)):
        level = max(levels[-1], 1 - cells.shares[column][row - 1] / 2)
        tails[-1, j] = np.quantile(off[:, j], level)
    return np.asarray(tails)


@dataclass(frozen=True, eq=False)
class Strange:
    """How strange each cell of rows is, in nats; columns are the inputs of the spec.

    Shape: alone and beside the other columns (n, n_inputs) each; precision (k, k) of `together`;
    owners (k,), the input that each of its columns is of
    """

    cells: Cells
    alone: Floats
    beside: Floats
    precision: Floats
    owners: NDArray[np.int64]

    @classmethod
    def of(cls, cells: Cells, statistics: Statistics) -> Strange:
        """The cells beside what is known of training rows."""
        precision = statistics["precision"].double().numpy()
        off = np.concatenate(
            [np.abs(cells.scores), np.abs(_off(cells.together, precision))], axis=1
        )
        if cells.new_gaps is not None:
            off[:, : len(cells.spec.numbers)][cells.new_gaps] = FARTHEST
        nats, n_scores = _nats(off, statistics["tails"].double().numpy()), len(cells.places)
        alone, beside = (np.zeros((len(off), len(cells.spec.inputs))) for _ in range(2))
        joint, inputs = cells.places[:MOST], cells.inputs
        alone[:, cells.places] = nats[:, :n_scores]
        beside[:, joint] = nats[:, n_scores : n_scores + len(joint)]
        for i, (shares, at) in enumerate(zip(cells.shares, inputs, strict=True)):
            codes, n = cells.x_cat[:, i].numpy(), len(cells.spec.categories)
            rare = _nats_of_values(shares, float(statistics["unseen"][i]))[codes]
            alone[:, at] = np.where((i < n) | (codes == MISSING), rare, alone[:, at])
        for j, (column, row) in enumerate(cells.values, n_scores + len(joint)):
            here = cells.x_cat[:, column].numpy() == row
            if column < len(cells.spec.categories) or row == MISSING:
                beside[here, inputs[column]] = nats[here, j]
        owners = np.array([*joint, *(inputs[column] for column, _ in cells.values)], np.int64)
        return cls(cells, alone, beside, precision, owners)

    @property
    def of_rows(self) -> Floats:
        """That of rows: as their strangest cells. Shape: (n,)"""
        return np.asarray(np.maximum(self.alone, self.beside).max(1))

    def reason(self, row: int, values: Sequence[Any], limit: float) -> str:
        """What is strange about a row: the cell, and what was usual.

        Args:
            row: its number.
            values: its cells, one for each input.
            limit: the strangeness of a cell that is strange alone.
        """
        alone, beside = self.alone[row], self.beside[row]
        is_far = alone.max() > limit  # else a column that goes with it might be named
        i = int((alone if is_far else np.maximum(alone, beside)).argmax())
        inputs = self.cells.spec.inputs
        told = f"column {inputs[i]!r}: {_shown(values[i])}"
        if is_far or alone[i] >= beside[i]:
            return f"{told}, usual {_usual(self.cells.spec, i)}"
        other = self._partner(row, i)
        return f"{told} does not go with {inputs[other]!r}: {_shown(values[other])}"

    def _partner(self, row: int, column: int) -> int:
        """The input that a cell goes least with."""
        z = self.cells.together[row]
        own = np.flatnonzero(self.owners == column)
        j = own[
            int(np.abs(self.precision[own] @ z / np.sqrt(np.diag(self.precision)[own])).argmax())
        ]
        pull = self.precision[j] * z * np.sign(self.precision[j] @ z)
        pull[self.owners == column] = -np.inf
        return int(self.owners[int(pull.argmax())])


def _shown(value: object) -> str:
    """A cell in a sentence.

    >>> _shown(0.028702003060213414), _shown("red")
    ('0.028702', "'red'")
    """
    return f"{value:g}" if isinstance(value, float) else f"{value!r:.40}"


def _usual(spec: Spec, column: int) -> str:
    """What cells of a column usually are."""
    known = spec.distributions[column]
    if column < len(spec.categories):
        order = np.argsort(known.shares)[::-1][:3]
        values = spec.categories[column].values
        return "are " + ", ".join(f"{values[i]!r:.40}" for i in order)
    return f"is {known.quantiles[0]:g} to {known.quantiles[-1]:g}"


def _fit(learn: Any, like: Statistics | None) -> dict[str, Tensor]:
    x_cat, x_cont = (one.cpu() for one in learn.data.train.inputs)
    rows = torch.from_numpy(np.random.default_rng(0).permutation(len(x_cont))[:ROWS])
    return fit(Cells(learn.data.spec, x_cat[rows], x_cont[rows]), like)


def _measure(statistics: Statistics, learn: Any) -> Floats:
    x_cat, x_cont = (one.cpu() for one in learn.data.valid.inputs)
    return Strange.of(Cells(learn.data.spec, x_cat, x_cont), statistics).of_rows


GAUGE: Final = Gauge(_fit, _measure)


def _scores(cells: Floats, number: Number, known: Distribution) -> Floats:
    """Normal scores by quantiles, which go on beyond them as they are apart. Shape: (n,)"""
    from scipy.special import ndtri

    centre, width = number.scale
    at, place = np.unique((np.array(known.quantiles) - centre) / width, return_inverse=True)
    level = np.bincount(place, np.array(LEVELS)) / np.bincount(place)  # the mean of equal ones
    z, middle = ndtri(level), np.median((np.array(known.quantiles) - centre) / width)
    scores = np.interp(cells, at, z)
    for end, sign in ((0, -1.0), (-1, 1.0)):
        unit = max(sign * (at[end] - middle) / ndtri(LEVELS[-1]), NARROWEST)
        beyond = (sign * (cells - at[end])).clip(min=0)
        scores += sign * beyond / unit
    return np.asarray(scores.clip(-FARTHEST, FARTHEST))


def _scores_of_values(category: Category, shares: Floats) -> Floats:
    """Normal scores of the rows of an ordered category: 0 for unseen values and gaps."""
    from scipy.special import ndtri

    values = [math.nan if one is None else float(one) for one in category.values]
    order = [i for i in np.argsort(values).tolist() if not math.isnan(values[i])]
    own = shares[order] / max(shares[order].sum(), 1e-9)
    middle = (np.cumsum(own) - own / 2).clip(1e-4, 1 - 1e-4)
    scores = np.zeros(len(values) + 1)
    scores[[i + 1 for i in order]] = ndtri(middle)
    return scores


def _nats_of_values(shares: Floats, unseen: float) -> Floats:
    """-log of the share of rows whose value is as rare, the unseen value's first."""
    order = np.sort(shares)
    as_rare = [order[order <= share].sum() for share in shares]
    return np.asarray(-np.log(np.clip([unseen, *as_rare], 1e-9, 1.0)))


def _is_ordered(category: Category) -> bool:
    there = [one for one in category.values if one is not None]
    numbers = all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in there)
    return numbers and len(there) > 2


def _off(z: Floats, precision: Floats) -> Floats:
    """How far each column is from what the others tell, in deviations. Shape: (n, k)"""
    return np.asarray(z @ precision / np.sqrt(np.diag(precision)))


def _nats(off: Floats, tails: Floats) -> Floats:
    """-log of the share of training rows that are as far off. Shape: (n, c), (n_levels, c)"""
    knots = np.concatenate([np.zeros((1, tails.shape[1])), tails])
    nats = -np.log1p(-np.array([0.0, *TAILS[: len(tails)]]))
    found = np.empty_like(off)
    for i, (column, at) in enumerate(zip(off.T, knots.T, strict=True)):
        found[:, i] = np.interp(column, at, nats)
        last = max(float(at[-1] - at[-2]), 0.25)
        found[:, i] += (column - at[-1]).clip(min=0) * (nats[-1] - nats[-2]) / last
    return found
