"""From an artifact's directory to a model of texts; nothing in it is trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from zoo.core.artifacts import artifact
from zoo.core.config import ArtifactError
from zoo.core.run import Run
from zoo.text.classification.model import TextClassifier
from zoo.text.language_model.model import LanguageModel
from zoo.text.models.awd_lstm import FOR_CLASSIFIER, Dropouts
from zoo.text.models.classifier import ClassifierNet
from zoo.text.models.language_model import LanguageNet
from zoo.text.options import check_numbers
from zoo.text.spec import Spec

FLIPS: Final = "flips"
_SIZES: Final = ("d_embedding", "d_hidden", "n_layers")
_ARGUMENTS: Final = {
    "language-model": (*_SIZES, "drop_mult"),
    "classification": (*_SIZES, "drop_mult", "max_len", "bptt"),
    "multi-label": (*_SIZES, "drop_mult", "max_len", "bptt"),
}


def load(directory: Path | str, run: Run | None = None) -> LanguageModel | TextClassifier:
    """The model that an artifact holds.

    Raises:
        ArtifactError: the directory is not a whole artifact of a model of texts.
    """
    stored = artifact.read(directory)
    config = stored.config
    if config.domain != "text" or config.task not in _ARGUMENTS:
        raise ArtifactError(
            "this reads language models and classifiers of texts, however "
            f"domain={config.domain!r:.40}, task={config.task!r:.40}; use zoo.load"
        )
    with artifact.built("a model of texts"):
        spec, arguments = check(config.task, config.model, config.spec, len(stored.weights))
        members: Any = [_member(config.task, arguments, spec, own) for own in stored.weights]
        for member, flips in zip(members, _flips(arguments, len(members)), strict=True):
            member.flips = flips
    kind: Any = LanguageModel if config.task == "language-model" else TextClassifier
    model: LanguageModel | TextClassifier = kind(
        members,
        spec,
        arguments=arguments,
        **stored.record,
        run=run,
    )
    return model


def check(
    task: str, model: dict[str, Any], spec: dict[str, Any], n_members: int
) -> tuple[Spec, dict[str, Any]]:
    """The spec and the network's arguments that config.json tells; what is saved passes here too.

    Raises:
        ValueError: they are not sound, or do not go together.
    """
    known = Spec.from_json(spec)
    arguments = _arguments(task, model)
    if (task != "language-model") != bool(known.classes):
        raise ValueError(f"{task} does not go with {len(known.classes)} classes")
    if (task == "multi-label") != known.multi_label:
        raise ValueError(f"{task} does not go with multi_label={known.multi_label}")
    _flips(arguments, n_members)
    return known, arguments


def build(task: str, arguments: dict[str, Any], spec: Spec) -> nn.Module:
    """The network with random weights."""
    sizes = {name: arguments[name] for name in _SIZES} | {"n_words": len(spec.words)}
    if task == "language-model":
        return LanguageNet(**sizes, dropouts=Dropouts().times(arguments["drop_mult"]))
    return ClassifierNet(
        **sizes,
        n_classes=len(spec.classes),
        dropouts=FOR_CLASSIFIER.times(arguments["drop_mult"]),
        max_len=arguments["max_len"],
        bptt=arguments["bptt"],
    )


def _arguments(task: str, model: dict[str, Any]) -> dict[str, Any]:
    """What builds the network, checked.

    Raises:
        ValueError: arguments are missing, unknown or senseless.
    """
    known, given = _ARGUMENTS[task], model.get("args")
    said = set(given) - {FLIPS} if isinstance(given, dict) else set()
    if model.get("name") != "awd_lstm" or said != set(known):
        raise ValueError(f"its model is 'awd_lstm' with arguments {', '.join(known)}")
    assert isinstance(given, dict)
    check_numbers(**{name: given[name] for name in known})
    if whole := [k for k in known if k != "drop_mult" and type(given[k]) is not int]:
        raise ValueError(f"{', '.join(whole)} must be whole numbers")
    return given


def _flips(arguments: dict[str, Any], n: int) -> list[bool]:
    """Which members of an ensemble read from the other end.

    Raises:
        ValueError: it is not said of each.
    """
    flips = arguments.get(FLIPS, [False] * n)
    if not isinstance(flips, list) or len(flips) != n or {*map(type, flips)} != {bool}:
        raise ValueError(f"{FLIPS} says of each of {n} members whether it reads from the other end")
    return flips


def _member(
    task: str, arguments: dict[str, Any], spec: Spec, tensors: dict[str, Tensor]
) -> nn.Module:
    """A network with its weights; one that they do not fit is refused before it takes memory."""
    with torch.device("meta"):
        artifact.check_weights(build(task, arguments, spec), tensors)
    member = build(task, arguments, spec)
    artifact.load_weights(member, tensors)
    return member.eval()
