"""Items that nobody has rated yet, placed by their features alone."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from zoo.collab.components import Components
from zoo.collab.data.features import encode
from zoo.collab.data.ids import cast_like, plain_id
from zoo.collab.data.prepared import titles_of
from zoo.collab.models.catalogue import build
from zoo.collab.models.list_blend import ListBlend
from zoo.collab.options import Titles
from zoo.collab.spec import Spec
from zoo.core.trust.blend import Blend


def with_items(whole: Components, features: pd.DataFrame, titles: Titles | None) -> Components:
    """The components of a model that also knows the items of a table of features.

    Args:
        whole: the model without them.
        features: features of items, one row per id.
        titles: titles of items by id.

    Raises:
        ValueError: the model was trained without features of items, or knows all items.
    """
    spec = spec_with(whole.spec, features)
    spec = replace(spec, titles={**spec.titles, **titles_of(titles, spec)})
    members = [network_with(member, whole, spec, features) for member in whole.members]
    lists = whole.lists and lists_with(whole.lists, len(spec.items))
    blend = whole.blend and partners_with(whole.blend, len(spec.items))
    return replace(whole, members=members, spec=spec, lists=lists, blend=blend)


def spec_with(spec: Spec, features: pd.DataFrame) -> Spec:
    """The spec that also knows the items of a table of features.

    Raises:
        ValueError: the model was trained without features of items, or knows all items.
    """
    if "item" not in spec.features:
        raise ValueError(
            "new items are placed by features, got a model that was trained without those of "
            "items. Train it with item_features=..., or rate the items and fine-tune it."
        )
    new: list[Any] = [cast_like(plain_id(one), spec.items) for one in features.index]
    known = spec.item_rows(new)
    added = tuple(one for one, row in zip(new, known.tolist(), strict=True) if not row)
    if not added:
        raise ValueError(
            f"new items must be unknown to the model, got {len(new)} that it knows. Pass others."
        )
    return replace(spec, items=(*spec.items, *added))


@torch.no_grad()
def network_with(member: Any, whole: Components, spec: Spec, features: pd.DataFrame) -> nn.Module:
    """A network that also knows the new items of a spec: mean vectors beside their features'.

    Args:
        member: the network without them.
        whole: the model without them.
        spec: the spec with the new items.
        features: features of items, one row per id.
    """
    network: Any = build(whole.name, spec, whole.arguments).eval()
    take_rows(network, member)
    n = len(member.items.features)
    new: list[Hashable] = list(spec.items[n - 1 :])
    wanted = features.set_axis([cast_like(plain_id(one), spec.items) for one in features.index])
    encoded = torch.zeros(len(spec.items) + 1, member.items.n_features)
    encoded[n:] = torch.from_numpy(encode(wanted.loc[new], spec.features["item"], new))[1:]
    network.set_features("item", encoded)
    network.set_rated_items(whole.rated_items)
    wider: nn.Module = network
    return wider


def lists_with(lists: ListBlend, n_items: int) -> ListBlend:
    """A model of lists that knows more items, which nobody has chosen."""
    grown = ListBlend.built(n_items, lists.arguments).eval()
    take_rows(grown, lists, is_mean=False)
    return grown


def partners_with(blend: Blend, n_items: int) -> Blend:
    """A blend whose partners know more items, of which nothing is known."""
    partners = []
    for partner in blend.partners:
        of_partner: Any = partner
        grown = type(of_partner)(**of_partner.arguments | {"n_items": n_items}).eval()
        take_rows(grown, partner, is_mean=False)
        partners.append(grown)
    return replace(blend, partners=tuple(partners))


@torch.no_grad()
def take_rows(network: nn.Module, pretrained: nn.Module, *, is_mean: bool = True) -> None:
    """Earlier rows keep their values; new ones begin at the mean of the earlier ones, or at 0."""
    old: dict[str, Tensor] = dict(pretrained.state_dict())
    for name, tensor in network.state_dict().items():
        before = old[name].to(tensor.device)
        if before.shape == tensor.shape:
            tensor.copy_(before)
        else:
            tensor[: len(before)] = before
            tensor[len(before) :] = before[1:].mean(0) if is_mean else 0
