"""Figures become files, pictures of the kind that the file's name says, or images of a notebook."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.core.output_places import output_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
        figure.savefig(place, dpi=120, bbox_inches="tight")
    finally:
        plt.close(figure)
    return place


def embedded(figure: Figure) -> str:
    """A figure as an image in HTML, for notebooks; closes it."""
    from matplotlib import pyplot as plt

    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=80, bbox_inches="tight")
    plt.close(figure)
    code = base64.b64encode(content.getvalue()).decode()
    return f'<img src="data:image/png;base64,{code}">'
