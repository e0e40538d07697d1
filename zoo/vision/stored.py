"""From an artifact's directory to a model of photos; nothing in it is trusted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from zoo.core import artifact
from zoo.core.artifact import ArtifactError, Config
from zoo.core.run import Run
from zoo.vision.degraded import RestorationSpec
from zoo.vision.models.classifier import build_classifier
from zoo.vision.models.unet import build_unet
from zoo.vision.predictor import PhotoModel
from zoo.vision.restorer import PhotoRestorer
from zoo.vision.segmenter import PhotoSegmenter
from zoo.vision.segments import SegmentationSpec
from zoo.vision.spec import Spec
from zoo.vision.tasks import KINDS, n_out

Weights = list[dict[str, Tensor]]
Parts = tuple[list[Any], Any, type[Any]]
"""The networks, the spec, and the model's class."""

DRAWN: Final[dict[str, tuple[type[Any], type[Any]]]] = {
    "segmentation": (PhotoSegmenter, SegmentationSpec),
    "restoration": (PhotoRestorer, RestorationSpec),
}
"""Models that draw pictures, and their specs."""

_ARGUMENTS: Final[dict[str, tuple[type, ...]]] = {
    "name": (str,),
    "n_out": (int,),
    "size": (int,),
    "dropout": (int, float),
    "hidden": (int, type(None)),
    "pool": (str,),
}
_UNET: Final[dict[str, tuple[type, ...]]] = {
    "name": (str,),
    "n_out": (int,),
    "shape": (list,),
    "residual": (bool,),
}


def load(directory: Path | str, run: Run | None = None) -> Any:
    """The model that an artifact holds: of whole photos, or one that draws pictures.

    Raises:
        ArtifactError: the directory is not a whole artifact of a model of photos.
    """
    stored = artifact.read(directory)
    config = stored.config
    if config.domain != "vision" or config.task not in (*KINDS, *DRAWN):
        raise ArtifactError(
            f"this reads models of photos for {', '.join((*KINDS, *DRAWN))}, however "
            f"domain={config.domain!r}, task={config.task!r}; use zoo.load"
        )
    with artifact.built("a network"):
        members, spec, kind = (_drawn if config.task in DRAWN else _of_photos)(
            config, stored.weights
        )
    return kind(
        members,
        spec,
        **stored.record,
        run=run,
    )


def _of_photos(config: Config, weights: Weights) -> Parts:
    spec = Spec.from_json({**config.spec, "task": config.task})
    wanted = {"n_out": n_out(spec.task, spec.classes), "size": spec.size}
    arguments = _arguments(config, _ARGUMENTS, wanted)
    return _members(build_classifier, arguments, weights, config.licence), spec, PhotoModel


def _drawn(config: Config, weights: Weights) -> Parts:
    kind, spec_of = DRAWN[config.task]
    spec = spec_of.from_json(config.spec)
    arguments = _arguments(config, _UNET, spec.network())
    return _members(build_unet, arguments, weights, config.licence), spec, kind


def _arguments(
    config: Config, kinds: dict[str, tuple[type, ...]], wanted: dict[str, Any]
) -> dict[str, Any]:
    """What builds the network, checked.

    Args:
        config: of the artifact.
        kinds: the arguments that there are, and their types.
        wanted: those that the spec knows.

    Raises:
        ValueError: arguments are missing, unknown or senseless, or differ from the spec's.
    """
    given = config.model.get("args")
    given = {**given, "name": config.model.get("name")} if isinstance(given, dict) else {}
    wrong = [
        *(f"{name} is missing" for name in kinds if name not in given),
        *(f"{name!r:.60} is unknown" for name in given if name not in kinds),
        *(
            f"{name}={given[name]!r:.60}"
            for name, allowed in kinds.items()
            if name in given and type(given[name]) not in allowed
        ),
    ]
    wrong += [
        f"{name}={given[name]!r:.60} is not the spec's {value}"
        for name, value in wanted.items()
        if not wrong and given[name] != value
    ]
    if wrong:
        raise ValueError(f"its arguments are {', '.join(kinds)}, however {'; '.join(wrong[:3])}")
    return given


def _members(
    build: Callable[..., Any], arguments: dict[str, Any], weights: Weights, licence: str
) -> list[Any]:
    """Networks with their weights; one that they do not fit is refused before it takes memory."""
    members = []
    for tensors in weights:
        # RegNets of torchvision read tensors while they are built: they are checked afterwards.
        with contextlib.suppress(NotImplementedError), torch.device("meta"):
            artifact.check_weights(build(**arguments, pretrained=False), tensors)
        member = build(**arguments, pretrained=False)
        artifact.load_weights(member, tensors)
        member.licence = licence
        members.append(member.eval())
    return members
