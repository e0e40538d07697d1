"""What segmentation means: the spec, loss and metrics, and the mask that a prediction is."""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from zoo.core.task import Task, classification
from zoo.vision.models.bodies import Interpolation

LARGEST: Final = 4096  # pixels of the side of an input
MOST_CLASSES: Final = 256  # that a mask's pixels, of eight bits, number


@dataclass(frozen=True)
class SegmentationSpec:
    """What prediction of masks needs besides weights.

    Attributes:
        classes: name of each number in a mask, from 0.
        shape: height and width that photos are stretched to.
        mean: subtracted from RGB in 0..1, by channel.
        std: divides what is left, by channel.
        interpolation: filter of the resizing of photos.
        ignore: the number of pixels that count for nothing ("void"); None if all count.
    """

    classes: tuple[str, ...]
    shape: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: Interpolation
    ignore: int | None = None

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
        wrong = [name for name in names if name not in tree or not _SOUND[name](tree[name])]
        if wrong:
            raise ValueError(f"a spec has all its fields, each sound, however {wrong=} are not")
        values: Any = {k: tuple(v) if isinstance(v := tree[k], list) else v for k in names}
        return cls(**values)


@dataclass(frozen=True)
class Segmentation:
    """What a photo shows, pixel by pixel.

    Attributes:
        labels: the class of each pixel, at the photo's own size. Shape: (H, W), uint8.
        classes: names of the numbers.
    """

    labels: NDArray[np.uint8] = field(repr=False)
    classes: tuple[str, ...]

    @property
    def shares(self) -> dict[str, float]:
        """The share of the photo of each class that it shows, largest first."""
        counts = np.bincount(self.labels.ravel(), minlength=len(self.classes)) / self.labels.size
        found = [(self.classes[i], float(counts[i])) for i in np.argsort(-counts, kind="stable")]
        return {name: share for name, share in found if share}

    def image(self) -> Image.Image:
        """A picture in colours whose pixels still are the numbers (a palette PNG)."""
        image = Image.fromarray(self.labels)
        image.putpalette(palette(len(self.classes)).ravel().tolist())
        return image

    def save(self, path: str | Path) -> None:
        """Write the mask as a PNG."""
        self.image().save(path, "PNG")


def task_of(spec: SegmentationSpec) -> Task:
    """Cross entropy of every pixel that counts; their accuracy, and the mean IoU of the classes."""

    def metrics() -> dict[str, Any]:
        from torchmetrics.classification import MulticlassJaccardIndex

        iou = MulticlassJaccardIndex(
            len(spec.classes), ignore_index=spec.ignore, validate_args=False
        )
        return {**plain.metrics(), "iou": iou}

    plain = classification(len(spec.classes), ignore_index=spec.ignore)
    return replace(plain, metrics=metrics)


def check_labels(masks: NDArray[np.uint8], n_classes: int, ignore: int | None) -> None:
    """Refuse masks with numbers of no class.

    Raises:
        ValueError: there are such, or no pixel counts.
    """
    counts = np.bincount(masks.ravel(), minlength=MOST_CLASSES)
    values = [int(value) for value in np.flatnonzero(counts) if value != ignore]
    wrong = [value for value in values if value >= n_classes]
    if wrong or not values or n_classes < 2:
        raise ValueError(
            f"the pixels of masks number two or more classes from 0, however of {n_classes=} there "
            f"are {wrong or values} beside {ignore=}; name more classes, or the number to ignore"
        )


def n_labels(masks: NDArray[np.uint8], ignore: int | None) -> int:
    """How many classes masks number: up to the largest number that counts."""
    counts = np.bincount(masks.ravel(), minlength=MOST_CLASSES)
    if ignore is not None:
        counts[ignore] = 0
    return int(np.flatnonzero(counts).max(initial=-1)) + 1


def likeliest(shares: Tensor, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The likeliest class of every pixel at another size, a class at a time to save memory.

    **Shape.** shares: (C, h, w). Result: (H, W), uint8.
    """
    best, labels = torch.full(shape, -torch.inf), torch.zeros(shape, dtype=torch.uint8)
    for number, share in enumerate(shares):
        enlarged = F.interpolate(share[None, None], shape, mode="bilinear", align_corners=False)
        better = enlarged[0, 0] > best
        labels[better], best[better] = number, enlarged[0, 0][better]
    found: NDArray[np.uint8] = labels.numpy()
    return found


def palette(n: int) -> NDArray[np.uint8]:
    """A colour for each class, neighbours far apart. Shape: (n, 3)."""
    golden = 0.618034  # of the circle of hues: no two colours come close soon
    colours = [
        colorsys.hsv_to_rgb(
            (0.6 + i * golden) % 1, 0.85 - 0.35 * (i % 2), 0.95 - 0.3 * (i % 3 == 2)
        )
        for i in range(n)
    ]
    return np.array([[round(255 * part) for part in colour] for colour in colours], np.uint8)


def _is_listed(value: Any, n: int, low: float, high: float, kinds: tuple[type, ...]) -> bool:
    listed_ = isinstance(value, (list, tuple)) and len(value) == n
    return listed_ and all(type(v) in kinds and low <= v <= high for v in value)


def _are_classes(value: Any) -> bool:
    whole = isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value)
    return whole and 2 <= len(set(value)) == len(value) <= MOST_CLASSES


_SOUND: Final[dict[str, Callable[[Any], bool]]] = {
    "classes": _are_classes,
    "shape": lambda value: _is_listed(value, 2, 1, LARGEST, (int,)),
    "mean": lambda value: _is_listed(value, 3, -100, 100, (int, float)),
    "std": lambda value: _is_listed(value, 3, 1e-4, 100, (int, float)),
    "interpolation": lambda value: value in get_args(Interpolation),
    "ignore": lambda value: value is None or (type(value) is int and 0 <= value <= 255),
}
