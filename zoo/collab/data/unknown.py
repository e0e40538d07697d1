"""What a call is told about ids: most are unknown, or text was taken for numbers."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from zoo.collab.data.ids import KnownIds, Rows

MOST: Final = 0.5  # share of unknown ids above which a call says so


def warn_of_ids(
    known: Mapping[str, KnownIds],
    ids: Mapping[str, Any],
    rows: Mapping[str, Rows],
    *,
    means: str = "They count as average.",
    is_text: bool = False,
    stacklevel: int = 2,
) -> None:
    """Warn once if most entries have an id that is not known, or one that is missing.

    Args:
        known: known ids by side, "user" or "item".
        ids: what the caller gave for each side. Shape: (n,) each.
        rows: the rows that they mean, 0 for unknown ones. Shape: (n,) each.
        means: sentence that says what becomes of unknown ones.
        is_text: the ids are from a text file, where numbers are text.
        stacklevel: frames from here up to the user's call.
    """
    unknown = np.any([side == 0 for side in rows.values()], axis=0)
    if unknown.any() and (unknown.mean() > MOST or _have_gaps(ids, rows)):
        side, example = _example(ids, rows)
        warnings.warn(
            f"the model does not know {int(unknown.sum())} of {len(unknown)}, such as the {side} "
            f"{example!r}; it knows ids such as {_plain(known[side].ids[0])}. {means}",
            UserWarning,
            stacklevel=stacklevel,
        )
        return
    spelled = (
        {} if is_text else {side: known[side].spelled_out(ids[side], rows[side]) for side in rows}
    )
    for side, text in spelled.items():
        if text is not None:
            warnings.warn(
                f"the model knows {side}s as numbers, got text: {text!r} is taken for the number. "
                "Pass numbers.",
                UserWarning,
                stacklevel=stacklevel,
            )
            return


def _have_gaps(ids: Mapping[str, Any], rows: Mapping[str, Rows]) -> bool:
    return any(bool(pd.isna(pd.Series(list(ids[side]), dtype=object)).any()) for side in rows)


def _example(ids: Mapping[str, Any], rows: Mapping[str, Rows]) -> tuple[str, Any]:
    """The first unknown id, of the side that has more of them."""
    side = max(rows, key=lambda name: int((rows[name] == 0).sum()))
    return side, list(ids[side])[int(np.argmin(rows[side]))]


def _plain(one: Hashable) -> str:
    return f"{one!r} ({'text' if isinstance(one, str) else 'a number'})"
