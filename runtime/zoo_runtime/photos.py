"""Photos: a file of a known format becomes the pixels that a model sees, by steps that it tells.

As `zoo.vision.data.images` reads them: upright, transparent parts on white, greys of 16 bits scaled
to 8, resized by Pillow.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zoo_runtime.graph import Graph
from zoo_runtime.predictions import Answer, answer_of

if TYPE_CHECKING:
    from PIL import Image

FORMATS = (
    *("JPEG", "PNG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "AVIF", "HEIF", "JPEG2000", "PPM"),
    *("TGA", "ICO", "PCX", "MPO", "PSD"),
)
MAX_ASPECT = 4  # longer : shorter side; what is beyond is cut off
DRAFT_MARGIN = 2  # scaled decoding keeps at least this times the pixels asked for
WHITE = 65535  # the largest grey of 16 bits
AT_ONCE = 32  # photos that pass at a time

Pixels = NDArray[np.uint8]


class PhotoModel:
    """A model that answers for photos by classes, labels or numbers.

    Args:
        graph: the exported model.

    Raises:
        ValueError: it draws pictures.
        ModuleNotFoundError: Pillow is not installed.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph, self.facts = graph, graph.facts
        if "steps" not in self.facts:
            raise ValueError(
                "a model of photos must answer by classes, labels or numbers, got one of "
                f"{self.facts['task']}. Ask its graph: zoo_runtime.Graph(path).run(...)."
            )
        try:
            import PIL  # noqa: F401
        except ModuleNotFoundError:
            raise ModuleNotFoundError(
                "photos are read by Pillow, which is not installed. Run pip install "
                "'transfer-zoo-runtime[photos]'."
            ) from None

    def predict(self, photos: Any) -> Answer | list[Answer]:
        """The answer for a photo, or a list of them for a list.

        Args:
            photos: a path, the bytes of a file, a Pillow image or an array (H, W) or (H, W, 3) of
                uint8; or a list or tuple of them.

        Raises:
            ValueError: something is no photo.
        """
        if isinstance(photos, (list, tuple)):
            return self._answers(photos)
        return self._answers([photos])[0]

    def pixels(self, photo: Any) -> Pixels:
        """What the model sees of a photo. Shape: (H, W, 3).

        Raises:
            ValueError: it is none.
        """
        return pixels_of(photo, self.facts["steps"])

    def _answers(self, photos: Sequence[Any]) -> list[Answer]:
        answers: list[Answer] = []
        for start in range(0, len(photos), AT_ONCE):
            pixels = np.stack([self.pixels(one) for one in photos[start : start + AT_ONCE]])
            rows = self.graph.run({"photos": pixels})
            answers += [answer_of(self.facts, row) for row in rows]
        return answers


def pixels_of(photo: Any, steps: Sequence[Any]) -> Pixels:
    """The pixels of a photo after the steps of a file's facts. Shape: (H, W, 3).

    Raises:
        ValueError: it cannot be read, or a step is unknown.
    """
    from PIL import Image

    (kind, how), (crop, size) = steps
    if (kind, crop) != ("resize", "crop"):
        raise ValueError(f"steps must resize and crop, got {steps!r:.80}. Update the package.")
    try:
        if isinstance(photo, np.ndarray):
            photo = Image.fromarray(photo)
        if isinstance(photo, Image.Image):
            upright = _upright(photo, how)
        else:
            Image.init()
            known = [name for name in FORMATS if name in Image.OPEN]
            source = io.BytesIO(photo) if isinstance(photo, bytes) else Path(photo)
            with Image.open(source, formats=known) as image:
                side = min(DRAFT_MARGIN * how["short_side"], *image.size)
                image.draft(None, (side, side))
                upright = _upright(image, how)
    except Exception as error:  # Pillow's plugins raise a dozen kinds
        name = repr(os.fspath(photo)) if isinstance(photo, (str, os.PathLike)) else type(photo)
        raise ValueError(f"a photo must be an image file, got {name} ({error!s:.200}).") from error
    whole = np.asarray(upright)
    top, left = ((length - size) // 2 for length in whole.shape[:2])
    return whole[top : top + size, left : left + size]


def _upright(image: Image.Image, how: dict[str, Any]) -> Image.Image:
    """The image as 8-bit RGB, resized, and turned as its metadata say."""
    from PIL import Image, ImageOps

    orientation = _orientation(image)
    image.load()
    rgb = _resized(_flat(image, how["white"]), how).convert("RGB")
    rgb.info.clear()
    if orientation > 1:
        rgb.getexif()[0x0112] = orientation
        rgb = ImageOps.exif_transpose(rgb)
    if how["mode"] != "border":
        return rgb
    side = how["short_side"]
    square = Image.new("RGB", (side, side), tuple(how["fill"]))
    square.paste(rgb, ((side - rgb.width) // 2, (side - rgb.height) // 2))
    return square


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; upright where broken metadata do not tell it."""
    try:
        number = int(image.getexif().get(0x0112, 1))
    except Exception:  # as many kinds as there are broken metadata
        return 1
    return number if number in range(2, 9) else 1


def _flat(image: Image.Image, white: int) -> Image.Image:
    """The image as 8-bit grey or RGB, without transparency."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        greys = np.nan_to_num(np.asarray(image).astype(np.float64))
        low, high = float(greys.min()), float(greys.max())
        if not (image.mode.startswith("F") or low < 0 or high > WHITE):
            low, high = 0.0, float(white)
        scaled = np.rint((greys - low) * (255.0 / max(high - low, 1e-12)))
        return Image.fromarray(scaled.clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        shown = image.convert("LA") if image.mode == "1" else image
        shown = shown.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), shown).convert("RGB")
    return image if image.mode == "L" else image.convert("RGB")


def _resized(image: Image.Image, how: dict[str, Any]) -> Image.Image:
    from PIL import Image

    width, height = image.size
    side, size, box = how["short_side"], (how["short_side"],) * 2, None
    if how["mode"] == "border":
        scale = side / max(width, height)
        size = max(round(width * scale), 1), max(round(height * scale), 1)
    elif how["mode"] == "center":
        longest = MAX_ASPECT * min(width, height)
        cut_x, cut_y = max(0, width - longest) / 2, max(0, height - longest) / 2
        box = (cut_x, cut_y, width - cut_x, height - cut_y)
        scale = side / min(width, height)
        size = (int((box[2] - box[0]) * scale + 0.5), int((box[3] - box[1]) * scale + 0.5))
    resample = Image.Resampling[how["interpolation"].upper()]
    return image.resize(size, resample, box, reducing_gap=float(DRAFT_MARGIN))
