"""Several classifiers as one: forward and backward together beat either (Howard & Ruder 2018)."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import fields
from statistics import mean
from typing import Any, Final

from zoo.core.seen_rows import SeenRows
from zoo.core.trust.blend import Blend
from zoo.text.classification.model import TextClassifier
from zoo.text.spec import TextSpec

FREE: Final = ("reverse", *TextSpec.FREE_FIELDS)  # fields of specs in which members may differ


def ensemble(models: Iterable[TextClassifier]) -> TextClassifier:
    """The classifier whose probabilities are the mean of those of several.

    Where calls have fitted temperatures to them, it is the geometric mean at the mean temperature.

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
        raise ValueError(f"an ensemble must have at least two models, got {len(models)}. Add one.")
    if any(model.blend is not None and model.blend.partners for model in models):
        raise ValueError(
            "models of an ensemble must be networks alone, got one that bags of words have a share "
            "in. Train them with rivals=False."
        )
    first = models[0]
    for number, other in enumerate(models[1:], 2):
        if wrong := _differences(first, other):
            raise ValueError(
                "models of an ensemble must differ in weights and direction alone, got other "
                f"{', '.join(wrong)} in model {number} than in the first. Fine-tune both on the "
                "same texts with the same settings and seed."
            )
    members: list[Any] = []
    for model in models:
        for member in map(copy.deepcopy, model.members):
            if model.spec.reverse != first.spec.reverse:
                member.flips = not member.flips
            members.append(member)
    sketches = [model.seen_rows for model in models if model.seen_rows is not None]
    return TextClassifier(
        members,
        first.spec,
        blend=_temperature(models),
        data=first.data,
        training=first.training | {"members": len(members)},
        licence=first.licence,
        seen_rows=SeenRows.joined(sketches) if sketches else None,
        run=first.run,
    )


def _temperature(models: Sequence[TextClassifier]) -> Blend | None:
    """The mean temperature, by which probabilities are pooled; None if no model has one."""
    found = [None if model.blend is None else model.blend.temperature for model in models]
    if not any(found):
        return None
    return Blend((), (), mean(one or 1.0 for one in found))


def _differences(one: TextClassifier, other: TextClassifier) -> list[str]:
    """The fields of the specs, and the networks' sizes, in which two models differ."""
    if type(one.spec) is not type(other.spec):
        return ["kinds of network"]
    named = [field.name for field in fields(one.spec) if field.name not in FREE]
    different = [name for name in named if getattr(one.spec, name) != getattr(other.spec, name)]
    sizes = [model.members[0].arguments for model in (one, other)]
    return different + (["sizes"] if sizes[0] != sizes[1] else [])
