"""The Rossmann table: sales of 1,115 drug stores, joined with all that tells something of a day.

Every row with sales is a store on a day. Its columns come in groups:

- `ANNOUNCED`: what is known of any day beforehand: promotions, holidays, opening days, and how far
  the next and the last of them are;
- `SEASON`: places in the year and in the month, on circles; `DATES`: month, week, day and days from
  Easter as categories; `TIME`: what numbers every day, or stands for one of the few years;
- `STORE`: what is known of the store: its kind, its state, its competitor, its coupons (Promo2);
- `PAST`: mean logarithms of the store's own sales on days alike; `DRIFT`: how far it was above its
  yearly means lately. A row sees sales before its block of six weeks alone, as someone would who
  forecasts the block at its beginning. Blocks are counted from the cut, so that the hold-out is a
  block itself and no mean looks over the cut;
- `OBSERVED`: the day's weather in the state and the week's search trend, from after the cut where
  the day is. The competition gave them; whoever forecasts six weeks has only forecasts of them.

Customers are no column: they are counted with the sales. The tables joined are those of Guo &
Berkhahn's solution (third place) and fast.ai's lesson; means of past sales were the winner's idea.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.fetch import get
from zoo.tabular.data.features import date_parts, looked_up, time_since, time_until

DATA: Final = "rossmann"
TARGET: Final = "Sales"
LAST_DAY: Final = pd.Timestamp("2015-07-31")
HOLD_OUT_DAYS: Final = 43  # the last 41,396 rows with sales; the test set has 41,088 rows
CUT: Final = LAST_DAY - pd.Timedelta(days=HOLD_OUT_DAYS - 1)  # first day of the hold-out
FAR: Final = 14  # days; what is farther away is equally far

STATES: Final = {  # the stores of Bremen are counted with Niedersachsen
    "BadenWuerttemberg": "BW", "Bayern": "BY", "Berlin": "BE", "Hamburg": "HH", "Hessen": "HE",
    "Niedersachsen": "HB,NI", "NordrheinWestfalen": "NW", "RheinlandPfalz": "RP", "Sachsen": "SN",
    "SachsenAnhalt": "ST", "SchleswigHolstein": "SH", "Thueringen": "TH",
}  # fmt: skip
"""States with stores, by the name of their file of weather."""

WEATHER: Final = {
    "Max_TemperatureC": "warmest", "Mean_TemperatureC": "temperature",
    "Min_TemperatureC": "coldest", "Mean_Humidity": "humidity", "Mean_Wind_SpeedKm_h": "wind",
    "Precipitationmm": "rain", "CloudCover": "clouds", "Events": "weather",
}  # fmt: skip


class Columns(NamedTuple):
    """Inputs of one group."""

    categories: tuple[str, ...]
    numbers: tuple[str, ...]


EASTER: Final = pd.to_datetime(["2013-03-31", "2014-04-20", "2015-04-05"])
AROUND_EASTER: Final = (-14, 64)  # days; from before Good Friday to after Corpus Christi
EVENTS: Final = ("promo", "holiday", "school", "school_day", "closed")
AWAY: Final = tuple(f"{event}_{side}" for event in EVENTS for side in ("since", "until"))
PROMO_WEEKS: Final = {f"promo_week_{n}": n for n in (-2, -1, 1, 2)}
ALIKE: Final = {
    "year_alike": (364, ["Store", "DayOfWeek", "Promo"]),
    "quarter_alike": (91, ["Store", "DayOfWeek", "Promo"]),
    "quarter_promo": (91, ["Store", "Promo"]),
    "block_promo": (42, ["Store", "Promo"]),
}
"""Days before the block that a mean looks back, and what its rows share with the row."""
DRIFTS: Final = {"quarter_drift": 91, "block_drift": 42, "fortnight_drift": 14}
"""Days before the block that a mean of the sales above those of `year_alike` looks back."""

ANNOUNCED: Final = Columns(
    ("DayOfWeek", "Promo", "StateHoliday", "SchoolHoliday", *PROMO_WEEKS), AWAY
)
SEASON: Final = Columns(
    (), ("Date_year_sin", "Date_year_cos", "Date_month_sin", "Date_month_cos", "days_left")
)
DATES: Final = Columns(("Date_month", "Date_week", "Date_day", "easter"), ())
TIME: Final = Columns(("Date_year",), ("Date_dayofyear", "Date_elapsed"))
STORE: Final = Columns(
    ("Store", "State", "StoreType", "Assortment", "PromoInterval", "coupons_now"),
    ("CompetitionDistance", "competition_months", "coupons_weeks"),
)
PAST: Final = Columns((), tuple(ALIKE))
DRIFT: Final = Columns((), tuple(DRIFTS))
OBSERVED: Final = Columns(("weather",), (*list(WEATHER.values())[:-1], "trend", "trend_germany"))


def score(model: Any) -> dict[str, float]:
    """RMSPE on the hold-out, the last six weeks."""
    frame = joined()
    rows = frame[frame["Date"] >= CUT]
    return {"rmspe": rmspe(rows[TARGET], predicted(model, rows))}


def rmspe(truth: pd.Series, says: pd.Series) -> float:
    """Root of the mean square of the errors' shares of the truth, as the competition scored."""
    return float(np.sqrt(np.mean(np.square((says - truth) / truth))))


