"""Figures of photos: a grid of them, each with a line of text, a heat map or a mask over it.

Every function returns a matplotlib figure, which shows in a notebook; `zoo.vision.figures.save`
writes it as a PNG.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo.core.pictures import ORANGE, save_figure
from zoo.core.training.learner import Learner
from zoo.vision.data.pixel_file import Pixels
from zoo.vision.inspect.class_map import Segmentation, palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BATCH = "A training batch as the model sees it"
SIDE = 2.4  # inches of a photo
OPACITY = 0.5  # of a heat map or mask over a photo
SWATCHES = 24  # classes that a legend of masks names


class Shown(NamedTuple):
    """One photo of a grid.

    Attributes:
        pixels: (H, W, 3), uint8 or floats in 0..1.
        text: above it.
        heat: laid over it, in 0..1. Shape: (H, W); None for none.
        is_wrong: whether the model was wrong: the text is bold and orange.
    """

    pixels: Any
    text: str = ""
    heat: NDArray[np.floating[Any]] | None = None
    is_wrong: bool = False


def grid(photos: Sequence[Shown], columns: int = 3, title: str = "") -> Figure:
    """Photos in rows, each under its text."""
    from matplotlib import pyplot as plt

    rows = math.ceil(len(photos) / columns)
    tall = max((shown.pixels.shape[0] / shown.pixels.shape[1] for shown in photos), default=1)
    size = (SIDE * columns, (SIDE * tall + 0.35) * rows + (0.5 if title else 0))
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for ax in axes.flat:
        ax.axis("off")
    for ax, shown in zip(axes.flat, photos, strict=False):
        _show(ax, shown)
    if title:
        figure.suptitle(title, parse_math=False)
    return figure


def batch(learn: Learner[Any, Any], n: int = 9) -> Figure:
    """Photos of the first training batch as the model sees them, augmented, with their targets."""
    data: Any = learn.data
    photos = getattr(data.train, "photos", data.train)  # behind precomputed features, if any
    first = next(iter(photos.epoch(learn.epoch)))
    x, spec = first.inputs[0], data.spec
    mean, std = (x.new_tensor(values).view(3, 1, 1) for values in (spec.mean, spec.std))
    pixels = (x[:n] * std + mean).clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()
    classes, targets = getattr(spec, "classes", ()), first.target[:n].cpu().numpy()
    if targets.ndim < 3:
        texts = [target_text(target, classes) for target in targets]
        return grid([Shown(*one) for one in zip(pixels, texts, strict=True)], title=BATCH)
    is_mask = targets.ndim == 3
    pictures = _coloured(targets, classes) if is_mask else targets.transpose(0, 2, 3, 1)
    shown = [Shown(one) for pair in zip(pixels, pictures, strict=True) for one in pair]
    figure = grid(shown, 4, BATCH)
    return _with_classes(figure, targets, classes) if is_mask else figure


def target_text(target: Any, classes: Sequence[str]) -> str:
    """A target in words: the class, the labels, or the number.

    >>> target_text(1, ["cat", "dog"]), target_text(np.array([1.0, 0.0]), ["cat", "dog"])
    ('dog', 'cat')
    """
    if np.ndim(target):
        labels = [name for name, has in zip(classes, target, strict=True) if has > 0.5]
        return ", ".join(labels) or "nothing"
    return classes[int(target)] if classes else f"{float(target):.3g}"


def masks(rows: Sequence[tuple[Pixels, Pixels | None, Segmentation]], title: str = "") -> Figure:
    """Photos beside their true masks, where there are any, and the predicted ones.

    Shape: photos (H, W, 3), masks (H, W), uint8.
    """
    shown: list[Shown] = []
    with_truth = any(truth is not None for _, truth, _ in rows)
    for photo, truth, mask in rows:
        shown.append(Shown(photo, "photo"))
        if with_truth:
            shown.append(Shown(photo if truth is None else _coloured(truth, mask.classes), "true"))
        shown.append(Shown(_coloured(mask.labels, mask.classes), "predicted"))
    figure = grid(shown, 3 if with_truth else 2, title)
    labels = [found for _, truth, mask in rows for found in (truth, mask.labels)]
    present = np.unique(np.concatenate([one.ravel() for one in labels if one is not None]))
    return _with_classes(figure, present, rows[0][2].classes)


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure as a picture, see `save_figure`, and close it; the file's path."""
    return save_figure(figure, path, usual="picture.png")


def _show(ax: Axes, shown: Shown) -> None:
    ax.imshow(shown.pixels)
    if shown.heat is not None:
        ax.imshow(shown.heat, cmap="inferno", alpha=OPACITY, vmin=0, vmax=1)
    if shown.text:
        look: Any = {"color": ORANGE, "fontweight": "bold"} if shown.is_wrong else {}
        ax.set_title(shown.text, fontsize=9, parse_math=False, **look)


def _with_classes(figure: Figure, labels: NDArray[Any], classes: Sequence[str]) -> Figure:
    """The figure with a legend of the classes that its masks show, below."""
    from matplotlib.patches import Patch

    colours = palette(len(classes)) / 255
    present = [number for number in np.unique(labels) if number < len(classes)][:SWATCHES]
    patches = [Patch(facecolor=colours[i], edgecolor="grey", label=classes[i]) for i in present]
    figure.legend(handles=patches, loc="outside lower center", ncols=min(len(patches), 6) or 1)
    return figure


def _coloured(labels: NDArray[Any], classes: Sequence[str]) -> Pixels:
    """A mask in colours; numbers of no class are black."""
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(classes)] = palette(len(classes))
    coloured: Pixels = colours[labels]
    return coloured
