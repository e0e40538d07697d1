"""Photos as people keep them: a file of a known format becomes an upright 8-bit RGB image.

Decoding a JPEG at a fraction of its size is several times faster than decoding it whole
(libjpeg's scaled DCT), so `read` asks for no more pixels than it needs. Formats that Pillow would
start other programs for, such as PostScript, are never opened. Deep and transparent pixels become 8
bits strip by strip, so that a small file never takes many times the memory of its pixels.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final, Literal, NamedTuple

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from zoo.core.messages import warn

Interpolation = Literal["bilinear", "bicubic", "lanczos", "box", "nearest"]
CropMode = Literal["center", "squash", "border"]
"""What a square shows of a photo: its middle; all of it, squashed; or all of it within a border."""

Source = str | os.PathLike[str] | bytes | IO[bytes] | Image.Image
"""A path, the content of a file, a file opened for reading, or an image of Pillow."""

_COMMON = ".jpg .jpeg .jpe .jfif .png .apng .gif .bmp .dib .tif .tiff .webp .avif .heic .heif"
_RARE = ".avifs .jp2 .j2k .jpx .ppm .pgm .pbm .pnm .pfm .tga .ico .pcx .mpo .psd"
SUFFIXES: Final = frozenset(f"{_COMMON} {_RARE}".split())
FORMATS: Final = (
    *("JPEG", "PNG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "AVIF", "HEIF", "JPEG2000", "PPM"),
    *("TGA", "ICO", "PCX", "MPO", "PSD"),
)
"""Names that Pillow gives to the formats of `SUFFIXES`; no other is opened, whatever its suffix."""

MAX_ASPECT: Final = 4  # longer : shorter side of a resized photo; what is beyond is cut off
DRAFT_MARGIN: Final = 2  # scaled decoding keeps at least this times the pixels asked for
TALL_FIRST: Final = int(PIL.__version__.split(".")[0]) >= 13  # Pillow's order of its two passes
WHITE: Final = 65535  # grey of 16 bits that is shown as white
_STRIP: Final = 1 << 18  # pixels that become 8 bits at a time

_WHITES: Final = (255, 1023, 4095, 16383, WHITE)  # of 8, 10, 12, 14 and 16 bits
UPRIGHT: Final = 1  # EXIF orientation of pixels that lie as they are shown


class UnreadableImage(ValueError):  # noqa: N818 - reads as what it is
    """A file that should hold an image does not, or not a whole one."""


class Resize(NamedTuple):
    """How photos become items.

    Attributes:
        short_side: pixels of the shorter side, or of both where photos become squares.
        interpolation: the filter of the resizing; all but "nearest" average over the pixels.
        mode: whether photos keep their aspect ("center"), are squashed, or get a border.
        white: grey of 16 bits that is shown as white.
        fill: RGB of the border.
    """

    short_side: int
    interpolation: Interpolation = "bilinear"
    mode: CropMode = "center"
    white: int = WHITE
    fill: tuple[int, int, int] = (0, 0, 0)

    def facts(self) -> dict[str, Any]:
        """All that a program needs to resize photos as `read` does, as JSON holds it."""
        own = {"max_aspect": MAX_ASPECT, "gap": DRAFT_MARGIN, "tall_first": TALL_FIRST}
        return self._asdict() | own


def open_image(source: str | os.PathLike[str] | IO[bytes]) -> Image.Image:
    """Open a file as an image of one of `FORMATS`; nothing else is tried, no program is started.

    Raises:
        OSError: it is missing, or of another format.
    """
    Image.init()
    return Image.open(source, formats=[name for name in FORMATS if name in Image.OPEN])


def read(source: Source, resize: Resize | None = None) -> Image.Image:
    """The first frame of an image, upright, as 8-bit RGB.

    Transparent parts are shown on white, 16-bit greys are scaled (not clipped) to 8 bits. Of an
    image that is resized, keeps its aspect and is more than four times as long as wide only the
    middle is kept, for one panorama would fill a whole batch.

    Args:
        source: a path, the bytes or the opened file of an image, or an image of Pillow, which stays
            as it is.
        resize: how it is resized, also a smaller one; None keeps the size.

    Raises:
        UnreadableImage: the file is missing, broken, truncated, of no known format, or so large
            that Pillow takes it for a decompression bomb.
    """
    try:
        if isinstance(source, Image.Image):
            _require_known(source)
            return _upright(source, resize)
        with open_image(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            if resize is not None:
                # Portrait or landscape, upright or not: the shorter side stays the shorter one.
                side = min(DRAFT_MARGIN * resize.short_side, *image.size)
                image.draft(None, (side, side))
            return _upright(image, resize)
    except Exception as error:  # Pillow's plugins raise a dozen kinds, even SyntaxError
        raise UnreadableImage(
            f"{_name(source)} cannot be read as an image: {_reason(error)}"
        ) from error


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation of an image, 1 to 8; upright where broken metadata do not tell it."""
    try:
        number = int(image.getexif().get(ExifTags.Base.Orientation, UPRIGHT))
    except Exception:  # as many kinds as there are broken metadata
        return UPRIGHT
    return number if number in range(2, 9) else UPRIGHT


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """A picture without metadata, turned upright from pixels stored with this orientation."""
    if orientation == UPRIGHT:
        return image
    image.getexif()[ExifTags.Base.Orientation] = orientation
    upright: Image.Image = ImageOps.exif_transpose(image)
    return upright


def deepest_white(paths: Sequence[Path], n: int = 32) -> int | None:
    """The grey that is white in photos of 16 bits, from n of them, evenly chosen.

    Scanners and cameras of 10, 12 or 14 bits leave the upper bits empty: without knowing it, their
    photos would be nearly black.

    Returns:
        255, 1023, 4095, 16383 or 65535: the least that no grey is above; None if a photo is not of
        16 bits.
    """
    highest = max(_looks(paths, n, _highest_grey), default=0)
    return next((white for white in _WHITES if 0 < highest <= white), None)


