"""Pairs of a user and an item in a file, as a record of predictions shows them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from zoo.collab.data.columns import column_names
from zoo.collab.data.ids import whole_numbers
from zoo.collab.data.ratings import table_of


def pairs_in(file: Path, remembered: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The user and the item of each row; ids that spell whole numbers are numbers.

    Args:
        file: a table.
        remembered: the columns of the training, by role.

    Raises:
        ValueError: it has no column of users or of items.
    """
    names_in = partial(column_names, remembered=remembered)
    table = table_of(file, names_in)
    names = names_in(table)
    sides = {side: whole_numbers(table[names[side]]).tolist() for side in ("user", "item")}
    return [dict(zip(sides, pair, strict=True)) for pair in zip(*sides.values(), strict=True)]
