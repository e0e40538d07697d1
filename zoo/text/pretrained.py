"""The model of texts that a verb starts from: a model, its directory or its name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from zoo.hub.find import find
from zoo.text.classification.model import TextClassifier
from zoo.text.language_model.model import LanguageModel
from zoo.text.stored import load

SIZES = ("d_embedding", "d_hidden", "n_layers")
Pretrained = str | os.PathLike[str] | LanguageModel | TextClassifier


def pretrained_model(pretrained: object) -> LanguageModel | TextClassifier:
    """The model to start from, read from its directory or the hub if need be.

    Raises:
        FileNotFoundError: there is nothing of that name.
        ValueError: it is no model of texts, or an ensemble.
    """
    is_name = isinstance(pretrained, (str, os.PathLike))
    model = load(find(pretrained)) if is_name else pretrained  # type: ignore[arg-type]
    if not isinstance(model, (LanguageModel, TextClassifier)):
        raise ValueError(
            "pretrained must be a model of texts, its directory or its name, got a "
            f"{type(model).__name__}. Call finetune(pretrained, data), the model first."
        )
    if len(model.members) > 1:
        raise ValueError(
            f"pretrained must be one network, got an ensemble of {len(model.members)}. Take one."
        )
    return model


def require_like(first: LanguageModel | TextClassifier, options: Mapping[str, Any]) -> None:
    """Refuse options that say how a network reads or how large it is, where it is another one.

    Args:
        first: the model to start from.
        options: those that the user gave.

    Raises:
        ValueError: some differ from the model's; all are named.
    """
    own = {"language": first.spec.language, "reverse": first.spec.reverse, **first.arguments}
    own = {name: own[name] for name in ("language", "reverse", *SIZES)}
    wrong = [name for name in own if name in options and options[name] != own[name]]
    if wrong:
        raise ValueError(
            f"{' and '.join(wrong)} must be as in the pretrained model, got "
            f"{'; '.join(f'{name}={options[name]!r}, not {own[name]!r}' for name in wrong)}. Leave "
            "them out, or train from random weights."
        )


def language_model(pretrained: object) -> LanguageModel:
    """The language model to start from, read from its directory or the hub if need be.

    Raises:
        FileNotFoundError: there is nothing of that name.
        ValueError: it is another kind of model, or an ensemble.
    """
    model = pretrained_model(pretrained)
    if not isinstance(model, LanguageModel):
        raise ValueError(
            f"pretrained must be a language model, got a {type(model).__name__}. Try train_lm."
        )
    return model
