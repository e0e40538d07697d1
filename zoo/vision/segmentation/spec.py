"""What prediction of masks needs besides weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Final, get_args

from zoo.vision.models.bodies import Interpolation
from zoo.vision.segmentation.mask_values import MOST_VALUES, VOID, MaskValues

LARGEST: Final = 4096  # pixels of the side of an input


@dataclass(frozen=True)
class SegmentationSpec:
    """What prediction of masks needs besides weights.

    Attributes:
        classes: name of each number in a mask, from 0.
        shape: height and width that photos are stretched to.
        mean: subtracted from RGB in 0..1, by channel.
        std: divides what is left, by channel.
        interpolation: filter of the resizing of photos.
        ignore: the value of mask pixels that count for nothing ("void"); None if all count.
        values: the value of each class in masks; None where it is the class's number.

    Raises:
        ValueError: fields make no sense; all are named.
    """

    FREE_FIELDS: ClassVar = ("shape",)  # see `Learner.set_data`

    classes: tuple[str, ...]
    shape: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: Interpolation
    ignore: int | None = None
    values: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        _check({one.name: getattr(self, one.name) for one in fields(self)})

    @property
    def mask_values(self) -> MaskValues:
        """Which pixel value of a mask is which class."""
        return MaskValues(self.classes, self.values, self.ignore)

    @property
    def ignored_target(self) -> int | None:
        """The number in targets that counts for nothing, see `mask_values.numbered`."""
        return self.ignore if self.ignore is None or self.values is None else VOID

    def network(self) -> dict[str, Any]:
        """The arguments that its network must have."""
        return {"n_out": len(self.classes), "shape": list(self.shape)}

    def to_json(self) -> dict[str, Any]:
        """Plain values for config.json."""
        return asdict(self)

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> SegmentationSpec:
        """The spec that `to_json` wrote.

        Raises:
            ValueError: fields are missing or make no sense; all are named.
        """
        names = [one.name for one in fields(cls)]
        known = {name: tree[name] for name in names if name in tree}
        _check({"values": None, **known})
        values: Any = {k: tuple(v) if isinstance(v, list) else v for k, v in known.items()}
        return cls(**values)


def _check(tree: dict[str, Any]) -> None:
    """Refuse fields that are missing or make no sense."""
    wrong = [
        f"{name}={tree[name]!r:.60}" if name in tree else f"{name} is missing"
        for name, is_sound in _SOUND.items()
        if name not in tree or not is_sound(tree[name])
    ]
    values = tree.get("values")
    if not wrong and values is not None:
        fits = len(values) == len(tree["classes"]) and tree["ignore"] not in values
        wrong += [] if fits else [f"{values=}"]
    if wrong:
        raise ValueError(
            f"a spec has all its fields, each sound, however {', '.join(wrong)} "
            f"{'is' if len(wrong) == 1 else 'are'} not"
        )


def _is_listed(value: Any, n: int, low: float, high: float, kinds: tuple[type, ...]) -> bool:
    listed_ = isinstance(value, (list, tuple)) and len(value) == n
    return listed_ and all(type(v) in kinds and low <= v <= high for v in value)


def _are_classes(value: Any) -> bool:
    whole = isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value)
    return whole and 2 <= len(set(value)) == len(value) <= MOST_VALUES


def _is_value(value: Any) -> bool:
    return type(value) is int and 0 <= value < MOST_VALUES


def _are_values(value: Any) -> bool:
    whole = isinstance(value, (list, tuple)) and all(map(_is_value, value))
    return whole and len(set(value)) == len(value)


_SOUND: Final[dict[str, Callable[[Any], bool]]] = {
    "classes": _are_classes,
    "shape": lambda value: _is_listed(value, 2, 1, LARGEST, (int,)),
    "mean": lambda value: _is_listed(value, 3, -100, 100, (int, float)),
    "std": lambda value: _is_listed(value, 3, 1e-4, 100, (int, float)),
    "interpolation": lambda value: value in get_args(Interpolation),
    "ignore": lambda value: value is None or _is_value(value),
    "values": lambda value: value is None or _are_values(value),
}
