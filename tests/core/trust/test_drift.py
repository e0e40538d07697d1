"""What has moved away from the training is told, and what has not is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import zoo
from zoo.core.predictions import Estimate
from zoo.core.trust.diagnosis import Report
from zoo.core.trust.drift import less_sure, moved_number, unlike
from zoo.core.trust.unknown import Unknown


def rows(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": rng.normal(10, 2, n), "b": rng.lognormal(0, 1, n)})
    frame["land"] = rng.choice(["fr", "de", "it"], n)
    return frame.assign(y=np.where(frame["a"] > 10, "yes", "no"))


def texts(report: Report) -> list[str]:
    return [one.text for one in report.findings]


@pytest.fixture(scope="module")
def model() -> zoo.tabular.TableModel:
    return zoo.tabular.learner(rows(400, 0), "y", run=zoo.Run(device="cpu")).as_model()


def test_new_rows_of_the_same_kind_have_not_moved(model: zoo.tabular.TableModel) -> None:
    model.metrics = {}
    for seed in range(1, 11):
        assert texts(zoo.check(rows(300, seed), against=model)) == []


def test_shifted_numbers_units_gaps_and_categories_are_told_with_their_rows(
    model: zoo.tabular.TableModel,
) -> None:
    model.metrics = {}
    new = rows(300, 1)
    new["a"] += 9
    new["b"] *= 1000
    new.loc[:5, "b"] = np.nan
    new.loc[200:, "land"] = "es"
    land, a, b, both = texts(zoo.check(new, against=model))
    assert land.startswith("column 'land': categories that the training had not; touches 100 of")
    assert a.startswith("column 'a': its median is 1")
    assert b.startswith("column 'b': its median is")
    assert "it has gaps, of which there were none" in b
    assert "together they touch 300 of 300" in both or "together they touch 29" in both


def test_a_model_that_is_less_sure_than_it_was_right_says_so() -> None:
    p = np.full(100, 0.6)
    assert less_sure(p, 0.65) is None
    moved = less_sure(np.append(p, 0.3), 0.95)
    assert moved is not None
    assert moved.rows.tolist() == [100]


def test_many_inputs_that_are_unlike_the_training_are_told_and_a_few_are_not() -> None:
    strange, usual = (Estimate(1.0, unknown=Unknown(one, 0.0, "")) for one in (True, False))
    assert (moved := unlike("texts", [usual] * 17 + [strange] * 3)) is not None
    assert moved.rows.tolist() == [17, 18, 19]
    assert unlike("texts", [usual] * 18 + [strange] * 2) is None
    assert unlike("texts", [strange] * 5) is None  # too few to tell


def test_few_rows_tell_of_no_shift() -> None:
    assert moved_number("x", np.full(5, 9.0), 0.0, 1.0, 1.0, had_gaps=False) is None


def test_unknown_ids_and_another_mean_of_ratings_are_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n = 600
    frame = pd.DataFrame({"user": rng.integers(0, 40, n), "item": rng.integers(0, 50, n)})
    frame = frame.drop_duplicates().assign(rating=lambda f: rng.integers(1, 6, len(f)))
    model = zoo.collab.learner(frame, lists="none", run=zoo.Run(device="cpu")).as_model()
    assert texts(zoo.check(frame, against=model)) == []
    new = frame.assign(user=frame["user"] + 20, rating=5)
    users, mean, _ = texts(zoo.check(new, against=model))
    assert users.startswith("users that the training had not; touches")
    assert mean.startswith("the mean of the ratings is 5, not")
    with pytest.raises(ValueError, match=r"got target=... beside"):
        zoo.check(frame, against=model, target="rating")
