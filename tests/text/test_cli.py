from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import Result
from typer.testing import CliRunner

from tests.helpers.device import DEVICE
from tests.text.small import reviews
from zoo.cli.app import app
from zoo.text.data.documents import DocumentBatches

TENTH = ["--valid-fraction", 0.1]  # one part is held out, no folds
TINY = ["--device", DEVICE, "--batch-size", 8, "--drop-mult", 0.1]


def zoo(*words: Any) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where a language model, one tuned further and a classifier were made."""
    folder = tmp_path_factory.mktemp("texts")
    reviews(80).to_csv(folder / "reviews.csv", index=False)
    reviews(20, seed=1).rename(columns={"review": "text"}).to_csv(folder / "new.csv", index=False)
    column, table = ["--text", "review"], folder / "reviews.csv"
    sizes = ["--d-embedding", 12, "--d-hidden", 16, "--n-layers", 1]
    steps: list[list[Any]] = [
        ["train-lm", table, *column, *sizes, "--epochs", 2, "--sampled", 5, "--out", folder / "lm"],
        ["finetune-lm", folder / "lm", table, *column, "--epochs", 1, "--out", folder / "tuned"],
        [
            "finetune",
            folder / "tuned",
            table,
            *column,
            "--label",
            "liked",
            *TENTH,
            "--out",
            folder / "m",
        ],
    ]
    for step in steps:
        done = zoo("text", *step, *TINY)
        assert done.exit_code == 0, done.output
        assert "loss" in done.output
        assert f"saved in {step[-1]}; try: zoo " in done.output
    return folder


def test_a_language_model_goes_on(trained: Path) -> None:
    words = ["text", "generate", trained / "tuned", "We found", "-k", 8, "--seed", 3]
    first = zoo(*words).output
    assert first.startswith("We found")
    assert first == zoo(*words).output


def test_texts_are_classified(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("We found the cast lovely.")
    shown = zoo("predict", trained / "m", tmp_path / "one.txt", trained / "new.csv", "-k", 2)
    lines = shown.output.splitlines()
    assert len(lines) == 21
    assert lines[0].startswith(f"{tmp_path / 'one.txt'}  ")
    assert "yes 1." in lines[0] or "yes 0." in lines[0]
    assert "no 0." in lines[0] or "no 1." in lines[0]
    row = json.loads(zoo("predict", trained / "m", tmp_path / "one.txt", "--json").output)
    assert len(row["probabilities"]) == 2


@pytest.mark.filterwarnings("ignore:1 of .* are empty")
def test_gaps_of_a_table_keep_their_rows(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "gaps.csv").write_text("text,n\nWe found it dull.,1\n,2\nWe found it warm.,3\n")
    lines = zoo("predict", trained / "m", tmp_path / "gaps.csv", "--json").output.splitlines()
    assert [json.loads(line)["row"] for line in lines] == [0, 1, 2]
    (tmp_path / "last.txt").write_text("We found it warm.")
    alone = json.loads(zoo("predict", trained / "m", tmp_path / "last.txt", "--json").output)
    assert json.loads(lines[2])["probabilities"] == alone["probabilities"]


def test_a_language_model_predicts_next_words(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("I found the")
    row = json.loads(zoo("predict", trained / "lm", tmp_path / "one.txt", "--json").output)
    assert len(row["probabilities"]) == 1


def test_words_are_told_apart(trained: Path, tmp_path: Path) -> None:
    picture = tmp_path / "why.png"
    words = ["explain", trained / "m", "We found it dull.", "--label", "no"]
    shown = zoo(*words, "-k", 2, "--out", picture)
    lines = shown.output.splitlines()
    assert lines[0].startswith(("no 0.", "no 1."))
    assert len(lines) == 4
    assert lines[-1] == f"picture in {picture}"
    assert picture.stat().st_size > 1000
    record = json.loads(zoo(*words, "-k", 2, "--out", picture, "--json").output)
    assert [len(word) for word in record["parts"]] == [2, 2]


def test_several_columns_are_a_class_each(trained: Path, tmp_path: Path) -> None:
    table = reviews(40).rename(columns={"review": "text"})
    table = table.assign(yes=(table["liked"] == "yes").astype(int), long=0)
    table.loc[table["text"].str.len() > 60, "long"] = 1
    table.to_csv(tmp_path / "several.csv", index=False)
    labels = ["--label", "yes", "--label", "long", "--epochs", 0, "--out", tmp_path / "m"]
    done = zoo("text", "finetune", trained / "lm", tmp_path / "several.csv", *labels, *TINY)
    assert "f1" in done.output, done.output
    rows = zoo("predict", tmp_path / "m", tmp_path / "several.csv", "--json").output.splitlines()
    assert len(rows) == 40
    assert list(json.loads(rows[0])) == ["file", "row", "labels", "probabilities"]
    assert json.loads(rows[0])["probabilities"].keys() == {"yes", "long"}


def test_layers_thaw_one_by_one_where_asked(trained: Path, tmp_path: Path) -> None:
    columns = ["--text", "review", "--label", "liked", "--epochs", 1, *TENTH]
    for flags, epochs in ([], 2), (["--gradual"], 3):
        out = tmp_path / str(epochs)
        words = [trained / "lm", trained / "reviews.csv", *columns, *flags, "--out", out]
        done = zoo("text", "finetune", *words, *TINY)
        assert done.exit_code == 0, done.output
        assert len(pd.read_csv(out / "history.csv")) == epochs


def test_a_saved_model_is_scored(trained: Path) -> None:
    scored = zoo("evaluate", trained / "lm", trained / "new.csv")
    assert "perplexity" in scored.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["text", "generate", "{}/m"], "must be a LanguageModel, got a TextClassifier"),
        (["text", "generate", "{}/lm", "--temperature", "0"], "'temperature': 0.0"),
        (["text", "train-lm", "nowhere"], "'nowhere', which does not exist"),
        (["explain", "{}/lm", "a film"], "got a LanguageModel, which does not. It offers"),
        (["explain", "{}/m", "a film", "--label", "perhaps"], "got --label 'perhaps'"),
        (["text", "finetune", "{}/lm", "{}/reviews.csv"], "without 'label'"),
    ],
)
def test_a_mistake_is_one_line_and_status_1(words: list[str], says: str, trained: Path) -> None:
    result = zoo(*(word.format(trained) for word in words))
    assert result.exit_code == 1
    assert says in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_a_text_itself_is_classified_and_a_misspelt_file_is_told(trained: Path) -> None:
    text = "We found the cast brilliant."
    row = json.loads(zoo("predict", trained / "m", text, "--json").output)
    assert row["text"] == text
    assert sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert zoo("predict", trained / "m", text).output.startswith(f"{text}  ")
    for name in ("nowhere.txt", "new reviews.csv", "folder/file"):
        result = zoo("predict", trained / "m", name)
        assert result.exit_code == 1
        assert f"texts to predict must be in files, got '{name}'" in result.output


def test_columns_of_the_training_are_read_again(trained: Path, tmp_path: Path) -> None:
    reviews(8, seed=3).to_csv(tmp_path / "new.csv", index=False)
    shown = zoo("predict", trained / "m", tmp_path / "new.csv")
    assert len(shown.output.splitlines()) == 8, shown.output
    assert "accuracy" in zoo("evaluate", trained / "m", tmp_path / "new.csv").output


def test_ctrl_c_ends_the_command_as_cut_short(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = DocumentBatches.epoch

    def interrupted(self: DocumentBatches, epoch: int, start: int = 0) -> Any:
        for batch in whole(self, epoch, start):
            if self.shuffle:
                os.kill(os.getpid(), signal.SIGINT)
            yield batch

    monkeypatch.setattr(DocumentBatches, "epoch", interrupted)
    words = [trained / "lm", trained / "reviews.csv", "--label", "liked", "--out", tmp_path / "m"]
    done = zoo("text", "finetune", *words, *TINY)
    assert done.exit_code == 130
    assert "Ctrl-C ended the training after 0 of 1 epochs" in done.output
    assert "; try: " not in done.output
