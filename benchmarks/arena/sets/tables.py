"""Tables: those that scikit-learn carries, those of `zoo.data`, and the archives `tab-...`.

Where no split is published, a fifth of the rows is drawn by the seed. Rows of the training part
whose inputs stand in the test part too are left out. Dates become numbers, so that no method has to
know what a date is. The score is accuracy; of two classes that are far from alike often, the AUC;
of numbers, the RMSE, for prices and sales that of their logarithms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn import datasets

from benchmarks.arena.scoring import Problem
from benchmarks.arena.sets.archives import folder
from benchmarks.arena.sets.parts import Parts, divided, drawn
from benchmarks.arena.task import Metric, Task
from zoo.data.fetch import get
from zoo.published import adult, rossmann

Split = Callable[[pd.DataFrame, int, Sequence[str]], Parts]
Change = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Archive:
    """A set that is one table of an archive.

    Attributes:
        target: the column to predict.
        metric: how answers are scored.
        left_out: columns that number rows, or that give the target away.
        log: whether the logarithm of the target is predicted.
        since: column and lowest value of the test part, for a split by time.
        changed: what is done to the table first.
    """

    target: str
    metric: Metric
    left_out: tuple[str, ...] = ()
    log: bool = False
    since: tuple[str, Any] | None = None
    changed: Change = lambda frame: frame


def as_numbers(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """The table with a column of numbers, some of which are blank."""
    return frame.assign(**{name: pd.to_numeric(frame[name], errors="coerce")})


def as_texts(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The table with columns of numbers that are names."""
    return frame.assign(**{name: frame[name].astype(str) for name in names})


