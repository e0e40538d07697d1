"""SASRec: what a user chose, in order, tells by self-attention what comes next.

Kang & McAuley 2018, "Self-Attentive Sequential Recommendation": causal attention over item vectors
that serve as input and output. Trained as Klenitskiy & Vasilev 2023 ("Turning Dross Into Gold
Loss") and Petrov & Macdonald 2023 ("gSASRec") advise, by cross entropy over all items, or over
negatives drawn by frequency, whose scores are corrected by the logarithm of how often each is
expected among them (Bengio & Senécal 2008), so that the sum over them is right in the mean.

A sequence begins with row 0, so that someone who has chosen nothing is scored too. It is padded at
its end, where causal attention never looks.
"""

from __future__ import annotations

from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.collab.data.rated_items import RatedItems
from zoo.core.training.groups import LayerGroup

AT_ONCE: Final = 2**20  # scores to compute in one step
FEWEST: Final = 256  # states to score in one step, however many items there are
ROWS: Final = 128  # users that are scored in one step
INIT_STD: Final = 0.02


class Block(nn.Module):
    """Causal self-attention, then two linear layers; each normalised before and added after.

    Args:
        width: width of a vector.
        heads: number of heads, a divisor of it.
        dropout: dropout probability of what is added.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.projection = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Shape: (B, T, width) -> (B, T, width)."""
        three = self.qkv(self.norm(x)).float().unflatten(2, (3, self.heads, -1))
        q, k, v = three.permute(2, 0, 3, 1, 4)  # (B, heads, T, width / heads) each
        values = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + F.dropout(
            self.projection(values.transpose(1, 2).flatten(2)), self.dropout, self.training
        )
        wide = F.relu(self.up(self.norm_2(x)))
        return x + F.dropout(self.down(wide), self.dropout, self.training)


