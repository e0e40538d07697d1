from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from tests.hub.domains import make
from zoo.cli.app import app


def zoo(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["hub", *map(str, words)])
    return done.exit_code, done.output


def test_a_model_goes_to_a_folder_and_comes_back(tmp_path: Path) -> None:
    artifact = make("tabular", tmp_path)
    shelf = tmp_path / "models"
    place = shelf / "team" / "shop"
    assert zoo("push", artifact, "team/shop", "--hub", shelf) == (0, f"{place}\n")
    assert zoo("pull", "team/shop", "--hub", shelf) == (0, f"{place}\n")
    code, listed = zoo("ls", "--hub", shelf)
    assert code == 0
    assert "team/shop" in listed
    assert "tabular  classification  accuracy" in listed


def test_a_mistake_is_one_sentence(tmp_path: Path) -> None:
    code, said = zoo("pull", "team/shop", "--hub", tmp_path)
    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith("zoo: a model must lie on the hub's folder")
    code, said = zoo("push", tmp_path, "team/shop", "--hub", tmp_path)
    assert (code, said.count("\n")) == (1, 1)
