"""Augmentation of a batch of photos on the device, with draws of their own for every photo.

All that moves pixels (crop, zoom, rotation, flips, perspective) is one 3 x 3 matrix per photo and
one `grid_sample` per batch; brightness and contrast follow in logit space. The transforms and their
defaults are those of fastai 2.8 (`aug_transforms`, `Warp`, `Brightness`, `Contrast`).

`grid_sample` does not average over pixels, so photos should come at most about 1.15 times as large
as the crop: with the usual crop of .875, 224 px are cut from items whose short side is 256.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.core.annotations import Option
from zoo.core.batches import seed_of
from zoo.core.checked import require_sound
from zoo.vision.data.pixel_file import Pixels

Share = Annotated[float, Option(low=0, high=1)]
Filter = Literal["bilinear", "nearest"]
Size = int | tuple[int, int]
"""The side of a square, or height and width, in pixels."""

_EPS: Final = 1e-7  # of black and white in logit space
# One column of uniform draws for each decision about a photo.
_COLUMNS: Final = (
    *("symmetry", "rotates", "angle", "zooms", "factor", "focus_x", "focus_y"),
    *("warps", "tilt_x", "tilt_y", "brightens", "brightness", "contrasts", "contrast"),
    *("left", "top", "area", "ratio"),
)
_COLUMN: Final = {name: i for i, name in enumerate(_COLUMNS)}


@dataclass(frozen=True, kw_only=True)
class Augment:
    """How much photos vary in training; the defaults suit photos taken by people standing upright.

    Args:
        flip: probability of a mirror image.
        dihedral: any of the eight symmetries of the square, alike often, instead of `flip`.
        rotate: at most this many degrees to either side.
        zoom: at most this factor, about a random point.
        warp: at most this perspective tilt about each axis: the far edge shrinks by that share.
        lighting: at most this change of brightness and of contrast.
        p: probability of each of rotation, zoom, warp, brightness and contrast.
        random_crop: the crop lies anywhere in the photo; False takes the centre.
        min_scale: below 1, the crop takes a random share, at least this, of the area of the
            largest crop in the photo, its ratio changed by 3/4 to 4/3, and is stretched to size.

    Raises:
        ValueError: values outside their range, all named at once.
    """

    flip: Share = 0.5
    dihedral: bool = False
    rotate: Annotated[float, Option(low=0, high=180)] = 10.0
    zoom: Annotated[float, Option(low=1, high=4)] = 1.1
    warp: Annotated[float, Option(low=0, high=0.5)] = 0.2
    lighting: Annotated[float, Option(low=0, below=1)] = 0.2
    p: Share = 0.75
    random_crop: bool = True
    min_scale: Annotated[float, Option(above=0, high=1)] = 1.0

    def __post_init__(self) -> None:
        require_sound(self, exact=False)

    def draws(self, n: int, *seed: int) -> Tensor:
        """Uniform draws for a whole batch, a function of the seed alone: (seed, epoch, step).

        Shape: (n, 18), float32, in [0, 1), on the CPU; a process of several takes its
        rows.
        """
        generator = torch.Generator().manual_seed(seed_of(*seed))
        return torch.rand(n, len(_COLUMNS), generator=generator)

    def matrices(self, draws: Tensor, sizes: Tensor, size: Size) -> Tensor:
        """For each photo, the map from the output to the photo.

        It takes (x, y, 1), both in -1..1 across the output, to homogeneous (x, y, w) in pixels
        of the photo, where a pixel's centre is at .5.

        Shape: draws: (B, 18). sizes: (B, 2), heights and widths. Result: (B, 3, 3), float32.
        """
        u, shape = draws.double(), sides(size)
        turned = self._symmetry(u) @ self._tilt(u)
        moved = self._zoom(u) @ self._rotation(u, shape[1] / shape[0]) @ turned
        return (self._crop(u, sizes.double(), shape) @ moved).float()

    def light(self, draws: Tensor) -> tuple[Tensor, Tensor]:
        """Contrast factor and brightness shift of each photo in logit space. Shape: (B,) each."""
        brightens = _column(draws, "brightens") < self.p
        middle = 0.5 * (1 + self.lighting * (2 * _column(draws, "brightness") - 1))
        shift = torch.where(brightens, torch.logit(middle), 0.0)
        contrasts = _column(draws, "contrasts") < self.p
        power = math.log1p(-self.lighting) * (2 * _column(draws, "contrast") - 1)
        factor = torch.where(contrasts, power.exp(), 1.0)
        return factor, shift * factor

    @torch.no_grad()
    def __call__(self, photos: Tensor, sizes: Tensor, draws: Tensor, size: Size) -> Tensor:
        """The varied photos.

        Shape: photos: (B, 3, H, W), uint8 on any device, each in the top left corner of its
        frame. sizes: (B, 2), true heights and widths, on the CPU. draws: (B, 18), on the CPU.
        Result: (B, 3, height, width), float32 in 0..1.
        """
        x = resample(photos, sizes, self.matrices(draws, sizes, size), size).mul_(1 / 255)
        return self.lit(x, draws)

    @torch.no_grad()
    def lit(self, x: Tensor, draws: Tensor) -> Tensor:
        """The photos, in 0..1, in another light; in place."""
        if self.lighting == 0:
            return x
        light = torch.stack(self.light(draws)).to(x.device, non_blocking=True)
        factor, shift = light[..., None, None, None]
        return x.logit_(_EPS).mul_(factor).add_(shift).sigmoid_()

    def _symmetry(self, u: Tensor) -> Tensor:
        draw, one = _column(u, "symmetry"), torch.ones(len(u), dtype=u.dtype)
        if not self.dihedral:
            return _affine(torch.where(draw < self.flip, -one, one), 0, 0, 0, one, 0)
        number = (draw * 8).long()
        x, y = 1 - 2 * (number & 1).double(), 1 - 2 * (number >> 1 & 1).double()
        swap = (number >> 2).double()
        return _affine(x * (1 - swap), x * swap, 0, y * swap, y * (1 - swap), 0)

    def _rotation(self, u: Tensor, aspect: float) -> Tensor:
        """A rotation of pixels, in units of half the width (x) and half the height (y)."""
        angle = math.radians(self.rotate) * (2 * _column(u, "angle") - 1)
        angle = torch.where(_column(u, "rotates") < self.p, angle, 0.0)
        return _affine(angle.cos(), -angle.sin() / aspect, 0, angle.sin() * aspect, angle.cos(), 0)

    def _zoom(self, u: Tensor) -> Tensor:
        factor = 1 + (self.zoom - 1) * _column(u, "factor")
        scale = torch.where(_column(u, "zooms") < self.p, 1 / factor, 1.0)
        x, y = (2 * _column(u, f"focus_{axis}") - 1 for axis in "xy")
        return _affine(scale, 0, (1 - scale) * x, 0, scale, (1 - scale) * y)

    def _tilt(self, u: Tensor) -> Tensor:
        """Perspective: at x = -1 the vertical edge becomes 1 + `x` times as long, at x = 1 1 - `x`.

        The square's map to that trapezium is (x', y') = (x + a, (1 - a^2) y) / (1 + a x) with the
        tilt a; that of the other axis comes first.
        """
        share = torch.where(_column(u, "warps") < self.p, self.warp, 0.0)
        x, y = (share * (2 * _column(u, f"tilt_{axis}") - 1) for axis in "xy")
        about_x = _rows(1, 0, x, 0, 1 - x * x, 0, x, 0, 1)
        return about_x @ _rows(1 - y * y, 0, 0, 0, 1, y, 0, y, 1)

    def _crop(self, u: Tensor, sizes: Tensor, shape: tuple[int, int]) -> Tensor:
        """From -1..1 to the pixels of a crop."""
        height, width = sizes.unbind(1)
        high, wide = (torch.full_like(height, side) for side in shape)
        if self.min_scale < 1:
            share = self.min_scale + (1 - self.min_scale) * _column(u, "area")
            scale = share.sqrt() * torch.minimum(height / shape[0], width / shape[1])
            ratio = (math.log(4 / 3) * (_column(u, "ratio") - 0.5)).exp()  # root of 3/4..4/3
            high = torch.minimum((scale * shape[0] / ratio).round(), height)
            wide = torch.minimum((scale * shape[1] * ratio).round(), width)
        # Whole pixels, so that a crop that is not transformed otherwise stays sharp.
        top, left = ((height - high) / 2).floor(), ((width - wide) / 2).floor()
        if self.random_crop:
            top = (_column(u, "top") * (height - high + 1)).floor()
            left = (_column(u, "left") * (width - wide + 1)).floor()
        return _affine(wide / 2, 0, left + wide / 2, 0, high / 2, top + high / 2)


SIDE_ON: Final = Augment()
TOP_DOWN: Final = Augment(dihedral=True)
NONE: Final = Augment(flip=0, rotate=0, zoom=1, warp=0, lighting=0, p=0, random_crop=False)


def fixed_draws(n: int, **columns: float | None) -> Tensor:
    """Draws that leave every decision undone, but for these columns: the same for every photo.

    Without lighting and transforms, `left` and `top` place the crop: 0 at the edge they name, just
    below 1 (as None is) at the opposite one. Shape: (n, 18).
    """
    draws = torch.full((n, len(_COLUMNS)), 1 - 1e-6)
    for name, value in columns.items():
        if value is not None:
            draws[:, _COLUMN[name]] = value
    return draws


def sides(size: Size) -> tuple[int, int]:
    """Height and width.

    >>> sides(224), sides((180, 240))
    ((224, 224), (180, 240))
    """
    return (size, size) if isinstance(size, int) else size


def resample(
    photos: Tensor, sizes: Tensor, matrices: Tensor, size: Size, mode: Filter = "bilinear"
) -> Tensor:
    """The photos seen through the matrices; beyond its edges a photo is mirrored.

    Shape: as for `Augment`, of any number of channels; matrices: (B, 3, 3) of
    `Augment.matrices`. Result: (B, C, height, width), float32 in the range of the photos.
    """
    device, (height, width) = photos.device, photos.shape[-2:]
    # In units where the frame, padding and all, is 0..2, and half a pixel one over its side.
    unit = torch.tensor([2 / width, 2 / height, 1.0])
    edge = (sizes.flip(1) * unit[:2])[..., None, None].to(device, non_blocking=True)
    half = (unit[:2, None, None] / 2).to(device, non_blocking=True)
    grid = _project((matrices * unit[:, None]).to(device, non_blocking=True), sides(size))
    at = grid[:, :2].div_(grid[:, 2:])  # (B, 2, height, width)
    # Mirrored at 0 and at the edge it is edge - | |at| - edge |; it stays within the centres of
    # true pixels, so that padding never shows.
    at = at.abs_().sub_(edge).abs_()
    # Twice as fast on a CPU as clamping between tensors.
    at = torch.minimum(torch.maximum(at, half, out=at), edge - half, out=at)
    at = torch.sub(edge - 1, at, out=at).permute(0, 2, 3, 1)
    return F.grid_sample(photos.float(), at, mode, padding_mode="border", align_corners=False)


def centre_crop(item: Pixels, size: int) -> Pixels:
    """The middle square of an item, without resampling.

    Shape: item: (H, W, 3). Result: (size, size, 3), a view.

    Raises:
        ValueError: the item is smaller than the crop.
    """
    height, width = item.shape[:2]
    if min(height, width) < size:
        raise ValueError(
            f"a crop must fit in its photo, got {size=} for {height=}, {width=}. Open the items "
            "with a larger short side."
        )
    top, left = (height - size) // 2, (width - size) // 2
    return item[top : top + size, left : left + size]


def _column(u: Tensor, name: str) -> Tensor:
    return u[:, _COLUMN[name]]


def _project(matrices: Tensor, shape: tuple[int, int]) -> Tensor:
    """Where the centres of the output's pixels go. Shape: (B, 3, height, width), homogeneous."""
    y, x = ((2 * torch.arange(side, device=matrices.device) + 1) / side - 1 for side in shape)
    of_x, of_y, of_one = matrices.unbind(2)  # (B, 3) each
    across = of_x[..., None] * x  # (B, 3, width)
    down = of_y[..., None] * y + of_one[..., None]
    return across[:, :, None, :] + down[..., None]


def _affine(*top: Tensor | float) -> Tensor:
    """Matrices from their first two rows, a number each or one for all. Shape: (B, 3, 3)."""
    return _rows(*top, 0, 0, 1)


def _rows(*entries: Tensor | float) -> Tensor:
    n = next(len(entry) for entry in entries if isinstance(entry, Tensor))
    columns = [torch.as_tensor(entry, dtype=torch.float64).expand(n) for entry in entries]
    return torch.stack(columns, 1).view(n, 3, 3)
