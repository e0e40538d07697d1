from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import Result
from typer.testing import CliRunner

from tests.helpers.device import DEVICE
from tests.tabular.small import table
from zoo.cli.app import app
from zoo.tabular.stored import load

QUICK = ["--epochs", "4", "--lr", "1e-2", "--batch-size", "32", "--device", DEVICE]
ALONE = ["--no-refit", "--no-rivals", *QUICK]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZOO_TRACEBACK", raising=False)
    monkeypatch.chdir(tmp_path)
    table().to_csv("people.csv", index=False)
    table(5, seed=1).drop(columns=["bought", "amount"]).to_csv("rows.csv", index=False)


def zoo(*words: Any) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def done(*words: Any) -> str:
    result = zoo(*words)
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def test_train_predict_and_evaluate() -> None:
    said = done(
        "tabular", "train", "people.csv", "--target", "bought", "--ignore", "amount", *QUICK
    )
    assert "accuracy 0." in said
    assert "saved in people-bought" in said
    model = load("people-bought")
    expected = [
        f"rows.csv:{row}  {label} {share:.3f}"
        for row, label, share in zip(
            range(5),
            model.predict("rows.csv"),
            model.probabilities("rows.csv").max(axis=1),
            strict=True,
        )
    ]
    assert done("predict", "people-bought", "rows.csv", "--device", DEVICE).splitlines() == expected
    table(50, seed=2).to_csv("others.csv", index=False)
    assert "accuracy" in done("evaluate", "people-bought", "others.csv")


def test_rows_that_times_name_are_json_lines(directory: Path) -> None:
    pytest.importorskip("pyarrow", reason="pip install 'transfer-zoo[parquet]'")
    days = table(3).set_axis(pd.date_range("2020-01-01", periods=3))
    days.to_parquet("days.parquet")
    lines = done("predict", directory, "days.parquet", "--json").splitlines()
    assert [json.loads(line)["row"][:10] for line in lines] == [str(day)[:10] for day in days.index]


def test_json_lines_and_several_classes(directory: Path) -> None:
    lines = done("predict", directory, "rows.csv", "--json", "-k", 2).splitlines()
    first = json.loads(lines[0])
    assert list(first) == ["file", "row", "label", "probability", "probabilities"]
    assert sum(first["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    shown = done("predict", directory, "rows.csv", "-k", 2).splitlines()[0]
    assert "yes 0." in shown
    assert "no 0." in shown


def test_a_row_and_a_column_are_explained(directory: Path) -> None:
    lines = done("explain", directory, "rows.csv", "1", "-k", 2, "--label", "yes").splitlines()
    assert lines[0].startswith("yes 0.")
    assert [line.split()[-1] for line in lines[1:]] == [
        *(name for name, _ in load(directory).explain(table(5, seed=1).iloc[1], "yes").top(2)),
        "begins", "explanation.png",
    ]  # fmt: skip
    table(30, seed=2).to_csv("others.csv", index=False)
    shown = done("tabular", "importance", directory, "others.csv", "--json").splitlines()
    assert json.loads(shown[-1]).keys() == {"column", "importance", "spread"}
    said = done("tabular", "dependence", directory, "people.csv", "age")
    assert Path(said.split()[-1]).stat().st_size > 1000
    result = zoo("explain", directory, "rows.csv", "5")
    assert "one of the 5 in 'rows.csv', from 0, got 5" in result.stderr


def test_several_targets_and_fine_tuning() -> None:
    half = table().drop(columns="bought").assign(half=lambda t: t["amount"] / 2)
    half.to_csv("half.csv", index=False)
    both = ["--target", "amount", "--target", "half"]
    assert "rmse half" in done("tabular", "train", "half.csv", *both, "--log-target", *ALONE)
    line = done("predict", "half-amount", "rows.csv").splitlines()[0]
    assert line.startswith("rows.csv:0  amount ")
    assert "  half " in line
    first = json.loads(done("predict", "half-amount", "rows.csv", "--json").splitlines()[0])
    assert list(first["values"]) == ["amount", "half"]
    again = ["--out", "again", *ALONE]
    assert "rmse half" in done("tabular", "finetune", "half-amount", "half.csv", *again)
    assert load("again").spec.log_target


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["tabular", "train", "nowhere.csv", "--target", "x"],
            "'nowhere.csv', which does not exist",
        ),
        (["tabular", "train", "people.csv", "--target", "buys"], "without 'buys'"),
        (
            ["tabular", "train", "people.csv", "--target", "bought", "--time", "day"],
            "without 'day'",
        ),
        (["tabular", "train", "people.csv", "--target", "bought", "--model", "x"], "--model 'x'"),
        (["predict", "nowhere", "rows.csv"], "'nowhere'"),
        (["tabular", "finetune", "x", "people.csv"], "'x'"),
        (["evaluate", "nowhere", "rows.csv"], "'nowhere'"),
    ],
)
def test_a_mistake_is_one_sentence(words: list[str], said: str) -> None:
    result = zoo(*words)
    assert result.exit_code == 1
    text = " ".join(result.stderr.split())
    assert text.startswith("zoo: ")
    assert said in text


def test_rows_that_lack_a_column_are_one_sentence(directory: Path) -> None:
    table(5).drop(columns="age").to_csv("less.csv", index=False)
    result = zoo("predict", directory, "less.csv")
    assert result.exit_code == 1
    assert "without 'age'" in result.stderr


def test_numbers_are_values_and_rates_are_suggested() -> None:
    drop = ["--ignore", "bought", "--ignore", "amount"]
    done("tabular", "train", "people.csv", "--target", "age", *drop, "--out", "ages", *ALONE)
    model = load("ages")
    rows = [json.loads(line) for line in done("predict", "ages", "rows.csv", "--json").splitlines()]
    assert [row["value"] for row in rows] == pytest.approx(model.predict("rows.csv").tolist())
    printed = done("lr-find", "ages", "people.csv", "--batch-size", 32, "--sweeps", 1, "--json")
    assert {"valley", "steep"} <= {json.loads(line).get("rule") for line in printed.splitlines()}
    assert Path("lr-find.png").stat().st_size > 1000
