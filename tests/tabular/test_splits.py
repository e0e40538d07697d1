from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from zoo import Run
from zoo.tabular.data.splits import divide
from zoo.tabular.options import OPTIONS, Options

FRAME = pd.DataFrame(
    {
        "day": pd.date_range("2015-01-01", periods=50).repeat(4),
        "store": np.tile(np.arange(20), 10),
        "rare": ["x"] * 195 + ["y"] * 5,
        "x": np.arange(200),
    }
).sample(frac=1, random_state=0)


def options(seed: int = 0, **stated: Any) -> Options:
    return OPTIONS.complete(Options(run=Run(seed=seed), **stated))


def parts(**split: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    train, valid = divide(FRAME, options(**split))
    assert valid is not None
    assert sorted([*train["x"], *valid["x"]]) == list(range(200))
    return train, valid


def test_a_random_part_repeats_with_its_seed() -> None:
    assert len(parts()[1]) == 40
    assert parts()[1].equals(parts()[1])
    assert not parts()[1].equals(parts(seed=1)[1])


def test_every_class_has_its_share() -> None:
    for seed in range(5):
        _, valid = divide(FRAME, options(seed=seed), FRAME["rare"])
        assert valid is not None
        assert valid["rare"].value_counts().to_dict() == {"x": 39, "y": 1}


@pytest.mark.parametrize("as_text", [False, True])
def test_no_training_row_is_as_late_as_a_validation_row(as_text: bool) -> None:
    frame = FRAME.assign(day=FRAME["day"].astype(str)) if as_text else FRAME
    train, valid = divide(frame, options(time="day", valid_fraction=0.21))
    assert valid is not None
    assert train["day"].max() < valid["day"].min()
    assert len(valid) == 40  # 42 would cut a day


def test_a_last_moment_longer_than_the_fraction_is_validated_on_whole() -> None:
    frame = FRAME.assign(day=[1] * 100 + [2] * 100)
    _, valid = divide(frame, options(time="day", valid_fraction=0.1))
    assert valid is not None
    assert len(valid) == 100


def test_groups_stay_together() -> None:
    train, valid = parts(group="store")
    assert not set(train["store"]) & set(valid["store"])
    assert len(valid) == 40


def test_rows_are_named_by_a_mask_or_a_table() -> None:
    mask = FRAME["day"] >= "2015-02-01"
    for valid in (mask, mask.to_numpy(), mask.tolist(), FRAME[mask]):
        found = divide(FRAME, options(valid=valid))[1]
        assert found is not None
        assert found.equals(FRAME[mask])


def test_the_truths_of_a_series_go_by_its_index() -> None:
    mask = FRAME.sort_index()["day"] >= "2015-02-01"
    found = divide(FRAME, options(valid=mask))[1]
    assert found is not None
    assert found.equals(FRAME[FRAME["day"] >= "2015-02-01"])
    for odd in (mask.reset_index(drop=True).set_axis(range(1, 201)), mask.set_axis([0] * 200)):
        with pytest.raises(ValueError, match="truths must have the index of the table"):
            divide(FRAME, options(valid=odd))


@pytest.mark.parametrize("seed", range(8))
def test_a_large_group_does_not_carry_the_fraction_away(seed: int) -> None:
    groups = ["big"] * 120 + [i % 8 for i in range(80)]
    _, valid = divide(FRAME.assign(g=groups), options(group="g", seed=seed))
    assert valid is not None
    assert len(valid) == 40
    with pytest.raises(ValueError, match="got 1 groups of up to 200 of 200 rows"):
        divide(FRAME.assign(g="all"), options(group="g", seed=seed))


@pytest.mark.parametrize("dtype", [str, object])
def test_numbers_as_text_are_times_in_their_order(dtype: type) -> None:
    frame = FRAME.assign(day=np.arange(200)).astype({"day": str}).astype({"day": dtype})
    train, valid = divide(frame, options(time="day"))
    assert valid is not None
    assert train["day"].astype(int).max() == 159
    assert valid["day"].astype(int).min() == 160


def test_nothing_is_set_aside_on_demand() -> None:
    train, valid = divide(FRAME, options(valid_fraction=0))
    assert valid is None
    assert len(train) == 200


SENSELESS: dict[str, tuple[dict[str, Any], str]] = {
    "two ways": ({"time": "day", "group": "store"}, "got time and group"),
    "tiny": ({"valid_fraction": 1e-6}, "got 200 to train and 0 to validate on"),
    "no column": ({"time": "days"}, "Did you mean 'day'"),
    "no group": ({"group": "shop"}, "without 'shop'"),
    "short mask": ({"valid": [True, False]}, r"shape=\(2,\)"),
    "numbers": ({"valid": [0.5] * 200}, "dtype=float64"),
    "all": ({"valid": [True] * 200}, "got 0 to train and 200 to validate on"),
    "nothing": ({"valid": [False] * 200}, "got 200 to train and 0 to validate on"),
    "no times": ({"time": "rare"}, "must hold times, got"),
}


@pytest.mark.parametrize("case", SENSELESS)
def test_a_split_that_will_not_do_is_one_clear_sentence(case: str) -> None:
    settings, said = SENSELESS[case]
    with pytest.raises(ValueError, match=said) as caught:
        divide(FRAME, options(**settings))
    assert ", got " in str(caught.value)


def test_a_time_of_every_row_is_needed() -> None:
    with pytest.raises(ValueError, match="got 1 gaps in 'day'"):
        divide(FRAME.assign(day=[None, *range(199)]), options(time="day"))
