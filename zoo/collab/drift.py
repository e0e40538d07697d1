"""How new ratings, or pairs to be rated, have moved away from those of the training."""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from zoo.collab.data.columns import column_names
from zoo.collab.data.ratings import Table, table_of
from zoo.collab.model import Recommender
from zoo.core.trust.diagnosis import Report
from zoo.core.trust.drift import LUCK, Moved, drift_report, unseen

MOST: Final = 0.05  # share of ratings that may be of unknown users, or items
TENTH: Final = 0.1  # of the scale, by which the mean may move


def drift(model: Recommender, data: Table) -> Report:
    """What has moved in new ratings: unknown users and items, and the mean of the ratings.

    Args:
        model: the recommender.
        data: a table with users and items, and perhaps ratings.
    """
    spec = model.spec
    names_in = partial(column_names, remembered=spec.columns)
    frame = table_of(data, names_in)
    names = names_in(frame)
    sides = {side: frame[names[side]].tolist() for side in ("user", "item")}
    rows = {"user": spec.user_rows(sides["user"]), "item": spec.item_rows(sides["item"])}
    moves = [unseen(f"{side}s", np.asarray(own) == 0, MOST) for side, own in rows.items()]
    if "rating" in names and spec.low is not None and spec.high is not None:
        numbers = pd.to_numeric(frame[names["rating"]], errors="coerce").to_numpy(np.float64)
        moves.append(_moved_mean(numbers, spec.mean, spec.low, spec.high))
    each = zip(sides["user"], sides["item"], strict=True)
    shown = [f"row {i}: user {user}, item {item}" for i, (user, item) in enumerate(each)]
    return drift_report("ratings", shown, moves)


def _moved_mean(numbers: np.ndarray, mean: float, low: float, high: float) -> Moved | None:
    there = numbers[np.isfinite(numbers)]
    if not len(there):
        return None
    new, error = float(there.mean()), float(there.std()) / len(there) ** 0.5
    if abs(new - mean) <= TENTH * (high - low) + LUCK * error:
        return None
    outside = np.flatnonzero((numbers < low) | (numbers > high))
    return Moved(f"the mean of the ratings is {new:.3g}, not {mean:.3g}", outside)
