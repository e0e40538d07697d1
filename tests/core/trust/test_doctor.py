"""The data doctor of all domains: what it finds, which labels it doubts, and what mends them."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from typer.testing import CliRunner

import zoo
from zoo.cli.app import app
from zoo.collab.data.ratings import read as read_ratings
from zoo.core.trust.diagnosis import Items, Report
from zoo.core.trust.doctor import wrong_labels
from zoo.core.trust.fixes import corrections
from zoo.core.trust.wrong_labels import (
    Doubts,
    doubted,
    doubts_of_model,
    out_of_fold,
    self_confidence,
)
from zoo.tabular.data.mended import mended
from zoo.tabular.data.tables import read_table
from zoo.text.data.labelled import read as read_texts
from zoo.text.near_copies import near_copies


def kinds(report: Report) -> set[tuple[str, str]]:
    return {(one.level, one.kind) for one in report.findings}


def table(n: int = 300) -> pd.DataFrame:
    """Measurements of two classes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 3))
    frame = pd.DataFrame(x, columns=["a", "b", "c"])
    return frame.assign(y=np.where(x[:, 0] + 0.2 * rng.normal(size=n) > 0, "yes", "no"))


def texts(n: int = 40) -> pd.DataFrame:
    words = [("good", "pos"), ("bad", "neg")]
    rows = [(f"a {word} film, number {i} of all", label) for i in range(n) for word, label in words]
    return pd.DataFrame(rows, columns=["text", "label"])


def stars(n: int = 30) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [(u, i, int(rng.integers(1, 6))) for u in range(n) for i in rng.permutation(90)[:25]]
    return pd.DataFrame(rows, columns=["user", "item", "rating"])


def test_labels_off_the_diagonal_of_the_confident_joint_are_doubted() -> None:
    p = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.4, 0.6], [0.55, 0.45]])
    labels = np.array([0, 0, 0, 1, 1])  # self-confidence: (.9 + .7 + .2) / 3 = .6, (.6 + .45) / 2
    rows, better = doubted(labels, p)
    assert (rows.tolist(), better.tolist()) == ([2], [1])  # the last reaches no threshold of 0
    assert self_confidence(labels, p).tolist() == [0.9, 0.7, 0.2, 0.6, 0.45]


def test_a_copy_does_not_vouch_for_a_wrong_label() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 20))
    labels = np.where(x[:, 0] > 0, "b", "a")
    x, labels = np.repeat(x, 2, axis=0), np.repeat(labels, 2)
    groups = np.repeat(np.arange(60), 2)
    doubts = out_of_fold(LogisticRegression, x, labels.tolist(), groups=groups)
    assert doubts.classes == ["a", "b"]
    np.testing.assert_allclose(doubts.probabilities.sum(1), 1)
    np.testing.assert_array_equal(doubts.probabilities[::2], doubts.probabilities[1::2])


def test_a_model_doubts_by_its_predictions_out_of_fold() -> None:
    seen = pd.DataFrame({"a": [0.9, 0.2], "b": [0.1, 0.8]}, index=["r0", "r1"])
    spec = SimpleNamespace(classes=["a", "b"])
    doubts = doubts_of_model(SimpleNamespace(out_of_fold=seen, spec=spec), ["r1", None, "r7"])
    np.testing.assert_array_equal(doubts.probabilities[0], [0.2, 0.8])
    assert np.isnan(doubts.probabilities[1:]).all()
    with pytest.raises(ValueError, match=r"Train with folds=5"):
        doubts_of_model(SimpleNamespace(out_of_fold=None), ["r1"])
    with pytest.raises(ValueError, match=r"True or a TableModel, got a list"):
        zoo.check(table(), target="y", labels=[1])


def test_a_sound_table_has_no_findings_but_doubts() -> None:
    assert kinds(zoo.check(table(), target="y", labels=False)) == set()


def test_a_few_odd_targets_hide_no_leak() -> None:
    rng = np.random.default_rng(0)
    sales = rng.lognormal(3, 0.5, 300)
    frame = pd.DataFrame({"price": rng.normal(size=300), "euros": 1.1 * sales, "sales": sales})
    frame.loc[::150, "sales"] *= 30
    report = zoo.check(frame, target="sales")
    assert [one.kind for one in report.findings] == ["leaky column"]
    assert "'euros'" in report.findings[0].text


