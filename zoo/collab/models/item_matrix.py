"""Item against item: a user's score of an item is the sum of weights from all items they chose.

The weights are those of EASE (Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data"),
the ridge regression of every item on all others, or cosines of items by who chose them. A new user
costs one sum, and nothing of any single user is stored. An artifact keeps the largest weights of
each item, `N_NEIGHBOURS` at most: on MovieLens-100k EASE loses .0036 of its nDCG@10 of .482 by that
(mean of 5 splits, `benchmarks/collab_lists.py`), which ALS makes up for in a blend.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn

from zoo.collab.data.rated_items import RatedItems
from zoo.collab.models.list_arguments import MOST_ITEMS, N_NEIGHBOURS
from zoo.core.training.groups import LayerGroup

AT_ONCE: Final = 2**22  # weights that are added up in one step


class ItemMatrix(nn.Module):
    """Sparse weights from items to items.

    Args:
        n_items: number of items.
        n_covered: number of items that have weights, the most frequent ones.
        n_neighbours: number of weights of each.
    """

    items: Tensor
    neighbours: Tensor

    def __init__(self, *, n_items: int, n_covered: int, n_neighbours: int) -> None:
        super().__init__()
        self.n_items = n_items
        self.weights = nn.Parameter(torch.zeros(n_covered, n_neighbours))
        self.register_buffer("items", torch.zeros(n_covered, dtype=torch.int32))
        shape = (n_covered, n_neighbours)
        self.register_buffer("neighbours", torch.zeros(shape, dtype=torch.int32))

    @classmethod
    def of(cls, weights: Tensor, covered: Tensor, n_items: int) -> ItemMatrix:
        """The largest weights of each row of a dense matrix.

        Shape: weights (m, m), from row to column; covered (m,), the items of both.
        """
        n = min(N_NEIGHBOURS, len(covered))
        matrix = cls(n_items=n_items, n_covered=len(covered), n_neighbours=n)
        columns = weights.abs().topk(n, dim=1).indices
        with torch.no_grad():
            matrix.weights.copy_(weights.gather(1, columns))
            matrix.items.copy_(covered)
            matrix.neighbours.copy_(covered[columns])
        return matrix

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of the class beside the number of items, as JSON holds them."""
        n_covered, n_neighbours = self.weights.shape
        return {"n_covered": n_covered, "n_neighbours": n_neighbours}

    def score(self, history: RatedItems) -> Tensor:
        """Scores of all items, the unknown one's first. Shape: (B, n_items + 1)."""
        n, width = len(history.offsets) - 1, self.n_items + 1
        scores = self.weights.new_zeros(n * width)
        row = self._rows(history.items)
        owners, row = history.owners[row > 0] * width, row[row > 0] - 1
        step = max(AT_ONCE // self.weights.shape[1], 1)
        for of, chosen in zip(torch.split(owners, step), torch.split(row, step), strict=True):
            places = of[:, None] + self.neighbours[chosen]
            scores.index_add_(0, places.flatten(), self.weights[chosen].flatten())
        return scores.view(n, width)

    def shares_of(self, chosen: Tensor, item: int) -> Tensor:
        """What each of a user's items adds to the score of one. Shape: (n,) -> (n,)."""
        row = self._rows(chosen)
        weights = self.weights[row - 1].where(self.neighbours[row - 1] == item, 0.0).sum(1)
        return weights.where(row > 0, 0.0)

    def similarities(self, items: Tensor) -> Tensor:
        """The weights from some items to all. Shape: (m,) -> (m, n_items + 1)."""
        return self.score(RatedItems(torch.arange(len(items) + 1, device=items.device), items))

    def _rows(self, items: Tensor) -> Tensor:
        """Rows of weights, counted from 1; 0 for an item without any. Shape: (n,) -> (n,)."""
        rows = self.weights.new_zeros(self.n_items + 1, dtype=torch.int64)
        rows[self.items.long()] = torch.arange(1, len(self.items) + 1, device=rows.device)
        return rows[items.long()]

    def require_sound(self) -> None:
        """Refuse rows of items that are not there.

        Raises:
            ValueError: there are some.
        """
        low = int(self.items.min()) < 1 or int(self.neighbours.min()) < 0
        if low or max(int(self.items.max()), int(self.neighbours.max())) > self.n_items:
            raise ValueError(f"neighbours must be rows of {self.n_items} items, got others")

    def layers(self) -> list[LayerGroup]:
        """One group."""
        return [LayerGroup("items", (self,))]


def ease(history: RatedItems, n_items: int, *, penalty: float) -> ItemMatrix:
    """Weights by EASE, in double precision: inverse P of the Gram matrix, -P_ij / P_jj.

    Args:
        history: items of every user.
        n_items: number of items.
        penalty: what is added to the diagonal of the Gram matrix, in numbers of users.
    """
    gram, covered = _gram(history, n_items)
    gram.diagonal().add_(penalty)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram))
    weights = inverse.div_(-inverse.diagonal().clone())
    weights.fill_diagonal_(0.0)
    return ItemMatrix.of(weights.float(), covered, n_items)


def item_knn(history: RatedItems, n_items: int, *, power: float) -> ItemMatrix:
    """Cosines of items by who chose them, on the side of the target with a power of its own.

    A power above a half recommends frequent items less, see Aiolli 2013, "Efficient Top-N
    Recommendation for Very Large Scale Binary Rated Datasets", eq. 4.

    Args:
        history: items of every user.
        n_items: number of items.
        power: exponent of the count of the item that was chosen; a half is the cosine.
    """
    gram, covered = _gram(history, n_items)
    counts = gram.diagonal().clamp(min=1)
    weights = gram / (counts.pow(power)[:, None] * counts.pow(1 - power))
    weights.fill_diagonal_(0.0)
    return ItemMatrix.of(weights.float(), covered, n_items)


def most_frequent(history: RatedItems, n_items: int, most: int) -> Tensor:
    """Rows of the items that most users chose, ascending. Shape: (m,)."""
    counts = torch.bincount(history.items, minlength=n_items + 1)[1:]
    order = counts.argsort(descending=True, stable=True)[:most]
    return (order.sort().values + 1).int()


def _gram(history: RatedItems, n_items: int) -> tuple[Tensor, Tensor]:
    """How many users chose each pair of the most frequent items, and these items.

    Shape: (m, m), float64; (m,).
    """
    import numpy as np
    from scipy.sparse import csr_array

    covered = most_frequent(history, n_items, MOST_ITEMS)
    ones = np.ones(len(history.items), dtype=np.float32)
    shape = (len(history.offsets) - 1, n_items + 1)
    chosen = csr_array((ones, history.items.numpy(), history.offsets.numpy()), shape=shape)
    chosen = chosen[:, covered.numpy()]
    return torch.from_numpy((chosen.T @ chosen).toarray()).double(), covered
