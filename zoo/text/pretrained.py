"""What a verb of texts starts from: a model, its directory or its name, or that of an encoder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.core.messages import nearest
from zoo.hub import find as hub
from zoo.hub.catalog import entries
from zoo.text.classification.model import TextClassifier
from zoo.text.encoder_files import PACKAGES, Encoder, encoder_of, is_encoder_folder, names_encoder
from zoo.text.language_model.model import LanguageModel
from zoo.text.spec import Spec
from zoo.text.stored import load

SIZES = ("d_embedding", "d_hidden", "n_layers")
Pretrained = str | os.PathLike[str] | LanguageModel | TextClassifier
Start = LanguageModel | TextClassifier | Encoder


AUTO = "auto"
"""The encoder that the texts choose, see `zoo.text.choose`."""


def names_model(value: object) -> bool:
    """Whether a value stands for a model of texts or an encoder, as data never do."""
    if isinstance(value, str) and value == AUTO:
        return not Path(AUTO).exists()
    return names_encoder(value) or hub.names_model(value)


def start_of(pretrained: object) -> Start:
    """What a classifier starts from: an encoder by its name or directory, or a model of texts.

    Names are looked up in this order: a directory, "minilm", hf/ORG/NAME (an encoder on the Hugging
    Face hub), user/name (a model of ours there). A name without a slash never reaches the network.

    Raises:
        FileNotFoundError: there is nothing of that name; the message has the nearest.
        ValueError: it is no model of texts, or an ensemble, or an encoder's files are not whole.
        ModuleNotFoundError: it is an encoder, and what it needs is not installed.
    """
    if isinstance(pretrained, (str, os.PathLike)):
        if names_encoder(pretrained) or is_encoder_folder(pretrained):
            return encoder_of(pretrained)
        _require_known(os.fspath(pretrained))
    return pretrained_model(pretrained)


def pretrained_model(pretrained: object) -> LanguageModel | TextClassifier:
    """The model to start from, read from its directory or the hub if need be.

    Raises:
        FileNotFoundError: there is nothing of that name.
        ValueError: it is no model of texts, or an ensemble.
    """
    is_name = isinstance(pretrained, (str, os.PathLike))
    model = load(hub.find(pretrained)) if is_name else pretrained  # type: ignore[arg-type]
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


def require_like(first: Start, options: Mapping[str, Any]) -> None:
    """Refuse options that say how a network reads or how large it is, where it is another one.

    Args:
        first: the model to start from.
        options: those that the user gave.

    Raises:
        ValueError: some differ from the model's; all are named.
    """
    if not isinstance(first.spec, Spec):
        return
    own = {"language": first.spec.language, "reverse": first.spec.reverse, **first.arguments}
    own = {name: own[name] for name in ("language", "reverse", *SIZES)}
    wrong = [name for name in own if name in options and options[name] != own[name]]
    if wrong:
        raise ValueError(
            f"{' and '.join(wrong)} must be as in the pretrained model, got "
            f"{'; '.join(f'{name}={options[name]!r}, not {own[name]!r}' for name in wrong)}. Leave "
            "them out, or train from random weights."
        )


def _require_known(name: str) -> None:
    """Refuse a name without a slash that is no path, but nearly one of a pretrained model.

    Raises:
        FileNotFoundError: it is so.
    """
    known = [*PACKAGES, *(one.name for one in entries() if one.domain == "text")]
    spelt = {one.rpartition("/")[2]: one for one in known}
    near = None if "/" in name or Path(name).exists() else nearest(name, spelt)
    if near is not None:
        raise FileNotFoundError(
            f"pretrained must be a model of texts, its directory or its name, got {name!r:.80}, "
            f"which does not exist. Did you mean {spelt[near]!r}?"
        )


def language_model(pretrained: object) -> LanguageModel:
    """The language model to start from, read from its directory or the hub if need be.

    Raises:
        FileNotFoundError: there is nothing of that name.
        ValueError: it is another kind of model, or an ensemble.
    """
    is_path = isinstance(pretrained, (str, os.PathLike))
    if names_encoder(pretrained) or (is_path and is_encoder_folder(str(pretrained))):
        raise ValueError(
            f"pretrained must be a language model, got {pretrained!r}, an encoder, which knows no "
            f"next words. Call zoo.text.finetune({pretrained!r}, data) for a classifier."
        )
    model = pretrained_model(pretrained)
    if not isinstance(model, LanguageModel):
        raise ValueError(
            f"pretrained must be a language model, got a {type(model).__name__}. Try train_lm."
        )
    return model
