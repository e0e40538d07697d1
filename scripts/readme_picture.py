"""The README's picture: what `zoo quickstart` draws, side by side.

python -m scripts.readme_picture           # writes results/quickstart.png
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from PIL import Image

from scripts.lib.record import RESULTS
from zoo.cli.quickstart import run

PICTURES = ("lr-find.png", "loss.png", "confusion.png")
HEIGHT = 360  # pixels


def main() -> None:
    """Run it, and put its pictures in a row."""
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder), print)
        drawn = [Image.open(Path(folder) / name).convert("RGB") for name in PICTURES]
    same = [picture.resize((picture.width * HEIGHT // picture.height, HEIGHT)) for picture in drawn]
    row = Image.new("RGB", (sum(picture.width for picture in same), HEIGHT), "white")
    place = 0
    for picture in same:
        row.paste(picture, (place, 0))
        place += picture.width
    row.quantize(128).save(RESULTS / "quickstart.png", optimize=True)


if __name__ == "__main__":
    main()
