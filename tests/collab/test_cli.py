from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from tests.collab.small import ratings
from zoo.cli.app import app


def zoo(*words: Any) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    named = ratings().rename(columns={"user": "who", "item": "what", "rating": "stars"})
    named.to_csv(folder / "films.csv", index=False)
    ratings().to_csv(folder / "usual.csv", index=False)
    words = [folder / "films.csv", "--user", "who", "--item", "what", "--epochs", 3]
    done = zoo("collab", "train", *words, "--device", "cpu", "--out", folder / "model")
    assert done.exit_code == 0, done.output
    assert "rmse" in done.output
    assert f"zoo collab recommend {folder / 'model'} u00" in done.output
    return folder / "model"


def test_a_list_is_a_table_or_json(films: Path) -> None:
    table = zoo("collab", "recommend", films, "u01", "-k", 3).output
    assert table.split()[:3] == ["user", "item", "score"]
    lines = zoo("collab", "recommend", films, "u01", "u02", "-k", 3, "--json").output.splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["user"] for row in rows] == ["u01"] * 3 + ["u02"] * 3
    assert str(rows[0]["item"]) in table


def test_pairs_of_a_file_are_rated(films: Path, tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("user,item\nu01,50\nnobody,50\n")
    lines = zoo("predict", films, tmp_path / "pairs.csv", "--json").output.splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["user"] for row in rows] == ["u01", "nobody"]
    assert rows[0]["rating"] != rows[1]["rating"]
    assert f"{rows[0]['rating']:.3f}" in zoo("predict", films, tmp_path / "pairs.csv").output


def test_a_saved_model_is_scored(films: Path) -> None:
    assert "rmse" in zoo("evaluate", films, films.parent / "usual.csv").output


def test_ids_that_are_numbers_are_understood(tmp_path: Path) -> None:
    numbered = ratings()
    numbered["user"] = numbered["user"].str[1:].astype(int)
    numbered.to_csv(tmp_path / "r.csv", index=False)
    out = tmp_path / "m"
    assert zoo("collab", "train", tmp_path / "r.csv", "--epochs", 1, "--out", out).exit_code == 0
    assert zoo("collab", "recommend", out, "7", "-k", 2).exit_code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nobody"], "however 'nobody' is not one of 60"),
        (["u01", "-k", "999"], "between 1 and all 40 known items, however k=999"),
    ],
)
def test_a_mistake_is_one_line_and_status_1(words: list[str], says: str, films: Path) -> None:
    result = zoo("collab", "recommend", films, *words)
    assert result.exit_code == 1
    assert says in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_another_kind_of_model_recommends_nothing() -> None:
    stored = Path(__file__).parents[1] / "stored" / "format-1"
    result = zoo("collab", "recommend", stored, "u01")
    assert result.exit_code == 1
    assert "takes a model of ratings" in result.output


def test_a_missing_file_is_one_line() -> None:
    result = zoo("collab", "train", "no-such.csv")
    assert result.exit_code == 1
    assert "'no-such.csv' does not exist" in result.output
