from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from zoo.published import rossmann
from zoo.published.rossmann import (
    ALIKE,
    CUT,
    DRIFTS,
    HOLD_OUT_DAYS,
    STATES,
    WEATHER,
    block_starts,
    joined,
)

DAYS = pd.date_range("2014-01-01", "2015-07-31")
STORES = pd.DataFrame(
    {
        "Store": [1, 2],
        "StoreType": ["a", "c"],
        "Assortment": ["a", "b"],
        "CompetitionDistance": [100.0, None],
        "CompetitionOpenSinceMonth": [7, None],
        "CompetitionOpenSinceYear": [2014, None],
        "Promo2": [0, 1],
        "Promo2SinceWeek": [None, 27],
        "Promo2SinceYear": [None, 2014],
        "PromoInterval": [None, "Feb,May,Aug,Nov"],
    }
)


def days_of(store: int, seed: int = 0) -> pd.DataFrame:
    """Open from Monday to Saturday, a promotion every other week."""
    rng = np.random.default_rng([seed, store])
    opened = DAYS.day_of_week < 6
    return pd.DataFrame(
        {
            "Store": store,
            "DayOfWeek": DAYS.day_of_week + 1,
            "Date": DAYS.strftime("%Y-%m-%d"),
            "Sales": np.where(opened, rng.integers(1000, 9000, len(DAYS)), 0),
            "Customers": 1,
            "Open": opened.astype(int),
            "Promo": ((DAYS.day_of_week < 5) & (DAYS.isocalendar().week % 2 == 0)).astype(int),
            "StateHoliday": np.where(DAYS == "2015-05-14", "a", "0"),
            "SchoolHoliday": (DAYS.month == 7).astype(int),
        }
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two stores, in Bavaria and Lower Saxony, in the form of the real files."""
    place = tmp_path_factory.mktemp("rossmann")
    for name in ("weather", "googletrend"):
        (place / name).mkdir()
    write(place, [days_of(1), days_of(2)])
    STORES.to_csv(place / "store.csv", index=False)
    states = pd.DataFrame({"Store": [1, 2], "State": ["BY", "HB,NI"]})
    states.to_csv(place / "store_states.csv", index=False)
    numbers = dict.fromkeys(WEATHER, 0) | {"Events": "Rain"}
    for i, name in enumerate(STATES):
        frame = pd.DataFrame({"Date": DAYS.strftime("%Y-%m-%d"), **numbers})
        frame["Mean_TemperatureC"] = 100 * i + DAYS.day
        frame.to_csv(place / "weather" / f"{name}.csv", sep=";", index=False)
    sundays = pd.date_range("2013-12-29", "2015-08-02", freq="W-SUN")
    weeks = sundays.strftime("%Y-%m-%d - ") + (sundays + pd.Timedelta(days=6)).strftime("%Y-%m-%d")
    for short in ("", *(f"_{state.split(',')[-1]}" for state in STATES.values())):
        frame = pd.DataFrame({"Woche": weeks, "Dez. 2012 - Sep. 2015": np.arange(len(weeks))})
        frame.to_csv(place / "googletrend" / f"Rossmann_DE{short}.csv", index=False)
    return place


@pytest.fixture
def folder(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files, to change and to read."""
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(rossmann, "get", lambda name: tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def frame(files: Path) -> pd.DataFrame:
    """The table of the files as they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rossmann, "get", lambda name: files)
        return joined()


def write(folder: Path, stores: list[pd.DataFrame]) -> None:
    pd.concat(stores).to_csv(folder / "train.csv", index=False)
    asked = stores[0].tail(1).assign(Id=1, Date="2015-08-03", DayOfWeek=1, Promo=1)
    asked.drop(columns=["Sales", "Customers"]).to_csv(folder / "test.csv", index=False)


def row(frame: pd.DataFrame, store: int, day: str) -> pd.Series:
    return frame[(frame["Store"] == store) & (frame["Date"] == day)].iloc[0]


def test_every_open_day_is_a_row_with_its_joins(frame: pd.DataFrame) -> None:
    assert len(frame) == 2 * (DAYS.day_of_week < 6).sum()
    assert frame["Date"].is_monotonic_increasing
    saturday = row(frame, 2, "2015-07-25")
    assert saturday["State"] == "HB,NI"
    assert saturday["temperature"] == 100 * list(STATES).index("Niedersachsen") + 25
    assert saturday["trend"] == row(frame, 2, "2015-07-20")["trend"]
    assert saturday["trend"] + 1 == row(frame, 1, "2015-07-27")["trend_germany"]


def test_distances_are_counted_in_days(frame: pd.DataFrame) -> None:
    wednesday = row(frame, 1, "2015-05-13")
    assert (wednesday["holiday_until"], wednesday["holiday_since"]) == (1, rossmann.FAR)
    assert row(frame, 2, "2015-06-29")["school_until"] == 2
    assert row(frame, 2, "2015-07-10")["school_day_since"] == 10
    assert [row(frame, 1, day)["easter"] for day in ("2014-04-19", "2015-05-25")] == [-1, 50]


def test_the_calendar_goes_on_after_the_last_day_with_sales(frame: pd.DataFrame) -> None:
    friday = row(frame, 1, "2015-07-31")
    assert friday["Promo"] == 0
    assert friday["promo_until"] == 3
    assert friday[["promo_week_-1", "promo_week_1", "promo_week_2"]].tolist() == [1, 1, 0]


def test_competitors_and_coupons_count_from_their_beginning(frame: pd.DataFrame) -> None:
    assert row(frame, 1, "2014-06-02")["competition_months"] == -1
    assert row(frame, 1, "2014-10-01")["competition_months"] == pytest.approx(3, abs=0.1)
    assert row(frame, 2, "2014-05-02")[["coupons_now", "coupons_weeks"]].tolist() == [0, -1]
    assert row(frame, 2, "2014-08-01")["coupons_now"] == 1
    assert row(frame, 2, "2014-09-01")["coupons_now"] == 0
    assert row(frame, 1, "2014-08-01")["coupons_now"] == 0


@pytest.mark.parametrize("cut", [CUT, CUT - pd.Timedelta(days=20)])
def test_means_are_those_of_a_search_over_all_rows_before_the_block(
    folder: Path, cut: pd.Timestamp
) -> None:
    frame = joined(cut)
    for _, one in frame.sample(20, random_state=0).iterrows():
        first = cut + pd.Timedelta(days=(one["Date"] - cut).days // HOLD_OUT_DAYS * HOLD_OUT_DAYS)
        for name, (days, alike) in [
            *ALIKE.items(),
            *((n, (d, ["Store"])) for n, d in DRIFTS.items()),
        ]:
            past = frame[frame["Date"].between(first - pd.Timedelta(days=days), first, "left")]
            same = past[(past[alike] == one[alike]).all(axis=1)]
            values = np.log(same["Sales"]) - (same["year_alike"] if name in DRIFTS else 0)
            assert one[name] == pytest.approx(values.mean(), rel=1e-4, abs=1e-5, nan_ok=True)


def test_no_input_knows_the_sales_after_the_cut(folder: Path, frame: pd.DataFrame) -> None:
    other = [days_of(1), days_of(2)]
    for days in other:
        later = (days["Date"] >= str(CUT.date())) & (days["Sales"] > 0)
        days.loc[later, ["Sales", "Customers"]] = 77
    write(folder, other)
    after = joined()
    assert not frame["Sales"].equals(after["Sales"])
    pd.testing.assert_frame_equal(frame.drop(columns="Sales"), after.drop(columns="Sales"))
    assert "Customers" not in after


def test_no_mean_knows_hidden_sales_also_of_days_afterwards(folder: Path) -> None:
    cut, last = pd.Timestamp("2014-08-01"), pd.Timestamp("2014-09-17")
    before = joined(cut, hidden_until=last)
    other = [days_of(1), days_of(2)]
    for frame in other:
        within = frame["Date"].between(str(cut.date()), str(last.date())) & (frame["Sales"] > 0)
        frame.loc[within, "Sales"] = 77
    write(folder, other)
    after = joined(cut, hidden_until=last)
    pd.testing.assert_frame_equal(before.drop(columns="Sales"), after.drop(columns="Sales"))
    assert not joined(cut)["year_alike"].equals(after["year_alike"])


def test_blocks_meet_at_the_cut() -> None:
    assert [*block_starts(1, 200, cut=150)] == [-22, 21, 64, 107, 150, 193]
    assert [*block_starts(150, 150, cut=150)] == [150]


@pytest.mark.slow
@pytest.mark.skipif(
    "ZOO_DATA_MIRROR" not in os.environ,
    reason="needs the real archive: set ZOO_DATA_MIRROR to a folder with rossmann.zip",
)
def test_the_real_table_has_the_rows_of_the_lesson() -> None:
    frame = joined()
    assert len(frame) == 844_338
    assert (frame["Date"] >= CUT).sum() == 41_396
    inputs = [*frame.columns.difference(["competition_months", "CompetitionDistance", "clouds"])]
    gaps = frame.loc[frame["Date"] >= CUT, inputs].isna().sum()
    assert gaps.sum() == 0
