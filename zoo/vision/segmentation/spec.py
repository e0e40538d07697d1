"""What prediction of masks needs besides weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from zoo.core.annotations import Option
from zoo.core.checked import checked, require_sound, to_json
from zoo.vision.data.preprocessing import Interpolation, Mean, Side, Std
from zoo.vision.segmentation.mask_values import MOST_VALUES, VOID, MaskValues

PixelValue = Annotated[int, Option(low=0, high=MOST_VALUES - 1)]


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

    classes: Annotated[tuple[str, ...], Option(fewest=2, most=MOST_VALUES, distinct=True)]
    shape: tuple[Side, Side]
    mean: tuple[Mean, Mean, Mean]
    std: tuple[Std, Std, Std]
    interpolation: Interpolation
    ignore: PixelValue | None = None
    values: Annotated[tuple[PixelValue, ...], Option(distinct=True)] | None = None

    def __post_init__(self) -> None:
        require_sound(self)
        values = self.values
        if values is not None and (len(values) != len(self.classes) or self.ignore in values):
            raise ValueError(
                f"values must be one per class, none of them {self.ignore}, got {values!r:.80}. "
                "List the pixel value of each class."
            )

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

    to_json = to_json

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> SegmentationSpec:
        """The spec that `to_json` wrote.

        Raises:
            ValueError: fields are missing or make no sense; all are named.
        """
        return checked(cls, tree)
