"""Sets of classes and intervals of numbers that hold the truth at a stated rate.

Rows that a model has not seen say how wrong it may be: the rank of each one's error among theirs is
that of a new row, whatever the model and the distribution, as long as new rows are drawn as these
were (Vovk, Gammerman and Shafer 2005, "Algorithmic Learning in a Random World", ch. 2; Lei et al.
2018, "Distribution-Free Predictive Inference for Regression", sec. 2.2). With n such rows a set or
an interval holds the truth with a probability of at least the coverage, and of at most 1 / (n + 1)
more where it is randomised. That is so on average over rows, not for each kind of them.

It is proven for a model that the rows had no part in. Of folds, or where the model is trained on
all rows afterwards, the rows tell of models much like it: the coverage then is what was asked for
as far as it was measured (`scripts/trust_coverage.py`), while theory promises less (1 - 2 a for
1 - a; Barber et al. 2021, "Predictive Inference with the Jackknife+", sec. 3, for such intervals).
Weights and a temperature, which are fitted to the same rows, are of other parts for each row.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

KEPT: Final = 2_000  # errors that are kept, at ranks evenly apart
BINS: Final = 10  # of predictions, in which errors may be of different size
FEWEST_IN_BIN: Final = 30
PRIOR: Final = 10.0  # rows of the usual error that a bin starts with
ROUNDED: Final = 1e-5  # by which a kept error may be too large
SCALED: Final = ("places", "usual")  # fields of `Scale`
PREDICTION, DIFFICULTY = "prediction", "difficulty"  # by what errors may be of different size
WIDTH_AT: Final = 0.9  # coverage at which widths decide between both kinds of interval


@dataclass(frozen=True)
class Ranks:
    """Sorted errors of rows, of which the ranks are known.

    Args:
        n: how many rows there were.
        errors: some of theirs, sorted; the j-th of k stands at the rank ceil(j n / k).
    """

    n: int
    errors: tuple[float, ...]

    @classmethod
    def of(cls, errors: Floats) -> Self:
        """Those of given errors. Shape: (n,)"""
        n, k = len(errors), min(len(errors), KEPT)
        places = np.ceil(np.arange(1, k + 1) * n / max(k, 1)).astype(np.int64) - 1
        kept = np.sort(errors)[places] * (1 + ROUNDED)  # never less: errors may be equal
        return cls(n, tuple(float(f"{one:.6g}") for one in kept))

    def quantile(self, coverage: float) -> float:
        """The error that a new row stays within at the given rate; infinite if n is too small.

        >>> round(Ranks.of(np.arange(1.0, 10.0)).quantile(0.8), 3)
        8.0
        >>> Ranks.of(np.arange(1.0, 10.0)).quantile(0.95)
        inf
        """
        rank = math.ceil((self.n + 1) * coverage - 1e-9)
        if rank > self.n:
            return math.inf
        k = len(self.errors)
        return self.errors[max(math.ceil(rank * k / self.n), 1) - 1]


@dataclass(frozen=True)
class ClassErrors:
    """How little was expected of the true classes, in two ways.

    Args:
        doubts: one less the true class's probability (Sadinle, Lei and Wasserman 2019, "Least
            Ambiguous Set-Valued Classifiers With Bounded Error Levels", sec. 3).
        order: the probabilities of all classes that are likelier, and a random share of its own
            (Romano, Sesia and Candes 2020, "Classification with Valid and Adaptive Coverage",
            sec. 2).
    """

    doubts: Ranks
    order: Ranks

    @classmethod
    def of(cls, probabilities: Floats, labels: NDArray[np.int64]) -> Self:
        """Those of rows. Shapes: (n, n_classes), (n,)"""
        rows = np.arange(len(labels))
        order = _cumulated(probabilities, zlib.crc32(labels.tobytes()))[rows, labels]
        return cls(Ranks.of(1 - probabilities[rows, labels]), Ranks.of(order))

    def sets(
        self, probabilities: Floats, coverage: float, *, randomised: bool = False, seed: int = 0
    ) -> NDArray[np.bool_]:
        """Which classes are in the set of each row. Shape: (n, n_classes), both.

        Args:
            probabilities: of every class.
            coverage: at least so many sets hold the true class, 0..1. They are as small as may be
                on average, and never empty.
            randomised: just as many, by sets that are larger where a row is harder; whether one has
                a class more or less is left to chance, so that it may be empty.
            seed: of the chance, which goes by the place of a row.
        """
        if randomised:
            return _cumulated(probabilities, seed) <= self.order.quantile(coverage)
        inside = 1 - probabilities <= self.doubts.quantile(coverage)
        inside[np.arange(len(inside)), probabilities.argmax(1)] = True
        return np.asarray(inside)

    def to_json(self) -> dict[str, Any]:
        """For config.json."""
        return {"of": "classes", "doubts": vars(self.doubts), "order": vars(self.order)}

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> Self:
        """What `to_json` gave."""
        return cls(_ranks(tree["doubts"]), _ranks(tree["order"]))


@dataclass(frozen=True)
class Scale:
    """How large errors usually are, by something that is known of a row.

    Args:
        by: what that is: its prediction, or its difficulty, which a domain says.
        places: some values of it, sorted.
        usual: the error there.
    """

    by: str
    places: tuple[float, ...]
    usual: tuple[float, ...]

    @classmethod
    def of(cls, by: str, known: Floats, errors: Floats) -> Self:
        """Mean errors of rows alike, in bins of like many. Shape: (n,) both"""
        n = min(BINS, len(errors) // FEWEST_IN_BIN)
        parts = np.array_split(np.argsort(known, kind="stable"), n)
        mean = max(float(errors.mean()), np.finfo(float).tiny)
        usual = [(errors[part].sum() + PRIOR * mean) / (len(part) + PRIOR) for part in parts]
        return cls(by, tuple(known[part].mean() for part in parts), tuple(usual))

    def at(self, known: Floats) -> Floats:
        """The error that is usual for rows. Shape: (n,) both"""
        return np.asarray(np.interp(known, self.places, self.usual))


@dataclass(frozen=True)
class NumberErrors:
    """Absolute errors of numbers, in units of those that are usual for such a row.

    Args:
        ranks: of the errors.
        scales: what is usual is their product; none where widths were not shorter otherwise.
    """

    ranks: Ranks
    scales: tuple[Scale, ...] = ()

    @classmethod
    def of(cls, predictions: Floats, target: Floats, difficulty: Floats | None = None) -> Self:
        """Those of rows; their order counts as random. Shapes: (n,) each.

        What is usual for a row is told by the other half of the rows, by its prediction and then by
        its difficulty, each if it makes intervals shorter. It is the same for all where there are
        too few different ones to tell, or nothing is gained.
        """
        errors = np.abs(target - predictions)
        best, units = cls(Ranks.of(errors)), np.ones(len(errors))
        for by, known in {PREDICTION: predictions, DIFFICULTY: difficulty}.items():
            if known is None or len(np.unique(known)) < 4 * FEWEST_IN_BIN:
                continue
            left = errors / units
            finer = units * _crossed(by, known, left)
            ranks = Ranks.of(errors / finer)
            widths = [
                one.quantile(WIDTH_AT) * own.mean()
                for one, own in ((ranks, finer), (best.ranks, units))
            ]
            if widths[0] < widths[1]:
                best, units = cls(ranks, (*best.scales, Scale.of(by, known, left))), finer
        return best

    def margins(
        self, predictions: Floats, coverage: float, difficulty: Floats | None = None
    ) -> Floats:
        """Half the width of each interval. Shape: (n,) -> (n,)"""
        units = np.ones(len(predictions))
        for scale in self.scales:
            known = predictions if scale.by == PREDICTION else difficulty
            assert known is not None
            units = units * scale.at(known)
        return self.ranks.quantile(coverage) * units

    def to_json(self) -> dict[str, Any]:
        """For config.json."""
        scales = [vars(one) for one in self.scales]
        return {"of": "numbers", "ranks": vars(self.ranks), "scales": scales}

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> Self:
        """What `to_json` gave."""
        each = tree.get("scales", [tree])  # one alone, in the first artifacts
        scales = [
            Scale(str(one.get("by", PREDICTION)), *(tuple(map(float, one[k])) for k in SCALED))
            for one in each
        ]
        return cls(_ranks(tree["ranks"]), tuple(one for one in scales if one.places))


Errors = ClassErrors | NumberErrors


def errors_of(tree: Mapping[str, Any]) -> Errors | None:
    """The errors that config.json states; None if it states none.

    Raises:
        ValueError: it states something else.
    """
    kinds: dict[Any, Any] = {"classes": ClassErrors, "numbers": NumberErrors}
    try:
        found: Errors | None = kinds[tree["of"]].from_json(tree) if tree else None
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"errors must be of classes or numbers, got {tree!r:.200}") from error
    return found


def check_coverage(coverage: float) -> None:
    """Refuse a coverage that is no share.

    Raises:
        ValueError: it is none.
    """
    if not 0 < coverage < 1:
        raise ValueError(f"a coverage must be above 0 and below 1, got {coverage=}. Try 0.9.")


def _ranks(tree: Mapping[str, Any]) -> Ranks:
    return Ranks(int(tree["n"]), tuple(map(float, tree["errors"])))


def _cumulated(probabilities: Floats, seed: int) -> Floats:
    """For each class the probabilities of the likelier ones, and a random share of its own."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ordered = np.take_along_axis(probabilities, order, axis=1)
    before, sums = np.cumsum(ordered, axis=1) - ordered, np.empty_like(ordered)
    share = np.random.default_rng(seed).random((len(ordered), 1))
    np.put_along_axis(sums, order, before + share * ordered, axis=1)
    return sums


def _crossed(by: str, known: Floats, errors: Floats) -> Floats:
    """The error that is usual for each row, as the other half of the rows tells. Shape: (n,)"""
    halves, units = np.arange(len(errors)) % 2, np.empty(len(errors))
    for half in (0, 1):
        own, other = halves == half, halves != half
        units[own] = Scale.of(by, known[other], errors[other]).at(known[own])
    return units
