"""The simple models that may have a share in a table's predictions: one output, or linear.

They take `(x_cat, x_cont)` as the network does and give what its task decodes: logits, or numbers
in the target's standardised units. `zoo.tabular.rivals` fits them; `rows` counts the rows it took.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.tabular.data.encode import unbent

Limits = Sequence[Sequence[float]]
"""Lowest and highest value of each output."""


class Constant(nn.Module):
    """The same output for every row: logarithms of the classes' shares, or means.

    Shape: output (B, n_out)
    """

    name = "constant"

    def __init__(self, n_out: int) -> None:
        super().__init__()
        self.arguments = {"n_out": n_out}
        self.rows = 0
        self.value = nn.Parameter(torch.zeros(n_out))

    def forward(self, x_cat: Tensor, x_cont: Tensor) -> Tensor:
        """The constant, once for each row."""
        return self.value.expand(len(x_cont), -1)


class LinearTable(nn.Module):
    """One linear layer over one-hot categories and numbers.

    A row of `vectors` is the weight of a category. Row 0 of a column, the unseen, is zero, and so
    is the mean of the others, since the penalty leaves no sum to them that the bias could have.

    Args:
        table_rows: rows of each column of categories, row 0 included.
        n_numbers: columns of numbers.
        n_out: outputs.
        bends: whether each number is `bent`, which is undone: here numbers are straight.
        y_range: lowest and highest value of each output; None leaves them free.

    Shape:
        - x_cat: (B, n_cat), int32 or int64; x_cont: (B, n_numbers)
        - output: (B, n_out)
    """

    name = "linear"
    first: Tensor
    bends: Tensor
    limits: Tensor | None

    def __init__(
        self,
        table_rows: Sequence[int],
        n_numbers: int,
        n_out: int,
        bends: Sequence[bool],
        y_range: Limits | None = None,
    ) -> None:
        super().__init__()
        self.arguments: dict[str, Any] = {
            "table_rows": list(table_rows),
            "n_numbers": n_numbers,
            "n_out": n_out,
            "bends": list(bends),
        }
        limits = None
        if y_range is not None:
            self.arguments["y_range"] = [list(one) for one in y_range]
            limits = torch.tensor(y_range, dtype=torch.float32).T
        self.register_buffer("limits", limits, persistent=False)
        self.rows = 0
        starts = [0, *itertools.accumulate(table_rows)]
        self.vectors = nn.Parameter(torch.zeros(starts[-1], n_out))
        self.matrix = nn.Parameter(torch.zeros(n_numbers, n_out))
        self.bias = nn.Parameter(torch.zeros(n_out))
        first = torch.tensor(starts[:-1], dtype=torch.int32)
        self.register_buffer("first", first, persistent=False)
        self.register_buffer("bends", torch.tensor(bends, dtype=torch.bool), persistent=False)

    def forward(self, x_cat: Tensor, x_cont: Tensor) -> Tensor:
        """Logits, or scaled numbers."""
        output = torch.addmm(self.bias, straight(x_cont, self.bends), self.matrix)
        if len(self.first):
            output = output + F.embedding(x_cat + self.first, self.vectors).sum(1)
        return output if self.limits is None else output.clamp(*self.limits)


def straight(x_cont: Tensor, bends: Tensor) -> Tensor:
    """Numbers as they were before they were bent, if they were. Shape: (B, n_numbers)"""
    return torch.where(bends, unbent(x_cont), x_cont)


PARTNERS: Final[Mapping[str, type[nn.Module]]] = {
    "constant": Constant,
    "linear": LinearTable,
}
