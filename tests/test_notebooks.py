"""The notebooks run from top to bottom; they are stored without outputs."""

from __future__ import annotations

from pathlib import Path

import pytest

import zoo.data

FOLDER = Path(__file__).parents[1] / "notebooks"
NEEDS = {"collab": "movielens-100k", "tabular": "adult", "text": "rotten-tomatoes", "vision": ""}


def test_each_domain_has_a_notebook_stored_without_outputs() -> None:
    nbformat = pytest.importorskip("nbformat", reason="pip install 'transfer-zoo[dev]'")
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(NEEDS)
    for name in NEEDS:
        notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
        nbformat.validate(notebook)
        assert not [cell for cell in notebook.cells if cell.get("outputs")], name


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of the machinery of notebooks
@pytest.mark.parametrize("name", NEEDS)
def test_a_notebook_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parent))
    monkeypatch.delenv("MPLBACKEND", raising=False)  # pictures into the notebook
    nbclient = pytest.importorskip("nbclient", reason="pip install 'transfer-zoo[dev]'")
    nbformat = pytest.importorskip("nbformat")
    at_hand = {row.name: row.at_hand for row in zoo.data.available()}
    if NEEDS[name] and at_hand[NEEDS[name]] not in ("cached", "mirror"):
        pytest.skip(f"needs {NEEDS[name]}: zoo data get {NEEDS[name]}")
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    shown = [out for cell in notebook.cells for out in cell.get("outputs", ())]
    pictures = [out for out in shown if "image/png" in out.get("data", {})]
    assert len(pictures) >= 2
    assert not [out["text"] for out in shown if "Warning" in out.get("text", "")]
