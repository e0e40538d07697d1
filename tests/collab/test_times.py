from __future__ import annotations

import datetime

import pandas as pd
import pytest

from zoo.collab.data.ratings import read, split
from zoo.collab.data.times import times_of

DAYS = pd.Series(pd.date_range("2019-01-01", periods=400, freq="D"))


@pytest.mark.parametrize(
    "written",
    [
        DAYS.dt.strftime("%m/%d/%Y"),
        DAYS.dt.strftime("%d/%m/%Y"),
        DAYS.dt.strftime("%d.%m.%Y %H:%M"),
        DAYS.dt.strftime("%Y-%m-%d"),
        DAYS.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        DAYS.dt.strftime("%B %d, %Y"),
        DAYS.dt.strftime("%Y%m%d"),
        DAYS.dt.strftime("%m/%d/%Y").astype("category"),
        pd.Series([day.date() for day in DAYS], dtype=object),
        pd.Series(range(98, 498)).astype(str),
        DAYS,
    ],
)
def test_times_sort_as_time_passes_however_they_are_written(written: pd.Series) -> None:
    assert times_of(written).is_monotonic_increasing
    assert times_of(written[::-1]).is_monotonic_decreasing


@pytest.mark.parametrize(
    ("cells", "odd"),
    [
        (["2020-01-01", "in spring"], "'in spring'"),
        (["1/2/2020", "spring"], "'spring'"),
        (["1/13/2020", "13/1/2020"], "'13/1/2020'"),
        ([True, False], "truth values"),
        (["soon", "late"], "'soon'"),
    ],
)
def test_what_is_no_time_or_is_written_in_two_ways_is_one_sentence(
    cells: list[object], odd: str
) -> None:
    with pytest.raises(ValueError, match=rf"times must be numbers or dates.*got {odd}"):
        times_of(pd.Series(cells))


def test_dates_with_full_stops_begin_with_the_day() -> None:
    assert times_of(pd.Series(["02.01.2020", "01.02.2020"])).is_monotonic_increasing


def test_dates_that_may_begin_with_month_or_day_are_told() -> None:
    with pytest.warns(UserWarning, match="tell the month from the day, got .*'02/01/2020'"):
        times = times_of(pd.Series(["02/01/2020", "01/02/2020"]))
    assert times.is_monotonic_decreasing


def table(times: list[object]) -> pd.DataFrame:
    n = len(times)
    return pd.DataFrame({"user": range(n), "item": 1, "rating": 3.0, "when": times})


def test_a_split_by_time_takes_the_latest_of_dates_as_text() -> None:
    whole = table(DAYS.dt.strftime("%m/%d/%Y").tolist())
    train, valid = split(read(whole, {"time": "when"}), "time", 0.25, seed=0)
    assert valid["user"].tolist() == list(range(300, 400))
    assert len(train) == 300


def test_the_last_of_repeated_ratings_is_that_of_the_latest_date() -> None:
    again = pd.DataFrame(
        {"user": 1, "item": 1, "rating": [5, 1], "date": ["10/1/2020", "9/30/2020"]}
    )
    with pytest.warns(UserWarning, match="1 ratings are of an item that the user rated again"):
        assert read(again)["rating"].tolist() == [5]


def test_a_named_column_without_times_is_refused_and_one_by_chance_left_out() -> None:
    whole = table(["soon", "late", "never"])
    with pytest.raises(ValueError, match=r"column 'when': times must be .* Name another column"):
        read(whole, {"time": "when"})
    with pytest.warns(UserWarning, match="column 'date' is left out: times must be"):
        found = read(whole.rename(columns={"when": "date"}))
    assert list(found) == ["user", "item", "rating"]


def test_dates_may_have_a_type_of_their_own() -> None:
    dates = [datetime.date(2020, 10, 1), datetime.date(2020, 9, 30)]
    assert times_of(pd.Series(dates)).is_monotonic_decreasing
