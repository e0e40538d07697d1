"""From tables of ratings to whole tensors on the device."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from zoo.collab.ratings import Columns, SplitName, Table, read, split
from zoo.collab.seen import Seen, seen_of
from zoo.collab.spec import Rows, Spec, rows_of
from zoo.core.batches import TensorBatches

MARGIN = 0.1  # of the range of ratings: how far the scale reaches beyond it on either side
VALID_BATCH = 8192


@dataclass(frozen=True)
class Ratings:
    """Ratings as tensors: twelve bytes each.

    **Shape.** users, items: (n,), int32 rows of tables; values: (n,), float32.
    """

    users: Tensor
    items: Tensor
    values: Tensor

    def __len__(self) -> int:
        return len(self.values)

    def to(self, device: torch.device) -> Ratings:
        """The same on a device."""
        return Ratings(self.users.to(device), self.items.to(device), self.values.to(device))

    def batches(self, batch_size: int, *, shuffle: bool, seed: int = 0) -> TensorBatches:
        """Batches of ((users, items), values), sliced on the device."""
        return TensorBatches(
            (self.users, self.items), self.values, batch_size=batch_size, shuffle=shuffle, seed=seed
        )


@dataclass(frozen=True)
class Prepared:
    """Ratings to train on, sorted by user, and ratings to validate on, with what is known."""

    spec: Spec
    train: Ratings
    valid: Ratings | None
    seen: Seen


def prepare(
    table: Table,
    *,
    columns: Columns,
    valid: Table | None,
    valid_fraction: float,
    split_by: SplitName,
    seed: int,
    titles: Mapping[Hashable, str] | pd.Series | None,
    predicts_ratings: bool,
    scale: tuple[float, float] | None = None,
    known: tuple[Spec, Seen] | None = None,
) -> Prepared:
    """Read, split and number ratings.

    Args:
        table: of ratings.
        columns: names of its columns.
        valid: ratings to validate on; without, a fraction of the table; 0 for none.
        valid_fraction: of the ratings, 0 to train on all.
        split_by: how the fraction is drawn.
        seed: of the draw.
        titles: of items, by id.
        predicts_ratings: whether the scale of ratings matters.
        scale: its ends, for the predictions to stay between; None takes those of the training
            ratings and a tenth of their range on either side.
        known: spec and ratings of the model to go on from; its rows stay what they are.

    Raises:
        ValueError: there are too few users, items or ratings to learn from.
    """
    ratings = read(table, columns)
    held: pd.DataFrame | None = None
    if valid is not None:
        held = read(valid, columns)
    elif valid_fraction:
        ratings, held = split(ratings, split_by, valid_fraction, seed)
    _refuse_too_few(ratings, predicts_ratings, known is not None)
    before, seen = known if known else (None, None)
    users, user_rows = _number(ratings["user"], before.users if before else ())
    items, item_rows = _number(ratings["item"], before.items if before else ())
    low, high = (before.low, before.high) if before else (None, None)
    if predicts_ratings and (before is None or scale is not None):
        low, high = _scale(ratings["rating"].to_numpy(), scale)
    spec = Spec(
        users=users,
        items=items,
        mean=before.mean if before else float(ratings["rating"].mean()),
        low=low,
        high=high,
        titles=(before.titles if before else {}) | _titles(titles),
    )
    train = _sorted_by_user(user_rows, item_rows, ratings["rating"].to_numpy())
    mine = seen_of(train.users, train.items, len(users))
    return Prepared(
        spec,
        train,
        encode(held, spec) if held is not None else None,
        _joined(seen, mine, len(users)) if seen else mine,
    )


def encode(ratings: pd.DataFrame, spec: Spec) -> Ratings:
    """Ratings as `read` gives them, as tensors; ids that training has not seen take row 0."""
    return Ratings(
        torch.from_numpy(spec.user_rows(ratings["user"])),
        torch.from_numpy(spec.item_rows(ratings["item"])),
        torch.from_numpy(ratings["rating"].to_numpy(dtype=np.float32, copy=True)),
    )


def _refuse_too_few(ratings: pd.DataFrame, predicts_ratings: bool, grows: bool) -> None:
    if grows:
        return
    for side in ("user", "item"):
        if ratings[side].nunique() < 2:
            raise ValueError(
                f"learning from others takes at least two {side}s, however the only {side} to "
                f"train on is {ratings[side].iloc[0]!r}; give ratings of more"
            )
    if predicts_ratings and ratings["rating"].nunique() < 2:
        raise ValueError(
            "predicting ratings takes different ones, however every "
            f"rating={ratings['rating'].iloc[0]:g}; model='softmax' learns from choices alone"
        )


def _number(column: pd.Series, known: tuple[Hashable, ...]) -> tuple[tuple[Hashable, ...], Rows]:
    """Ids in the order of their rows, known ones first, new ones sorted; the row of each entry."""
    try:
        codes, found = pd.factorize(column, sort=True)
    except TypeError:  # ids of kinds that do not compare
        codes, found = pd.factorize(column)
    new: list[Any] = list(found.tolist())  # plain Python numbers, not numpy's
    if not known:
        return tuple(new), (codes + 1).astype(np.int32)
    index = pd.Index(known, tupleize_cols=False)
    row_of_code = rows_of(index, new)
    strange = np.flatnonzero(row_of_code == 0)
    row_of_code[strange] = len(known) + 1 + np.arange(len(strange), dtype=np.int32)
    return (*known, *(new[i] for i in strange)), row_of_code[codes]


def _scale(values: Any, given: tuple[float, float] | None) -> tuple[float, float]:
    lowest, highest = float(values.min()), float(values.max())
    if given is None:
        margin = MARGIN * (highest - lowest)
        return lowest - margin, highest + margin
    low, high = float(given[0]), float(given[1])
    if not low < high or lowest < low or highest > high:
        raise ValueError(
            f"a scale goes from low to high and holds all ratings, however scale={given!r} and "
            f"they go from {lowest:g} to {highest:g}; widen it"
        )
    return low, high


def _titles(given: Mapping[Hashable, str] | pd.Series | None) -> dict[Hashable, str]:
    if given is None:
        return {}
    return {item: str(title) for item, title in dict(given).items() if isinstance(title, str)}


def _sorted_by_user(users: Rows, items: Rows, values: Any) -> Ratings:
    order = np.argsort(users, kind="stable")
    return Ratings(
        torch.from_numpy(users[order]),
        torch.from_numpy(items[order]),
        torch.from_numpy(values[order].astype(np.float32, copy=False)),
    )


def _joined(before: Seen, mine: Seen, n_users: int) -> Seen:
    """What was rated before and now, each item once a user."""
    old = torch.repeat_interleave(torch.arange(len(before.offsets) - 1), before.offsets.diff())
    new = torch.repeat_interleave(torch.arange(len(mine.offsets) - 1), mine.offsets.diff())
    pairs = torch.stack([torch.cat([old, new]), torch.cat([before.items, mine.items]).long()])
    users, items = torch.unique(pairs, dim=1)
    return seen_of(users, items.int(), n_users)
