"""What prediction needs besides weights: labels and preprocessing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final

from zoo.core.annotations import Option
from zoo.core.checked import checked, format_of, to_json
from zoo.vision.data.augment import SIDE_ON, Augment
from zoo.vision.data.images import WHITE, CropMode
from zoo.vision.data.preprocessing import Interpolation, Mean, Preprocessing, Side, Std
from zoo.vision.option_names import TaskName

Limit = Annotated[float, Option(low=-1e30, high=1e30)]


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
        threshold: probability from which on a photo has a label, one for all or one per label.
        beta: how many times recall counts as precision in the F score of several labels per photo.
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

    FREE_FIELDS: ClassVar = (  # see `Learner.set_data`
        "size", "threshold", "beta", "separator", "augment", "white", "columns", "valid_column",
    )  # fmt: skip

    classes: Annotated[tuple[str, ...], Option(distinct=True)]
    size: Side
    mean: tuple[Mean, Mean, Mean]
    std: tuple[Std, Std, Std]
    interpolation: Interpolation
    crop: Annotated[float, Option(low=0.1, high=1)]
    task: TaskName = "classification"
    threshold: Annotated[float | tuple[float, ...], Option(low=0, high=1)] = 0.5
    beta: Annotated[float, Option(low=0.01, high=100)] = 1.0
    separator: Annotated[str | None, Option(fewest=1)] = None
    y_range: tuple[Limit, Limit] | None = None
    y_scale: tuple[Limit, Annotated[float, Option(above=0, high=1e30)]] = (0.0, 1.0)
    augment: Augment | None = SIDE_ON
    mode: Annotated[CropMode, Option(absent="center")] = "center"
    white: Annotated[int, Option(low=1, high=WHITE, absent=WHITE)] = WHITE
    columns: Annotated[tuple[str, str] | None, Option(absent=None)] = None
    valid_column: Annotated[str | None, Option(absent=None)] = None

    def __post_init__(self) -> None:
        n, fewest = len(self.classes), _FEWEST.get(self.task, 2)
        if n < fewest:
            raise ValueError(f"{self.task} needs {fewest} classes, got classes={self.classes}")
        if isinstance(self.threshold, tuple) and len(self.threshold) not in (0, n):
            raise ValueError(f"threshold must be one per label, got threshold={self.threshold}")
        if self.y_range is not None and self.y_range[0] >= self.y_range[1]:
            raise ValueError(f"y_range must rise, got y_range={self.y_range}")

    @property
    def format(self) -> int:
        """The artifact's format: 2 if something counts that readers of format 1 do not know."""
        return format_of(self)

    @property
    def preprocessing(self) -> Preprocessing:
        """How photos become what the model sees."""
        return Preprocessing(
            self.size, self.mean, self.std, self.interpolation, self.crop, self.mode, self.white
        )

    def task_fields(self) -> dict[str, Any]:
        """What a model that goes on with the same labels keeps, by name."""
        names = ("task", "threshold", "beta", "separator", "y_range", "y_scale")
        return {name: getattr(self, name) for name in names}

    to_json = to_json

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> Spec:
        """The spec that `to_json` wrote.

        Raises:
            ValueError: fields are missing or make no sense; all are named.
        """
        return checked(cls, tree)


def spec_of(classes: Sequence[str], preprocessing: Preprocessing, **fields: Any) -> Spec:
    """The spec of a model for these classes, with what travels with its weights."""
    return Spec(tuple(classes), **vars(preprocessing), **fields)


_FEWEST: Final = {"regression": 0, "multi-label": 1}  # classes of a task, two of the others
