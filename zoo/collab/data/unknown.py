"""Warnings about ids of a call: most are unknown, or text was taken for numbers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from zoo.collab.data.ids import Rows
from zoo.collab.spec import Spec
from zoo.core.messages import warn

MOST: Final = 0.5  # share of unknown ids above which a call says so


def rows_of(spec: Spec, ids: Mapping[str, Any], *, is_text: bool = False) -> dict[str, Rows]:
    """Rows of ids by side, with a warning as that of `warn_of_ids`. Shape: (n,) each."""
    rows = {side: spec.index[side].rows(of_side) for side, of_side in ids.items()}
    warn_of_ids(spec, ids, rows, is_text=is_text)
    return rows


def warn_of_ids(
    spec: Spec,
    ids: Any,
    rows: Mapping[str, Rows],
    *,
    means: str = "They count as average.",
    is_text: bool = False,
) -> None:
    """Warn once if most entries have an unknown id, or one has none at all.

    Args:
        spec: ids that the model knows.
        ids: the caller's ids by side, "user" or "item", or a table. Shape: (n,) each.
        rows: their rows, 0 for unknown ones, of the sides in question. Shape: (n,) each.
        means: sentence that says what becomes of unknown ones.
        is_text: whether the ids are from a text file, where numbers are text.
    """
    if spec.is_anonymous and "user" in rows:
        means = "It was published without its users: fold_in(ratings) places one."
    unknown = np.any([side == 0 for side in rows.values()], axis=0)
    if unknown.any() and (unknown.mean() > MOST or _have_gaps(ids, rows)):
        side, example = _example(ids, rows)
        nobody = spec.is_anonymous and side == "user"
        knows = "nobody" if nobody else f"ids such as {_plain(spec.index[side].ids[0])}"
        warn(
            f"the model does not know {int(unknown.sum())} of {len(unknown)}, such as the {side} "
            f"{example!r}; it knows {knows}. {means}"
        )
        return
    for side in () if is_text else rows:
        if text := spec.index[side].spelled_out(ids[side], rows[side]):
            warn(
                f"the model knows {side}s as numbers, got text: {text!r} is taken for the number. "
                "Pass numbers."
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
