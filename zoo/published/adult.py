"""Adult (Becker & Kohavi 1996) as its authors divided it: a training and a test file."""

from __future__ import annotations

from typing import Any, Literal

import pandas as pd

from zoo.data.fetch import get

DATA = "adult"
TARGET = "income"
COLUMNS = (
    "age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation",
    "relationship", "race", "sex", "capital_gain", "capital_loss", "hours_per_week",
    "native_country", "income",
)  # fmt: skip


def score(model: Any) -> dict[str, float]:
    """Accuracy on the test file."""
    return {"accuracy": model.evaluate(official("test"))["accuracy"]}


def official(part: Literal["train", "test"]) -> pd.DataFrame:
    """One of the two files; question marks are gaps."""
    name, skipped = {"train": ("adult.data", 0), "test": ("adult.test", 1)}[part]
    frame = pd.read_csv(
        get(DATA) / name, names=[*COLUMNS], na_values="?", skipinitialspace=True, skiprows=skipped
    )
    return frame.assign(income=frame["income"].str.rstrip("."))
