"""From an artifact's directory to a model of texts; nothing in it is trusted."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from torch import nn

from zoo.core.annotations import Option
from zoo.core.artifacts import artifact
from zoo.core.artifacts.network import rebuilt
from zoo.core.checked import arguments_of
from zoo.core.config import ArtifactError
from zoo.core.run import Run
from zoo.text.classification.model import TextClassifier
from zoo.text.language_model.model import LanguageModel
from zoo.text.models.awd_lstm import FOR_CLASSIFIER, Dropouts
from zoo.text.models.classifier import ClassifierNet
from zoo.text.models.language_model import LanguageNet
from zoo.text.spec import Spec

FLIPS: Final = "flips"


class LanguageArguments(TypedDict):
    """What builds the network of a language model; fit for JSON."""

    name: Literal["awd_lstm"]
    d_embedding: Annotated[int, Option(low=1, high=1e5)]
    d_hidden: Annotated[int, Option(low=1, high=1e5)]
    n_layers: Annotated[int, Option(low=1, high=64)]
    drop_mult: Annotated[float, Option(low=0, high=10)]


class ClassifierArguments(LanguageArguments):
    """What builds the networks of a classifier; fit for JSON.

    Attributes:
        max_len: see `ClassifierNet`.
        bptt: see `ClassifierNet`.
        flips: of an ensemble, which members read from the other end.
    """

    max_len: Annotated[int, Option(low=1, high=1e9)]
    bptt: Annotated[int, Option(low=1, high=1e6)]
    flips: NotRequired[list[bool]]


ARGUMENTS: Final[dict[str, type[Any]]] = {
    "language-model": LanguageArguments,
    "classification": ClassifierArguments,
    "multi-label": ClassifierArguments,
}


def load(directory: Path | str, run: Run | None = None) -> LanguageModel | TextClassifier:
    """The model that an artifact holds.

    Raises:
        ArtifactError: the directory is not a whole artifact of a model of texts.
    """
    stored = artifact.read(directory)
    config = stored.config
    if config.domain != "text" or config.task not in ARGUMENTS:
        raise ArtifactError(
            "this reads language models and classifiers of texts, however "
            f"domain={config.domain!r:.40}, task={config.task!r:.40}; use zoo.load"
        )
    with artifact.built("a model of texts"):
        spec, arguments = check(config.task, config.model, config.spec, len(stored.weights))
        build = partial(_network, config.task, arguments, spec)
        members: Any = [rebuilt(build, tensors).eval() for tensors in stored.weights]
        for member, flips in zip(members, arguments.get(FLIPS, ()), strict=False):
            if flips:
                member.turn()
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
    arguments: dict[str, Any] = dict(arguments_of(model, ARGUMENTS[task]))
    del arguments["name"]
    if (task != "language-model") != bool(known.classes):
        raise ValueError(f"{task} does not go with {len(known.classes)} classes")
    if (task == "multi-label") != known.multi_label:
        raise ValueError(f"{task} does not go with multi_label={known.multi_label}")
    if len(flips := arguments.get(FLIPS, [False] * n_members)) != n_members:
        raise ValueError(f"flips must be one per member, got {flips=!r:.60} of {n_members}")
    return known, arguments


def _network(task: str, arguments: dict[str, Any], spec: Spec) -> nn.Module:
    """The network with random weights."""
    names = ("d_embedding", "d_hidden", "n_layers")
    sizes = {name: arguments[name] for name in names} | {"n_words": len(spec.words)}
    if task == "language-model":
        return LanguageNet(**sizes, dropouts=Dropouts().times(arguments["drop_mult"]))
    return ClassifierNet(
        **sizes,
        n_classes=len(spec.classes),
        dropouts=FOR_CLASSIFIER.times(arguments["drop_mult"]),
        max_len=arguments["max_len"],
        bptt=arguments["bptt"],
    )
