"""The networks of a recommender on their device: ratings of pairs, scores of all items, vectors.

`Scorer` is that of networks, `ListScorer` that of a model of lists: `zoo.collab.ranking` asks both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from zoo.collab.data.batches import VALID_BATCH
from zoo.collab.data.rated_items import RatedItems
from zoo.collab.models.factors import Factors, Pair, scaled
from zoo.collab.models.list_blend import item_vectors
from zoo.collab.models.softmax import Softmax
from zoo.core.placed import Placed

SideName = Literal["items", "users"]
By = Literal["choice", "rating"]
BLOCK = 1024  # users scored at a time


class Scorer:
    """The mean of what several networks, and the partners of a blend, predict.

    Args:
        placed: networks, where they compute.
    """

    def __init__(self, placed: Placed[nn.Module]) -> None:
        self.placed, self.device = placed, placed.device

    @property
    def ready(self) -> list[Any]:
        """The networks, on the device."""
        return self.placed.ready

    @property
    def voices(self) -> list[Any]:
        """The networks and the partners of a blend, on the device."""
        return self.placed.voices

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
        is_blend = self.placed.blend is not None
        scores = _ratings if is_blend else _scores
        return self.placed.mixture([scores(member, state) for member, state in pairs])

    @torch.inference_mode()
    def shares_of(self, chosen: Tensor, item: int) -> Tensor | None:
        """What each item that a user chose adds to the score of one. Shape: (n,) -> (n,).

        None where users are more than what they chose.
        """
        if not all(isinstance(voice, Softmax) for voice in self.voices):
            return None
        chosen = chosen.to(self.device)
        return self.placed.mixture([voice.shares_of(chosen, item) for voice in self.voices]).cpu()

    @torch.inference_mode()
    def rate_mixed(self, states: Sequence[Pair], item: int, own: Tensor) -> Tensor:
        """Ratings of an item, where some of three things are those of the mean user and item.

        Args:
            states: a user, given by a state per voice.
            item: row of the item.
            own: whether the bias of the user, the bias of the item, and the vectors of both are
                their own. Shape: (n, 3).

        Shape: (n,)
        """
        rows, own = torch.tensor([0, item], device=self.device), own.to(self.device)
        of_user, of_item, of_both = (own[:, i : i + 1] for i in range(3))
        rated = []
        for voice, (vector, bias) in zip(self.voices, states, strict=True):
            nobody, (vectors, biases) = voice.users(rows[:1]), voice.items(rows)
            user = vector.where(of_both, nobody[0]), bias.where(of_user, nobody[1])
            it = vectors[1].where(of_both, vectors[0]), biases[1].where(of_item, biases[0])
            rated.append(voice.rate(user, it).mean(1))
        return self.placed.mixture(rated).cpu()

    def knowing(self, histories: RatedItems) -> Scorer:
        """See `ListScorer.knowing`; networks know what they know of a user by heart."""
        return self

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
        return self.placed.mixture(rated).cpu()

    @torch.inference_mode()
    def similarities(self, items: Tensor) -> Tensor:
        """Cosines of some items' vectors and all. Shape: (m,) -> (m, n_items + 1)."""
        vectors = nn.functional.normalize(self.vectors("items"), dim=1)
        return vectors[items.cpu()] @ vectors.T


class ListScorer:
    """The scores of a model to which a user is what they chose, perhaps in order.

    Args:
        placed: a model of lists or networks, where they compute.
        histories: items of every user.
    """

    def __init__(self, placed: Placed[Any], histories: RatedItems) -> None:
        self._placed, self.device = placed, placed.device
        self._histories = histories.to(self.device)

    @property
    def ready(self) -> list[Any]:
        """The models of lists, on the device."""
        return self._placed.ready

    @torch.inference_mode()
    def shares_of(self, chosen: Tensor, item: int) -> Tensor:
        """See `Scorer.shares_of`."""
        chosen = chosen.to(self.device)
        return self._placed.mixture(
            [one.shares_of(chosen, item) for one in self._placed.ready]
        ).cpu()

    def knowing(self, histories: RatedItems) -> ListScorer:
        """The same model, to which users are what others say that they chose."""
        return ListScorer(self._placed, histories)

    @torch.inference_mode()
    def rate(self, users: Tensor, items: Tensor) -> Tensor:
        """Scores of pairs. Shape: (n,) and (n,) -> (n,)."""
        own, place = torch.unique(users, return_inverse=True)
        found = torch.zeros(len(users))
        for low in range(0, len(own), BLOCK):
            here = (place >= low) & (place < low + BLOCK)
            scores = self.scores(own[low : low + BLOCK]).cpu()
            found[here] = scores[place[here] - low, items[here].long()]
        return found

    def rate_one(self, history: RatedItems, items: Tensor) -> Tensor:
        """Scores of items for one user. Shape: (n,) -> (n,)."""
        return self.scores_of(history)[0].cpu()[items.long()]

    def scores(self, users: Tensor) -> Tensor:
        """Scores of all items for rows of users. Shape: (B,) -> (B, n_items + 1)."""
        return self.scores_of(self.states(users))

    def states(self, users: Tensor) -> RatedItems:
        """What rows of users chose. Shape: (B,)."""
        return self._histories.part(users.to(self.device).long())

    def states_of(self, items: Tensor) -> RatedItems:
        """What a new user chose. Shape: (n,)."""
        return RatedItems.of_one(items.to(self.device))

    @torch.inference_mode()
    def scores_of(self, history: RatedItems) -> Tensor:
        """Scores of all items from what users chose. Shape: (B, n_items + 1)."""
        return self._placed.mixture([member.score(history) for member in self._placed.ready])

    @torch.inference_mode()
    def vectors(self, side: SideName) -> Tensor:
        """Vectors of items, those of all parts side by side. Shape: (n + 1, width).

        Raises:
            ValueError: those of users are asked for, or no part has any.
        """
        tables = [table for member in self._placed.ready for table in item_vectors(member)]
        if side == "users" or not tables:
            raise ValueError(
                f"vectors must be those of a model that has some, got {side=} of lists to which "
                "users are what they chose, and items perhaps weights. Use similar(item)."
            )
        return torch.cat(tables, dim=1).cpu()

    @torch.inference_mode()
    def similarities(self, items: Tensor) -> Tensor:
        """How much all items go with some. Shape: (m,) -> (m, n_items + 1)."""
        items = items.to(self.device)
        near = [member.similarities(items) for member in self._placed.ready]
        return self._placed.mixture(near).cpu()


@dataclass(frozen=True)
class Raters:
    """What a recommender scores items by.

    Attributes:
        rating: its networks; None where a model of lists stands alone.
        choice: its model of lists, if it has one.
    """

    rating: Scorer | None
    choice: ListScorer | None

    @property
    def first(self) -> By:
        """What `predict` uses: the networks, if there are any."""
        return "choice" if self.rating is None else "rating"

    def __getitem__(self, by: By) -> Any:
        """The scorer of that kind, which `resolved` has returned."""
        return self.choice if by == "choice" else self.rating

    def resolved(self, by: By | None) -> By:
        """What lists go by: what the caller says, else choices if there is a model of them.

        Raises:
            ValueError: there is no model of that kind.
        """
        if by is None:
            return "rating" if self.choice is None else "choice"
        if by not in get_args(By) or self[by] is None:
            has = [name for name in get_args(By) if self[name] is not None]
            raise ValueError(
                f"by must be among {', '.join(map(repr, has))} for this model, got {by=}. Leave it "
                "out."
            )
        return by


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
