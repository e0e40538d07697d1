from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import zoo
from tests.tabular.small import RUN, table, train

SENSELESS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown target": ({"target": "buys"}, "without 'buys'"),
    "no target": ({"target": []}, r"target=\[\]"),
    "a layer of nothing": ({"layers": (0,)}, r"1 or more, or None, got layers=\(0,\)"),
    "no layers": ({"layers": []}, r"at least 1, .* got layers=\[\]"),
    "dropout": ({"dropout": 1.0}, "from 0 to 0.999, or None, got dropout=1.0"),
    "join": ({"join": "late"}, "'ensemble', or None, got join='late'"),
    "bins": ({"bins": -1}, "0 or more, or None, got bins=-1"),
    "members": ({"k": 2.5}, "got k=2.5"),
    "a width of nothing": ({"sizes": {"colour": 0}}, "got sizes="),
    "one name for a list": ({"ignore": "amount"}, r"Try ignore=\['amount'\]"),
    "misspelt": ({"label_smothing": 0.1}, "Did you mean 'label_smoothing'"),
    "target twice": ({"target": ["amount", "amount"]}, "named once"),
    "two classes to tell": (
        {"target": ["bought", "colour"]},
        "must hold numbers, got 'yes'",
    ),
    "smoothed numbers": ({"target": "age", "label_smoothing": 0.1}, "label_smoothing=0.1 without"),
    "log of text": ({"log_target": True}, "got targets=.*, log_target=True"),
    "no table": ({"data": {"a": [1]}}, "got a dict"),
    "no file": ({"data": "nowhere.csv"}, "'nowhere.csv', which does not exist"),
    "no rows": ({"data": table(3).head(0)}, "none under its 6 columns"),
    "one row": ({"data": table(1)}, "at least two|at least 2 rows"),
    "one class": ({"data": table().assign(bought="yes")}, r"got classes=\['yes'\]"),
    "empty target": ({"data": table().assign(bought=None)}, "empty in all 400"),
    "twice a name": ({"data": pd.concat([table(), table()], axis=1)}, "for several"),
    "odd names": ({"data": table().set_axis([(1, 2), *"abcde"], axis=1)}, r"got \(1, 2\)"),
    "no share": ({"valid_fraction": 1.0}, "from 0 to 0.999, got valid_fraction=1.0"),
    "model": ({"model": "forest"}, "model='forest'"),
    "batch": ({"batch_size": 2}, "batch_size=2"),
    "epochs": ({"epochs": -1}, "epochs=-1"),
    "rate": ({"lr": -1.0}, "lr=-1.0"),
    "y_range of classes": ({"y_range": (0, 1)}, "task='classification'"),
    "sizes": ({"sizes": {"age": 3}}, "got 'age'"),
    "group and time": ({"group": "store", "time": "age"}, "got time and group"),
    "optimizer": ({"optimizer": "lion"}, "optimizer='lion'"),
    "misspelt model": ({"model": "tabbm"}, r"got model='tabbm'\. Try model='tabm'"),
    "a folder for fixes": ({"fix": "tests"}, "'tests', which is a folder"),
}


@pytest.mark.parametrize("case", SENSELESS)
def test_what_will_not_do_is_one_clear_sentence(case: str) -> None:
    settings, said = SENSELESS[case]
    settings = {"data": table(), "ignore": ["amount"], **settings}
    if "target" in settings:
        settings["ignore"] = []
    with pytest.raises((ValueError, TypeError, FileNotFoundError), match=said) as caught:
        train(**{**settings, "data": settings["data"]})
    message = str(caught.value)
    assert ", got " in message
    assert "\n" not in message
    assert len(message) < 450


def test_a_class_that_only_validation_has_is_named() -> None:
    frame = table().drop(columns="amount")
    frame.loc[390:, "bought"] = "maybe"
    with pytest.raises(ValueError, match="got 'maybe' in 'bought', none of 'no', 'yes'"):
        train(frame, "bought", valid=np.arange(400) >= 300)


def test_targets_without_a_logarithm_are_named() -> None:
    frame = table().drop(columns="bought").assign(amount=[-1.0, 0.0, *range(1, 399)])
    with pytest.raises(ValueError, match=r"logarithm is learnt, got -1\.0, 0\.0 in row 0"):
        train(frame, "amount", log_target=True)
    with pytest.raises(ValueError, match="must be finite, got inf in row 0"):
        train(frame.assign(amount=[np.inf, *range(399)]), "amount")


def test_rows_without_a_target_are_left_out_with_a_warning() -> None:
    frame = table().drop(columns="amount")
    frame.loc[:9, "bought"] = None
    with pytest.warns(UserWarning, match="got 10 of 400 without"):
        model = train(frame, "bought", epochs=1)
    assert model.training["rows"] == 312


def test_a_warning_points_at_the_users_line() -> None:
    rows = table(40).assign(same=1)
    with pytest.warns(UserWarning, match="'same'") as caught:
        train(rows, ignore=["amount"], epochs=0)
    with pytest.warns(UserWarning, match="'same'") as caught_by_verb:
        zoo.tabular.train(rows, "bought", ignore=["amount"], epochs=0, run=RUN)  # here
    assert Path(caught[0].filename).name == "small.py"
    line = Path(__file__).read_text("utf-8").splitlines()[caught_by_verb[0].lineno - 1]
    assert (caught_by_verb[0].filename, line[-6:]) == (__file__, "# here")
