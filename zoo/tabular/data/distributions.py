"""What training rows hold of each input, as far as it tells of no single row.

Shares of categories, and quantiles of numbers away from the ends. A model keeps them with its spec:
they are the background of an explanation where the caller has no other.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.tabular.data.encode import MISSING, THERE, as_seen
from zoo.tabular.data.values import as_numbers
from zoo.tabular.spec import LEVELS, Category, Distribution, Number, Spec

STEPS: Final = 100  # to which quantiles are rounded, between the quartiles


def fit_distributions(
    frame: pd.DataFrame,
    x_cat: Tensor,
    categories: tuple[Category, ...],
    numbers: tuple[Number, ...],
) -> tuple[Distribution, ...]:
    """The distribution of each input, in the order of the spec.

    Args:
        frame: training rows.
        x_cat: the same, as `Encoder.table` gives them. Shape: (N, n_cat)
        categories: columns of categories.
        numbers: columns of numbers.
    """
    found = []
    for column, category in zip(x_cat.T, categories, strict=False):
        counts = torch.bincount(column, minlength=len(category.values) + 1)[1:]
        shares = [float(f"{share:.4g}") for share in (counts / len(frame)).tolist()]
        found.append(Distribution(category.name, tuple(shares)))
    for number in numbers:
        cells = as_numbers(frame[number.name], number.name, number.kind)
        there = cells[np.isfinite(cells)]
        quantiles = (
            np.quantile(there, LEVELS) if len(there) else np.full(len(LEVELS), number.median)
        )
        step = number.scale[1] / STEPS  # so that no row's own number is among them
        rounded = tuple(float(f"{round(one / step) * step:.6g}") for one in quantiles.tolist())
        gaps = float(f"{1 - len(there) / len(cells):.4g}")
        found.append(Distribution(number.name, (), rounded, gaps))
    return tuple(found)


def typical_rows(spec: Spec, n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Rows as the spec remembers them, each column by itself, as the network takes them.

    How columns go together is not known, so that some rows may be ones that nobody has. A spec of
    an earlier version, which has no distributions, gives each category alike often, and numbers of
    a normal distribution with its median and quartiles.

    Shape: x_cat (n, n_cat), int32; x_cont (n, n_numbers), float32
    """
    rng, known = np.random.default_rng(seed), {one.name: one for one in spec.distributions}
    x_cat: list[NDArray[Any]] = []
    x_cont: list[NDArray[Any]] = []
    flags: list[NDArray[Any]] = []
    for category in spec.categories:
        shares = known[category.name].shares if category.name in known else ()
        weights = np.array(shares or [1.0] * len(category.values))
        bounds = np.cumsum(weights) / max(weights.sum(), 1e-12)
        rows = np.searchsorted(bounds, _spread(rng, n)) + 1
        x_cat.append(rows.clip(max=len(weights)))
    for number in spec.numbers:
        one = known.get(number.name, Distribution(number.name, (), _normal(number)))
        is_gap = _spread(rng, n) < one.gaps
        cells = np.interp(_spread(rng, n), LEVELS, one.quantiles)
        x_cont.append(as_seen(np.where(is_gap, number.median, cells), number))
        flags += [np.where(is_gap, MISSING, THERE)] if number.gaps else []
    codes = np.array([*x_cat, *flags], dtype=np.int32).reshape(-1, n)
    numbers = np.array(x_cont, dtype=np.float32).reshape(-1, n)
    return torch.from_numpy(codes.T.copy()), torch.from_numpy(numbers.T.copy())


def _spread(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Numbers in 0..1, one in each n-th part of it, in random order."""
    shuffled: NDArray[np.float64] = (rng.permutation(n) + rng.random(n)) / n
    return shuffled


def _normal(number: Number) -> tuple[float, ...]:
    """Quantiles of a normal distribution with the number's median and quartiles."""
    from scipy.stats import norm

    deviation = number.std if number.spread is None else number.spread / 1.349  # of the quartiles
    return tuple((number.median + deviation * norm.ppf(LEVELS)).tolist())
