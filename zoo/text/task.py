"""The tasks that models of texts learn, one per row; config.json stores the name.

| task | a text has | network | predict gives |
|---|---|---|---|
| language-model | a next word | `LanguageNet` | the likeliest words |
| classification | one class of several | `ClassifierNet` or `EncoderNet` | `Prediction` |
| multi-label | any number of classes | `ClassifierNet` or `EncoderNet` | `Labels` |
| regression | a number | `ClassifierNet` or `EncoderNet` | float |
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from torch import Tensor

from zoo.core.annotations import Option
from zoo.core.checked import arguments_of
from zoo.core.config import Config
from zoo.core.predictions import Labels, Prediction
from zoo.core.task import Task, classification, multi_label, scaled_regression
from zoo.text.models.classifier import ClassifierNet
from zoo.text.models.contrast import with_contrast
from zoo.text.models.encoder import EncoderNet, Pooling
from zoo.text.models.language_model import LanguageNet
from zoo.text.spec import Label, PieceSpec, Spec, TextSpec

LANGUAGE: Final = "language-model"
Answer = Prediction[Label] | Labels[Label] | float
"""What a classifier says of one text, by its task."""


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
        flips: which members of an ensemble read from the other end.
    """

    max_len: Annotated[int, Option(low=1, high=1e9)]
    bptt: Annotated[int, Option(low=1, high=1e6)]
    flips: NotRequired[list[bool]]


Piece = Annotated[list[int], Option(low=-2, high=1e9, fewest=2, most=2)]


class EncoderArguments(TypedDict):
    """What builds the networks of a classifier on a pretrained encoder; fit for JSON.

    See `EncoderNet`.
    """

    name: Literal["encoder"]
    config: dict[str, Any]
    pooling: Pooling
    normalise: bool
    max_tokens: Annotated[int, Option(low=1, high=1e6)]
    before: Annotated[list[int], Option(low=0, high=1e9, most=16)]
    after: Annotated[list[int], Option(low=0, high=1e9, most=16)]
    pad: Annotated[int, Option(low=0, high=1e9)]
    pair: NotRequired[Annotated[list[Piece], Option(most=32)]]


TASKS: Final = (LANGUAGE, "classification", "multi-label", "regression")

Network = LanguageNet | ClassifierNet | EncoderNet


def task_of(
    spec: TextSpec,
    *,
    label_smoothing: float = 0.0,
    weights: Tensor | None = None,
    contrast: float = 0.0,
) -> Task:
    """Loss, decoding and metrics for the classes or numbers of a spec; see `zoo.core.task`.

    Args:
        spec: what the model knows of them.
        label_smoothing: share of the target that is spread; none for numbers.
        weights: how much each class counts. Shape: (n_classes,).
        contrast: see `zoo.text.models.contrast.with_contrast`; of an encoder of one class per text.
    """
    if spec.y_scale is not None:
        task = scaled_regression(spec.y_scale, spec.y_range)
    else:
        of_classes = multi_label if spec.multi_label else classification
        task = of_classes(len(spec.classes), label_smoothing=label_smoothing, weights=weights)
    return with_contrast(task, contrast) if isinstance(spec, PieceSpec) else task


def answer_of(spec: TextSpec, row: Any) -> Answer:
    """What `predict` gives for the decoded outputs of one text: a list, or a number."""
    if spec.task == "regression":
        return float(row)
    kind = Labels[Label] if spec.multi_label else Prediction[Label]
    return kind.of(spec.classes, row)


def network_of(task: str, arguments: dict[str, Any], spec: TextSpec) -> Network:
    """The network of a task with random weights, by arguments that `check` gives."""
    sizes = {name: value for name, value in arguments.items() if name != "flips"}
    if isinstance(spec, PieceSpec):
        network = EncoderNet(n_classes=spec.n_out, **sizes)
        n_pieces = network.encoder.config.vocab_size
        if spec.pieces.n_pieces > n_pieces:
            raise ValueError(f"{spec.pieces.n_pieces} word pieces are more than {n_pieces}")
        return network
    assert isinstance(spec, Spec)
    if task == LANGUAGE:
        return LanguageNet(n_words=len(spec.words), **sizes)
    return ClassifierNet(n_words=len(spec.words), n_classes=spec.n_out, **sizes)


def check(config: Config) -> tuple[Spec | PieceSpec, dict[str, Any]]:
    """The spec and the network's arguments that config.json states; what is saved passes too.

    Raises:
        ValueError: they are not sound, or do not go together.
    """
    task, n_members = config.task, len(config.members)
    is_encoder = config.model.get("name") == EncoderNet.name and task != LANGUAGE
    kinds = {LANGUAGE: LanguageArguments}
    kind = EncoderArguments if is_encoder else kinds.get(task, ClassifierArguments)
    arguments: dict[str, Any] = dict(arguments_of(config.model, kind))
    spec = (PieceSpec if is_encoder else Spec).from_json(config.spec)
    del arguments["name"]
    if task != spec.task or (spec.multi_label and task != "multi-label"):
        raise ValueError(
            f"{task} does not go with {len(spec.classes)} classes, multi_label={spec.multi_label}, "
            f"y_scale={spec.y_scale}"
        )
    if is_encoder and ("pair" in arguments) != (spec.n_texts > 1):
        raise ValueError(f"n_texts={spec.n_texts} must go with the frame of the network")
    if len(flips := arguments.get("flips", [False] * n_members)) != n_members:
        raise ValueError(f"flips must be one per member, got {flips=!r:.60} of {n_members}")
    return spec, arguments
