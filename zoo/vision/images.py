"""Photos as people keep them: any file that Pillow opens becomes an upright 8-bit RGB image.

Decoding a JPEG at a fraction of its size is several times faster than decoding it whole
(libjpeg's scaled DCT), so `read` asks for no more pixels than it needs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

Interpolation = Literal["bilinear", "bicubic", "lanczos", "box", "nearest"]

_COMMON = ".jpg .jpeg .jpe .jfif .png .apng .gif .bmp .dib .tif .tiff .webp .avif .heic .heif"
_RARE = ".avifs .jp2 .j2k .jpx .ppm .pgm .pbm .pnm .pfm .tga .ico .pcx .mpo .psd"
SUFFIXES: Final = frozenset(f"{_COMMON} {_RARE}".split())
MAX_ASPECT: Final = 4  # longer : shorter side of a resized photo; what is beyond is cut off
DRAFT_MARGIN: Final = 2  # scaled decoding keeps at least this times the pixels asked for

_FOREIGN_FOLDERS: Final = frozenset({"__MACOSX", "@eaDir", "__pycache__"})
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnreadableImage(ValueError):  # noqa: N818 - reads as what it is
    """A file that should hold an image does not, or not a whole one."""


def read(
    source: str | os.PathLike[str] | Image.Image,
    short_side: int | None = None,
    interpolation: Interpolation = "bilinear",
) -> Image.Image:
    """The first frame of an image, upright, as 8-bit RGB.

    Transparent parts are shown on white, 16-bit greys are scaled (not clipped) to 8 bits. With
    `short_side` the image is resized, its aspect kept; of an image that is more than four times
    as long as wide only the middle is kept, for one panorama would fill a whole batch.

    Args:
        source: a path, or an image of Pillow, which stays as it is.
        short_side: pixels of the shorter side of the result, also of a smaller image; None keeps
            the size.
        interpolation: the filter of the resizing; all but "nearest" average over the pixels.

    Raises:
        UnreadableImage: the file is missing, broken, truncated, no image, or so large that Pillow
            takes it for a decompression bomb.
        ValueError: the side is not positive or the filter unknown.
    """
    if short_side is not None and short_side < 1:
        raise ValueError(f"an image has at least one pixel, however {short_side=}; raise it")
    if interpolation not in get_args(Interpolation):
        known = ", ".join(get_args(Interpolation))
        raise ValueError(f"interpolation is one of {known}, however {interpolation=}; take one")
    try:
        if isinstance(source, Image.Image):
            return _upright(source, short_side, interpolation)
        with Image.open(source) as image:
            if short_side is not None:
                # Portrait or landscape, upright or not: the shorter side stays the shorter one.
                side = min(DRAFT_MARGIN * short_side, *image.size)
                image.draft(None, (side, side))
            return _upright(image, short_side, interpolation)
    except Exception as error:  # Pillow's plugins raise a dozen kinds, even SyntaxError
        name = getattr(source, "filename", "") or "the image given"
        name = name if isinstance(source, Image.Image) else os.fspath(source)
        raise UnreadableImage(f"{name} cannot be read as an image: {_reason(error)}") from error


def is_image(path: Path) -> bool:
    """Whether a file is to be taken for an image: by its suffix, else by its content.

    A known suffix is enough, broken or not; a file without any is opened; hidden files and all
    other suffixes are no images.
    """
    if path.name.startswith("."):
        return False
    if path.suffix:
        return path.suffix.lower() in SUFFIXES
    try:
        with Image.open(path):
            return True
    except Exception:
        return False


def visible_folders(folder: Path) -> list[Path]:
    """The folders in a folder, sorted by name, without hidden ones, file managers' and models'."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not _is_foreign(path))


def walk(folder: Path) -> Iterator[Path]:
    """Every visible file under a folder, in sorted order; links are followed, but in no circle."""
    return _walk(folder, frozenset())


def usual_short_side(paths: Sequence[Path], n: int = 100) -> int | None:
    """The median short side of n of the photos, evenly chosen, in pixels; None if none opens."""
    sides = []
    for path in paths[:: max(1, len(paths) // n)]:
        try:
            with Image.open(path) as image:
                sides.append(min(image.size))
        except Exception:  # an unreadable photo is told when it is read
            continue
    return int(np.median(sides)) if sides else None


def _walk(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    here = folder.resolve()
    if here in above:
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if not _is_foreign(path):
                yield from _walk(path, above | {here})
        elif not path.name.startswith("."):
            yield path


def _is_foreign(folder: Path) -> bool:
    named = folder.name.startswith(".") or folder.name in _FOREIGN_FOLDERS
    return named or any(folder.glob("*.safetensors"))  # a model saved among its photos


def _upright(
    image: Image.Image, short_side: int | None, interpolation: Interpolation
) -> Image.Image:
    image.load()
    rgb = _rgb(image)
    if short_side is not None:
        rgb = _resized(rgb, short_side, Image.Resampling[interpolation.upper()])
    turn = _UPRIGHT.get(_orientation(image))
    return rgb if turn is None else rgb.transpose(turn)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # broken metadata say nothing about the pixels
        return 1


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(_eight_bit(np.asarray(image)))
    elif image.has_transparency_data:
        image = image.convert("LA").convert("RGBA") if image.mode == "1" else image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def _eight_bit(grey: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Deep greys as 8 bits: 0..65535 by that range, all else (32 bits, floats) by its own."""
    values = np.nan_to_num(grey.astype(np.float64))
    low, high = float(values.min()), float(values.max())
    if grey.dtype.kind != "f" and low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0
    return np.rint((values - low) * (255.0 / max(high - low, 1e-12))).astype(np.uint8)


def _resized(image: Image.Image, short_side: int, resample: Image.Resampling) -> Image.Image:
    width, height = image.size
    longest = MAX_ASPECT * min(width, height)
    cut_x, cut_y = max(0, width - longest) / 2, max(0, height - longest) / 2
    box = (cut_x, cut_y, width - cut_x, height - cut_y)
    scale = short_side / min(width, height)
    size = (int((box[2] - box[0]) * scale + 0.5), int((box[3] - box[1]) * scale + 0.5))
    return image.resize(size, resample, box, reducing_gap=float(DRAFT_MARGIN))


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, UnidentifiedImageError):
        return "no known format"
    return str(error).strip().rstrip(".") or type(error).__name__