def lowered(says: pd.Series, variance: float) -> pd.Series:
    """Predictions of mean logarithms, changed so that the mean square of shares is least.

    Args:
        says: predictions.
        variance: variance of the logarithms' errors.
    """
    return says * float(np.exp(-1.5 * variance))


def predicted(model: Any, rows: pd.DataFrame) -> pd.Series:
    """Predictions of a network, lowered by its error in training."""
    target = model.spec.targets[0]
    return lowered(model.predict(rows), model.history.rows[-1]["train_loss"] * target.std**2)


def joined(cut: pd.Timestamp = CUT, hidden_until: pd.Timestamp | None = None) -> pd.DataFrame:
    """The table: a row for each store and day with sales, the latest last.

    Args:
        cut: first day of the hold-out; only `PAST` and `DRIFT` depend on it.
        hidden_until: no mean knows sales from the cut to this day; None hides no more than what the
            cut does.
    """
    folder = get(DATA)
    frame = with_announced(calendar(folder))
    frame = frame[frame[TARGET] > 0].reset_index(drop=True)
    parts = ["year", "month", "week", "day", "dayofyear", "elapsed"]
    frame = date_parts(frame, "Date", parts=parts, cyclic=True)
    frame["days_left"] = frame["Date"].dt.days_in_month - frame["Date_day"]
    frame = with_observed(with_store(frame, folder), folder)
    return with_past(frame, cut, hidden_until)


def calendar(folder: Path) -> pd.DataFrame:
    """Every store and day that either file knows; days of the test file have no sales."""
    whole = {"Store": "int16", "DayOfWeek": "int8", "Promo": "int8", "SchoolHoliday": "int8"}
    types, columns = {**whole, "StateHoliday": "category"}, ["Date", "Open", "StateHoliday", *whole]
    parts = [
        pd.read_csv(folder / f"{name}.csv", usecols=[*columns, *targets], dtype=types)
        for name, targets in (("train", [TARGET]), ("test", []))
    ]
    both = pd.concat(parts, ignore_index=True)
    both["Date"] = pd.to_datetime(both["Date"], format="%Y-%m-%d")
    both["StateHoliday"] = both["StateHoliday"].astype("category")
    both["Open"] = both["Open"].fillna(1)  # 11 days of store 622, which the test asks for
    return both.sort_values(["Date", "Store"], ignore_index=True)


def with_announced(days: pd.DataFrame) -> pd.DataFrame:
    """Days since and until events of each store; days from Easter; promotions of near weeks."""
    events = pd.DataFrame(
        {
            "Store": days["Store"],
            "Date": days["Date"],
            "promo": days["Promo"] == 1,
            "holiday": days["StateHoliday"] != "0",
            "school": days["SchoolHoliday"] == 1,
            "school_day": days["SchoolHoliday"] == 0,
            "closed": (days["Open"] == 0) & (days["DayOfWeek"] != 7),
        }
    )
    days_around = [
        side(events, event, "Date", "Store").clip(upper=FAR).fillna(FAR).astype("float32")
        for event in EVENTS
        for side in (time_since, time_until)
    ]
    of_year = EASTER[days["Date"].dt.year.to_numpy() - EASTER[0].year]
    away = (days["Date"] - pd.Series(of_year, index=days.index)).dt.days
    mondays = days["Date"] - pd.to_timedelta(days["DayOfWeek"] - 1, unit="D")
    weeks = days.groupby(mondays)["Promo"].max()  # promotions are those of all stores
    flags = {
        name: (mondays + pd.Timedelta(weeks=n)).map(weeks).fillna(0).astype("int8")
        for name, n in PROMO_WEEKS.items()
    }
    return pd.concat([days, *days_around], axis=1).assign(easter=away.clip(*AROUND_EASTER), **flags)


