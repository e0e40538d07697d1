"""The networks of a recommender on their device: ratings of pairs, scores of all items, vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from zoo.collab.data.batches import VALID_BATCH
from zoo.collab.models.factors import Factors, Pair, scaled
from zoo.core.placed import Placed

SideName = Literal["items", "users"]


class Scorer:
    """The mean of what several networks, and the partners of a blend, predict.

    Args:
        placed: networks, where they compute.
    """

    def __init__(self, placed: Placed[nn.Module]) -> None:
        self._placed, self.device = placed, placed.device

    @property
    def ready(self) -> list[Any]:
        """The networks, on the device."""
        return self._placed.ready

    @property
    def voices(self) -> list[Any]:
        """The networks and the partners of a blend, on the device."""
        return self._placed.voices

    @torch.inference_mode()
    def rate(self, users: Tensor, items: Tensor) -> Tensor:
        """Ratings of pairs; scores if the model ranks. Shape: (n,) and (n,) -> (n,)."""
        blocks = zip(torch.split(users, VALID_BATCH), torch.split(items, VALID_BATCH), strict=True)
        rated = []
        for rows, others in blocks:
            rated.append(self._rate(self.states(rows), others))
        return torch.cat(rated)

    @torch.inference_mode()
    def rate_one(self, states: Sequence[Pair], items: Tensor) -> Tensor:
        """Ratings of items by one user, given by a state per voice. Shape: (n,) -> (n,)."""
        n = len(items)
        return self._rate([(v.expand(n, -1), b.expand(n, -1)) for v, b in states], items)

    @torch.inference_mode()
    def scores(self, users: Tensor) -> Tensor:
        """Scores of all items for rows of users. Shape: (B,) -> (B, n_items + 1)."""
        return self.scores_of(self.states(users))

    @torch.inference_mode()
    def states(self, users: Tensor) -> list[Pair]:
        """What represents users to each voice. Shape: (B,) -> (B, width) and (B, members)."""
        return [member.users(users.to(self.device)) for member in self.voices]

    @torch.inference_mode()
    def scores_of(self, states: Sequence[Pair]) -> Tensor:
        """Scores of all items from a state per voice, the unknown item's first.

        They are ratings where a blend has a mean of ratings; otherwise they only order.

        Shape: states (B, width) and (B, members) each; result (B, n_items + 1).
        """
        pairs = zip(self.voices, states, strict=True)
        is_blend = self._placed.blend is not None
        scores = _ratings if is_blend else _scores
        return self._placed.mean([scores(member, state) for member, state in pairs])

    @torch.inference_mode()
    def vectors(self, side: SideName) -> Tensor:
        """Vectors of items or users, those of all networks side by side. Shape: (n + 1, width)."""
        return torch.cat([getattr(member, side).all()[0] for member in self.ready], dim=1).cpu()

    @torch.inference_mode()
    def biases(self, side: SideName) -> Tensor:
        """Biases of items or users. Shape: (n + 1,)."""
        biases = [getattr(member, side).all()[1].mean(1) for member in self.ready]
        return torch.stack(biases).mean(0).cpu()

    def _rate(self, users: Sequence[Pair], items: Tensor) -> Tensor:
        """Ratings of pairs, whose users are given for each voice. Shape: (n,)."""
        items = items.to(self.device)
        pairs = zip(self.voices, users, strict=True)
        rated = [member.rate(pair, member.items(items)).mean(1) for member, pair in pairs]
        return self._placed.mean(rated).cpu()


def _scores(member: Any, states: Pair) -> Tensor:
    """Scores of all items that order as ratings do. Shape: (B, n_items + 1)."""
    if not hasattr(member, "ranker"):
        return _ratings(member, states)
    vectors, biases = member.ranker()
    user = states[0] / getattr(member, "members", 1)  # smaller than the items' vectors
    return torch.addmm(biases, user, vectors.T)


def _ratings(member: Any, states: Pair) -> Tensor:
    """Ratings of all items. Shape: (B, n_items + 1)."""
    if isinstance(member, Factors) and member.members == 1:
        return scaled(_scores(member, states) + states[1], member.low, member.high)
    items = member.items.all()
    n, rows = len(items[0]), zip(*states, strict=True)
    pairs = [(v.expand(n, -1), b.expand(n, -1)) for v, b in rows]
    return torch.stack([member.rate(pair, items).mean(1) for pair in pairs])
