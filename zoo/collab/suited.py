"""Which model suits a table: stars are predicted, play counts and logs are ranked by."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from zoo.collab.data.columns import column_names
from zoo.collab.data.ratings import Table, table_of
from zoo.collab.data.scale import are_counts
from zoo.collab.options import ModelName
from zoo.core.messages import warn


def suited_model(table: Table, columns: Mapping[str, Any]) -> ModelName:
    """The model of stars and lists, or that of lists alone where there are no stars.

    Args:
        table: ratings, one per row.
        columns: options of the verb, among which stated names of columns are.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: columns are missing.
    """
    roles = ("user", "item", "rating", "time")
    stated = {role: columns[role] for role in roles if columns.get(role) is not None}
    names_in = partial(column_names, columns=stated)
    frame = table_of(table, names_in)
    rating = names_in(frame).get("rating")
    if rating is None:
        return "blend"
    numbers = pd.to_numeric(frame[rating], errors="coerce").dropna()
    if not are_counts(numbers.to_numpy(dtype=np.float64)):
        return "dot_bias"
    warn(
        f"column {rating!r} holds counts, not stars: a model of lists learns who chose what. "
        "To have them predicted pass model='dot_bias'."
    )
    return "blend"
