"""Data sets of Hugging Face, recognised by their attributes: `datasets` need not be installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from zoo.text.data.files import TRAIN_NAMES, VALID_NAMES


def is_rows(data: object) -> bool:
    """Whether it is a `Dataset` or `IterableDataset`: rows that are dictionaries."""
    return hasattr(data, "column_names") and not isinstance(data, Mapping)


def parts_of(data: object) -> tuple[Any, Any] | None:
    """The training part and the validation part, or None, of a `DatasetDict` or another mapping.

    None if the mapping has no training part.
    """
    if not isinstance(data, Mapping):
        return None
    train = next((data[name] for name in TRAIN_NAMES if name in data), None)
    if train is None:
        return None
    return train, next((data[name] for name in VALID_NAMES if name in data), None)


def columns_of(rows: Any) -> list[str]:
    """The names of the columns; those of the first row where the data set does not tell."""
    return list(rows.column_names or next(iter(rows), {}))


def table(rows: Any) -> pd.DataFrame:
    """All rows, with the names of classes instead of their numbers; -1, which is none, is a gap."""
    frame = pd.DataFrame(list(rows), columns=columns_of(rows), dtype=object)
    features: Any = getattr(rows, "features", None)
    for name in frame.columns if features else ():
        feature: Any = features.get(name)
        if names := getattr(feature, "names", None):
            frame[name] = [_named(value, names) for value in frame[name]]
        elif names := getattr(getattr(feature, "feature", None), "names", None):
            frame[name] = [[_named(one, names) for one in value] for value in frame[name]]
    return frame


def _named(number: Any, names: list[str]) -> str | None:
    return None if number is None or int(number) < 0 else names[int(number)]
