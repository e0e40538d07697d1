"""Several classifiers as one: forward and backward together beat either (Howard & Ruder 2018)."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from zoo.core.split import SeenRows
from zoo.text.classification.model import TextClassifier
from zoo.text.stored import FLIPS


def ensemble(models: Iterable[TextClassifier]) -> TextClassifier:
    """The classifier whose probabilities are the mean of those of several.

    One that reads forward and one that reads backward are trained on language models that were
    fine-tuned on the same texts with the same seed, `reverse=True` in one of them: so both have the
    same words.

    Args:
        models: two or more, of the same words, classes and sizes.

    Raises:
        ValueError: there are fewer, or they differ in more than weights and direction.

    Example:
        zoo.text.ensemble([forward, backward]).evaluate("reviews.csv")
    """
    models = list(models)
    if odd := [model for model in models if not isinstance(model, TextClassifier)]:
        raise ValueError(
            "models of an ensemble must be classifiers of texts, got a "
            f"{type(odd[0]).__name__}. Put a classifier on it with zoo.text.finetune."
        )
    if len(models) < 2:
        raise ValueError(f"an ensemble has at least two models, however {len(models)=}; give more")
    first = models[0]
    for number, other in enumerate(models[1:], 2):
        if wrong := _differences(first, other):
            raise ValueError(
                "models of an ensemble differ in weights and direction alone, however model "
                f"{number} has other {', '.join(wrong)} than the first; fine-tune both on the same "
                "texts with the same settings and seed"
            )
    members: list[Any] = []
    for model in models:
        for member in model.members:
            members.append(copy.deepcopy(member))
            if model.spec.reverse != first.spec.reverse:
                members[-1].turn()
    sketches = [model.seen_rows for model in models if model.seen_rows is not None]
    arguments = _sizes(first) | {FLIPS: [member.flips for member in members]}
    return TextClassifier(
        members,
        first.spec,
        arguments=arguments,
        data=first.data,
        training=first.training | {"members": len(members)},
        licence=first.licence,
        seen_rows=SeenRows.joined(sketches) if sketches else None,
        run=first.run,
    )


def _differences(one: TextClassifier, other: TextClassifier) -> list[str]:
    named = ("words", "language", "classes", "multi_label", "normalisation")
    found = [name for name in named if getattr(one.spec, name) != getattr(other.spec, name)]
    return found + (["sizes"] if _sizes(one) != _sizes(other) else [])


def _sizes(model: TextClassifier) -> dict[str, Any]:
    return {name: value for name, value in model.arguments.items() if name != FLIPS}
