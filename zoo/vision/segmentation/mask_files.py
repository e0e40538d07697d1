"""Files of masks, and how each lies on its photo: numbers of classes, upright as the photo is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
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
    with _opened(path) as image:
        return Frame(*image.size, orientation_of(image))


def turns(photos: Sequence[Path], masks: Sequence[Path]) -> list[int]:
    """How each mask is to be turned so that it lies on its upright photo: an EXIF orientation.

    Cameras store a photo as the sensor saw it, and how to turn it. Some tools draw masks on the
    turned photo, others on the stored pixels; the shapes tell which. Where both have one shape, the
    other photos of the data decide.

    Raises:
        ValueError: a mask has another shape than its photo, or nothing tells how it lies.
    """
    frames = [(frame_of(photo), frame_of(mask)) for photo, mask in zip(photos, masks, strict=True)]
    ways = [_ways(shown, drawn) for shown, drawn in frames]
    wrong = [
        f"{mask} has {drawn.width} x {drawn.height}, {photo.name} {width} x {height}"
        for photo, mask, (shown, drawn), some in zip(photos, masks, frames, ways, strict=True)
        for width, height in [shown.upright()]
        if not some
    ]
    if wrong:
        raise ValueError(
            f"a mask must have the shape of its photo, got {few(wrong, '; ')}. Scale them alike."
        )
    on_stored_pixels = {
        some != [UPRIGHT]
        for (shown, _), some in zip(frames, ways, strict=True)
        if len(some) == 1 and shown.orientation in _ON_ITS_SIDE
    }
    undecided = [photo for photo, some in zip(photos, ways, strict=True) if len(some) > 1]
    if undecided and len(on_stored_pixels) != 1:
        raise ValueError(
            "a mask must lie on its photo, got photos that EXIF turns while their masks fit both "
            f"ways: {few(undecided)}. Save them upright, as PIL.ImageOps.exif_transpose does."
        )
    return [some[-1] if on_stored_pixels == {True} else some[0] for some in ways]


def read_mask(path: Path, turn: int = UPRIGHT) -> Image.Image:
    """The numbers of the classes, as a grey picture.

    Args:
        path: a grey, palette or 1-bit picture, or one whose colours are all greys.
        turn: EXIF orientation of its photo, where the mask was drawn on the photo's stored pixels.

    Raises:
        ValueError: it cannot be read, or its pixels are no single numbers in 0..255.
    """
    with _opened(path) as image:
        image.load()
        mode, lossy = image.mode, image.format in ("JPEG", "MPO")
        pixels = np.asarray(image)
        turn = orientation_of(image) if turn == UPRIGHT else turn
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


def _ways(photo: Frame, mask: Frame) -> list[int]:
    """The turns that lay a mask on its photo, that of a mask drawn on the upright one first."""
    fits = [UPRIGHT] if _alike(photo.upright(), mask.upright()) else []
    is_turned = photo.orientation != UPRIGHT and mask.orientation == UPRIGHT
    if is_turned and _alike((photo.width, photo.height), (mask.width, mask.height)):
        fits.append(photo.orientation)
    return fits


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


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """A picture to look into; whatever fails there is one kind of error."""
    try:
        with open_image(path) as image:
            yield image
    except Exception as error:  # Pillow's plugins raise a dozen kinds
        reason = (str(error) or type(error).__name__).rstrip(".")
        raise ValueError(
            f"photos and masks must be pictures, got {path}, which cannot be read ({reason}). Mend "
            "or remove it."
        ) from error
