"""The input side of a network for tables: embeddings of categories, and of numbers.

All embeddings of categories lie in one flat parameter, from which a batch takes its elements in a
single look-up; `benchmarks/tabular_speed.py` trains it beside a table for each column.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final, Self

import torch
from torch import Tensor, nn

WIDEST: Final = 8  # an embedding; up to 600, as in fastai, learn rare categories by heart


def embedding_size(n: int) -> int:
    """Width of the embedding of a column with n rows: fastai's rule of thumb, up to `WIDEST`.

    >>> [embedding_size(n) for n in (2, 8, 50, 1116)]
    [2, 5, 8, 8]
    """
    return int(min(WIDEST, round(1.6 * n**0.56)))


class Embeddings(nn.Module):
    """An embedding for each column of categories, in one parameter.

    Row 0 of a column stands for what training has not shown. No training row takes it; when the
    module goes to evaluation it becomes the mean of the column's other rows.

    Args:
        rows: number of rows of each column, row 0 included.
        sizes: width of each column's embedding.

    Shape:
        - input: (B, n_cat), int32 or int64
        - output: (B, sum of sizes)
    """

    of: Tensor
    width: Tensor
    first: Tensor

    def __init__(self, rows: Sequence[int], sizes: Sequence[int]) -> None:
        super().__init__()
        self.rows, self.sizes = list(rows), list(sizes)
        self.starts = [0, *itertools.accumulate(n * d for n, d in zip(rows, sizes, strict=True))]
        weight = torch.empty(self.starts[-1])  # normal, cut at two deviations, as fastai's
        self.weight = nn.Parameter(nn.init.trunc_normal_(weight, std=0.01, a=-0.02, b=0.02))
        if self.weight.is_meta:  # torch takes a second to load what computes indices there
            return
        width = torch.tensor(self.sizes, dtype=torch.int64)
        n = sum(self.sizes)
        of = torch.arange(len(rows)).repeat_interleave(width, output_size=n)  # column of an output
        first = torch.tensor(self.starts[:-1], dtype=torch.int64)[of]
        within = torch.arange(n) - (width.cumsum(0) - width)[of]
        self.register_buffer("of", of, persistent=False)
        # As narrow as the numbers of categories: mixed widths cost a conversion at every step.
        self.register_buffer("width", width[of].int(), persistent=False)
        self.register_buffer("first", (first + within).int(), persistent=False)

    def table(self, column: int) -> Tensor:
        """A column's embedding. Shape: (rows, size), a view of the parameter."""
        low, high = self.starts[column], self.starts[column + 1]
        return self.weight[low:high].view(self.rows[column], self.sizes[column])

    def train(self, mode: bool = True) -> Self:
        """Change the mode; row 0 is made anew on the way to evaluation."""
        if not mode:
            self.fill_unseen()
        return super().train(mode)

    @torch.no_grad()
    def fill_unseen(self) -> None:
        """Give row 0 of every column the mean of the others."""
        if self.weight.is_meta:
            return
        for column in range(len(self.rows)):
            table = self.table(column)
            if len(table) > 1:
                table[0] = table[1:].mean(0)

    def forward(self, x_cat: Tensor) -> Tensor:
        """The columns' vectors side by side."""
        places = torch.addcmul(self.first, x_cat.index_select(1, self.of), self.width)
        return self.weight.index_select(0, places.view(-1)).view(places.shape)


class Piecewise(nn.Module):
    """Piecewise-linear embeddings of numbers (Gorishniy et al. 2022, sec. 3.2 and 3.4).

    The range of a number is cut into bins at quantiles of the training rows. A bin says how far the
    number has come in it: 1 beyond it, 0 before it, between 0 and 1 within. A matrix for each
    number makes a vector of these and of the number itself, as TabM does; the layer behind it has
    the bias. Unlike there the outermost bins end too, so that one far number alone cannot shout.

    Args:
        n: numbers.
        bins: at most, of each number.
        size: width of a number's vector.

    Shape:
        - input: (B, n)
        - output: (B, n * size)
    """

    low: Tensor
    scale: Tensor
    least: Tensor
    most: Tensor

    def __init__(self, n: int, bins: int, size: int) -> None:
        super().__init__()
        self.bins = bins
        scale = torch.zeros(n, bins + 1)  # 1 / width; 0 for bins that lack
        scale[:, -1] = 1.0  # the last column is the number itself
        self.register_buffer("low", torch.zeros(n, bins + 1))
        self.register_buffer("scale", scale)
        self.register_buffer("least", torch.tensor([0.0] * bins + [-math.inf]), persistent=False)
        self.register_buffer("most", torch.tensor([1.0] * bins + [math.inf]), persistent=False)
        # Zero for the bins, so that training starts from the linear function, which is uniform.
        self.weight = nn.Parameter(torch.zeros(n, bins + 1, size))
        nn.init.uniform_(self.weight[:, -1], -1 / math.sqrt(size), 1 / math.sqrt(size))

    @torch.no_grad()
    def fit(self, x_cont: Tensor) -> None:
        """Cut each number's range by `edges_of` these rows. Shape: (N, n)."""
        self.low[:, :-1], self.scale[:, :-1] = 0.0, 0.0
        for low, scale, numbers in zip(self.low, self.scale, x_cont.T, strict=True):
            edges = edges_of(numbers, self.bins)
            n = len(edges) - 1
            low[:n], scale[:n] = edges[:-1], 1 / edges.diff()

    def forward(self, x_cont: Tensor) -> Tensor:
        """The numbers' vectors side by side.

        Products of (size, bins) and (bins, B) take a quarter of the time of (B, bins) and
        (bins, size), forwards and backwards: BLAS is slow at matrices of few columns.
        """
        wide = x_cont.T.unsqueeze(2)  # (n, B, 1)
        come = (wide - self.low.unsqueeze(1)) * self.scale.unsqueeze(1)
        come = come.clamp(self.least, self.most)
        vectors = torch.bmm(self.weight.transpose(1, 2), come.transpose(1, 2))  # (n, size, B)
        return vectors.flatten(0, 1).T


def edges_of(numbers: Tensor, bins: int) -> Tensor:
    """Where to cut a range of numbers: at their quantiles, each value once.

    Quantiles that coincide, such as those of a column that is mostly 0, leave edges over, which go
    to quantiles of the other values, counted once each.

    Args:
        numbers: the training rows'. Shape: (N,)
        bins: at most so many.

    Shape: (k,), sorted, with 2 <= k <= bins + 1

    >>> edges_of(torch.tensor([0.0] * 95 + [1, 2, 3, 4, 5]), 3)
    tensor([0., 2., 4., 5.])
    """
    values = numbers.float().sort().values
    at = torch.linspace(0, len(values) - 1, bins + 1, dtype=torch.float64).round().long()
    edges = torch.unique(values[at])
    others = torch.unique(values)
    others = others[~torch.isin(others, edges)]
    n_left = min(bins + 1 - len(edges), len(others))
    middles = (torch.arange(n_left) + 0.5) * len(others) / max(n_left, 1)  # of so many equal parts
    edges = torch.cat([edges, others[middles.long()]]).sort().values
    return edges if len(edges) > 1 else torch.stack([edges[0], edges[0] + 1])


class Numbers(nn.Module):
    """Numbers as they are: normalised by the batch, their statistics learnt on the way.

    Shape: (B, n) both.
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(n)

    def forward(self, x_cont: Tensor) -> Tensor:
        """The numbers, normalised."""
        normal: Tensor = self.norm(x_cont)
        return normal