def with_date_parts(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """The table with a date's day of the year, day of the week and hour beside it."""
    dates = pd.to_datetime(frame[name]).dt
    parts = {"dayofyear": dates.dayofyear, "dayofweek": dates.dayofweek, "hour": dates.hour}
    return frame.assign(
        **{f"{name}_{key}": part for key, part in parts.items() if part.nunique() > 1}
    )


def taxis(frame: pd.DataFrame) -> pd.DataFrame:
    """The rides, with their minutes in place of the end."""
    start, end = pd.to_datetime(frame["pickup"]), pd.to_datetime(frame["dropoff"])
    minutes = (end - start).dt.total_seconds() / 60
    return with_date_parts(frame, "pickup").assign(minutes=minutes)


ARCHIVES: Final = {
    "titanic": Archive("survived", "accuracy"),
    "telco_churn": Archive(
        "Churn", "auc", ("customerID",), changed=partial(as_numbers, name="TotalCharges")
    ),
    "hr_attrition": Archive("Attrition", "auc"),
    "concrete": Archive("strength", "rmse"),
    "ames": Archive(
        "SalePrice",
        "rmse",
        ("Order", "PID"),
        log=True,
        changed=partial(as_texts, names=["MS SubClass"]),
    ),
    "bank_marketing": Archive("y", "auc", ("duration",)),
    "diamonds": Archive("price", "rmse", log=True),
    "letter": Archive("letter", "accuracy"),
    "wine_quality": Archive("quality", "rmse"),
    "insurance": Archive("charges", "rmse"),
    "nyc_taxis": Archive(
        "fare",
        "rmse",
        ("total", "tip", "tolls", "dropoff", "pickup"),
        since=("pickup", "2019-03-25"),
        changed=taxis,
    ),
    "houston_flights": Archive(
        "late15",
        "auc",
        (
            *("ArrTime", "ActualElapsedTime", "AirTime", "TaxiIn", "ArrDelay", "DepDelay"),
            *("date", "CancellationCode", "Cancelled", "Diverted"),
        ),
        since=("date", "2011-11-01"),
    ),
    "beijing_pm25": Archive(
        "pm2.5", "rmse", ("No",), since=("year", 2014), changed=lambda f: f.dropna(subset="pm2.5")
    ),
    "amazon_access": Archive(
        "ACTION", "auc", changed=lambda f: as_texts(f, [c for c in f if c != "ACTION"])
    ),
    "avocados": Archive(
        "average_price",
        "rmse",
        ("date",),
        since=("date", "2017-07-01"),
        changed=partial(with_date_parts, name="date"),
    ),
    "lending_club": Archive("Class", "auc"),
    "leaf_flavia": Archive("species", "accuracy"),
    "stackoverflow_remote": Archive("Remote", "auc"),
    "midwest_survey": Archive(
        "Census_Region", "accuracy", ("RespondentID", "In_what_ZIP_code_is_your_home_located")
    ),
    "chicago_ridership": Archive(
        "ridership",
        "rmse",
        ("date",),
        since=("date", "2015-01-01"),
        changed=partial(with_date_parts, name="date"),
    ),
}


def of_archive(name: str, seed: int) -> Problem:
    """The table of an archive in two parts."""
    what = ARCHIVES[name]
    path = folder(f"tab-{name}") / f"{name}.csv"
    frame = pd.read_csv(path, keep_default_na=False, na_values=[""], low_memory=False)
    return of_table(name, what.changed(frame), what, seed)


def of_table(name: str, frame: pd.DataFrame, what: Archive, seed: int) -> Problem:
    """Divide a table: by its column `split`, by time, or at random."""
    target = what.target
    frame = frame.drop(columns=[c for c in what.left_out if not what.since or c != what.since[0]])
    if what.log:
        frame = frame.assign(**{target: np.log(frame[target])})
    is_test = None
    if "split" in frame:
        is_test = frame.pop("split") == "test"
    elif what.since:
        column, first = what.since
        is_test = frame[column] >= first
        frame = frame.drop(columns=[c for c in (column,) if c in what.left_out])
    inputs = [column for column in frame if column != target]
    if is_test is None:
        parts = drawn(frame, seed, inputs, target if what.metric != "rmse" else None)
    else:
        parts = divided(frame[~is_test], frame[is_test], inputs)
    return problem(name, parts, target, what.metric, seed)


def problem(name: str, parts: Parts, target: str, metric: Metric, seed: int) -> Problem:
    """Two parts as a problem; classes are texts."""
    train, test = (part.reset_index(drop=True) for part in parts)
    kind = float if metric == "rmse" else str
    train, test = (part.assign(**{target: part[target].astype(kind)}) for part in (train, test))
    task = Task(name, "tables", metric, target, train, test.drop(columns=target), seed)
    return Problem(task, test[target].to_numpy(kind))


def carried(name: str, seed: int) -> Problem:
    """A set that scikit-learn carries."""
    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    metric: Metric = "rmse" if name == "diabetes" else "accuracy"
    return of_table(name, frame, Archive("target", metric), seed)


def linear_500(seed: int) -> Problem:
    """Ten numbers of 500 rows, and their weighted sum with a little noise."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 10))
    frame = pd.DataFrame(x, columns=[f"x{i}" for i in range(10)])
    frame["y"] = x @ rng.normal(size=10) + 0.1 * rng.normal(size=500)
    return of_table("linear_500", frame, Archive("y", "rmse"), seed)


def adult_files(seed: int) -> Problem:
    """Adult's two files."""
    train, test = adult.official("train"), adult.official("test")
    inputs = [name for name in train if name != adult.TARGET]
    return problem("adult", divided(train, test, inputs), adult.TARGET, "accuracy", seed)


def rossmann_weeks(seed: int) -> Problem:
    """The logarithm of Rossmann's sales in the last six weeks by the columns of the paper.

    They are those of Guo & Berkhahn (2016, table 1): store, day of the week, promotion, state,
    year, month and day.
    """
    data = get(rossmann.DATA)
    frame = rossmann.calendar(data)
    frame = frame[frame[rossmann.TARGET] > 0]
    states = pd.read_csv(data / "store_states.csv")
    frame = frame.merge(states, on="Store", how="left")
    dates = frame["Date"].dt
    table = pd.DataFrame(
        {
            "Store": frame["Store"].astype(str),
            "State": frame["State"],
            "DayOfWeek": frame["DayOfWeek"].astype(str),
            "Promo": frame["Promo"],
            "Year": dates.year,
            "Month": dates.month,
            "Day": dates.day,
            "Sales": np.log(frame[rossmann.TARGET]),
        }
    )
    is_test = frame["Date"] >= rossmann.CUT
    return problem("rossmann", (table[~is_test], table[is_test]), "Sales", "rmse", seed)


CARRIED: Final = ("iris", "wine", "breast_cancer", "diabetes")
SETS: Final[dict[str, Callable[[int], Problem]]] = {
    **{name: partial(carried, name) for name in CARRIED},
    "linear_500": linear_500,
    **{name: partial(of_archive, name) for name in ARCHIVES},
    "adult": adult_files,
    "rossmann": rossmann_weeks,
}
