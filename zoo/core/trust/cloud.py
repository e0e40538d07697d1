"""The cloud of ordinary vectors: how far a vector lies off it.

A normal distribution whose covariance is a few main directions and the same small variance in all
others (Tipping and Bishop 1999, "Probabilistic Principal Component Analysis", sec. 3) needs no
classes, few rows and little room. Its Mahalanobis distance (Lee et al. 2018, "A Simple Unified
Framework for Detecting Out-of-Distribution Samples", sec. 2) tells photos and texts of other kinds;
vectors of length 1 tell those of photos better than raw ones, and means of classes add nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

DIRECTIONS: Final = 32  # at most,
ROWS: Final = 4  # one for so many rows

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Cloud:
    """A distribution of vectors.

    Shape: mean (d,), directions (k, d) of length 1, variances (k,), rest ()
    """

    mean: Floats
    directions: Floats
    variances: Floats
    rest: float

    @classmethod
    def of(cls, vectors: NDArray[np.float32]) -> Self:
        """That of vectors. Shape: (n, d)"""
        own = _of_length_1(vectors)
        mean, (n, d) = own.mean(0), own.shape
        _, lengths, directions = np.linalg.svd(own - mean, full_matrices=False)
        variances = lengths**2 / n
        k = min(DIRECTIONS, n // ROWS, d - 1)
        least = np.finfo(np.float32).eps / d
        rest = max(float(variances[k:].sum()) / max(d - k, 1), least)
        return cls(mean, directions[:k], np.maximum(variances[:k], rest), rest)

    def distances(self, vectors: NDArray[np.float32]) -> Floats:
        """The mean squared distance over all directions, in units of their variances.

        Shape: (n, d) -> (n,)
        """
        off = _of_length_1(vectors) - self.mean
        along = off @ self.directions.T
        beside = (off**2).sum(1) - (along**2).sum(1)
        sums = (along**2 / self.variances).sum(1) + beside.clip(min=0) / self.rest
        return np.asarray(sums / off.shape[1])

    def tensors(self) -> dict[str, Tensor]:
        """For the artifact: directions in half precision."""
        return {
            "mean": torch.from_numpy(self.mean).float(),
            "directions": torch.from_numpy(self.directions.copy()).half(),
            "variances": torch.from_numpy(self.variances).float(),
            "rest": torch.tensor(self.rest).float(),
        }

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Self:
        """What `tensors` gave."""
        names = ("mean", "directions", "variances")
        mean, directions, variances = (tensors[name].double().numpy() for name in names)
        return cls(mean, directions, variances, float(tensors["rest"]))


def _of_length_1(vectors: NDArray[np.float32]) -> Floats:
    wide = vectors.astype(np.float64)
    return np.asarray(wide / np.linalg.norm(wide, axis=1, keepdims=True).clip(min=1e-12))
