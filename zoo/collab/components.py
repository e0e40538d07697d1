"""What a recommender is made of, beside the record of its training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from zoo.collab.data.rated_items import RatedItems
from zoo.collab.models.list_blend import ListBlend
from zoo.collab.options import ModelName
from zoo.collab.spec import Spec
from zoo.collab.task import is_computed
from zoo.core.trust.blend import Blend


@dataclass(frozen=True)
class Components:
    """Arguments of `Recommender` by which one is made from another: without users, with new items.

    Attributes:
        members: the networks.
        spec: ids of users and items, titles, the scale of ratings.
        name: name of the model.
        arguments: arguments of the networks.
        rated_items: items of every user among the ratings that were trained on.
        held_out_items: those among ratings that were held out; None if there are none.
        in_order: both in the order of time, where it counts.
        lists: the model of lists beside the networks; None without.
        blend: simple models that have a share in the prediction; None if there are none.
    """

    members: Sequence[nn.Module]
    spec: Spec
    name: ModelName
    arguments: dict[str, Any]
    rated_items: RatedItems
    held_out_items: RatedItems | None = None
    in_order: RatedItems | None = None
    lists: ListBlend | None = None
    blend: Blend | None = None

    @property
    def counts(self) -> Tensor | None:
        """How often each item was rated; None where that is not known. Shape: (n_items + 1,)."""
        lists: Any = self.members[0] if is_computed(self.name) else self.lists
        if lists is not None:
            return lists.counts.cpu()  # type: ignore[no-any-return]
        items = self.rated_items.items
        return torch.bincount(items, minlength=len(self.spec.items) + 1) if len(items) else None