def with_store(frame: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """What is known of the store, and since when."""
    stores = pd.read_csv(folder / "store.csv", dtype={"Store": "int16"})
    stores = stores.fillna({"PromoInterval": "none"})
    states = pd.read_csv(folder / "store_states.csv", dtype={"Store": "int16"})
    wide = looked_up(frame, looked_up(stores, states, "Store"), "Store")
    year = 1970 + wide["Date_elapsed"] / 365.25
    opened = wide["CompetitionOpenSinceYear"] + (wide["CompetitionOpenSinceMonth"] - 1) / 12
    wide["competition_months"] = ((year - opened) * 12).clip(-1, 24).fillna(24)
    weeks = (year - wide["Promo2SinceYear"]) * 52 - wide["Promo2SinceWeek"] + 1
    wide["coupons_weeks"] = weeks.clip(-1, 50).fillna(-1)
    month = wide["Date"].dt.month_name().str[:3]  # PromoInterval reads Jan,Apr,Jul,Oct
    sends = pd.Series(False, index=wide.index)
    for interval in wide["PromoInterval"].unique():
        named = [name[:3] for name in interval.split(",")]
        sends |= (wide["PromoInterval"] == interval) & month.isin(named)
    wide["coupons_now"] = (sends & (weeks >= 0)).astype("int8")
    return wide.drop(columns=[name for name in wide.columns if "Since" in name or name == "Promo2"])


def with_observed(frame: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """The day's weather in the state, the week's search trend there and in all Germany."""
    wide = looked_up(frame, weather(folder / "weather"), ["State", "Date"])
    sundays = wide["Date"] - pd.to_timedelta((wide["Date"].dt.day_of_week + 1) % 7, unit="D")
    wide = wide.assign(sunday=sundays)
    trends = folder / "googletrend"
    wide = looked_up(wide, trend(trends / "Rossmann_DE.csv", "trend_germany"), "sunday")
    names = {state: state.split(",")[-1] for state in STATES.values()}
    states = [
        trend(trends / f"Rossmann_DE_{short}.csv", "trend").assign(State=state)
        for state, short in names.items()
    ]
    wide = looked_up(wide, pd.concat(states), ["State", "sunday"])
    return wide.drop(columns="sunday")


def weather(folder: Path) -> pd.DataFrame:
    """A row for each state and day."""
    parts = [
        pd.read_csv(folder / f"{name}.csv", sep=";", usecols=["Date", *WEATHER]).assign(State=state)
        for name, state in STATES.items()
    ]
    both = pd.concat(parts, ignore_index=True).rename(columns=WEATHER)
    both["Date"] = pd.to_datetime(both["Date"], format="%Y-%m-%d")
    return both.fillna({"weather": "none"})


def trend(file: Path, name: str) -> pd.DataFrame:
    """A row for each week, which begins on its Sunday."""
    weeks = pd.read_csv(file, names=["week", name], header=0)
    sundays = pd.to_datetime(weeks["week"].str[:10], format="%Y-%m-%d")
    return pd.DataFrame({"sunday": sundays, name: weeks[name]})


def with_past(
    frame: pd.DataFrame, cut: pd.Timestamp, hidden_until: pd.Timestamp | None = None
) -> pd.DataFrame:
    """Means of the logarithm of sales before the block that the row is in.

    Args:
        frame: rows in the order of their dates.
        cut: blocks of `HOLD_OUT_DAYS` end, and begin, here.
        hidden_until: see `joined`.
    """
    first, last = frame["Date_elapsed"].iloc[[0, -1]]
    starts = block_starts(first, last, (cut - pd.Timestamp(0)).days)
    logs = np.log(frame[TARGET])
    if hidden_until is not None:
        logs = logs.mask(frame["Date"].between(cut, hidden_until))
    means = {
        name: means_before(frame, logs, starts, days, alike)
        for name, (days, alike) in ALIKE.items()
    }
    above = logs - means["year_alike"]
    for name, days in DRIFTS.items():
        means[name] = means_before(frame, above, starts, days, ["Store"])
    return pd.concat([frame, pd.DataFrame(means, index=frame.index)], axis=1)


def means_before(
    frame: pd.DataFrame, values: pd.Series, starts: range, days: int, alike: list[str]
) -> NDArray[np.float32]:
    """For each row the mean of earlier values: of rows alike, in the days before its block.

    Shape: (n,); gaps where there are none.
    """
    days_of = frame["Date_elapsed"].to_numpy()
    rows = frame[alike].assign(value=values)
    means = np.full(len(frame), np.nan, dtype="float32")
    for start in starts:
        since, low, high = np.searchsorted(days_of, [start - days, start, start + HOLD_OUT_DAYS])
        if since < low < high:
            past = rows.iloc[since:low].groupby(alike, as_index=False).mean()
            block = looked_up(rows.iloc[low:high][alike], past, alike)
            means[low:high] = block["value"].to_numpy("float32")
    return means


def block_starts(first: float, last: float, cut: int) -> range:
    """First days of all blocks, of which one is the cut; days are counted.

    >>> [*block_starts(1, 200, cut=150)]
    [-22, 21, 64, 107, 150, 193]
    """
    before = -((cut - int(first)) // -HOLD_OUT_DAYS)
    return range(cut - before * HOLD_OUT_DAYS, int(last) + 1, HOLD_OUT_DAYS)
