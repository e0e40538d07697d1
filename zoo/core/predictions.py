"""What a model says of one photo: a class, or the labels that it carries. Numbers are floats."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Prediction:
    """One class of several.

    Attributes:
        label: the likeliest class.
        probability: of that class, 0..1.
        probabilities: of every class.
    """

    label: str
    probability: float
    probabilities: dict[str, float] = field(repr=False)


@dataclass(frozen=True)
class Labels:
    """Any number of labels.

    Attributes:
        labels: those whose probability reaches their threshold, the likeliest first.
        probabilities: of every label, each for itself, 0..1.
    """

    labels: tuple[str, ...]
    probabilities: dict[str, float] = field(repr=False)
