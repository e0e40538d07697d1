"""What prediction needs besides weights: labels and preprocessing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, get_args

from zoo.vision.models.bodies import Interpolation, Preprocessing

LARGEST: Final = 4096  # pixels of the side of an input


@dataclass(frozen=True)
class Spec:
    """What prediction needs besides weights.

    Attributes:
        classes: label of each output, sorted.
        size: side of the square that the model sees, in pixels.
        mean: subtracted from RGB in 0..1, by channel.
        std: divides what is left, by channel.
        interpolation: filter of the resizing.
        crop: share of the photo's short side that the centre crop keeps.
    """

    classes: tuple[str, ...]
    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: Interpolation
    crop: float

    @property
    def short_side(self) -> int:
        """Pixels that a photo's shorter side is resized to before cropping."""
        return max(self.size, math.floor(self.size / self.crop))

    def to_json(self) -> dict[str, Any]:
        """Plain values for config.json."""
        return asdict(self)

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> Spec:
        """The spec that `to_json` wrote.

        Raises:
            ValueError: fields are missing or make no sense; all are named.
        """
        missing = [field.name for field in fields(cls) if field.name not in tree]
        wrong = {
            name: repr(tree[name])[:60]
            for name, is_sound in _SOUND.items()
            if name in tree and not is_sound(tree[name])
        }
        if missing or wrong:
            raise ValueError(f"a spec has all its fields, each sound, however {missing=}, {wrong=}")
        values = {field.name: tree[field.name] for field in fields(cls)}
        for name in ("classes", "mean", "std"):
            values[name] = tuple(values[name])
        return cls(**values)


def spec_of(classes: Sequence[str], preprocessing: Preprocessing) -> Spec:
    """The spec of a model for these classes, with what travels with its weights."""
    shown = preprocessing
    return Spec(tuple(classes), shown.size, shown.mean, shown.std, shown.interpolation, shown.crop)


def _are_classes(value: Any) -> bool:
    whole = isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value)
    return whole and len(set(value)) == len(value) > 1


def _is_side(value: Any) -> bool:
    return type(value) is int and 0 < value <= LARGEST


def _is_between(value: Any, low: float, high: float) -> bool:
    return type(value) in (int, float) and low <= value <= high


def _are_three(value: Any, low: float, high: float) -> bool:
    listed = isinstance(value, (list, tuple)) and len(value) == 3
    return listed and all(_is_between(number, low, high) for number in value)


_SOUND: Final[dict[str, Callable[[Any], bool]]] = {
    "classes": _are_classes,
    "size": _is_side,
    "mean": lambda value: _are_three(value, -100, 100),
    "std": lambda value: _are_three(value, 1e-4, 100),
    "interpolation": lambda value: value in get_args(Interpolation),
    "crop": lambda value: _is_between(value, 0.1, 1),
}
