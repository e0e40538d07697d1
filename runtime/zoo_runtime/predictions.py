"""What a model says of one photo, text or row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Label = str | int | float | bool


@dataclass(frozen=True)
class Prediction:
    """One class of several.

    Attributes:
        label: the likeliest class.
        probability: its probability, 0..1.
        probabilities: the probability of every class, in the order of the model's classes.
    """

    label: Label
    probability: float
    probabilities: dict[Label, float] = field(repr=False)


@dataclass(frozen=True)
class Labels:
    """Any number of labels.

    Attributes:
        labels: those whose probability reaches their threshold, the likeliest first.
        probabilities: the probability of every label, each for itself, 0..1.
    """

    labels: tuple[Label, ...]
    probabilities: dict[Label, float] = field(repr=False)


Answer = Prediction | Labels | float


def answer_of(facts: Mapping[str, Any], row: Any) -> Answer:
    """The answer that an output's row stands for: probabilities, or a number.

    >>> answer_of({"task": "classification", "labels": ["cat", "dog"]}, [0.2, 0.8])
    Prediction(label='dog', probability=0.8)
    """
    if facts["task"] == "regression":
        return float(row)
    shares: dict[Label, float] = dict(zip(facts["labels"], map(float, row), strict=True))
    best = max(shares, key=shares.__getitem__)
    if facts["task"] != "multi-label":
        return Prediction(best, shares[best], shares)
    limits = facts["spec"].get("threshold", 0.5)
    least: Sequence[float] = limits if isinstance(limits, list) else [limits] * len(shares)
    names = [name for name, low in zip(shares, least, strict=True) if shares[name] >= low]
    return Labels(tuple(sorted(names, key=shares.__getitem__, reverse=True)), shares)
