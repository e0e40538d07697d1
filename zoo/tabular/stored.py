"""From an artifact's directory to a model of a table; nothing in it is trusted."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import get_args

from zoo.core.arguments import require_kind
from zoo.core.artifacts import artifact
from zoo.core.artifacts.network import blend_of, rebuilt
from zoo.core.config import ArtifactError
from zoo.core.run import Run
from zoo.hub.find import find
from zoo.tabular.model import TableModel
from zoo.tabular.models.arguments import network_arguments
from zoo.tabular.models.network import build_network
from zoo.tabular.models.simple import PARTNERS
from zoo.tabular.options import TaskName
from zoo.tabular.spec import Spec

Pretrained = str | os.PathLike[str] | TableModel
"""The directory of a saved model, its name on the hub, or the model itself."""


def load(directory: Path | str, run: Run | None = None) -> TableModel:
    """The model that an artifact holds.

    Raises:
        ArtifactError: the directory is not a whole artifact of a model of a table.
    """
    stored = artifact.read(directory)
    config = stored.config
    if config.domain != "tabular" or config.task not in get_args(TaskName):
        raise ArtifactError(
            "zoo.tabular.load must be given a classification or regression of tables, got "
            f"domain={config.domain!r:.60}, task={config.task!r:.60}. Use zoo.load."
        )
    with artifact.built("a network"):
        spec = Spec.from_json(config.spec)
        build = partial(build_network, **network_arguments(config, spec))
        members = [rebuilt(build, tensors).eval() for tensors in stored.networks]
        blend = blend_of(stored, PARTNERS)
    return TableModel(members, spec, blend=blend, **stored.record, run=run)


def opened(pretrained: Pretrained) -> TableModel:
    """The model itself, or the one that a directory or the hub holds.

    Args:
        pretrained: see `Pretrained`.

    Raises:
        FileNotFoundError: there is nothing of that name.
        ArtifactError: it holds no model of a table.
        TypeError: it is no such model.
    """
    if isinstance(pretrained, (str, os.PathLike)):
        return load(find(pretrained))
    require_kind(pretrained, TableModel, "a model of a table")
    return pretrained
