"""From an artifact's directory to a model of photos; nothing in it is trusted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from torch import Tensor

from zoo.core.artifacts import artifact
from zoo.core.artifacts.network import rebuilt
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
AnyModel = PhotoModel | PhotoSegmenter | PhotoRestorer
Parts = tuple[list[Any], Any, Callable[..., AnyModel]]
"""The networks, the spec, and the model's class."""

DRAWN: Final[dict[str, tuple[Callable[..., AnyModel], type[Any]]]] = {
    "segmentation": (PhotoSegmenter, SegmentationSpec),
    "restoration": (PhotoRestorer, RestorationSpec),
}
"""Models that draw pictures, and their specs."""


def load(directory: Path | str, run: Run | None = None) -> AnyModel:
    """The model that an artifact holds: of whole photos, or one that draws pictures.

    Raises:
        ArtifactError: the directory is not a whole artifact of a model of photos.
    """
    stored = artifact.read(directory)
    config = stored.config
    if config.domain != "vision" or config.task not in (*KINDS, *DRAWN):
        raise ArtifactError(
            f"a model of photos must be for {', '.join((*KINDS, *DRAWN))}, got "
            f"domain={config.domain!r}, task={config.task!r}. Use zoo.load."
        )
    with artifact.built("a network"):
        members, spec, kind = (_drawn if config.task in DRAWN else _of_photos)(
            config, stored.weights
        )
    return kind(members, spec, **stored.record, run=run)


def _of_photos(config: Config, weights: Weights) -> Parts:
    spec, arguments = classifier_of(config)
    build = partial(build_classifier, **arguments, pretrained=False, licence=config.licence)
    return [rebuilt(build, tensors).eval() for tensors in weights], spec, PhotoModel


def _drawn(config: Config, weights: Weights) -> Parts:
    kind, spec_of = DRAWN[config.task]
    spec, arguments = unet_of(config, spec_of)
    build = partial(build_unet, **arguments, pretrained=False, licence=config.licence)
    return [rebuilt(build, tensors).eval() for tensors in weights], spec, kind
