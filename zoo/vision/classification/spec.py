"""What prediction needs besides weights: labels and preprocessing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, ClassVar, Final, Literal, get_args

from zoo.vision.data.augment import SIDE_ON, Augment
from zoo.vision.data.images import WHITE, CropMode, Resize
from zoo.vision.models.bodies import Interpolation, Preprocessing

TaskName = Literal["classification", "multi-label", "regression"]
"""What is asked of a photo; `zoo.vision.classification.task` tells what each means."""

LARGEST: Final = 4096  # pixels of the side of an input


@dataclass(frozen=True)
class Spec:
    """What prediction needs besides weights.

    Attributes:
        classes: label of each output, sorted; none of numbers.
        size: side of the square that the model sees, in pixels.
        mean: subtracted from RGB in 0..1, by channel.
        std: divides what is left, by channel.
        interpolation: filter of the resizing.
        crop: share of the photo's short side that the centre crop keeps.
        task: what is asked of a photo.
        threshold: probability from which on a photo has a label, one for all or one a label.
        beta: how many times recall counts as precision in the F score of several labels a photo.
        separator: between the labels in a table's cell; None of lists, or found by itself.
        y_range: what numbers lie between, low and high; None for any.
        y_scale: mean and standard deviation of the numbers in training.
        augment: how photos varied in training, and vary at test time; None for not at all.
        mode: whether photos keep their aspect, are squashed to a square or get a border; what
            travels with the backbone's weights.
        white: grey of 16 bits that is white, as the training photos say.
        columns: a table's columns of paths and labels, if training was told them.
        valid_column: a table's column that marks validation photos, if training was told it.
    """

    FREE_FIELDS: ClassVar = (
        "size",
        "threshold",
        "beta",
        "separator",
        "augment",
        "white",
        "columns",
        "valid_column",
    )  # see `Learner.set_data`

    classes: tuple[str, ...]
    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: Interpolation
    crop: float
    task: TaskName = "classification"
    threshold: float | tuple[float, ...] = 0.5
    beta: float = 1.0
    separator: str | None = None
    y_range: tuple[float, float] | None = None
    y_scale: tuple[float, float] = (0.0, 1.0)
    augment: Augment | None = SIDE_ON
    mode: CropMode = "center"
    white: int = WHITE
    columns: tuple[str, str] | None = None
    valid_column: str | None = None

    @property
    def format(self) -> int:
        """The artifact's format: 2 if something counts that readers of format 1 do not know."""
        return 2 if self._later() else 1

    @property
    def resize(self) -> Resize:
        """How photos become items."""
        red, green, blue = (round(255 * min(max(mean, 0.0), 1.0)) for mean in self.mean)
        return Resize(
            self.short_side, self.interpolation, self.mode, self.white, (red, green, blue)
        )

    @property
    def short_side(self) -> int:
        """Pixels that a photo's shorter side is resized to before cropping."""
        return max(self.size, math.floor(self.size / self.crop))

    def of_task(self) -> dict[str, Any]:
        """What a model that goes on with the same labels keeps."""
        names = ("task", "threshold", "beta", "separator", "y_range", "y_scale")
        return {name: getattr(self, name) for name in names}

    def to_json(self) -> dict[str, Any]:
        """Plain values for config.json; what is as in format 1 is left out."""
        later = self._later()
        return {k: v for k, v in asdict(self).items() if k not in _LATER or k in later}

    def _later(self) -> dict[str, Any]:
        """What readers of format 1 do not know, where it is not as they assume."""
        return {k: v for k in _LATER if (v := getattr(self, k)) != _LATER[k]}

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> Spec:
        """The spec that `to_json` wrote.

        Raises:
            ValueError: fields are missing or make no sense; all are named.
        """
        missing = [f.name for f in fields(cls) if f.default is MISSING and f.name not in tree]
        wrong = {
            name: repr(tree[name])[:60]
            for name, is_sound in _SOUND.items()
            if name in tree and not is_sound(tree[name])
        }
        fewest = _FEWEST.get(tree.get("task", ""), 2)
        if not (missing or wrong) and len(tree["classes"]) < fewest:
            wrong["classes"] = repr(tree["classes"])[:60]
        if not wrong and _count(tree.get("threshold")) not in (0, len(tree.get("classes", ()))):
            wrong["threshold"] = repr(tree["threshold"])[:60]
        if missing or wrong:
            raise ValueError(f"a spec has all its fields, each sound, however {missing=}, {wrong=}")
        known = {f.name: tree[f.name] for f in fields(cls) if f.name in tree}
        values: Any = {k: tuple(v) if isinstance(v, list) else v for k, v in known.items()}
        if values.get("augment") is not None:
            values["augment"] = Augment(**values["augment"])
        return cls(**values)