def usual_short_side(paths: Sequence[Path], n: int = 100) -> int | None:
    """The median short side of n of the photos, evenly chosen, in pixels; None if none opens."""
    sides = _looks(paths, n, lambda image: min(image.size))
    return int(np.median(sides)) if sides else None


def _looks(paths: Sequence[Path], n: int, look: Callable[[Image.Image], float]) -> list[float]:
    """What a look at each of n photos, evenly chosen, tells."""
    numbers = []
    for path in paths[:: max(1, len(paths) // n)]:
        with contextlib.suppress(Exception), open_image(path) as image:
            numbers.append(look(image))  # an unreadable photo is told when it is read
    return numbers


def _highest_grey(image: Image.Image) -> float:
    return _extrema(image)[1] if image.mode.startswith("I") else math.inf


def _require_known(image: Image.Image) -> None:
    """Refuse an image that Pillow has opened, but not decoded, from a file of a foreign format.

    Raises:
        ValueError: it is such an image.
    """
    if image.format not in (None, *FORMATS) and getattr(image, "tile", None):
        raise ValueError(f"{image.format} is none of the formats {', '.join(FORMATS)}")


def _upright(image: Image.Image, resize: Resize | None) -> Image.Image:
    image.load()
    flat = _flat(image, WHITE if resize is None else resize.white)
    if resize is not None:
        flat = _resized(flat, resize)
    rgb = flat.convert("RGB")  # last, since three channels take three times the memory of a grey
    rgb.info.clear()  # it tells how the pixels of the file lie
    rgb = turned(rgb, orientation_of(image))
    return _bordered(rgb, resize) if resize is not None and resize.mode == "border" else rgb


def _flat(image: Image.Image, white: int = WHITE) -> Image.Image:
    """The image as 8-bit grey or RGB, without transparency."""
    if image.mode.startswith(("I", "F")):
        low, high = _grey_range(image, white)
        return _by_strips(image, "L", lambda strip: _eight_bit(strip, low, high))
    if image.has_transparency_data:
        return _by_strips(image, "RGB", _on_white)
    return image if image.mode == "L" else image.convert("RGB")


def _by_strips(
    image: Image.Image, mode: str, change: Callable[[Image.Image], Image.Image]
) -> Image.Image:
    """The image changed a few rows at a time."""
    result = Image.new(mode, image.size)
    for top, strip in _strips(image):
        result.paste(change(strip), (0, top))
    return result


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    width, height = image.size
    step = max(_STRIP // max(width, 1), 1)
    for top in range(0, height, step):
        yield top, image.crop((0, top, width, min(top + step, height)))


def _on_white(image: Image.Image) -> Image.Image:
    shown = image.convert("LA").convert("RGBA") if image.mode == "1" else image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), shown).convert("RGB")


def _extrema(image: Image.Image) -> tuple[float, float]:
    """Least and largest grey; what is no number counts as 0."""
    parts = (_numbers(strip) for _, strip in _strips(image))
    lows, highs = zip(*((float(part.min()), float(part.max())) for part in parts), strict=True)
    return min(lows), max(highs)


def _numbers(image: Image.Image) -> NDArray[np.float64]:
    return np.nan_to_num(np.asarray(image).astype(np.float64))


def _grey_range(image: Image.Image, white: int) -> tuple[float, float]:
    """What is black and white: of 0..65535 what the caller says, of all else its own range."""
    low, high = _extrema(image)
    if image.mode.startswith("F") or low < 0 or high > WHITE:
        return low, high
    if white == WHITE and 0 < high <= _WHITES[-2]:
        bits = next(white for white in _WHITES if high <= white).bit_length()
        warn(
            f"photos of 16 bits should use them, got one of at most {bits} bits, which is shown "
            f"nearly black. Multiply such photos by {1 << 16 - bits}, or train a model on them."
        )
    return 0.0, float(white)


def _eight_bit(image: Image.Image, low: float, high: float) -> Image.Image:
    scaled = np.rint((_numbers(image) - low) * (255.0 / max(high - low, 1e-12)))
    return Image.fromarray(scaled.clip(0, 255).astype(np.uint8))


def _resized(image: Image.Image, how: Resize) -> Image.Image:
    width, height = image.size
    resample, side = Image.Resampling[how.interpolation.upper()], how.short_side
    size = (side, side)
    box: tuple[float, float, float, float] | None = None
    if how.mode == "border":
        scale = side / max(width, height)
        size = max(round(width * scale), 1), max(round(height * scale), 1)
    elif how.mode == "center":
        longest = MAX_ASPECT * min(width, height)
        cut_x, cut_y = max(0, width - longest) / 2, max(0, height - longest) / 2
        box = (cut_x, cut_y, width - cut_x, height - cut_y)
        scale = side / min(width, height)
        size = (int((box[2] - box[0]) * scale + 0.5), int((box[3] - box[1]) * scale + 0.5))
    return image.resize(size, resample, box, reducing_gap=float(DRAFT_MARGIN))


def _bordered(image: Image.Image, how: Resize) -> Image.Image:
    """The image in the middle of a square."""
    side = how.short_side
    square = Image.new("RGB", (side, side), how.fill)
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square


def _name(source: Source) -> str:
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    name: Any = getattr(source, "filename", "") or getattr(source, "name", "")
    return name if isinstance(name, str) and name else "the image given"


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, UnidentifiedImageError):
        return "no known format"
    return str(error).strip().rstrip(".") or type(error).__name__
