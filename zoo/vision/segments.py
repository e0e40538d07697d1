"""What segmentation means: the spec, loss and metrics, and the mask that a prediction is."""

from __future__ import annotations

import colorsys
from collections.abc import Callable, Iterable
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
from zoo.vision.mask_values import MOST_VALUES, VOID, MaskValues
from zoo.vision.models.bodies import Interpolation

LARGEST: Final = 4096  # pixels of the side of an input
BAND: Final = 1 << 22  # pixels of a mask that are made at a time


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

        iou = MulticlassJaccardIndex(len(spec.classes), ignore_index=ignored, validate_args=False)
        return {**plain.metrics(), "iou": iou}

    ignored = spec.ignored_target
    plain = classification(len(spec.classes), ignore_index=ignored)
    return replace(plain, metrics=metrics)


def likeliest(shares: Tensor, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The likeliest class of every pixel at another size, some rows and a class at a time.

    **Shape.** shares: (C, h, w). Result: (H, W), uint8.
    """
    height, width = shape
    rows = max(BAND // width, 1)
    if rows >= height:
        return _best(F.interpolate(one[None, None], shape, mode="bilinear") for one in shares)
    # Bilinear enlargement, downwards between two rows first: a band needs only its own rows.
    lines = ((torch.arange(height) + 0.5) * (shares.shape[1] / height) - 0.5).clamp(min=0)
    above = lines.long().clamp(max=shares.shape[1] - 1)
    below = (above + 1).clamp(max=shares.shape[1] - 1)
    part = (lines - above)[:, None]
    bands = []
    for low in range(0, height, rows):
        band = slice(low, low + rows)
        mixed = (torch.lerp(s[above[band]], s[below[band]], part[band]) for s in shares)
        shown = (len(above[band]), width)
        bands.append(_best(F.interpolate(m[None, None], shown, mode="bilinear") for m in mixed))
    return np.concatenate(bands)


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


def _best(shares: Iterable[Tensor]) -> NDArray[np.uint8]:
    """The number of the largest of several maps, each (1, 1, H, W), at every pixel."""
    maps = iter(shares)
    best = next(maps)[0, 0].clone()
    labels = torch.zeros(best.shape, dtype=torch.uint8)
    for number, share in enumerate(maps, start=1):
        better = share[0, 0] > best
        labels.masked_fill_(better, number)
        torch.maximum(best, share[0, 0], out=best)
    found: NDArray[np.uint8] = labels.numpy()
    return found


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
