"""Files of masks, and how each lies on its photo: numbers of classes, upright as the photo is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.core.messages import few
from zoo.vision.data.images import UPRIGHT, open_image, orientation_of, turned

SAME_SHAPE: Final = 0.02  # of the height: how far a mask's aspect may be from its photo's
NEARLY: Final = 32  # of 255: how far JPEG's ringing strays from black and white
BETWEEN: Final = 0.05  # share of a JPEG mask's pixels, on edges, that may lie between the two
_ON_ITS_SIDE: Final = frozenset({5, 6, 7, 8})  # orientations that swap height and width


class Frame(NamedTuple):
    """A picture's pixels as the file has them.

    Attributes:
        width: pixels of the stored width, before any turn.
        height: pixels of the stored height.
        orientation: EXIF's number of how to turn it; 1 for upright.
    """

    width: int
    height: int
    orientation: int

    def upright(self) -> tuple[int, int]:
        """Width and height after the turn."""
        size = self.width, self.height
        return size[::-1] if self.orientation in _ON_ITS_SIDE else size


def frame_of(path: Path) -> Frame:
    """The frame of a picture, from its header.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        with open_image(path) as image:
            return Frame(*image.size, orientation_of(image))
    except Exception as error:  # Pillow's plugins raise a dozen kinds
        raise _unreadable(path, error) from error


def turns(photos: Sequence[Path], masks: Sequence[Path]) -> list[int]:
    """How each mask is to be turned so that it lies on its upright photo: an EXIF orientation.

    Cameras store a photo as the sensor saw it, and how to turn it. Some tools draw masks on the
    turned photo, others on the stored pixels; the shapes tell which. Where both have one shape, the
    other photos of the data decide.

    Raises:
        ValueError: a mask has another shape than its photo, or nothing tells how it lies.
    """
    found: list[int | None] = []
    wrong, pairs = [], list(zip(photos, masks, strict=True))
    for photo, mask in pairs:
        shown, drawn = frame_of(photo), frame_of(mask)
        fits = _alike(shown.upright(), drawn.upright())
        fits_stored = _alike((shown.width, shown.height), drawn.upright())
        if not fits and not (fits_stored and drawn.orientation == UPRIGHT):
            wrong.append(
                f"{mask} has {drawn.width} x {drawn.height}, {photo.name} "
                f"{shown.upright()[0]} x {shown.upright()[1]}"
            )
        elif shown.orientation == UPRIGHT or drawn.orientation != UPRIGHT:
            found.append(UPRIGHT)
        else:
            both = fits and fits_stored
            found.append(None if both else UPRIGHT if fits else shown.orientation)
    if wrong:
        raise ValueError(
            f"a mask must have the shape of its photo, got {few(wrong, '; ')}. Scale them alike."
        )
    return _settled(found, pairs)


def read_mask(path: Path, turn: int = UPRIGHT) -> Image.Image:
    """The numbers of the classes, as a grey picture.

    Args:
        path: a grey, palette or 1-bit picture, or one whose colours are all greys.
        turn: EXIF orientation of its photo, where the mask was drawn on the photo's stored pixels.

    Raises:
        ValueError: it cannot be read, or its pixels are no single numbers in 0..255.
    """
    try:
        with open_image(path) as image:
            image.load()
            mode, lossy = image.mode, image.format in ("JPEG", "MPO")
            pixels = np.asarray(image)
            turn = orientation_of(image) if turn == UPRIGHT else turn
    except Exception as error:  # Pillow's plugins raise a dozen kinds
        raise _unreadable(path, error) from error
    is_opaque = mode not in ("LA", "RGBA") or bool((pixels[..., -1] == 255).all())
    if mode in ("LA", "RGBA"):
        pixels = pixels[..., :-1]
    if pixels.ndim == 3 and is_opaque and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    if pixels.ndim == 2 and pixels.dtype.itemsize > 1:
        pixels = _black_and_white(pixels)
    odd = pixels.ndim != 2 or pixels.max() > 255 or pixels.min() < 0
    if odd or (pixels.dtype.kind == "f" and (pixels % 1).any()):
        raise ValueError(
            f"each pixel of a mask must be the number of its class, got {path} with {mode=}. Store "
            "it as a grey or palette PNG."
        )
    numbers = pixels.astype(np.uint8)
    return turned(Image.fromarray(_sharpened(numbers, path) if lossy else numbers), turn)


def _settled(found: list[int | None], pairs: Sequence[tuple[Path, Path]]) -> list[int]:
    """The turns, where the undecided follow the others."""
    known = [turn for turn in found if turn is not None]
    photos = [photo for photo, _ in pairs]
    undecided = [photo for photo, turn in zip(photos, found, strict=True) if turn is None]
    if not undecided:
        return known
    turned_photos = [frame_of(p).orientation for p in photos]
    decided = {
        turn != UPRIGHT
        for turn, orientation in zip(found, turned_photos, strict=True)
        if turn is not None and orientation in _ON_ITS_SIDE
    }
    if len(decided) != 1:
        raise ValueError(
            "a mask must lie on its photo, got photos that EXIF turns while their masks fit both "
            f"ways: {few([str(photo) for photo in undecided])}. Save them upright, as "
            "PIL.ImageOps.exif_transpose does."
        )
    stored = decided.pop()
    return [
        turn if turn is not None else orientation if stored else UPRIGHT
        for turn, orientation in zip(found, turned_photos, strict=True)
    ]


def _alike(photo: tuple[int, int], mask: tuple[int, int]) -> bool:
    """Whether two widths and heights have the same aspect."""
    (a, b), (c, d) = photo, mask
    return abs(a * d - b * c) <= SAME_SHAPE * a * d


def _black_and_white(deep: NDArray[np.generic]) -> NDArray[np.generic]:
    """16-bit black and white as 8 bits; other pixels as they are."""
    white = deep == 65535
    return white * np.uint8(255) if white.any() and (white | (deep == 0)).all() else deep


def _sharpened(numbers: NDArray[np.uint8], path: Path) -> NDArray[np.uint8]:
    """A JPEG's pixels in black and white, which is all that its compression leaves to tell apart.

    Raises:
        ValueError: it shows more than black and white.
    """
    high = numbers >= 128
    strays = np.where(high, 255 - numbers, numbers)
    between = float((strays > NEARLY).mean())
    if between > BETWEEN or (not high.any() and numbers.max() > 2):
        raise ValueError(
            "a mask must be stored without loss, got a JPEG of more than black and white: "
            f"{path}. Its numbers are lost: export it again as PNG."
        )
    return high * np.uint8(255)


def _unreadable(path: Path, error: Exception) -> ValueError:
    reason = (str(error) or type(error).__name__).rstrip(".")
    return ValueError(
        f"photos and masks must be pictures, got {path}, which cannot be read ({reason}). Mend or "
        "remove it."
    )
