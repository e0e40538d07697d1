"""Data sets of Hugging Face, recognised by their attributes: `datasets` need not be installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.core.frames import speaks_arrow
from zoo.text.data.files import TRAIN_NAMES, VALID_NAMES


def is_rows(data: object) -> bool:
    """Whether it is a `Dataset` or `IterableDataset`: rows that are dictionaries."""
    is_other = isinstance(data, Mapping) or speaks_arrow(data)
    return hasattr(data, "column_names") and not is_other


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
