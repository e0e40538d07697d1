"""The arena: what is measured is what is said, nothing leaks, nothing is run twice."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks.arena import rows, worker
from benchmarks.arena.__main__ import Wanted, rows_there
from benchmarks.arena.compare import differences, front, read
from benchmarks.arena.methods import METHODS, Entry, bags, baselines, entries, sklearn_tables
from benchmarks.arena.page import lines
from benchmarks.arena.runner import Place, _outcome, run
from benchmarks.arena.scoring import Problem, ndcg, score
from benchmarks.arena.sets import CORE, SETS, lists, parts, tables
from benchmarks.arena.task import DOMAINS, Task
from scripts.collab_ranking import ease
from scripts.lib.bags_of_words import nb_svm
from zoo.collab.data.rated_items import RatedItems
from zoo.collab.ranking import ranking_metrics

# ---- tasks and scores ----------------------------------------------------------------------------


def choices(n: int = 60) -> Problem:
    """Items of 12 users, whose tastes are of two kinds."""
    rng = np.random.default_rng(0)
    users = rng.integers(0, 12, n)
    frame = pd.DataFrame({"user": users, "item": 2 * rng.integers(0, 10, n) + users % 2})
    frame = frame.drop_duplicates(ignore_index=True)
    return lists.problem("choices", frame.iloc[::2], frame.iloc[1::2], 0)


def test_a_task_comes_back_from_its_files(tmp_path: Path) -> None:
    train = pd.DataFrame(
        {
            "text": ['a "quoted",\ncut', "line\r\nend", "NA", None],
            "x": [0.1, np.nan, 1e-300, 3.0],
            "n": [1, 2, 3, 4],
            "b": [True, False, True, False],
            "label": ["1", "0", "None", "1"],
        }
    )
    task = Task("few", "tables", "accuracy", "label", train, train[["text", "x"]], seed=3)
    task.write(tmp_path)
    again = Task.read(tmp_path)
    for name in ("train", "inputs"):
        pd.testing.assert_frame_equal(getattr(task, name), getattr(again, name), check_dtype=False)
    assert (again.classes, again.seed) == (["0", "1", "None"], 3)
    assert again.labels.tolist() == [1, 0, 2, 1]


def test_lists_are_scored_as_the_library_scores_them() -> None:
    rng = np.random.default_rng(1)
    scores = torch.from_numpy(rng.normal(size=(6, 31)))
    scores[:, 0] = -torch.inf
    truth = pd.DataFrame({"user": rng.integers(1, 6, 40), "item": rng.integers(1, 31, 40)})
    truth = truth.drop_duplicates(ignore_index=True)
    users = np.unique(truth["user"])
    pairs = torch.tensor(truth.sort_values("user").to_numpy())
    relevant = RatedItems.of(pairs[:, 0], pairs[:, 1], 5)
    expected = ranking_metrics(lambda which: scores[which].clone(), relevant, 30, 10, None)
    best = scores[users].topk(10).indices.numpy()
    assert ndcg(best, users, truth) == pytest.approx(expected["ndcg@10"], abs=1e-6)


def test_an_answer_of_another_shape_or_with_gaps_is_refused() -> None:
    problem = tables.carried("iris", 0)
    n = len(problem.truth)
    truth = np.eye(3)[np.searchsorted(problem.task.classes, problem.truth)]
    assert score(problem, truth) == 1.0
    for wrong in (truth[:, :2], np.full((n, 3), np.nan)):
        with pytest.raises(ValueError, match=rf"of shape \({n}, 3\), got shape \({n}, "):
            score(problem, wrong)


def test_a_class_that_nobody_could_learn_counts_as_wrong() -> None:
    train = pd.DataFrame({"x": [0.0, 1.0], "y": ["a", "b"]})
    task = Task("few", "tables", "accuracy", "y", train, train[["x"]])
    assert score(Problem(task, np.array(["a", "c"])), np.eye(2)) == 0.5


# ---- parts ---------------------------------------------------------------------------------------


def repeated(n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"text": [f"Text {i}" for i in rng.integers(0, n, 3 * n)]})
    return frame.assign(label=rng.choice(["a", "b"], 3 * n), fold=frame.index % 5)


DIVISIONS: dict[str, Callable[[pd.DataFrame, int], parts.Parts]] = {
    "drawn": lambda frame, seed: parts.drawn(frame, seed, ["text"], "label"),
    "folds": lambda frame, seed: parts.folds(frame, seed, ["text"]),
    "divided": lambda frame, seed: parts.divided(
        frame[:60], frame[60:].assign(text=frame["text"].str.upper()), ["text"]
    ),
}


@pytest.mark.parametrize("name", DIVISIONS)
def test_no_part_holds_a_copy_of_another(name: str) -> None:
    frame = repeated()
    train, test = DIVISIONS[name](frame, 1)
    again, _ = DIVISIONS[name](frame, 1)
    assert train.equals(again)
    assert len(train) > 0
    assert not set(train["text"].str.lower()) & set(test["text"].str.lower())


def test_few_labels_keep_the_shares_of_the_classes() -> None:
    frame = pd.DataFrame({"label": ["a"] * 80 + ["b"] * 20})
    train, _ = parts.labelled((frame, frame), 10, 0, "label")
    assert train["label"].value_counts().to_dict() == {"a": 8, "b": 2}


def test_what_gives_the_target_away_is_left_out_and_time_divides() -> None:
    frame = pd.DataFrame(
        {"day": range(10), "y": np.arange(1.0, 11), "twice": 2.0, "x": [0.0, 1.0] * 5}
    )
    what = tables.Archive("y", "rmse", ("twice", "day"), log=True, since=("day", 7))
    problem = tables.of_table("few", frame, what, seed=0)
    assert list(problem.task.inputs) == ["x"]
    np.testing.assert_allclose(problem.truth, np.log([8, 9, 10]))


def test_lists_ask_for_new_pairs_of_known_items() -> None:
    train = pd.DataFrame({"user": [1, 1, 2], "item": [5, 6, 5]})
    test = pd.DataFrame({"user": [1, 2, 2, 3], "item": [5, 6, 7, 5]})
    problem = lists.problem("few", train, test, 0)
    assert problem.truth.to_numpy().tolist() == [[2, 6]]  # type: ignore[union-attr]
    assert problem.task.inputs["user"].tolist() == [2]


# ---- methods -------------------------------------------------------------------------------------


def test_every_set_and_method_has_a_place() -> None:
    room = Path(worker.__file__).parent / "methods"
    for entry in METHODS:
        module, name = entry.place.split(":")
        code = (room / f"{module.replace('.', '/')}.py").read_text()
        assert f"\ndef {name}(task: Task" in code
    assert [*SETS] == [*DOMAINS]
    for domain in DOMAINS:
        assert set(CORE[domain]) <= set(SETS[domain])
        assert all(set(entry.sets) <= set(SETS[domain]) for entry in entries(domain))
        assert {entry.is_ours for entry in entries(domain)} == {True, False}


def test_ease_is_the_one_of_the_published_rows() -> None:
    problem = choices()
    task = problem.task
    answer = baselines.ease(task)
    chosen = torch.zeros(12, 20, dtype=torch.float64)
    chosen[[*task.train["user"]], [*task.train["item"]]] = 1
    expected = ease(chosen)
    expected[chosen > 0] = -torch.inf
    own = expected[[*task.inputs["user"]]]
    torch.testing.assert_close(own.gather(1, torch.from_numpy(answer[:, :3])), own.topk(3).values)
    popular = baselines.popular(task)
    assert not any(
        chosen[user, row[0]] for user, row in zip(task.inputs["user"], popular, strict=True)
    )


def test_nb_svm_of_two_classes_is_the_one_of_the_published_rows() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 40)
    words = np.array(["good", "fine", "film", "bad", "dull", "the"])
    texts = [
        " ".join(rng.choice(words[3 * y : 3 * y + 4] if y == 0 else words[2:], 4)) for y in labels
    ]
    frame = pd.DataFrame({"text": texts, "label": labels.astype(str)})
    task = Task("few", "texts", "accuracy", "label", frame[:30], frame[["text"]][30:])
    expected = nb_svm(texts[:30], labels[:30].tolist(), texts[30:])
    np.testing.assert_array_equal(bags.nb_svm(task).argmax(1), expected)


def test_biases_of_ratings_without_noise_are_nearly_found() -> None:
    pairs = pd.MultiIndex.from_product([range(40), range(60)], names=["user", "item"]).to_frame(
        False
    )
    stars = 3 + (pairs["user"] % 3 - 1) * 0.5 + (pairs["item"] % 2) * 0.5
    task = Task("few", "stars", "rmse", "rating", pairs.assign(rating=stars), pairs)
    assert np.abs(baselines.biases(task) - stars).max() < 0.25


@pytest.mark.parametrize("method", [sklearn_tables.linear, sklearn_tables.hist_boosting])
def test_simple_methods_take_gaps_and_categories(method: Any) -> None:
    problem = tables.linear_500(0)
    train = problem.task.train.assign(kind=["a", "b", None, "c"] * 100)
    train.loc[::7, "x0"] = np.nan
    task = replace(problem.task, train=train, inputs=problem.task.inputs.assign(kind="new"))
    assert score(replace(problem, task=task), method(task)) < 0.6 * problem.truth.std()  # type: ignore[union-attr]


# ---- rows ----------------------------------------------------------------------------------------

POPULAR = Entry("popular", "baselines:popular", ("lists",), ("numpy",), "")


def test_a_method_runs_in_a_process_of_its_own_and_its_row_says_what_it_cost(
    tmp_path: Path,
) -> None:
    problem = choices()
    place = Place(tmp_path / "arena.csv", Path(sys.executable), threads=1)
    row = run(problem, POPULAR, place)
    assert row["status"] == rows.DONE, row
    assert float(row["score"]) == pytest.approx(score(problem, baselines.popular(problem.task)))
    assert 0 < float(row["cpu_s"]) < 2
    assert row["versions"] == f"numpy {np.__version__}"
    assert row["machine"].endswith("1 threads")


def test_an_import_within_an_import_counts_once() -> None:
    def load(depth: int) -> None:
        end = time.thread_time() + 0.01
        while time.thread_time() < end:
            pass
        if depth:
            timed(depth - 1)

    imports = worker.Imports()
    timed = imports.timed(load)
    timed(1)
    assert 0.02 <= imports.seconds < 0.04


def test_a_run_over_its_budget_and_one_that_fails_are_written_as_such(tmp_path: Path) -> None:
    problem = choices()
    assert _outcome(problem, tmp_path, -signal.SIGXCPU)["status"] == rows.OVER
    assert _outcome(problem, tmp_path, None)["note"] == "stopped by the clock"
    (tmp_path / "log.txt").write_text("Traceback\nValueError: no items")
    assert _outcome(problem, tmp_path, 1) == {"status": "failed", "note": "ValueError: no items"}


def row_of(method: str, seed: int, value: float, cpu: float, **more: str) -> rows.Row:
    plain = {
        "domain": "tables",
        "set": "iris",
        "method": method,
        "budget_s": "10",
        "seed": str(seed),
        "status": rows.DONE,
        "metric": "accuracy",
        "score": str(value),
        "cpu_s": str(cpu),
        "peak_mb": "9",
        "versions": "torch 2",
        "machine": "a CPU",
        "commit": "abc",
    }
    return plain | more


def test_nothing_is_run_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "arena.csv"
    linear, network = entries("tables")[1], entries("tables")[0]
    for row in (
        row_of("zoo", 0, 0.9, 30.0, budget_s="60"),
        row_of("linear", 0, 0.9, 0.1),
        row_of("linear", 1, 0.9, 0.0, status=rows.OVER),
    ):
        rows.add(out, row)

    def wanted(seed: int, *, again: bool = False) -> Wanted:
        there = rows_there(out, ["linear"] if again else [])
        return Wanted("iris", seed, [linear, network], [10.0, 60.0, 600.0], there)

    one = wanted(0)
    assert one.missing(linear) == [60.0, 600.0]
    assert one.known(linear, 600.0) == row_of("linear", 0, 0.9, 0.1, budget_s="600") | {
        name: "" for name in rows.COLUMNS if name not in row_of("", 0, 0, 0)
    }
    assert one.known(network, 10.0)["status"] == rows.OVER  # type: ignore[index]
    assert wanted(1).known(linear, 60.0) is None
    assert one.known(replace(network, uses_budget=True), 10.0) is None
    monkeypatch.setattr("benchmarks.arena.__main__.commit", lambda: "abd")
    assert wanted(0, again=True).missing(linear) == [10.0, 60.0, 600.0]
    assert wanted(0).missing(linear) == [60.0, 600.0]


def test_the_page_says_where_ours_is_below_and_on_the_front(tmp_path: Path) -> None:
    out = tmp_path / "arena.csv"
    for seed, noise in enumerate((-0.01, 0.0, 0.01)):
        rows.add(out, row_of("zoo", seed, 0.9 + noise, 2.0))
        rows.add(out, row_of("linear", seed, 0.93 + noise, 0.1))
        rows.add(out, row_of("catboost", seed, 0.85 + noise, 9.0))
        rows.add(out, row_of("zoo", seed, 0.5 + noise, 2.0, set="titanic", metric="rmse"))
        rows.add(out, row_of("linear", seed, 0.502 + noise, 0.1, set="titanic", metric="rmse"))
        rows.add(out, row_of("tabm", seed, 0.4, 3.0, set="titanic", status=rows.OVER, score=""))
    frame = read(out)
    found = {(one.set, one.rival): one for one in differences(frame)}
    assert found["iris", "linear"].is_below
    assert found["iris", "linear"].mean == pytest.approx(-0.03)
    assert found["iris", "catboost"].is_above
    assert found["titanic", "linear"].mean == pytest.approx(0.002 / 0.502)
    assert not found["titanic", "linear"].is_above
    assert front(frame).set_index("set")["ours"].to_dict() == {"iris": False, "titanic": True}
    page = "\n".join(lines(frame))
    assert "| iris | linear | -0.0300 | 0.0000 | 3 |" in page
    assert "| all | 1 of 2 | 1 of 2 |" in page
    assert "**0.9300** (0.1 s)" in page
    assert "| 0 / 1 / 1 | 0 / 1 / 1 |" in page
    assert "over" in page
