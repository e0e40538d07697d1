"""From an artifact's directory to a model of photos; nothing in it is trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from zoo.core import artifact
from zoo.core.artifact import ArtifactError, Config
from zoo.core.run import Run
from zoo.vision.models.classifier import Classifier, build_classifier
from zoo.vision.predictor import PhotoModel
from zoo.vision.spec import Spec
from zoo.vision.tasks import KINDS, n_out

_ARGUMENTS: Final[dict[str, tuple[type, ...]]] = {
    "name": (str,),
    "n_out": (int,),
    "size": (int,),
    "dropout": (int, float),
    "hidden": (int, type(None)),
    "pool": (str,),
}


def load(directory: Path | str, run: Run | None = None) -> PhotoModel:
    """The model that an artifact holds.

    Raises:
        ArtifactError: the directory is not a whole artifact of a model of photos.
    """
    stored = artifact.read(directory)
    config = stored.config
    if config.domain != "vision" or config.task not in KINDS:
        raise ArtifactError(
            f"this reads models of photos for {', '.join(KINDS)}, however "
            f"domain={config.domain!r}, task={config.task!r}; use zoo.load"
        )
    try:
        spec = Spec.from_json({**config.spec, "task": config.task})
        arguments = _arguments(config, spec)
        members = [_member(arguments, tensors, config.licence) for tensors in stored.weights]
    except ArtifactError:
        raise
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArtifactError(
            "config.json must describe a network that this version builds, however it does not "
            f"({str(error).splitlines()[0]}); save or fetch the artifact again"
        ) from error
    return PhotoModel(
        members,
        spec,
        history=stored.history,
        metrics=config.metrics,
        data=config.data,
        training=config.training,
        extra=config.extra,
        run=run,
    )


def _arguments(config: Config, spec: Spec) -> dict[str, Any]:
    """What builds the network, checked.

    Raises:
        ValueError: arguments are missing, unknown or senseless, or differ from the spec's.
    """
    given = config.model.get("args")
    given = {**given, "name": config.model.get("name")} if isinstance(given, dict) else {}
    wrong = [
        *(f"{name} is missing" for name in _ARGUMENTS if name not in given),
        *(f"{name!r:.60} is unknown" for name in given if name not in _ARGUMENTS),
        *(
            f"{name}={given[name]!r:.60}"
            for name, kinds in _ARGUMENTS.items()
            if name in given and type(given[name]) not in kinds
        ),
    ]
    wanted = {"n_out": n_out(spec.task, spec.classes), "size": spec.size}
    wrong += [
        f"{name}={given[name]!r:.60} is not the spec's {value}"
        for name, value in wanted.items()
        if not wrong and given[name] != value
    ]
    if wrong:
        raise ValueError(
            f"its arguments are {', '.join(_ARGUMENTS)}, however {'; '.join(wrong[:3])}"
        )
    return given


def _member(arguments: dict[str, Any], tensors: dict[str, Tensor], licence: str) -> Classifier:
    """A network with its weights; one that they do not fit is refused before it takes memory."""
    with torch.device("meta"):
        artifact.check_weights(build_classifier(**arguments, pretrained=False), tensors)
    member = build_classifier(**arguments, pretrained=False)
    artifact.load_weights(member, tensors)
    member.licence = licence
    return member.eval()
