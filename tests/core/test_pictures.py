"""Names on a map, and what becomes of a figure."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.text import Text
from PIL import Image

from zoo.core.pictures import figure_of, name_points, new_axes, save_figure, save_picture


def test_no_name_lies_on_another_and_those_without_room_are_counted() -> None:
    points = np.random.default_rng(0).normal(size=(60, 2))
    axes = new_axes(figsize=(3, 3))
    axes.scatter(*points.T)
    name_points(axes, points, [f"name $_{i}$" for i in range(60)])
    *names, note = axes.texts
    assert 5 < len(names) < 60
    assert note.get_text() == f"no room for the names of {60 - len(names)} points"
    figure_of(axes).draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in names]  # without the lines to the dots
    boxes = [box.shrunk(0.98, 0.98) for box in boxes]
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    plt.close("all")


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_a_picture_has_an_opaque_ground(style: str, tmp_path: Path) -> None:
    with plt.style.context(style), plt.rc_context({"savefig.transparent": True}):
        save_picture(new_axes(figsize=(1, 1)), tmp_path / "a.png")
        save_figure(plt.figure(figsize=(1, 1)), tmp_path / "b", usual="b.png")
    for name in ("a.png", "b.png"):
        with Image.open(tmp_path / name) as picture:
            assert np.asarray(picture.convert("RGBA"))[..., 3].min() == 255