def spec_of(classes: Sequence[str], preprocessing: Preprocessing, **of_task: Any) -> Spec:
    """The spec of a model for these classes, with what travels with its weights."""
    shown = preprocessing
    known = (tuple(classes), shown.size, shown.mean, shown.std, shown.interpolation, shown.crop)
    return Spec(*known, mode=shown.mode, **of_task)


def _are_classes(value: Any) -> bool:
    whole = isinstance(value, (list, tuple)) and all(map(is_text, value))
    return whole and len(set(value)) == len(value)


def is_text(name: Any) -> bool:
    """Whether it is text that a file can hold: no half of a character, as in a damaged name."""
    try:
        return isinstance(name, str) and name.encode() is not None
    except UnicodeEncodeError:
        return False


def _are_columns(value: Any) -> bool:
    listed = isinstance(value, (list, tuple)) and len(value) == 2
    return value is None or (listed and all(map(is_text, value)))


def _is_side(value: Any) -> bool:
    return type(value) is int and 0 < value <= LARGEST


def _is_between(value: Any, low: float, high: float) -> bool:
    return type(value) in (int, float) and low <= value <= high


def _are(n: int, value: Any, low: float, high: float) -> bool:
    listed = isinstance(value, (list, tuple)) and len(value) == n
    return listed and all(_is_between(number, low, high) for number in value)


def _count(value: Any) -> int:
    return len(value) if isinstance(value, (list, tuple)) else 0


def _is_range(value: Any) -> bool:
    return value is None or (_are(2, value, -1e30, 1e30) and value[0] < value[1])


def _is_scale(value: Any) -> bool:
    return _are(2, value, -1e30, 1e30) and value[1] > 0


def _is_augment(value: Any) -> bool:
    numbers = isinstance(value, dict) and all(isinstance(v, (int, float)) for v in value.values())
    try:
        return value is None or (numbers and Augment(**value) is not None)
    except (TypeError, ValueError):
        return False


_LATER: Final[dict[str, Any]] = {
    "mode": "center",
    "white": WHITE,
    "columns": None,
    "valid_column": None,
}
_FEWEST: Final = {"regression": 0, "multi-label": 1}  # classes of a task, two of the others

_SOUND: Final[dict[str, Callable[[Any], bool]]] = {
    "classes": _are_classes,
    "size": _is_side,
    "mean": lambda value: _are(3, value, -100, 100),
    "std": lambda value: _are(3, value, 1e-4, 100),
    "interpolation": lambda value: value in get_args(Interpolation),
    "crop": lambda value: _is_between(value, 0.1, 1),
    "task": lambda value: value in get_args(TaskName),
    "threshold": lambda value: _is_between(value, 0, 1) or _are(_count(value), value, 0, 1),
    "beta": lambda value: _is_between(value, 0.01, 100),
    "separator": lambda value: value is None or (isinstance(value, str) and value != ""),
    "y_range": _is_range,
    "y_scale": _is_scale,
    "augment": _is_augment,
    "mode": lambda value: value in get_args(CropMode),
    "white": lambda value: type(value) is int and 1 <= value <= WHITE,
    "columns": _are_columns,
    "valid_column": lambda value: value is None or is_text(value),
}
