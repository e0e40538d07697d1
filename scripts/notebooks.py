"""Run the notebooks, and store them with what they print and draw.

Each begins with a cell that installs the library where it is missing, as in Colab; it is written
here, so that all are alike. Nothing that differs from run to run is kept; pictures have few
colours, so that a notebook stays below 300 kB.

    python -m scripts.notebooks                 # all
    python -m scripts.notebooks vision text     # some
"""

from __future__ import annotations

import base64
import io
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import nbformat
from nbclient import NotebookClient
from PIL import Image

from scripts.lib.record import ROOT

FOLDER: Final = ROOT / "notebooks"
EXTRAS: Final = {
    "collab": "",
    "tabular": "",
    "techniques": "embedded",
    "text": "text",
    "vision": "embedded",
}  # notebook -> the extra of the library that it needs
COLOURS: Final = 255  # of a stored picture
SECONDS: Final = 1200  # that a cell may take
IMAGE: Final = re.compile(r"(?<=data:image/png;base64,)[^\"]+")  # within HTML
COLAB: Final = "colab"  # tag of the cells that are written here
WORDS: Final = (
    "*Open in Colab:* at [colab.research.google.com](https://colab.research.google.com) choose "
    "*File, Upload notebook* (or *GitHub*) and run the next cell, which installs the library. "
    "Anywhere else it does nothing where `zoo` is installed."
)
INSTALL: Final = """from importlib.util import find_spec

if find_spec("zoo") is None:
    %pip install --quiet "transfer-zoo{extra}"
"""


def opened(notebook: Any, name: str) -> Any:
    """The notebook with the cells for Colab after its first one."""
    extra = f"[{EXTRAS[name]}]" if EXTRAS[name] else ""
    first, *others = [c for c in notebook.cells if COLAB not in c.metadata.get("tags", [])]
    new = [
        nbformat.v4.new_markdown_cell(WORDS, id="colab-words"),
        nbformat.v4.new_code_cell(INSTALL.format(extra=extra).strip(), id="colab-install"),
    ]
    for cell in new:
        cell.metadata["tags"] = [COLAB]
    notebook.cells = [first, *new, *others]
    return notebook


def executed(notebook: Any, folder: str) -> Any:
    """The notebook with the outputs of a run in a folder; nothing of an earlier one stays."""
    os.environ.pop("MPLBACKEND", None)  # pictures into the notebook
    client = NotebookClient(
        notebook, timeout=SECONDS, record_timing=False, resources={"metadata": {"path": folder}}
    )
    client.execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                data["image/png"] = fewer_colours(data["image/png"])
                data.pop("text/plain", None)  # "<Figure size 640x480 with 1 Axes>"
            if "text/html" in data:
                data["text/html"] = IMAGE.sub(lambda m: fewer_colours(m[0]), data["text/html"])
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
    return notebook


def fewer_colours(picture: str) -> str:
    """A PNG, coded in base 64, with a palette."""
    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    content = io.BytesIO()
    few = image.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(content, "PNG", optimize=True)
    return base64.b64encode(content.getvalue()).decode()


def main(names: list[str]) -> None:
    """Run and store all notebooks, or some."""
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    for name in names or EXTRAS:
        began, path = time.perf_counter(), FOLDER / f"{name}.ipynb"
        notebook = opened(nbformat.read(path, as_version=4), name)
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(executed(notebook, folder), path)
        kb, seconds = path.stat().st_size / 1e3, time.perf_counter() - began
        print(f"{Path(path).relative_to(ROOT)}  {kb:.0f} kB  {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