class SasRec(nn.Module):
    """Scores of all items by the items before them.

    Args:
        n_items: number of items.
        n_factors: width of a vector.
        length: number of latest items that are looked at.
        blocks: number of layers of attention.
        heads: number of heads of each.
        dropout: dropout probability.
        negatives: number of items drawn for every training step; 0 takes all.
    """

    bf16_on_cpu = True  # products with all items take half the time on Zen 4
    cut_short = ""  # where Ctrl-C ended its training beside a model of ratings, in words
    frequencies: Tensor

    def __init__(
        self,
        *,
        n_items: int,
        n_factors: int = 64,
        length: int = 200,
        blocks: int = 2,
        heads: int = 2,
        dropout: float = 0.2,
        negatives: int = 0,
    ) -> None:
        super().__init__()
        if n_factors % heads:
            raise ValueError(
                f"the width of a vector must be a multiple of the {heads} heads, got {n_factors=}. "
                f"Try n_factors={max(n_factors // heads, 1) * heads}."
            )
        self.n_items, self.length, self.heads = n_items, length, heads
        self.dropout, self.negatives = dropout, negatives
        self.vectors = nn.Parameter(torch.randn(n_items + 1, n_factors) * INIT_STD)
        self.places = nn.Parameter(torch.randn(length, n_factors) * INIT_STD)
        self.blocks = nn.ModuleList(Block(n_factors, heads, dropout) for _ in range(blocks))
        self.norm = nn.LayerNorm(n_factors)
        self.register_buffer("frequencies", torch.ones(n_items + 1), persistent=False)

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of the class beside the number of items, as JSON holds them."""
        return {
            "n_factors": self.vectors.shape[1],
            "length": self.length,
            "blocks": len(self.blocks),
            "heads": self.heads,
            "dropout": self.dropout,
            "negatives": self.negatives,
        }

    def forward(self, tokens: Tensor, chosen: Tensor) -> Tensor:
        """Log probabilities of what was chosen after each token, where that is not 0.

        Shape: (B, T) and (B, T), rows of items -> (n,) of the n chosen ones, row by row.
        """
        where = chosen > 0
        hidden, items = self.states(tokens)[where], chosen[where]
        drawn = self._drawn(items.device)
        n = max(AT_ONCE // (self.n_items if drawn is None else len(drawn)), FEWEST)
        parts = zip(torch.split(hidden, n), torch.split(items, n), strict=True)
        return torch.cat([self._log_probabilities(*part, drawn) for part in parts])

    def states(self, tokens: Tensor) -> Tensor:
        """What is known after each token. Shape: (B, T) -> (B, T, n_factors)."""
        width = self.vectors.shape[1]
        x = F.embedding(tokens, self.vectors) * width**0.5 + self.places[: tokens.shape[1]]
        x = F.dropout(x, self.dropout, self.training)
        for block in self.blocks:
            x = block(x)
        normed: Tensor = self.norm(x)
        return normed

    def score(self, history: RatedItems) -> Tensor:
        """Scores of all items, the unknown one's first. Shape: (B, n_items + 1)."""
        tokens, last = latest(history, self.length)
        found = []
        for rows, ends in zip(torch.split(tokens, ROWS), torch.split(last, ROWS), strict=True):
            longest = int(ends.amax()) + 1 if len(ends) else 0
            states = self.states(rows[:, :longest])
            found.append(states[torch.arange(len(rows), device=rows.device), ends])
        return torch.cat(found) @ self.vectors.T

    def shares_of(self, chosen: Tensor, item: int) -> Tensor:
        """By how much the score of an item falls without each of a user's. Shape: (n,) -> (n,).

        They do not add up, since items count together. Items that are too long ago count nothing.
        """
        n = len(chosen)
        kept = ~torch.eye(n, dtype=torch.bool, device=chosen.device)
        others = chosen.expand(n, n)[kept]
        starts = torch.arange(n + 1, device=chosen.device) * (n - 1)
        whole = self.score(RatedItems.of_one(chosen))[0, item]
        return whole - self.score(RatedItems(starts, others))[:, item]

    def similarities(self, items: Tensor) -> Tensor:
        """Cosines of some items and all. Shape: (m,) -> (m, n_items + 1)."""
        vectors = F.normalize(self.vectors, dim=1)
        return vectors[items] @ vectors.T

    def set_rated_items(self, rated_items: RatedItems) -> None:
        """Set how often each item was chosen, by which negatives are drawn."""
        counts = torch.bincount(rated_items.items, minlength=self.n_items + 1)
        self.frequencies.copy_(counts.clamp(min=1))

    def layers(self) -> list[LayerGroup]:
        """One group: all of it learns together."""
        return [LayerGroup("sequence", (self,))]

    def _log_probabilities(self, hidden: Tensor, items: Tensor, drawn: Tensor | None) -> Tensor:
        """Those of items after states. Shape: (n, n_factors) and (n,) -> (n,)."""
        if drawn is None:
            scores = hidden @ self.vectors[1:].T
            return -F.cross_entropy(scores.float(), items.long() - 1, reduction="none")
        expected = len(drawn) * self.frequencies[drawn] / self.frequencies[1:].sum()
        own = (hidden * F.embedding(items, self.vectors)).sum(1)
        others = (hidden @ F.embedding(drawn, self.vectors).T).float() - expected.log()
        others = others.masked_fill(drawn == items[:, None], -torch.inf)
        return -F.softplus(others.logsumexp(1) - own)

    def _drawn(self, device: torch.device) -> Tensor | None:
        """Rows of negatives by frequency; None for all items, which evaluation takes always."""
        if not self.training or not 0 < self.negatives < self.n_items:
            return None
        rows = torch.multinomial(self.frequencies[1:], self.negatives, replacement=True)
        return (rows + 1).to(device)


def latest(history: RatedItems, length: int) -> tuple[Tensor, Tensor]:
    """The latest items of each user after a 0, padded with 0 at the end, and the place of the last.

    Shape: (B, T), T at most the length; and (B,).

    >>> history = RatedItems(torch.tensor([0, 3, 3]), torch.tensor([5, 6, 7]))
    >>> latest(history, 9)[0].tolist(), latest(history, 2)[0].tolist()
    ([[0, 5, 6, 7], [0, 0, 0, 0]], [[6, 7], [0, 0]])
    """
    n = (history.offsets.diff() + 1).clamp(max=length)
    places = torch.arange(int(n.amax()) if len(n) else 0, device=n.device)
    source = (history.offsets[1:] - n)[:, None] + places
    is_item = (places < n[:, None]) & (source >= history.offsets[:-1, None])
    tokens = torch.zeros_like(source)
    tokens[is_item] = history.items[source[is_item]].long()
    return tokens, n - 1
