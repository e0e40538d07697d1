"""From an artifact's directory to a recommender; nothing in it is trusted."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zoo.collab.data.rated_items import Seen
from zoo.collab.model import HELD_OUT, SEEN, Recommender
from zoo.collab.models.catalogue import build, check_config
from zoo.collab.spec import Spec
from zoo.core.artifacts import artifact
from zoo.core.artifacts.network import rebuilt
from zoo.core.config import ArtifactError
from zoo.core.run import Run
from zoo.hub.find import find

Pretrained = str | os.PathLike[str] | Recommender
"""The directory of a saved model, its name on the hub, or the model itself."""


def opened(pretrained: Pretrained) -> Recommender:
    """The recommender that a user names.

    Raises:
        FileNotFoundError: there is none of that name.
        TypeError: it is a model of another kind.
    """
    if isinstance(pretrained, (str, os.PathLike)):
        return load(find(pretrained))
    if not isinstance(pretrained, Recommender):
        raise TypeError(
            "pretrained must be a recommender, its directory or its name, got a "
            f"{type(pretrained).__name__}. Call finetune(pretrained, data), the model first."
        )
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
            f"this reads recommenders, however domain={config.domain!r}; use zoo.load"
        )
    with artifact.built("a recommender"):
        spec = Spec.from_json(config.spec)
        check_config(config)
        name, arguments = config.model["name"], config.model["args"]
        seen = _seen(stored.weights[0], spec, SEEN)
        held_out = _seen(stored.weights[0], spec, HELD_OUT) if spec.n_held_out else None
        if held_out is not None and len(held_out.items) != spec.n_held_out:
            raise ValueError(f"as many ratings are held out as said, got {spec.n_held_out=}")
        network = partial(build, name, spec, arguments)
        members: list[Any] = [rebuilt(network, tensors) for tensors in stored.weights]
        for member in members:
            member.set_seen(seen)
            member.eval()  # which needs to know who rated what
    return Recommender(
        members,
        spec,
        name=name,
        seen=seen,
        held_out=held_out,
        arguments=arguments,
        **stored.record,
        run=run,
    )


def _seen(tensors: dict[str, Tensor], spec: Spec, names: tuple[str, str]) -> Seen:
    """Who rated what, taken out of the tensors and checked."""
    missing = [name for name in names if name not in tensors]
    if missing:
        raise ValueError(f"the first weight file tells who rated what, however {missing=}")
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
        raise ValueError("who rated what must be rows of known users and items")
    return Seen(offsets, items)
