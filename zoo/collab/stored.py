"""From an artifact's directory to a recommender; nothing in it is trusted."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zoo.collab.data.rated_items import RatedItems
from zoo.collab.model import HELD_OUT_ITEMS, HELD_OUT_PLACES, RATED_ITEMS, Recommender
from zoo.collab.models.catalogue import build, check_config
from zoo.collab.models.list_blend import ListBlend
from zoo.collab.rivals import PARTNERS
from zoo.collab.spec import Spec
from zoo.core.arguments import require_kind
from zoo.core.artifacts import artifact
from zoo.core.artifacts.network import blend_of, rebuilt
from zoo.core.config import ArtifactError
from zoo.core.run import Run
from zoo.hub.find import find

Pretrained = str | os.PathLike[str] | Recommender
"""The directory of a saved model, its name on the hub, or the model itself."""


def opened(pretrained: Pretrained) -> Recommender:
    """The recommender that a name, a directory or a model stands for.

    Raises:
        FileNotFoundError: there is none of that name.
        TypeError: the value is neither of them.
    """
    if isinstance(pretrained, (str, os.PathLike)):
        return load(find(pretrained))
    require_kind(pretrained, Recommender, "a recommender")
    return pretrained


def load(directory: Path | str, run: Run | None = None) -> Recommender:
    """The model that an artifact holds.

    Raises:
        ArtifactError: the directory is not a whole artifact of a recommender.
    """
    stored = artifact.read(directory)
    config = stored.config
    if config.domain != "collab":
        raise ArtifactError(
            f"the artifact must be that of a recommender, got domain={config.domain!r:.60}. Use "
            "zoo.load."
        )
    with artifact.built("a recommender"):
        spec = Spec.from_json(config.spec)
        check_config(config)
        name, arguments = config.model["name"], config.model["args"]
        rated_items = _rated_items(stored.weights[0], spec, RATED_ITEMS)
        held_out_items = RatedItems.empty(len(spec.users))
        if spec.n_held_out:
            held_out_items = _rated_items(stored.weights[0], spec, HELD_OUT_ITEMS)
        if len(held_out_items.items) != spec.n_held_out:
            raise ValueError(
                f"n_held_out must be the number of held-out ratings, {len(held_out_items.items)}, "
                f"got {spec.n_held_out}"
            )
        in_order = _in_order(stored.weights[0], rated_items, held_out_items)
        network = partial(build, name, spec, arguments)
        networks = stored.networks
        lists = _lists(networks, spec)
        members: list[Any] = [rebuilt(network, tensors) for tensors in networks]
        for member in members:
            if isinstance(member, ListBlend):
                member.require_sound()
            else:
                member.set_rated_items(rated_items)
            member.eval()  # which needs to know who rated what
        blend = blend_of(stored, PARTNERS)
    return Recommender(
        members,
        spec,
        name=name,
        rated_items=rated_items,
        held_out_items=held_out_items,
        in_order=in_order,
        arguments=arguments,
        lists=lists,
        blend=blend,
        **stored.record,
        run=run,
    )


def _lists(weights: list[dict[str, Tensor]], spec: Spec) -> ListBlend | None:
    """Take the model of lists out of the last weight file, if the spec tells of one."""
    if not spec.lists:
        return None
    if len(weights) < 2:
        raise ValueError("a model of lists must have a weight file of its own, got none")
    lists = rebuilt(partial(ListBlend.built, len(spec.items), spec.lists), weights.pop())
    lists.require_sound()
    return lists.eval()


def _rated_items(tensors: dict[str, Tensor], spec: Spec, names: tuple[str, str]) -> RatedItems:
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


def _in_order(
    tensors: dict[str, Tensor], rated_items: RatedItems, held_out_items: RatedItems
) -> RatedItems | None:
    """Items of both kinds in order; None where the artifact does not tell it.

    Raises:
        ValueError: the places are not those of the users' held-out items.
    """
    places = tensors.pop(HELD_OUT_PLACES, None)
    if places is None:
        return None
    others = held_out_items.without(rated_items.keys(), len(held_out_items.offsets) - 2)
    offsets = rated_items.offsets + others.offsets
    both = RatedItems(offsets, places)
    is_sound = places.dtype == torch.bool and places.shape == (int(offsets[-1]),)
    if not is_sound or not torch.equal(both.owners[places], others.owners):
        raise ValueError(f"{HELD_OUT_PLACES} must mark each user's held-out items, got others")
    return rated_items.woven(others, places)
