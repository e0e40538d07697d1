"""From an artifact's directory to a model of photos; nothing in it is trusted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, get_args

from zoo.core.artifacts import artifact
from zoo.core.artifacts.network import blend_of, rebuilt
from zoo.core.config import ArtifactError, Config
from zoo.core.run import Run
from zoo.vision.classification.model import PhotoModel
from zoo.vision.classification.task import classifier_of
from zoo.vision.models.classifier import build_classifier
from zoo.vision.option_names import TaskName
from zoo.vision.restoration.model import PhotoRestorer
from zoo.vision.restoration.spec import RestorationSpec
from zoo.vision.segmentation.model import PhotoSegmenter
from zoo.vision.segmentation.spec import SegmentationSpec
from zoo.vision.unet.network import build_unet, unet_of

AnyModel = PhotoModel | PhotoSegmenter | PhotoRestorer
DRAWN: Final[dict[str, tuple[Callable[..., AnyModel], type[Any]]]] = {
    "segmentation": (PhotoSegmenter, SegmentationSpec),
    "restoration": (PhotoRestorer, RestorationSpec),
}
"""Models that draw pictures, and their specs."""
TASKS: Final = (*get_args(TaskName), *DRAWN)


def load(directory: Path | str, run: Run | None = None) -> AnyModel:
    """The model that an artifact holds: of whole photos, or one that draws pictures.

    Raises:
        ArtifactError: the directory is not a whole artifact of a model of photos.
    """
    stored = artifact.read(directory)
    config = stored.config
    if config.domain != "vision" or config.task not in TASKS:
        raise ArtifactError(
            f"a model of photos must be for {', '.join(TASKS)}, got "
            f"domain={config.domain!r}, task={config.task!r}. Use zoo.load."
        )
    with artifact.built("a network"):
        kind, spec, build = _parts(config)
        network = partial(build, pretrained=False, licence=config.licence)
        members = [rebuilt(network, tensors) for tensors in stored.networks]
        blend = blend_of(stored, {})
    return kind(members, spec, **stored.record, blend=blend, run=run)


def _parts(config: Config) -> tuple[Callable[..., AnyModel], Any, Callable[..., Any]]:
    """The model's class, its spec, and what builds a network of it."""
    if config.task not in DRAWN:
        spec, arguments = classifier_of(config)
        return PhotoModel, spec, partial(build_classifier, **arguments)
    kind, spec_class = DRAWN[config.task]
    drawn, of_unet = unet_of(config, spec_class)
    return kind, drawn, partial(build_unet, **of_unet)
