"""What config.json must say of a model of photos: checked before a training, and on loading."""

from __future__ import annotations

from typing import Any

from zoo.core.checked import arguments_of
from zoo.core.config import Config
from zoo.vision.classification.spec import Spec
from zoo.vision.classification.task import n_out
from zoo.vision.models.classifier import Arguments
from zoo.vision.unet.network import Arguments as UNetArguments


def classifier_of(config: Config) -> tuple[Spec, Arguments]:
    """The spec of a model of whole photos, and what builds its network.

    Raises:
        ValueError: either makes no sense, or they do not fit each other.
    """
    spec = Spec.from_json({**config.spec, "task": config.task})
    n = n_out(spec.task, spec.classes)
    return spec, arguments_of(config.model, Arguments, n_out=n, size=spec.size)


def unet_of(config: Config, spec_class: Any) -> tuple[Any, UNetArguments]:
    """The spec of a model that draws pictures, and what builds its network.

    Args:
        config: content of config.json.
        spec_class: class of the spec, which has `from_json` and `network`.

    Raises:
        ValueError: either makes no sense, or they do not fit each other.
    """
    spec = spec_class.from_json(config.spec)
    return spec, arguments_of(config.model, UNetArguments, **spec.network())