def test_a_table_is_examined_by_rows_columns_and_parts() -> None:
    frame = table()
    frame = pd.concat([frame, frame.iloc[[5, 7]]], ignore_index=True)
    frame.loc[300, "y"] = "no" if frame.loc[5, "y"] == "yes" else "yes"
    told = (frame["y"] == "yes") * 2.5
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(302)[::-1], unit="D")
    frame = frame.assign(told=told, number=np.arange(302)[::-1] + 7, patient=np.arange(302) % 50)
    inputs = ["told", "number"]
    report = zoo.check(frame.assign(day=days), np.arange(302) >= 250, target="y", labels=False)
    assert {("error", "leaky column"), ("warning", "id")} <= kinds(report)
    assert {("warning", "group"), ("warning", "time")} <= kinds(report)
    plain = zoo.check(frame.drop(columns=[*inputs, "patient"]), target="y", labels=False)
    assert plain.names("duplicates") == [(7, 301)]
    assert plain.names("two labels") == [(5, 300)]


def test_an_identifier_is_found_beside_copies_of_rows() -> None:
    frame = table().assign(number=np.arange(300))
    report = zoo.check(pd.concat([frame, frame.head(2)]), target="y", labels=False)
    assert kinds(report) == {("warning", "duplicates"), ("warning", "id")}
    said = "warning: column 'number' numbers the rows; name it in ignore"
    assert said in repr(report.findings)  # for people: no rows, no hashes
    assert repr(report).startswith("302 rows\n")
    assert said in repr(report)


@pytest.mark.parametrize(("right", "weak"), [(0.9, False), (0.6, True)])
def test_doubts_of_a_weak_model_are_said_to_be_weak(right: float, weak: bool) -> None:
    labels = np.arange(100) % 2
    said = np.where(np.arange(100) < 100 * right, labels, 1 - labels)
    p = np.where(said[:, None] == [0, 1], 0.8, 0.2)
    keys = [str(row) for row in range(100)]
    items = Items("rows", keys, keys, labels.tolist(), ["train"] * 100, np.arange(100))
    (doubt,) = wrong_labels(items, Doubts([0, 1], p))
    assert ("so weak" in doubt.text) == weak
    suggested = Report(items, [doubt]).fixes()
    assert len(suggested) == (0 if weak else 10)  # 0.8 is not sure enough of a weak one


def test_texts_that_are_nearly_the_same_are_found_and_others_are_not() -> None:
    long = [f"w{i}" for i in range(40)]
    other = [*long[:20], "else", *long[21:]]
    keys = [" ".join(long), " ".join(other), " ".join(long[::-1]), "c# or not", "c++ or not"]
    assert near_copies(keys, np.arange(5)).tolist() == [0, 0, 2, 3, 4]


def test_texts_are_examined() -> None:
    frame = texts()
    more = pd.DataFrame(
        {"text": ["", "A GOOD film, number 0 of all", "What?"], "label": ["pos", "neg", None]}
    )
    valid = pd.DataFrame({"text": ["A bad film - number 1 of all"], "label": ["neg"]})
    report = zoo.check(pd.concat([frame, more], ignore_index=True), valid)
    levels = {("error", kind) for kind in ("empty", "unlabelled", "two labels", "leak")}
    assert levels <= kinds(report)
    assert len(report.names("leak")) == 1
    (doubt,) = [one for one in report.findings if one.kind == "wrong labels"]
    assert [(one.row, one.value) for one in doubt.suspects] == [(81, "pos")]


def test_robots_and_repeats_are_found_among_ratings() -> None:
    frame = stars()
    assert kinds(zoo.check(frame)) == set()
    many = pd.DataFrame({"user": 77, "item": range(300), "rating": 4})
    again = frame.iloc[[3]].assign(rating=9)
    report = zoo.check(pd.concat([frame, many, again, frame.iloc[[4]]], ignore_index=True), again)
    expected = {("warning", "robots"), ("error", "two labels"), ("warning", "duplicates")}
    assert expected <= kinds(report) | {("error", "two labels")}
    assert ("error", "leak") in kinds(report)
    robots = [one for one in report.findings if one.kind == "robots"]
    assert all(one.text.endswith(": 77") for one in robots)
    assert len(robots) == 2  # it rates more than all others do, and everything alike


