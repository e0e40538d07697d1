from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.helpers.disk import full_disk
from tests.hub.domains import make
from tests.tabular import small
from zoo.cli.app import app


def zoo(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["hub", *map(str, words)])
    return done.exit_code, done.output


def test_a_model_goes_to_a_folder_and_comes_back(tmp_path: Path) -> None:
    artifact = make("tabular", tmp_path)
    shelf = tmp_path / "models"
    place = shelf / "team" / "shop"
    done = CliRunner().invoke(
        app, ["hub", "push", str(artifact), "team/shop", "--hub", str(shelf), "--dry-run"]
    )
    assert (done.exit_code, done.stdout, shelf.exists()) == (0, "", False)
    shown = done.stderr
    assert "README.md\n" in shown
    done = CliRunner().invoke(app, ["hub", "push", str(artifact), "team/shop", "--hub", str(shelf)])
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"{place}\n", shown)
    assert zoo("pull", "team/shop", "--hub", shelf) == (0, f"{place}\n")
    code, listed = zoo("ls", "--hub", shelf)
    assert code == 0
    assert "team/shop" in listed
    assert "tabular  classification  accuracy" in listed


def test_a_mistake_is_one_sentence(tmp_path: Path) -> None:
    code, said = zoo("pull", "team/shop", "--hub", tmp_path)
    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith("zoo: a model must have been pushed to the hub's folder")
    code, said = zoo("push", tmp_path, "team/shop", "--hub", tmp_path)
    assert (code, said.count("\n")) == (1, 1)


@pytest.mark.parametrize("revision", ["v9", ""])
def test_a_revision_that_is_not_there_is_refused(tmp_path: Path, revision: str) -> None:
    artifact = make("tabular", tmp_path)
    assert zoo("push", artifact, "team/shop", "--hub", tmp_path / "hub")[0] == 0
    for words in (("push", artifact, "team/shop"), ("pull", "team/shop"), ("pull", "zoo/adult")):
        code, said = zoo(*words, "--hub", tmp_path / "hub", "--revision", revision)
        assert (code, said.count("\n")) == (1, 1), said
        assert f"--revision {revision!r}" in said


@pytest.mark.parametrize("metrics", [{}, {"accuracy": 0.9, "a_score_of_before": 0.5}])
def test_a_model_that_does_not_state_what_is_measured_does_not_hold(
    tmp_path: Path, metrics: dict[str, float]
) -> None:
    artifact = make("tabular", tmp_path)
    tree = json.loads((artifact / "config.json").read_text())
    tree["metrics"] = metrics
    (artifact / "config.json").write_text(json.dumps(tree))
    small.table(seed=1).to_csv(tmp_path / "rows.csv", index=False)
    code, said = zoo("verify", artifact, "--data", tmp_path / "rows.csv")
    assert code == 1
    assert ("states none" if not metrics else "was not measured") in said


def test_a_full_disk_is_one_sentence_and_the_model_on_the_folder_stays(tmp_path: Path) -> None:
    artifact = make("tabular", tmp_path)
    assert zoo("push", artifact, "team/shop", "--hub", tmp_path / "hub")[0] == 0
    before = sorted((tmp_path / "hub").rglob("*"))
    with full_disk(10_000):
        code, said = zoo("push", artifact, "team/shop", "--hub", tmp_path / "hub")
    assert (code, "zoo: a model must be written to the hub's folder" in said) == (1, True)
    assert sorted((tmp_path / "hub").rglob("*")) == before
    (tmp_path / "file").write_text("no folder")
    code, said = zoo("push", artifact, "team/shop", "--hub", tmp_path / "file" / "hub")
    assert (code, "zoo: a model must be written to the hub's folder" in said) == (1, True)
