"""The notebooks are stored as `python -m scripts.notebooks` leaves them, and print it again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import zoo.data

FOLDER = Path(__file__).parents[1] / "notebooks"
NEEDS = {
    "collab": "movielens-100k",
    "tabular": "adult",
    "techniques": "",
    "text": "rotten-tomatoes",
    "vision": "",
}
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?")
LARGEST = 300_000  # bytes


def stored(name: str) -> Any:
    nbformat = pytest.importorskip("nbformat", reason="pip install 'transfer-zoo[dev]'")
    pytest.importorskip("nbclient", reason="pip install 'transfer-zoo[dev]'")
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def outputs(notebook: Any) -> list[Any]:
    return [out for cell in notebook.cells for out in cell.get("outputs", ())]


def printed(notebook: Any) -> list[str]:
    """What a reader sees as text, line by line; tables as text."""
    texts = [
        one.get("text", one.get("data", {}).get("text/plain", "")) for one in outputs(notebook)
    ]
    return [line for text in texts for line in text.splitlines() if line.strip()]


def test_each_notebook_is_small_has_its_outputs_and_opens_in_colab() -> None:
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(NEEDS)
    for name in NEEDS:
        notebook = stored(name)
        from scripts.notebooks import EXTRAS, opened

        assert (FOLDER / f"{name}.ipynb").stat().st_size < LARGEST, name
        assert "transfer-zoo" in notebook.cells[2].source, name
        assert (EXTRAS[name] or '-zoo"') in notebook.cells[2].source, name
        sources = [cell.source for cell in notebook.cells]
        assert [cell.source for cell in opened(notebook, name).cells] == sources, name
        assert len([one for one in outputs(notebook) if "image/png" in one.get("data", {})]) >= 2
        assert not [one for one in outputs(notebook) if one.output_type == "error"], name
        assert not [line for line in printed(notebook) if re.search("Warning|0x|/tmp", line)], name


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of the machinery of notebooks
@pytest.mark.parametrize("name", NEEDS)
def test_a_notebook_prints_what_is_stored(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = stored(name)
    from scripts.notebooks import executed

    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parent))
    monkeypatch.setenv("MPLBACKEND", "Agg")  # which the program leaves out
    at_hand = {row.name: row.at_hand for row in zoo.data.available()}
    if NEEDS[name] and at_hand[NEEDS[name]] not in ("cached", "mirror"):
        pytest.skip(f"needs {NEEDS[name]}: zoo data get {NEEDS[name]}")
    before = printed(notebook)
    after = printed(executed(notebook, str(tmp_path)))
    assert [NUMBER.sub("#", line).split() for line in after] == [
        NUMBER.sub("#", line).split() for line in before
    ]
    numbers = [[float(one) for one in NUMBER.findall("\n".join(text))] for text in (after, before)]
    assert numbers[0] == pytest.approx(numbers[1], rel=0.05, abs=0.03)  # on another machine