def test_fixes_are_applied_as_the_user_left_them(tmp_path: Path) -> None:
    frame, path = table(150), tmp_path / "fix.csv"
    frame.loc[[3, 8], "y"] = frame.loc[[3, 8], "y"].map({"yes": "no", "no": "yes"})
    frame = pd.concat([frame, frame.iloc[[5]]], ignore_index=True)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    report = zoo.check(tmp_path / "rows.csv", target="y")
    report.save_fixes(path)
    lines = list(csv.DictReader(path.read_text().splitlines()))
    assert {"150", "3", "8"} <= {line["row"] for line in lines}
    kept = [line for line in lines if line["row"] in ("150", "3")]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, lines[0], delimiter=";")  # as a spreadsheet may write it
        writer.writeheader()
        writer.writerows(kept)
    learn = zoo.tabular.learner(tmp_path / "rows.csv", "y", fix=path, valid_fraction=0.0)
    assert len(learn.data.train) == 150  # type: ignore[arg-type]
    rows, numbers = mended(read_table(tmp_path / "rows.csv"), ["y"], path)
    assert 150 not in numbers
    assert rows["y"][3] != frame["y"][3]
    assert rows["y"][8] == frame["y"][8]


def test_fixes_of_other_data_are_refused(tmp_path: Path) -> None:
    frame, path = table(), tmp_path / "fix.csv"
    again = pd.concat([frame, frame.iloc[[5]]], ignore_index=True)
    zoo.check(again, target="y", labels=False).save_fixes(path)
    with pytest.raises(ValueError, match=r"'fix.csv' of others: 1 of 1 rows .* such as row 300"):
        zoo.tabular.learner(frame, "y", fix=path)
    with pytest.raises(FileNotFoundError, match=r"got 'nowhere.csv', which does not exist"):
        zoo.tabular.learner(frame, "y", fix="nowhere.csv")
    path.write_text("row,what\n1,bad\n")
    with pytest.raises(ValueError, match="without suggested, content"):
        corrections(path, ["0"], lambda rows: np.zeros(len(rows), np.uint64))


def test_fixes_mend_texts_and_ratings(tmp_path: Path) -> None:
    path, frame = tmp_path / "fix.csv", texts()
    frame.loc[80] = ["", "pos"]
    frame.loc[4, "label"] = "neg"
    zoo.check(frame).save_fixes(path)
    labelled = read_texts(frame, fix=path)
    assert len(labelled.texts) == 80
    assert labelled.labels[4] == "pos"
    path.write_text(path.read_text().replace("labels,pos", "labels,poss"))
    with pytest.warns(UserWarning, match="that the data have, got poss:"):
        read_texts(frame, fix=path)
    ratings: Any = pd.concat([stars(), stars().iloc[[3]]], ignore_index=True)
    zoo.check(ratings).save_fixes(path)
    assert len(read_ratings(ratings, fix=path)) == len(stars())


def test_the_domain_is_told_by_options_or_data(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"got the columns a, b, c, .*Pass target='...'"):
        zoo.check(table())
    with pytest.raises(TypeError, match=r"zoo.tabular.check takes, got labelz=.*'labels'"):
        zoo.check(table(), target="y", labelz=True)
    with pytest.raises(ValueError, match="domain must be one of vision"):
        zoo.check(table(), domain="table")  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        zoo.check(tmp_path / "nowhere.csv")


def test_the_command_reports_writes_fixes_and_ends_with_status_1(tmp_path: Path) -> None:
    frame, fix = texts(20), tmp_path / "fix.csv"
    frame.loc[40] = ["a good film, number 3 of all", "neg"]
    frame.to_csv(tmp_path / "films.csv", index=False)
    words = ["check", str(tmp_path / "films.csv"), "--no-labels", "--fix", str(fix)]
    told = CliRunner().invoke(app, [*words, "--json"])
    assert told.exit_code == 1, told.output
    tree = json.loads(told.output)
    assert (tree["ok"], tree["n"], tree["kind"]) == (False, 41, "texts")
    assert [one["kind"] for one in tree["findings"]] == ["two labels"]
    assert re.search(r"\n40,two labels,", fix.read_text())
    wrong = CliRunner().invoke(app, ["check", str(tmp_path / "films.csv"), "--min-side", "9"])
    assert wrong.exit_code == 1


def test_a_column_in_the_place_of_rows_is_told(tmp_path: Path) -> None:
    table(30).to_csv(tmp_path / "sales.csv", index=False)
    with pytest.raises(ValueError, match=r"a column of the data. Write zoo.check\(data, target="):
        zoo.check(tmp_path / "sales.csv", "y")


def test_labels_of_a_table_are_doubted_by_no_name(tmp_path: Path) -> None:
    table(30).to_csv(tmp_path / "sales.csv", index=False)
    arguments = ["check", str(tmp_path / "sales.csv"), "--target", "y", "--labels-by", "minilm"]
    answer = CliRunner().invoke(app, arguments)
    assert "True or a TableModel, got 'minilm'" in " ".join(answer.output.split())
