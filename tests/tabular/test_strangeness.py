from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import zoo
from tests.helpers.device import run_here
from zoo.core.predictions import Estimate, Prediction
from zoo.tabular.model import TableModel


def table(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    size = rng.normal(30, 5, n)
    return pd.DataFrame(
        {
            "size": size,
            "weight": 2 * size + rng.normal(size=n),
            "land": rng.choice(["de", "fr"], n),
            "rooms": rng.integers(1, 6, n),
            "price": size + rng.normal(size=n),
        }
    )


@cache
def model() -> TableModel:
    return zoo.tabular.train(table(), "price", epochs=1, folds=2, rivals=False, run=run_here())


@pytest.mark.filterwarnings("ignore:categories must be known")
@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"size": 30_000.0}, r"'size': 30000, usual is \d+\.?\d* to [34]"),
        ({"size": 45.0, "weight": 50.0}, r"'(size|weight)': .* does not go with '(weight|size)'"),
        ({"land": "it"}, r"'land': 'it', usual are '(de|fr)', '(fr|de)'"),
        ({"rooms": 700}, "'rooms': 700, usual are"),
        ({"size": None}, r"'size': None, usual is \d+\.?\d* to [34]"),
        ({"weight": 1e300}, r"'weight': 1e\+300, usual is"),
    ],
)
def test_a_strange_cell_is_named_beside_what_is_usual(cells: dict[str, Any], reason: str) -> None:
    row = {"size": 31.0, "weight": 62.0, "land": "de", "rooms": 3}
    plain: Any = model().predict(row, unknown=True)
    assert isinstance(plain, Estimate)
    assert not plain.unknown
    assert plain == pytest.approx(model().predict(row))
    answer: Any = model().predict(row | cells, unknown=True, coverage=0.8)
    assert answer.unknown
    assert answer.low < answer < answer.high
    assert re.search(reason, answer.unknown.reason)


def test_ordinary_rows_are_hardly_called_unknown_and_order_changes_nothing() -> None:
    rows = table(1200).iloc[400:].drop(columns="price")
    told = model().predict(rows, unknown=0.05)
    assert told.columns.tolist() == ["price", "unknown", "strangeness", "reason"]
    assert 0.02 < told["unknown"].mean() < 0.09
    assert told[~told["unknown"]]["reason"].eq("").all()
    assert not len(model().predict(rows[:0], unknown=True))
    pd.testing.assert_frame_equal(model().predict(rows.iloc[::-1], unknown=0.05)[::-1], told)


def test_a_class_comes_with_its_probability() -> None:
    frame = table().assign(price=lambda t: np.where(t["price"] > 30, "high", "low"))
    told = zoo.tabular.train(frame, "price", epochs=1, valid_fraction=0.3, run=run_here())
    answer: Any = told.predict(frame.iloc[0], unknown=True)
    assert isinstance(answer, Prediction)
    assert answer.probability == pytest.approx(max(told.probabilities(frame.iloc[0]).values()))


def test_records_of_several_targets_share_a_verdict(tmp_path: Path) -> None:
    frame = table().assign(rent=lambda t: t["price"] / 2)
    several = zoo.tabular.train(
        frame, ["price", "rent"], epochs=1, valid_fraction=0.3, rivals=False, run=run_here()
    )
    frame[:2].to_csv(tmp_path / "rows.csv", index=False)
    first, _ = several.records([tmp_path / "rows.csv"], unknown=True)
    assert first["values"].keys() == {"price", "rent"}
    assert first["unknown"] is False


def test_values_that_a_tenth_of_the_rows_have_are_ordinary_by_the_rows_that_were_held_out() -> None:
    def rows(n: int) -> pd.DataFrame:
        values = pd.DataFrame({"size": rng.normal(size=n), "land": rng.choice([*"abcdefgh"], n)})
        return values.assign(price=values["size"])

    rng = np.random.default_rng(0)
    learnt = rows(120)  # of which folds tell one level of the tails less than all rows
    own: Any = {"epochs": 1, "folds": 3, "rivals": False, "run": run_here()}
    told = zoo.tabular.train(learnt, "price", **own).predict(rows(2000), unknown=0.05)
    assert 0.005 < told["unknown"].mean() < 0.1
