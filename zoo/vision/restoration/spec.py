"""Photos made worse on purpose, and what restoring them means: pairs, spec, loss and metrics.

Whoever has good photos has as many pairs to learn from: each is shrunk and compressed, enlarged
again, and the network learns the way back (the "crappify" recipe of fast.ai's course, 2019).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from zoo.core.annotations import Option
from zoo.core.checked import checked, require_sound, to_json
from zoo.core.contents import Hashes
from zoo.core.fingerprint import digest
from zoo.core.task import Task
from zoo.vision.data.images import Resize, read
from zoo.vision.data.pixel_file import Pixels
from zoo.vision.data.preprocessing import Mean, Std
from zoo.vision.restoration.perceptual import FeatureLoss


@dataclass(frozen=True)
class RestorationSpec:
    """What was undone in training.

    Attributes:
        scale: how many times a photo was shrunk.
        quality: quality of the JPEG compression that followed, 1..95; None for none.
        mean: subtracted from RGB in 0..1, by channel.
        std: divides what is left, by channel.

    Raises:
        ValueError: fields make no sense; all are named.
    """

    FREE_FIELDS: ClassVar = ("scale", "quality")  # see `Learner.set_data`

    scale: Annotated[int, Option(low=1, high=8)]
    quality: Annotated[int | None, Option(low=1, high=95)]
    mean: tuple[Mean, Mean, Mean]
    std: tuple[Std, Std, Std]

    def __post_init__(self) -> None:
        require_sound(self)

    def network(self) -> dict[str, Any]:
        """The arguments that its network must have."""
        return {"n_out": 3, "residual": True}

    def degrade(self, photo: Image.Image) -> Image.Image:
        """The photo, shrunk and compressed."""
        size = tuple(max(side // self.scale, 1) for side in photo.size)
        small = photo.resize(size, Image.Resampling.BICUBIC)  # type: ignore[arg-type]
        if self.quality is None:
            return small
        file = io.BytesIO()
        small.save(file, "JPEG", quality=self.quality)
        return Image.open(file).convert("RGB")

    to_json = to_json

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> RestorationSpec:
        """The spec that `to_json` wrote.

        Raises:
            ValueError: fields are missing or make no sense; all are named.
        """
        return checked(cls, tree)


@dataclass(frozen=True)
class DegradedPhotos:
    """Pairs of a degraded photo, enlarged again, and the photo itself: squares cut from photos.

    In training the square lies anywhere, mirrored or not; otherwise it is the exact middle.

    Args:
        photos: paths.
        size: pixels of the square's side.
        spec: how photos are degraded.
        hashes: content hashes of the photos' files. Shape: (n,).
    """

    photos: list[Path]
    size: int
    spec: RestorationSpec
    hashes: Hashes

    def __len__(self) -> int:
        return len(self.photos)

    def pair(self, i: int, draws: Tensor | None) -> tuple[Pixels, Pixels]:
        """The degraded square and the true one. Shape: (size, size, 3) each."""
        photo = read(self.photos[i])
        if min(photo.size) < self.size:
            photo = read(photo, Resize(self.size, "bicubic"))
        x, y, mirrored = (0.5, 0.5, 1.0) if draws is None else draws[:3].tolist()
        left, top = int(x * (photo.width - self.size + 1)), int(y * (photo.height - self.size + 1))
        clean = photo.crop((left, top, left + self.size, top + self.size))
        if mirrored < 0.5:
            clean = clean.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return np.asarray(enlarged(self.spec.degrade(clean), clean.size)), np.asarray(clean)

    def fingerprint(self) -> str:
        """A digest of the photos and of how they are cut and degraded."""
        return digest((repr((self.size, self.spec)), self.hashes))


def enlarged(photo: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The photo at another width and height, bicubic: what restoration starts from."""
    return photo if photo.size == size else photo.resize(size, Image.Resampling.BICUBIC)


def task_of(features: FeatureLoss | None = None) -> Task:
    """Mean absolute difference of pixels, and in training that of features; PSNR and SSIM.

    Both metrics are means over the photos.

    Shape: output and target (B, 3, H, W), in 0..1.
    """

    def metrics() -> dict[str, Any]:
        from torchmetrics.image import StructuralSimilarityIndexMeasure

        from zoo.vision.restoration.psnr import PSNR

        return {"psnr": PSNR(), "ssim": StructuralSimilarityIndexMeasure(data_range=1.0)}

    def both(output: Tensor, target: Tensor) -> tuple[Tensor, int]:
        pixels, n = _difference(output, target)
        return (pixels if features is None or n == 0 else pixels + features(output, target)), n

    return Task(both, lambda output: output.clamp(0, 1), metrics, _difference)


def _difference(output: Tensor, target: Tensor) -> tuple[Tensor, int]:
    if target.numel() == 0:  # a process's empty part of a small batch
        return output.sum() * 0.0, 0
    return F.l1_loss(output, target), len(target)
