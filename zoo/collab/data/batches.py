"""Ratings as whole tensors on the device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from zoo.collab.data.ids import Rows
from zoo.collab.data.rated_items import RatedItems, pair_keys
from zoo.collab.spec import Spec
from zoo.core.batches import TensorBatches

MARGIN = 0.1  # of the range of ratings: how far the scale reaches beyond it on either side
VALID_BATCH = 8192


@dataclass(frozen=True)
class Ratings:
    """Ratings as tensors: twelve bytes each.

    Shape: users and items (n,), int32 rows of tables; values (n,), float32.
    """

    users: Tensor
    items: Tensor
    values: Tensor

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def of(cls, batches: Any) -> Ratings:
        """The ratings that batches, or those of `Sequences`, are made of, on the CPU."""
        if isinstance(ratings := getattr(batches, "ratings", None), cls):
            return ratings.to(torch.device("cpu"))
        users, items = batches.inputs
        return cls(users, items, batches.target).to(torch.device("cpu"))

    @property
    def are_known(self) -> Tensor:
        """Whether both user and item are known. Shape: (n,)."""
        return (self.users > 0) & (self.items > 0)

    def rated_items(self, n_users: int) -> RatedItems:
        """The known items of every user, each once, in the order of the ratings."""
        known = self.are_known
        return RatedItems.in_order(pair_keys(self.users[known], self.items[known]), n_users)

    @property
    def rows(self) -> dict[str, Rows]:
        """Rows by side, on the CPU."""
        return {"user": self.users.cpu().numpy(), "item": self.items.cpu().numpy()}

    def part(self, rows: Tensor) -> Ratings:
        """Some of the ratings. Shape: (m,)."""
        return Ratings(self.users[rows], self.items[rows], self.values[rows])

    def to(self, device: torch.device) -> Ratings:
        """The same on a device."""
        return Ratings(self.users.to(device), self.items.to(device), self.values.to(device))

    def batches(self, batch_size: int, *, shuffle: bool, seed: int = 0) -> TensorBatches:
        """Batches of ((users, items), values), sliced on the device."""
        return TensorBatches(
            (self.users, self.items), self.values, batch_size=batch_size, shuffle=shuffle, seed=seed
        )


def encode(ratings: pd.DataFrame, spec: Spec) -> Ratings:
    """A table as `read` returns it, as tensors; unknown ids have row 0."""
    return Ratings(
        torch.from_numpy(spec.user_rows(ratings["user"])),
        torch.from_numpy(spec.item_rows(ratings["item"])),
        torch.from_numpy(ratings["rating"].to_numpy(dtype=np.float32, copy=True)),
    )


def rated_ends(low: float, high: float) -> tuple[float, float]:
    """The lowest and highest rating of the training, from the ends that predictions may reach.

    >>> rated_ends(0.6, 5.4)
    (1.0, 5.0)
    """
    reach = (high - low) * MARGIN / (1 + 2 * MARGIN)
    return round(low + reach, 9), round(high - reach, 9)


def require_on_scale(values: Any, low: float | None, high: float | None) -> None:
    """Refuse ratings far outside a model's scale, such as ten stars where it knows five.

    Raises:
        ValueError: some are more than a tenth of the scale beyond its ends.
    """
    if low is None or high is None:
        return
    margin = MARGIN * (high - low)
    wrong = values[(values < low - margin) | (values > high + margin)]
    if len(wrong):
        raise ValueError(
            f"ratings must be on the model's scale from {low:g} to {high:g}, got {wrong[0]:g} "
            f"({len(wrong)} such of {len(values)}). Bring them onto it, or leave them out."
        )
