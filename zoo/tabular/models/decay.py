"""Vectors of categories that tell little are drawn back to where they started.

Nothing else keeps an embedding from learning by heart which rows a rare category stands in: a
column of meaningless ids costs a network much of its accuracy. How much a column tells is estimated
before training, as for random effects (Searle et al. 1992, sec. 3.6): the variance of the targets
within its categories, over that between them, is the number of rows that a category needs to
outweigh chance. scikit-learn's `TargetEncoder` smooths its means by the same ratio.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.core.training.fit import Fit
from zoo.tabular.models.inputs import Embeddings

MOST: Final = 100.0  # rows, after which a category may tell something beside other columns alone


class CategoryDecay:
    """A callback that draws each vector back after every step, the more the less it can tell.

    Args:
        embeddings: those of the network that trains; where they are now they are drawn back to.
        shares: share of chance in what each row's vector can learn, see `shares_of_chance`.
            Shape: (sum of rows,)
        strength: share of the way that is drawn back at a learning rate of 1 where all is chance.
    """

    def __init__(self, embeddings: Embeddings, shares: Tensor, strength: float) -> None:
        widths = torch.tensor(embeddings.sizes).repeat_interleave(torch.tensor(embeddings.rows))
        self.decay = (strength * shares.square()).repeat_interleave(widths)
        self.embeddings = embeddings
        self.start = embeddings.weight.detach().clone()

    @torch.no_grad()
    def step_end(self, fit: Fit) -> None:
        """Draw the vectors back, in proportion to the step's rate."""
        weight = self.embeddings.weight
        self.start, self.decay = self.start.to(weight), self.decay.to(weight)
        if weight.requires_grad:
            lr = fit.optimizer.param_groups[0]["lr"]  # that of the inputs
            weight.lerp_(self.start, (self.decay * lr).clamp(max=1))


def decay_of(
    embeddings: Embeddings | None, inputs: tuple[Tensor, Tensor], target: Tensor, strength: float
) -> list[CategoryDecay]:
    """The callback for a network and its training rows; none where there is nothing to draw back.

    Args:
        embeddings: those of the network.
        inputs: the training rows' `x_cat` and `x_cont`, on the CPU.
        target: the training rows' targets.
        strength: see `CategoryDecay`.
    """
    if embeddings is None or not strength:
        return []
    shares = shares_of_chance(inputs[0].numpy(), embeddings.rows, target.numpy())
    return [CategoryDecay(embeddings, shares, strength)]


def shares_of_chance(
    x_cat: NDArray[np.int32], rows: Sequence[int], target: NDArray[np.generic]
) -> Tensor:
    """Share of chance in the mean target of each category: 1 of one that no row has.

    Shape: x_cat (N, n_cat); target (N,), the classes' numbers, or (N, n_targets) numbers; result
    (sum of rows,), of all columns one after the other.
    """
    shares = []
    for codes, n_rows in zip(x_cat.T, rows, strict=True):
        n = np.bincount(codes, minlength=n_rows)
        needed = min(rows_needed(codes, n, target), MOST)
        shares.append(needed / np.maximum(n + needed, 1e-9))
    return torch.from_numpy(np.concatenate(shares)).float()


def rows_needed(
    codes: NDArray[np.int32], n: NDArray[np.int64], target: NDArray[np.generic]
) -> float:
    """The variance within categories over that between them; infinite if there is none between.

    Shape: codes (N,); n (n_rows,), how many rows each category has; target as above.

    >>> codes, target = np.array([0, 0, 1, 1]), np.array([[1.0], [3], [11], [13]])
    >>> round(rows_needed(codes, np.array([2, 2]), target), 3)  # 2 over 50 - 2 / 2
    0.041
    """
    N, k = len(codes), int((n > 0).sum())
    if target.ndim == 1:
        n_classes = int(target.max()) + 1
        classes = target.astype(np.int64)
        sums = np.bincount(codes * n_classes + classes, minlength=len(n) * n_classes)
        sums, squares = sums.reshape(len(n), n_classes).astype(float), float(N)
    else:
        columns = target.astype(np.float64).T
        sums = np.stack([np.bincount(codes, column, len(n)) for column in columns], 1)
        squares = float((columns**2).sum())
    if not 1 < k < N:
        return np.inf
    of_means = float((sums**2 / np.maximum(n, 1)[:, None]).sum())
    between = (of_means - float((sums.sum(0) ** 2).sum()) / N) / (k - 1)
    within = (squares - of_means) / (N - k)
    variance = (between - within) / ((N - float((n**2).sum()) / N) / (k - 1))
    return within / variance if variance > 0 else np.inf
