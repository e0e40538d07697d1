"""What a photo shows pixel by pixel: the answer of a model of segmentation."""

from __future__ import annotations

import colorsys
import html
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from zoo.core.output_places import output_file
from zoo.core.pictures import PALETTE

BAND: Final = 1 << 22  # pixels of a mask that are made at a time


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
        shares = [(self.classes[i], float(counts[i])) for i in np.argsort(-counts, kind="stable")]
        return {name: share for name, share in shares if share}

    def image(self) -> Image.Image:
        """A picture in colours whose pixels still are the numbers (a palette PNG)."""
        image = Image.fromarray(self.labels)
        image.putpalette(palette(len(self.classes)).ravel().tolist())
        return image

    def legend(self) -> str:
        """The colours of the classes that the photo shows, as HTML."""
        colours = dict(zip(self.classes, palette(len(self.classes)).tolist(), strict=True))
        squares = (
            f'<span style="color:rgb({",".join(map(str, colours[name]))})">&#9632;</span> '
            f"{html.escape(name)}"
            for name in self.shares
        )
        return f"<p>{' &ensp; '.join(squares)}</p>"

    def save(self, path: str | Path) -> None:
        """Write the mask as a PNG."""
        self.image().save(output_file(path, usual="mask.png"), "PNG")


def likeliest(shares: Tensor, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The likeliest class of every pixel at another size, some rows and a class at a time.

    Shape: shares: (C, h, w). Result: (H, W), uint8.
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
    """A colour for each class, neighbours far apart. Shape: (n, 3).

    The first are told apart with any colour vision.
    """
    golden = 0.618034  # of the circle of hues: no two colours come close soon
    hues = [(0.6 + i * golden) % 1 for i in range(n)]
    colours = [
        colorsys.hsv_to_rgb(hue, 0.85 - 0.35 * (i % 2), 0.95 - 0.3 * (i % 3 == 2))
        for i, hue in enumerate(hues)
    ]
    bright = np.asarray(np.rint(255 * np.array(colours)), np.uint8).reshape(n, 3)
    for number, colour in enumerate(PALETTE[:n]):
        bright[number] = tuple(bytes.fromhex(colour[1:]))
    return bright


def _best(shares: Iterable[Tensor]) -> NDArray[np.uint8]:
    """The number of the largest of several maps, each (1, 1, H, W), at every pixel."""
    maps = iter(shares)
    best = next(maps)[0, 0].clone()
    labels = torch.zeros(best.shape, dtype=torch.uint8)
    for number, share in enumerate(maps, start=1):
        better = share[0, 0] > best
        labels.masked_fill_(better, number)
        torch.maximum(best, share[0, 0], out=best)
    return np.asarray(labels.numpy())
