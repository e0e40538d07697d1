"""What all pictures share: colours, new axes, names on a map, and how a figure becomes a file.

What a picture tells apart differs in more than its hue: lines by their dashes or markers, bars by
their hatches, photos by words. Backgrounds are opaque, so that a dark page does not swallow them.
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from zoo.core.output_places import output_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Told apart with any colour vision (Okabe & Ito 2008, "Color Universal Design").
BLUE: Final = "#0072B2"
ORANGE: Final = "#D55E00"
GREEN: Final = "#009E73"
PURPLE: Final = "#CC79A7"
SKY: Final = "#56B4E9"
AMBER: Final = "#E69F00"
PALETTE: Final = (BLUE, ORANGE, GREEN, PURPLE, AMBER, SKY)
GREY: Final = "#808080"  # seen on white and on black
DASHES: Final = ("--", "-.", ":", (0, (6, 2, 1, 2, 1, 2)))  # of lines beside a solid one

NAME_SIZE: Final = 8  # points
NEAR_FAR: Final = (4.0, 14.0, 26.0)  # points between a dot and its name; from far a line leads
SIDES: Final = ((1, 1), (1, 0), (1, -1), (-1, 1), (-1, 0), (-1, -1), (0, 1), (0, -1))
LEFT_OUT: Final = "no room for the names of {} points"

Box = NDArray[np.float64]


def new_axes(**figure: Any) -> Axes:
    """Axes of a new figure."""
    from matplotlib import pyplot as plt

    axes: Axes = plt.subplots(**{"layout": "constrained"} | figure)[1]
    return axes


def figure_of(axes: Axes) -> Figure:
    """The figure that axes belong to."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    return figure


def name_points(axes: Axes, points: NDArray[np.floating[Any]], names: Sequence[str]) -> None:
    """Write names beside dots so that none lies on another name or dot; the first names first.

    A name for which there is no room is left out, and a corner tells how many these are.

    Args:
        axes: the plot, whose dots are drawn.
        points: their places, in the plot's units. Shape: (n, 2)
        names: their names.
    """
    figure = figure_of(axes)
    figure.draw_without_rendering()  # settles the layout, and with it how much room there is
    scale, frame = figure.dpi / 72, np.asarray(axes.get_window_extent().extents)
    dots = axes.transData.transform(points)
    taken = [np.concatenate([dot - 2 * scale, dot + 2 * scale]) for dot in dots]
    leader = {"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkB": 3}
    look: dict[str, Any] = {"fontsize": NAME_SIZE, "parse_math": False}
    left_out = 0
    for point, dot, name in zip(points, dots, names, strict=True):
        probe = axes.text(0, 0, name, **look)
        extent = probe.get_window_extent()
        probe.remove()
        size = np.array([extent.width, extent.height])
        free = (one for one in _places(dot, size, scale) if _is_free(one[0], taken, frame))
        box, is_far = next(free, (None, False))
        if box is None:
            left_out += 1
            continue
        taken.append(box)
        offset = (box[:2] - dot) / scale
        arrow = leader if is_far else None
        axes.annotate(name, point, offset, textcoords="offset points", arrowprops=arrow, **look)
    if left_out:
        note = LEFT_OUT.format(left_out)
        axes.text(0.99, 0.01, note, transform=axes.transAxes, ha="right", fontsize=7, color=GREY)


def save_figure(figure: Figure, path: str | os.PathLike[str], *, usual: str) -> Path:
    """Write a figure as a picture, and close it; the file's path.

    Args:
        figure: the figure.
        path: the file; its suffix says the kind, and ".png" is added where there is none.
        usual: name that such a file might have, for the way out.

    Raises:
        ValueError: no picture has this suffix.
        OSError: as `output_file`.
    """
    from matplotlib import pyplot as plt

    place = Path(path)
    if not place.suffix and not place.is_dir():
        place = place.with_name(f"{place.name}.png")
    kinds = figure.canvas.get_supported_filetypes()
    try:
        place = output_file(place, usual=usual)
        if place.suffix[1:].lower() not in kinds:
            raise ValueError(
                f"a picture's name must end with its kind, one of {', '.join(sorted(kinds))}, got "
                f"{str(place)!r}. Try {str(place.with_suffix('.png'))!r}."
            )
        figure.savefig(place, dpi=120, bbox_inches="tight", transparent=False)
    finally:
        plt.close(figure)
    return place


def save_picture(axes: Axes, path: Path) -> None:
    """Write the figure of these axes to a file, and close it."""
    save_figure(figure_of(axes), path, usual="curve.png")


def embedded(figure: Figure) -> str:
    """A figure as an image in HTML, for notebooks; closes it."""
    from matplotlib import pyplot as plt

    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=80, bbox_inches="tight", transparent=False)
    plt.close(figure)
    code = base64.b64encode(content.getvalue()).decode()
    return f'<img src="data:image/png;base64,{code}">'


def _places(dot: Box, size: Box, scale: float) -> Iterator[tuple[Box, bool]]:
    """Boxes for a name around a dot, the nearest first, and whether a box is far away.

    Shape: dot, size: (2,), pixels. A box: (4,), left, bottom, right, top.
    """
    for distance in NEAR_FAR:
        for side in SIDES:
            way = np.array(side, dtype=float)
            low = dot + scale * distance * way - (1 - way) / 2 * size
            yield np.concatenate([low, low + size]), distance > NEAR_FAR[0]


def _is_free(box: Box, taken: Sequence[Box], frame: Box) -> bool:
    """Whether a box lies in the frame and on no other box."""
    if (box[:2] < frame[:2]).any() or (box[2:] > frame[2:]).any():
        return False
    others = np.asarray(taken)
    return not ((others[:, :2] < box[2:]) & (others[:, 2:] > box[:2])).all(axis=1).any()
