"""Layers of an ensemble of k members, which share their weights or do not.

Those that share them differ in cheap vectors: BatchEnsemble (Wen et al. 2020), as TabM uses it
(Gorishniy et al. 2024, arXiv:2410.24210, sec. 3); a member scales the inputs and the outputs of the
shared matrix by vectors of its own.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Init = Literal["ones", "signs", "normal"]


class MemberLinear(nn.Module):
    """A linear layer with one matrix, and scales and a bias of each member's own.

    Args:
        n_in: width of the input.
        n_out: width of the output.
        k: members.
        init: start of the inputs' scales: "signs" or "normal" make the members differ from the
            start and belong in the first layer; "ones" elsewhere.

    Shape:
        - input: (B, n_in) or (B, k, n_in)
        - output: (B, k, n_out)
    """

    def __init__(self, n_in: int, n_out: int, k: int, init: Init = "ones") -> None:
        super().__init__()
        limit = 1 / math.sqrt(max(n_in, 1))  # as in `nn.Linear`; all members have the same bias
        scale_in = torch.ones(k, n_in)
        self.weight = nn.Parameter(torch.empty(n_out, n_in).uniform_(-limit, limit))
        if init == "signs":
            scale_in.bernoulli_().mul_(2).sub_(1)
        elif init == "normal":
            scale_in.normal_()
        self.scale_in = nn.Parameter(scale_in)
        self.scale_out = nn.Parameter(torch.ones(k, n_out))
        self.bias = nn.Parameter(torch.empty(n_out).uniform_(-limit, limit).repeat(k, 1))

    def forward(self, x: Tensor) -> Tensor:
        """The members' outputs."""
        wide = x.unsqueeze(1) if x.dim() == 2 else x
        return torch.addcmul(self.bias, F.linear(wide * self.scale_in, self.weight), self.scale_out)


class OwnLinear(nn.Module):
    """A linear layer for each member, nothing shared.

    Shape:
        - input: (B, k, n_in)
        - output: (B, k, n_out)
    """

    def __init__(self, n_in: int, n_out: int, k: int) -> None:
        super().__init__()
        limit = 1 / math.sqrt(max(n_in, 1))
        self.weight = nn.Parameter(torch.empty(k, n_in, n_out).uniform_(-limit, limit))
        self.bias = nn.Parameter(torch.empty(k, n_out).uniform_(-limit, limit))

    def forward(self, x: Tensor) -> Tensor:
        """The members' outputs."""
        return torch.einsum("bki,kio->bko", x, self.weight) + self.bias
