"""Arguments of the verbs that stand in the wrong place, answered with the right call."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from zoo.core.config import CONFIG


def is_model(value: object, names: Collection[str] = ()) -> bool:
    """Whether a value stands for a saved or trained model, as data never do.

    Args:
        value: what a caller passed.
        names: names under which pretrained models of the domain are known.
    """
    if isinstance(value, (str, os.PathLike)):
        return str(value) in names or (Path(value) / CONFIG).is_file()
    return isinstance(getattr(value, "members", None), list) and hasattr(value, "spec")


def require_order(
    verb: str, pretrained: Any, data: Any, *, names_model: Callable[[Any], bool]
) -> None:
    """Refuse a pretrained model in the place of the data.

    Args:
        verb: the call, such as "zoo.vision.finetune".
        pretrained: its first argument.
        data: its second argument.
        names_model: whether a value stands for a model, see `is_model`.

    Raises:
        ValueError: the two were swapped.
    """
    if names_model(data) and not names_model(pretrained):
        raise ValueError(
            f"{verb} must be given the pretrained model first and the data second, got them the "
            f"other way round. Call {verb}({_shown(data)}, {_shown(pretrained)})."
        )


def require_data(verb: str, data: Any, *, names_model: Callable[[Any], bool]) -> None:
    """Refuse a model in the place of the data of a verb that takes data first.

    Args:
        verb: the call, such as "zoo.vision.train".
        data: its first argument.
        names_model: whether a value stands for a model, see `is_model`.

    Raises:
        ValueError: it does.
    """
    if names_model(data):
        raise ValueError(
            f"{verb} must be given data first, got the model {_shown(data)}. Call "
            f"{verb}(data, model=...), or finetune({_shown(data)}, data)."
        )


def require_kind(pretrained: Any, kind: type, what: str) -> None:
    """Refuse a model of another kind, and what is no model at all.

    Args:
        pretrained: what was loaded, or passed.
        kind: the class that it must have.
        what: the same in words, such as "a recommender".

    Raises:
        TypeError: it has another class.
    """
    if not isinstance(pretrained, kind):
        raise TypeError(
            f"pretrained must be {what}, its directory or its name, got a "
            f"{type(pretrained).__name__}. Call finetune(pretrained, data), the model first."
        )


def require_own_model(model: str, default: str, own: str) -> None:
    """Refuse an architecture beside a pretrained model that has another one.

    Args:
        model: the argument.
        default: what it is where nobody says it.
        own: the pretrained model's.

    Raises:
        ValueError: it is another one.
    """
    if model not in (default, own):
        raise ValueError(
            f"a pretrained model must keep its architecture, got {model=} for one of {own!r}. "
            "Leave model out, or pretrained for random weights."
        )


def require_one_start(verb: str, pretrained: Any, model: Any, *, example: str) -> None:
    """Refuse neither or both of `pretrained=` and `model=`: random weights are never a default.

    Args:
        verb: the call, such as "zoo.vision.learner".
        pretrained: what to start from, or None.
        model: architecture to start at random, or None.
        example: a call that would do.

    Raises:
        ValueError: none or both are given.
    """
    if (pretrained is None) == (model is None):
        got = "neither" if pretrained is None else "both"
        raise ValueError(
            f"{verb} must be given exactly one of pretrained= (published weights) and model= "
            f"(random weights), got {got}. Call {example}."
        )


def _shown(value: Any) -> str:
    """A value as it stands in a call."""
    return repr(str(value)) if isinstance(value, (str, os.PathLike)) else type(value).__name__
