"""Models of lists: each scores all items by what a user has chosen; and their weighted sum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor, nn

from zoo.collab.data.rated_items import RatedItems
from zoo.collab.models.ials import Ials
from zoo.collab.models.item_matrix import ItemMatrix
from zoo.collab.models.list_arguments import ListArguments
from zoo.collab.models.sasrec import SasRec
from zoo.collab.models.softmax import Softmax
from zoo.core.checked import checked
from zoo.core.training.groups import LayerGroup


class Popular(nn.Module):
    """The share of users who chose an item, whoever asks."""

    def __init__(self, *, n_items: int) -> None:
        super().__init__()
        self.shares = nn.Parameter(torch.zeros(n_items + 1))

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of the class beside the number of items."""
        return {}

    def score(self, history: RatedItems) -> Tensor:
        """Scores of all items, the unknown one's first. Shape: (B, n_items + 1)."""
        return self.shares.expand(len(history.offsets) - 1, -1)

    def shares_of(self, chosen: Tensor, item: int) -> Tensor:
        """Zeros: what a user has chosen does not count. Shape: (n,) -> (n,)."""
        return self.shares.new_zeros(len(chosen))

    def similarities(self, items: Tensor) -> Tensor:
        """Zeros: nothing is known of what goes with what. Shape: (m,) -> (m, n_items + 1)."""
        return torch.zeros_like(self.shares).expand(len(items), -1)

    def layers(self) -> list[LayerGroup]:
        """One group."""
        return [LayerGroup("items", (self,))]


CLASSES: Final[Mapping[str, Callable[..., Any]]] = {
    "ease": ItemMatrix,
    "ials": Ials,
    "item_knn": ItemMatrix,
    "popular": Popular,
    "softmax": partial(Softmax, n_users=1),
    "sasrec": SasRec,
}


class ListBlend(nn.Module):
    """The weighted sum of the scores of one or several models of lists.

    Args:
        parts: models by name, see `CLASSES`.
        shares: weight of each.
        counts: how many users chose each item. Shape: (n_items + 1,).
    """

    counts: Tensor
    is_computed = True  # at once, not by steps

    def __init__(
        self, parts: Mapping[str, nn.Module], shares: Mapping[str, float], counts: Tensor
    ) -> None:
        super().__init__()
        self.parts, self.shares = nn.ModuleDict(dict(parts)), dict(shares)
        self.register_buffer("counts", counts)

    @classmethod
    def built(cls, n_items: int, arguments: Mapping[str, Any]) -> ListBlend:
        """The blend that arguments describe, without weights.

        Raises:
            ValueError: they are none of a blend.
        """
        checked(ListArguments, arguments, ignore_unknown=False)
        if not arguments:
            raise ValueError("a list model must have parts, got none")
        shares = {name: one["share"] for name, one in arguments.items()}
        rest = {name: {k: v for k, v in one.items() if k != "share"} for name, one in
                arguments.items()}  # fmt: skip
        parts = {name: CLASSES[name](n_items=n_items, **own) for name, own in rest.items()}
        return cls(parts, shares, torch.zeros(n_items + 1, dtype=torch.int64))

    @property
    def arguments(self) -> ListArguments:
        """What `built` takes, as JSON holds it."""
        parts: Any = self.parts.items()
        every: Any = {name: {"share": self.shares[name], **one.arguments} for name, one in parts}
        arguments: ListArguments = every
        return arguments

    @property
    def cut_short(self) -> str:
        """Where Ctrl-C ended the training of a part, in words; "" if nothing did."""
        ends = [getattr(part, "cut_short", "") for part in self.parts.values()]
        return next(filter(None, ends), "")

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """Refuse to be trained by steps.

        Raises:
            ValueError: always.
        """
        raise ValueError(
            f"a model must be a network to be trained step by step, got {', '.join(self.shares)}, "
            "which is computed at once. Call zoo.collab.train or finetune."
        )

    @torch.inference_mode()
    def score(self, history: RatedItems) -> Tensor:
        """Scores of all items, the unknown one's first. Shape: (B, n_items + 1)."""
        parts: Any = self.parts.items()
        each = [self.shares[name] * part.score(history) for name, part in parts]
        scores = torch.stack(each).sum(0)
        if any(isinstance(part, (Softmax, SasRec)) for _, part in parts):  # also score below 0
            last = scores.amin(1, keepdim=True) - 1  # what nobody has chosen
            scores = scores.where(self.counts > 0, last)
        return scores

    @torch.inference_mode()
    def shares_of(self, chosen: Tensor, item: int) -> Tensor:
        """What each of a user's items adds to the score of one. Shape: (n,) -> (n,)."""
        parts: Any = self.parts.items()
        return torch.stack(
            [self.shares[n] * part.shares_of(chosen, item) for n, part in parts]
        ).sum(0)

    @torch.inference_mode()
    def similarities(self, items: Tensor) -> Tensor:
        """How much all items go with some. Shape: (m,) -> (m, n_items + 1)."""
        parts: Any = self.parts.items()
        near = [self.shares[name] * part.similarities(items) for name, part in parts]
        return torch.stack(near).sum(0)

    def require_sound(self) -> None:
        """Refuse counts below zero, and neighbours that are not there.

        Raises:
            ValueError: there are some.
        """
        if int(self.counts.min()) < 0:
            raise ValueError("an item must have been chosen 0 times or more, got fewer")
        for part in self.parts.values():
            if isinstance(part, ItemMatrix):
                part.require_sound()

    def layers(self) -> list[LayerGroup]:
        """One group."""
        return [LayerGroup("items", (self,))]


def item_vectors(model: nn.Module) -> list[Tensor]:
    """The vectors of items of a model of lists or of each of its parts; weights are none.

    Shape: (n_items + 1, width) each.
    """
    parts = model.parts.values() if isinstance(model, ListBlend) else [model]
    found: list[Tensor] = []
    for part in parts:
        if isinstance(part, (Ials, SasRec)):
            found.append(part.vectors)
        elif isinstance(part, Softmax):
            found.append(part.items.factors)
    return found
