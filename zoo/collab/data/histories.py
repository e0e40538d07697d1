"""Who rated what, as a recommender remembers it, and as its artifact keeps it.

The tensors stand beside the weights of the first network:

    seen.offsets, seen.items            what each user rated among the ratings trained on
    held_out.offsets, held_out.items    likewise of those held out, if there are any
    held_out.places                     which of both, in order, are held out, where order counts
"""

from __future__ import annotations

from typing import Final, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from zoo.collab.data.rated_items import RatedItems
from zoo.collab.spec import Spec

RATED: Final = ("seen.offsets", "seen.items")
HELD_OUT: Final = ("held_out.offsets", "held_out.items")
PLACES: Final = "held_out.places"


class Histories(NamedTuple):
    """Items of every user in the tables to train on.

    Attributes:
        rated_items: those among the ratings that were trained on.
        held_out_items: those among the ratings that were held out.
        in_order: both in the order of time, where it counts; None puts the held-out ones last.
    """

    rated_items: RatedItems
    held_out_items: RatedItems
    in_order: RatedItems | None = None

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.rated_items.offsets) - 2

    @property
    def chosen(self) -> RatedItems:
        """All items of every user, in order."""
        if self.in_order is None:
            return self.rated_items.with_others(self.held_out_items, self.n_users)
        return self.in_order.with_others(self.rated_items, self.n_users)

    def tensors(self) -> dict[str, Tensor]:
        """The tensors of an artifact, by name."""
        tensors = dict(zip(RATED, self.rated_items, strict=True))
        if len(self.held_out_items.items):
            tensors |= dict(zip(HELD_OUT, self.held_out_items, strict=True))
            if self.in_order is not None:
                is_rated = np.isin(self.chosen.keys(), self.rated_items.keys())
                tensors[PLACES] = torch.from_numpy(~is_rated)
        return tensors

    @classmethod
    def taken_from(cls, tensors: dict[str, Tensor], spec: Spec) -> Self:
        """Take the histories out of the tensors of the first weight file.

        Raises:
            ValueError: they are missing, or are not those of the spec's users and items.
        """
        rated_items = _items(tensors, spec, RATED)
        held_out_items = RatedItems.empty(len(spec.users))
        if spec.n_held_out:
            held_out_items = _items(tensors, spec, HELD_OUT)
        if len(held_out_items.items) != spec.n_held_out:
            raise ValueError(
                f"n_held_out must be the number of held-out ratings, {len(held_out_items.items)}, "
                f"got {spec.n_held_out}"
            )
        places = tensors.pop(PLACES, None)
        own = cls(rated_items, held_out_items)
        return own if places is None else own._replace(in_order=own._woven(places))

    def _woven(self, places: Tensor) -> RatedItems:
        """Items of both kinds in order.

        Raises:
            ValueError: the places are not those of the users' held-out items.
        """
        others = self.held_out_items.without(self.rated_items.keys(), self.n_users)
        offsets = self.rated_items.offsets + others.offsets
        both = RatedItems(offsets, places)
        is_sound = places.dtype == torch.bool and places.shape == (int(offsets[-1]),)
        if not is_sound or not torch.equal(both.owners[places], others.owners):
            raise ValueError(f"{PLACES} must mark each user's held-out items, got others")
        return self.rated_items.woven(others, places)


def _items(tensors: dict[str, Tensor], spec: Spec, names: tuple[str, str]) -> RatedItems:
    """Take the items of every user out of the tensors of the first weight file.

    Raises:
        ValueError: they are missing, or are not those of the spec's users and items.
    """
    missing = [name for name in names if name not in tensors]
    if missing:
        raise ValueError(f"the first weight file must list who rated what, got {missing=}")
    offsets, items = (tensors.pop(name) for name in names)
    sound = (
        offsets.dtype == torch.int64
        and items.dtype == torch.int32
        and offsets.shape == (len(spec.users) + 2,)
        and items.dim() == 1
        and int(offsets[0]) == 0
        and int(offsets[-1]) == len(items)
        and bool((offsets.diff() >= 0).all())
        and (not len(items) or (int(items.min()) > 0 and int(items.max()) <= len(spec.items)))
    )
    if not sound:
        raise ValueError(f"{names[1]} must be rows of known users and items, got others")
    return RatedItems(offsets, items)
