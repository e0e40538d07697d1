"""From an artifact's directory to a model of photos; nothing in it is trusted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from zoo.core.artifacts import artifact
from zoo.core.config import ArtifactError, Config
from zoo.core.run import Run
from zoo.vision.classification.model import PhotoModel
from zoo.vision.classification.task import KINDS
from zoo.vision.config_checks import classifier_of, unet_of
from zoo.vision.models.classifier import build_classifier
from zoo.vision.restoration.model import PhotoRestorer
from zoo.vision.restoration.spec import RestorationSpec
from zoo.vision.segmentation.model import PhotoSegmenter
from zoo.vision.segmentation.spec import SegmentationSpec
from zoo.vision.unet.network import build_unet

Weights = list[dict[str, Tensor]]
Parts = tuple[list[Any], Any, type[Any]]
"""The networks, the spec, and the model's class."""

DRAWN: Final[dict[str, tuple[type[Any], type[Any]]]] = {
    "segmentation": (PhotoSegmenter, SegmentationSpec),
    "restoration": (PhotoRestorer, RestorationSpec),
}
"""Models that draw pictures, and their specs."""


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
    spec, arguments = classifier_of(config)
    return _members(build_classifier, arguments, weights, config.licence), spec, PhotoModel


def _drawn(config: Config, weights: Weights) -> Parts:
    kind, spec_of = DRAWN[config.task]
    spec, arguments = unet_of(config, spec_of)
    return _members(build_unet, arguments, weights, config.licence), spec, kind


def _members(
    build: Callable[..., Any], arguments: dict[str, Any], weights: Weights, licence: str
) -> list[Any]:
    """Networks with their weights; one that they do not fit is refused before it takes memory."""
    members = []
    for tensors in weights:
        with contextlib.suppress(NotImplementedError):
            artifact.check_weights(_outline(build, arguments), tensors)
        member = build(**arguments, pretrained=False)
        artifact.load_weights(member, tensors)
        member.licence = licence
        members.append(member.eval())
    return members


def _outline(build: Callable[..., nn.Module], arguments: dict[str, Any]) -> nn.Module:
    """The network, of which names and shapes take no memory."""
    with torch.device("meta"):
        try:
            return build(**arguments, pretrained=False)
        except NotImplementedError:
            with _Numbers():
                return build(**arguments, pretrained=False)


class _Numbers(TorchFunctionMode):
    """Keep small tensors of numbers on the CPU: RegNets of torchvision compute widths by them."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call the function, which makes its numbers on the CPU."""
        more = {"device": "cpu"} if func in (torch.arange, torch.tensor) else {}
        return func(*args, **more | (kwargs or {}))
