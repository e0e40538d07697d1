"""What a model says of one photo or text: its class, or the labels that it carries."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar

L = TypeVar("L", bound=Hashable)


@dataclass(frozen=True)
class Prediction(Generic[L]):
    """One class of several.

    Attributes:
        label: the likeliest class.
        probability: its probability, 0..1.
        probabilities: the probability of every class, in the order of the model's classes.
    """

    label: L
    probability: float
    probabilities: dict[L, float] = field(repr=False)

    @classmethod
    def of(cls, classes: Sequence[L], probabilities: Sequence[float]) -> Self:
        """The prediction that a row of probabilities stands for; of equal ones the first.

        >>> Prediction.of(["cat", "dog"], [0.2, 0.8])
        Prediction(label='dog', probability=0.8)
        """
        by_class = dict(zip(classes, probabilities, strict=True))
        label = max(by_class, key=by_class.__getitem__)
        return cls(label, by_class[label], by_class)

    def record(self, k: int = 1) -> dict[str, Any]:
        """The prediction as plain values, with the probabilities of the k likeliest classes.

        >>> Prediction.of(["cat", "dog"], [0.2, 0.8]).record()
        {'label': 'dog', 'probability': 0.8, 'probabilities': {'dog': 0.8}}
        """
        likeliest = sorted(self.probabilities.items(), key=lambda item: -item[1])[:k]
        return {
            "label": self.label,
            "probability": self.probability,
            "probabilities": dict(likeliest),
        }


@dataclass(frozen=True)
class Labels(Generic[L]):
    """Any number of labels.

    Attributes:
        labels: those whose probability reaches their threshold, the likeliest first.
        probabilities: the probability of every label, each for itself, 0..1.
    """

    labels: tuple[L, ...]
    probabilities: dict[L, float] = field(repr=False)

    @classmethod
    def of(
        cls,
        classes: Sequence[L],
        probabilities: Sequence[float],
        thresholds: float | Sequence[float] = 0.5,
    ) -> Self:
        """The labels that a row of probabilities stands for.

        Args:
            classes: all labels, in the order of the probabilities.
            probabilities: one number for each label.
            thresholds: lowest probability of a label that is there, one for all or one for each.

        >>> Labels.of(["warm", "long"], [0.6, 0.9]), Labels.of(["warm", "long"], [0.6, 0.9], 0.7)
        (Labels(labels=('long', 'warm')), Labels(labels=('long',)))
        """
        by_label = dict(zip(classes, probabilities, strict=True))
        least = [thresholds] * len(classes) if isinstance(thresholds, (int, float)) else thresholds
        there = [name for name, low in zip(classes, least, strict=True) if by_label[name] >= low]
        return cls(tuple(sorted(there, key=by_label.__getitem__, reverse=True)), by_label)

    def record(self, k: int = 1) -> dict[str, Any]:
        """The labels as plain values, with the probability of every label."""
        return {"labels": list(self.labels), "probabilities": dict(self.probabilities)}
