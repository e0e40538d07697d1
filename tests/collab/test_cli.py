from __future__ import annotations

import json
import os
import signal
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import Result
from safetensors.torch import load_file
from typer.testing import CliRunner

from tests.collab.small import ratings
from tests.helpers.device import DEVICE
from zoo.cli.app import app
from zoo.core.training import loop


def zoo(*words: Any) -> Result:
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # as on a command line: shown, not raised
        return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    named = ratings().rename(columns={"user": "who", "item": "what", "rating": "stars"})
    named.to_csv(folder / "films.csv", index=False)
    ratings().to_csv(folder / "usual.csv", index=False)
    words = [folder / "films.csv", "--user", "who", "--item", "what", "--epochs", 3]
    done = zoo("collab", "train", *words, "--device", DEVICE, "--out", folder / "model")
    assert done.exit_code == 0, done.output
    assert "rmse" in done.output
    assert f"zoo collab recommend {folder / 'model'} USER" in done.output
    return folder / "model"


def test_a_list_is_a_table_or_json(films: Path) -> None:
    table = zoo("collab", "recommend", films, "u01", "-k", 3).output
    assert table.split()[:3] == ["user", "item", "score"]
    lines = zoo("collab", "recommend", films, "u01", "u02", "-k", 3, "--json").output.splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["user"] for row in rows] == ["u01"] * 3 + ["u02"] * 3
    assert str(rows[0]["item"]) in table


def test_an_item_is_explained_by_what_a_user_chose(films: Path, tmp_path: Path) -> None:
    words = ["explain", films, "u01", "50", "--out", tmp_path / "why.png", "--json"]
    record = json.loads(zoo(*words).stdout)
    assert record.keys() == {"value", "parts", "base", "picture"}
    assert len(record["parts"]) == 10


def test_pairs_of_a_file_are_rated(films: Path, tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("user,item\nu01,50\nnobody,50\n")
    lines = zoo("predict", films, tmp_path / "pairs.csv", "--json").output.splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["user"] for row in rows] == ["u01", "nobody"]
    assert rows[0]["value"] != rows[1]["value"]
    assert list(rows[0]) == ["file", "row", "user", "item", "value"]
    assert f"{rows[0]['value']:.4f}" in zoo("predict", films, tmp_path / "pairs.csv").output


def test_a_saved_model_is_scored(films: Path) -> None:
    for table in ("films.csv", "usual.csv"):
        result = zoo("evaluate", films, films.parent / table)
        assert "rmse" in result.stdout
        assert "100% of the" in result.stderr  # ratings were trained on


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
        (["nobody"], "among the 60 of the training, got 'nobody'"),
        (["u01", "-k", "999"], "k must be between 1 and all 40 items, got -k 999"),
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
    assert "the model must be a Recommender, got a PhotoModel" in result.output


def test_a_model_goes_on_with_new_ratings(films: Path, tmp_path: Path) -> None:
    out = tmp_path / "more"
    words = [films, films.parent / "films.csv", "--epochs", 1, "--valid-fraction", 0]
    result = zoo("collab", "finetune", *words, "--device", DEVICE, "--out", out, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["model"] == str(out)
    assert zoo("collab", "recommend", out, "u01", "-k", 2).exit_code == 0


def ratings_file(folder: Path) -> Path:
    ratings().to_csv(folder / "r.csv", index=False)
    return folder / "r.csv"


def presses(n: int, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Ctrl-C is pressed so many times in the second epoch."""
    train_epoch = loop.train_epoch

    def interrupted(fit: Any, batches: Any) -> None:
        for _ in range(n if fit.epoch == 1 else 0):
            os.kill(os.getpid(), signal.SIGINT)
        train_epoch(fit, batches)

    monkeypatch.setattr(loop, "train_epoch", interrupted)
    return monkeypatch


def test_a_training_that_ctrl_c_ends_says_so_and_goes_on(tmp_path: Path, monkeypatch) -> None:
    words = ["collab", "train", ratings_file(tmp_path), "--epochs", 3, "--device", DEVICE]
    words += ["--no-refit"]
    assert zoo(*words, "--out", tmp_path / "whole").exit_code == 0
    with monkeypatch.context() as patch:
        presses(1, patch)
        result = zoo(*words, "--out", tmp_path / "m")
    assert result.exit_code == 130
    assert "saved" not in result.stdout
    assert "ended the training after 1 of 3 epochs; what was learnt until then is" in result.stderr
    assert "--resume goes on" in result.stderr
    assert zoo("evaluate", tmp_path / "m", tmp_path / "r.csv").exit_code == 0
    assert zoo(*words, "--out", tmp_path / "m", "--resume").exit_code == 0
    whole, resumed = (load_file(tmp_path / n / "model.safetensors") for n in ("whole", "m"))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_training_that_is_broken_off_says_what_is_kept(tmp_path: Path, monkeypatch) -> None:
    presses(2, monkeypatch)
    words = ["collab", "train", ratings_file(tmp_path), "--epochs", 3, "--device", DEVICE]
    words += ["--no-refit"]
    result = zoo(*words, "--out", tmp_path / "m")
    assert result.exit_code == 130
    assert f"its state is kept in {tmp_path / 'm'}, and the same command with" in result.stderr


def test_a_missing_file_is_one_line() -> None:
    result = zoo("collab", "train", "no-such.csv")
    assert result.exit_code == 1
    assert "'no-such.csv', which does not exist" in result.output


def test_a_column_that_is_not_found_is_named_by_an_option(tmp_path: Path) -> None:
    table = tmp_path / "odd.csv"
    table.write_text("who,what,stars\na,b,3\nc,d,4\n")
    ran = zoo("collab", "train", table)
    assert ran.exit_code == 1
    assert "got who, what, stars without that of each user" in ran.output
    assert "say which is by --user NAME" in ran.output
