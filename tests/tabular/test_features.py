from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from zoo.tabular.data.features import PARTS, date_parts, looked_up, time_since, time_until


def brute(frame: pd.DataFrame, forward: bool) -> list[float]:
    """Each row beside each event of its group."""
    days = []
    for _, row in frame.iterrows():
        same = frame[(frame["store"] == row["store"]) & (frame["promo"] == 1)]
        gaps = (same["day"] - row["day"]) if forward else (row["day"] - same["day"])
        gaps = gaps[gaps >= pd.Timedelta(0)]
        days.append(gaps.min() / pd.Timedelta(days=1) if len(gaps) else np.nan)
    return days


def sales(n: int, stores: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    days = pd.to_datetime("2015-01-01") + pd.to_timedelta(rng.integers(0, 90, n), unit="D")
    return pd.DataFrame(
        {"store": rng.integers(0, stores, n), "day": days, "promo": rng.random(n) < 0.1}
    ).set_index(rng.permutation(n))


@pytest.mark.parametrize("forward", [False, True])
def test_days_to_events_are_those_of_a_search_over_all_pairs(forward: bool) -> None:
    frame = sales(200, 5)
    found = (time_until if forward else time_since)(frame, "promo", "day", "store")
    assert found.index.equals(frame.index)
    assert found.tolist() == pytest.approx(brute(frame, forward), nan_ok=True)
    assert found.name == ("promo_until" if forward else "promo_since")


NOTHING: dict[str, list[object]] = {
    "words": ["no", "yes", "No", "", "Y", "none"],
    "digits": ["0", "1", "0.0", None, "2", "0"],
    "letters": ["0", "a", "0", "0", "b", "0"],
    "truths as text": ["False", "True", "false", "FALSE", "TRUE", None],
    "truths": [False, True, None, None, True, False],
    "numbers": [0, 1, 0.0, np.nan, 2, 0],
}


@pytest.mark.parametrize("case", NOTHING)
@pytest.mark.parametrize("dtype", [object, "category", "boolean"])
def test_what_says_no_is_no_event(case: str, dtype: str) -> None:
    cells = pd.Series(NOTHING[case], dtype=object)
    if dtype == "boolean" and case != "truths":
        pytest.skip("only truths have this dtype")
    frame = pd.DataFrame({"day": pd.date_range("2020-01-01", periods=6), "e": cells.astype(dtype)})
    expected = [np.nan, 0, 1, 2, 0, 1]
    assert time_since(frame, "e", "day").tolist() == pytest.approx(expected, nan_ok=True)


def test_times_beyond_nanoseconds_pass() -> None:
    frame = pd.DataFrame({"d": ["1500-01-01", "9999-12-31"], "e": [1, 0]})
    for other in (frame, frame.assign(d=frame["d"].to_numpy("datetime64[s]"))):
        assert date_parts(other, "d")["d_year"].tolist() == [1500, 9999]
        assert time_since(other, "e", "d").tolist() == [0, 3104560]


def test_keys_of_other_types_are_compared_by_what_they_mean() -> None:
    names = pd.DataFrame({"k": ["1", "2", "03"], "v": ["a", "b", "c"]})
    for keys in ([2, 1], [2.0, 1.0], pd.Series([2, "1"], dtype=object), ["2.0", 1]):
        found = looked_up(pd.DataFrame({"k": keys}).set_axis([7, 5]), names, "k")
        assert found["v"].tolist() == ["b", "a"]
        assert found["k"].tolist() == list(keys)
    days = pd.DataFrame({"k": pd.to_datetime(["2015-07-31"]), "v": [1]})
    assert looked_up(pd.DataFrame({"k": ["2015-07-31"]}), days, "k")["v"].tolist() == [1]
    with pytest.warns(UserWarning, match="keys must be in the table.* such as 'x'"):
        assert looked_up(pd.DataFrame({"k": ["x"]}), names, "k")["v"].isna().all()


def test_without_a_group_all_rows_are_one() -> None:
    frame = pd.DataFrame({"day": ["2015-01-03", "2015-01-01", "2015-01-02"], "promo": [0, 1, None]})
    assert time_since(frame, "promo", "day").tolist() == [2, 0, 1]
    assert time_until(frame, "promo", "day").tolist() == pytest.approx(
        [np.nan, 0, np.nan], nan_ok=True
    )


def test_a_million_rows_take_seconds_at_most() -> None:
    frame = sales(1_000_000, 1115)
    began = time.process_time()
    time_since(frame, "promo", "day", "store")
    assert time.process_time() - began < 5


def test_parts_are_those_of_the_calendar() -> None:
    days = pd.Series(pd.date_range("2014-12-25", periods=400))
    found = date_parts(pd.DataFrame({"d": days, "x": 1}), "d")
    assert found.columns.tolist() == ["d", "x", *(f"d_{part}" for part in PARTS)]
    for i, day in enumerate(days):
        row = found.iloc[i]
        assert (row["d_year"], row["d_month"], row["d_day"]) == (day.year, day.month, day.day)
        assert (row["d_week"], row["d_dayofweek"]) == (day.isocalendar()[1], day.weekday())
        assert row["d_is_month_end"] == ((day + pd.Timedelta(days=1)).day == 1)
    assert found["d_elapsed"].diff().dropna().eq(1).all()


def test_december_lies_beside_january_on_a_circle() -> None:
    frame = pd.DataFrame({"d": ["2015-12-31", "2015-01-01", "2015-07-01"]})
    found = date_parts(frame, "d", parts=[], cyclic=True)[["d_year_sin", "d_year_cos"]]
    near = np.linalg.norm(found.iloc[0] - found.iloc[1])
    far = np.linalg.norm(found.iloc[0] - found.iloc[2])
    assert near < 0.02 < 1.9 < far
    assert np.hypot(found["d_year_sin"], found["d_year_cos"]).tolist() == pytest.approx([1] * 3)


def test_the_clock_on_demand_and_gaps_stay_gaps() -> None:
    frame = pd.DataFrame({"d": pd.to_datetime(["2015-01-01T18:30", None], utc=True)})
    found = date_parts(frame, "d", clock=True, cyclic=True)
    assert found.loc[0, ["d_hour", "d_minute"]].tolist() == [18, 30]
    assert found.loc[0, "d_clock_sin"] < -0.9
    assert found.iloc[1, 1:].isna().all()


def test_the_given_table_stays_as_it_was() -> None:
    frame = sales(20, 3)
    before = frame.copy()
    date_parts(frame, "day", cyclic=True)
    time_since(frame, "promo", "day", "store")
    looked_up(frame, pd.DataFrame({"store": [0], "town": ["x"]}), "store")
    pd.testing.assert_frame_equal(frame, before)


def test_a_table_is_looked_up_by_its_key() -> None:
    frame = sales(20, 3)
    towns = pd.DataFrame({"store": [1, 0], "town": ["b", "a"]})
    found = looked_up(frame, towns, on="store")
    assert found.index.equals(frame.index)
    expected = frame["store"].map({0: "a", 1: "b"})
    assert found["town"].fillna("").tolist() == expected.fillna("").tolist()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda f: date_parts(f, "days"), "Did you mean 'day'"),
        (
            lambda f: date_parts(f.assign(day="soon"), "day"),
            "column 'day' must hold times, got",
        ),
        (lambda f: date_parts(f, "day", parts=["moon"]), "got 'moon'. Leave"),
        (lambda f: time_since(f.assign(day=None), "promo", "day"), "got 20 gaps in column 'day'"),
        (lambda f: time_since(f, "promo", "day", "shop"), "without 'shop'"),
        (lambda f: looked_up(f, pd.DataFrame({"store": [1, 1]}), "store"), "got 1 in several rows"),
        (lambda f: looked_up(f, f.head(1), "store"), "got 'day', 'promo' in both"),
        (lambda f: looked_up(f, pd.DataFrame({"shop": [1]}), "store"), "without 'store'"),
        (lambda f: date_parts(date_parts(f, "day"), "day"), "got 'day_year', .* already"),
    ],
)
def test_what_will_not_do_is_one_clear_sentence(make: object, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        make(sales(20, 3))  # type: ignore[operator]
    assert ", got " in str(caught.value)
