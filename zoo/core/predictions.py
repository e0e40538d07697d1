"""What a model says of one photo or text: its class, or the labels that it carries."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Generic, Self, TypedDict, TypeVar

L = TypeVar("L", bound=Hashable)


@dataclass(frozen=True)
class Unknown:
    """Whether an input is unlike those of the training: true or false as a condition.

    Attributes:
        is_unknown: whether it is stranger than ordinary ones at the rate of false alarms.
        strangeness: how strange it is, more for stranger ones.
        reason: what is strange about it, where that can be told.
    """

    is_unknown: bool
    strangeness: float = field(repr=False)
    reason: str = ""

    def __bool__(self) -> bool:
        """Such as `if answer.unknown: ...`."""
        return self.is_unknown

    def record(self) -> dict[str, Any]:
        """As plain values.

        >>> Unknown(True, 3.25, "column 'age': 4100").record()
        {'unknown': True, 'strangeness': 3.25, 'reason': "column 'age': 4100"}
        """
        reason = {"reason": self.reason} if self.reason else {}
        return {"unknown": self.is_unknown, "strangeness": self.strangeness, **reason}


def _shown(answer: Any) -> str:
    """A prediction as Python shows it; what nobody has asked for is left out."""
    parts = [one.name for one in fields(answer) if one.repr]
    parts += ["unknown"] if answer.unknown is not None else []
    values = ", ".join(f"{name}={getattr(answer, name)!r}" for name in parts)
    return f"{type(answer).__name__}({values})"


@dataclass(frozen=True, repr=False)
class Prediction(Generic[L]):
    """One class of several.

    Attributes:
        label: the likeliest class.
        probability: its probability, 0..1.
        probabilities: the probability of every class, in the order of the model's classes.
        unknown: whether the input is unlike those of the training; None if nobody asked.
    """

    label: L
    probability: float
    probabilities: dict[L, float] = field(repr=False)
    unknown: Unknown | None = field(default=None, repr=False, kw_only=True)

    __repr__ = _shown

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
            **_verdict(self.unknown),
        }


class HowSure(TypedDict, total=False):
    """What `predict` takes in every domain, see `zoo.core.trust`."""

    coverage: float | None
    randomised: bool
    unknown: bool | float


@dataclass(frozen=True, repr=False)
class PredictionSet(Prediction[L]):
    """One class of several, and those that it may be.

    Attributes:
        labels: classes among which the true one is at the rate that was asked for, the likeliest
            first.
    """

    labels: tuple[L, ...] = ()

    @classmethod
    def within(
        cls, classes: Sequence[L], probabilities: Sequence[float], inside: Sequence[bool]
    ) -> Self:
        """The prediction of a row of probabilities, and which classes are in its set.

        >>> PredictionSet.within(["cat", "dog", "cow"], [0.3, 0.6, 0.1], [True, True, False])
        PredictionSet(label='dog', probability=0.6, labels=('dog', 'cat'))
        """
        plain = Prediction[L].of(classes, probabilities)
        several = [name for name, is_in in zip(classes, inside, strict=True) if is_in]
        several.sort(key=plain.probabilities.__getitem__, reverse=True)
        return cls(plain.label, plain.probability, plain.probabilities, tuple(several))

    def record(self, k: int = 1) -> dict[str, Any]:
        """See `Prediction.record`; the classes of the set are the `labels`, with probabilities.

        >>> PredictionSet.within(["cat", "dog"], [0.4, 0.6], [True, True]).record()["probabilities"]
        {'dog': 0.6, 'cat': 0.4}
        """
        record = super().record(k)
        inside = {name: self.probabilities[name] for name in self.labels}
        return record | {
            "probabilities": record["probabilities"] | inside,
            "labels": list(self.labels),
        }


class Interval(float):
    """A predicted number, and between which the true one is at the rate that was asked for.

    Attributes:
        low: the lower end.
        high: the upper end.
        unknown: see `Prediction`.
    """

    low: float
    high: float
    unknown: Unknown | None

    def __new__(cls, value: float, low: float, high: float, unknown: Unknown | None = None) -> Self:
        """The number with its ends."""
        number = super().__new__(cls, value)
        number.low, number.high, number.unknown = low, high, unknown
        return number

    def __getnewargs__(self) -> Any:
        return (float(self), self.low, self.high, self.unknown)

    def __repr__(self) -> str:
        """Such as Interval(3.5, low=2.0, high=5.0)."""
        more = "" if self.unknown is None else f", unknown={self.unknown!r}"
        return f"Interval({float(self)!r}, low={self.low!r}, high={self.high!r}{more})"

    def record(self) -> dict[str, Any]:
        """The number and its ends as plain values."""
        ends = {"low": self.low, "high": self.high}
        return {"value": float(self), **ends, **_verdict(self.unknown)}


class Estimate(float):
    """A predicted number, and whether the input is unlike those of the training.

    Attributes:
        unknown: see `Prediction`.
    """

    unknown: Unknown

    def __new__(cls, value: float, unknown: Unknown) -> Self:
        """The number with its verdict."""
        number = super().__new__(cls, value)
        number.unknown = unknown
        return number

    def __getnewargs__(self) -> Any:
        return (float(self), self.unknown)

    def __repr__(self) -> str:
        """Such as Estimate(3.5, unknown=Unknown(is_unknown=False, reason=''))."""
        return f"Estimate({float(self)!r}, unknown={self.unknown!r})"

    def record(self) -> dict[str, Any]:
        """As plain values."""
        return {"value": float(self), **self.unknown.record()}


@dataclass(frozen=True, repr=False)
class Labels(Generic[L]):
    """Any number of labels.

    Attributes:
        labels: those whose probability reaches their threshold, the likeliest first.
        probabilities: the probability of every label, each for itself, 0..1.
        unknown: see `Prediction`.
    """

    labels: tuple[L, ...]
    probabilities: dict[L, float] = field(repr=False)
    unknown: Unknown | None = field(default=None, repr=False, kw_only=True)

    __repr__ = _shown

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
        facts = {"labels": list(self.labels), "probabilities": dict(self.probabilities)}
        return facts | _verdict(self.unknown)


def record_of(answer: Prediction[Any] | Labels[Any] | float, k: int = 1) -> dict[str, Any]:
    """An answer as plain values, with the probabilities of the k likeliest classes.

    >>> record_of(2.5), record_of(Interval(2.5, 1.0, 4.0))
    ({'value': 2.5}, {'value': 2.5, 'low': 1.0, 'high': 4.0})
    """
    if isinstance(answer, (Interval, Estimate)):
        return answer.record()
    return {"value": answer} if isinstance(answer, float) else answer.record(k)


def _verdict(unknown: Unknown | None) -> dict[str, Any]:
    return {} if unknown is None else unknown.record()
