"""From an artifact's directory to a recommender; nothing in it is trusted."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from zoo.collab.data.histories import Histories
from zoo.collab.model import Recommender
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
        histories = Histories.taken_from(stored.weights[0], spec)
        network = partial(build, name, spec, arguments)
        networks = stored.networks
        lists = _lists(networks, spec)
        members: list[Any] = [rebuilt(network, tensors) for tensors in networks]
        for member in members:
            if isinstance(member, ListBlend):
                member.require_sound()
            else:
                member.set_rated_items(histories.rated_items)
            member.eval()  # which needs to know who rated what
        blend = blend_of(stored, PARTNERS)
    return Recommender(
        members,
        spec,
        name=name,
        arguments=arguments,
        lists=lists,
        blend=blend,
        **histories._asdict(),
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
