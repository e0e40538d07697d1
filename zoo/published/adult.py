"""Adult (Becker & Kohavi 1996) as its authors divided it: a training and a test file."""

from __future__ import annotations

from typing import Any, Literal

import pandas as pd

from zoo.data.fetch import get

DATA = "adult"
TARGET = "income"
COLUMNS = (
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education_num",
    "marital_status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital_gain",
    "capital_loss",
    "hours_per_week",
    "native_country",
    "income",
)


def score(model: Any) -> dict[str, float]:
    """Accuracy on the test file."""
    return {"accuracy": model.evaluate(official("test"))["accuracy"]}


def official(part: Literal["train", "test"]) -> pd.DataFrame:
    """One of the two files; question marks are gaps."""
    name = {"train": "adult.data", "test": "adult.test"}[part]
    frame = pd.read_csv(
        get(DATA) / name,
        names=list(COLUMNS),
        na_values="?",
        skipinitialspace=True,
        skiprows=1 if part == "test" else 0,
    )
    return frame.assign(income=frame["income"].str.rstrip("."))
