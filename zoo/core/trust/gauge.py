"""How a domain measures how strange inputs are, while a model is trained and judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from zoo.core.training.features import Look
from zoo.core.trust.cloud import Cloud
from zoo.core.trust.conformal import Ranks
from zoo.core.trust.unknown import Familiar, Statistics

FEWEST, MOST = 64, 512  # inputs whose vectors are computed for the statistics,
SHARE: Final = 8  # one of so many that were trained on

Floats = NDArray[np.float64]


class Measured(NamedTuple):
    """Statistics of a learner's training rows, and how strange its validation rows are to them."""

    statistics: Statistics
    strangeness: Floats


@dataclass(frozen=True)
class Gauge:
    """How a domain measures strangeness.

    Args:
        fit: a learner, and statistics of a part of the same rows by which the limit is set, or None
            -> statistics of its training rows, comparable with those.
        measure: statistics and a learner -> how strange its validation rows are. Shape: (n,)
        of_network: whether it goes by what a network says, so that each needs its own statistics.
    """

    fit: Callable[[Any, Statistics | None], dict[str, Tensor]]
    measure: Callable[[Statistics, Any], Floats]
    of_network: bool = False

    def of_held_out(self, learn: Any) -> Measured:
        """What a learner's rows tell."""
        statistics = self.fit(learn, None)
        return Measured(statistics, self.measure(statistics, learn))

    def familiar(self, measured: Sequence[Measured], whole: Any = None) -> Familiar:
        """What a model knows.

        Args:
            measured: what it, or learners like it, told of rows that they were not trained on.
            whole: the learner that was trained on all rows afterwards; None if none was.
        """
        held_out = np.concatenate([one.strangeness for one in measured])
        first = measured[0].statistics
        statistics = first if whole is None else self.fit(whole, first)
        return Familiar(statistics, Ranks.of(held_out))


def vector_gauge(look_of: Callable[[Any, Any], Look]) -> Gauge:
    """The gauge of vectors that a network has of inputs, see `zoo.core.trust.cloud`.

    Args:
        look_of: a learner and its batches -> how their rows become vectors.
    """

    def vectors(learn: Any, batches: Any, most: int) -> NDArray[np.float32]:
        look = look_of(learn, batches)
        n = len(look.targets)
        rows = np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.int64))
        found = look.compute(rows).numpy()
        return found if len(found) == len(rows) else found[rows]

    def fit(learn: Any, like: Statistics | None) -> dict[str, Tensor]:
        n = len(learn.data.train) // SHARE
        return Cloud.of(vectors(learn, learn.data.train, min(max(n, FEWEST), MOST))).tensors()

    def measure(statistics: Statistics, learn: Any) -> Floats:
        return Cloud.from_tensors(statistics).distances(vectors(learn, learn.data.valid, MOST))

    return Gauge(fit, measure, of_network=True)
