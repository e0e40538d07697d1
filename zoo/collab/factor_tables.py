"""Views of what a recommender has learnt: vectors, biases, neighbours and a map of items."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, get_args

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.collab.data.ids import ManyIds, OneId, is_one, one_or_many
from zoo.collab.data.rated_items import RatedItems
from zoo.collab.ranking import check_k
from zoo.collab.recommendations import list_table
from zoo.collab.scorer import ListScorer, Scorer, SideName
from zoo.collab.spec import Spec
from zoo.core.messages import few
from zoo.core.pictures import BLUE, name_points, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE_LENGTH = 30  # characters of a title on the map
FEW = 10  # ratings at which half of a similarity is believed


def vector_table(spec: Spec, scorer: Scorer, side: SideName) -> pd.DataFrame:
    """The vectors of one side, one row per id."""
    ids = _ids(spec, side)
    return pd.DataFrame(scorer.vectors(side)[1:].numpy(), index=ids)


def vectors_of(
    spec: Spec, scorer: Scorer | ListScorer, ids: OneId | ManyIds, side: SideName
) -> NDArray[np.float32]:
    """The vectors of some ids, see `Recommender.embed`. Shape: (n, d)

    Raises:
        ValueError: an id is unknown.
    """
    _ids(spec, side)
    wanted = list(one_or_many(ids, side))
    rows = spec.item_rows(wanted) if side == "items" else spec.user_rows(wanted)
    if unknown := [repr(one) for one, row in zip(wanted, rows.tolist(), strict=True) if not row]:
        raise ValueError(
            f"{side} must be among those that the model knows, got {few(unknown)}. Leave them out."
        )
    vectors: NDArray[np.float32] = scorer.vectors(side).numpy()[rows]
    return vectors


def bias_table(spec: Spec, scorer: Scorer, side: SideName) -> pd.DataFrame:
    """The biases of one side by id, highest first."""
    ids = _ids(spec, side)
    table = pd.DataFrame({"bias": scorer.biases(side)[1:].numpy()}, index=ids)
    if side == "items" and spec.titles:
        table["title"] = [spec.titles.get(one, "") for one in spec.items]
    return table.sort_values("bias", ascending=False)


def neighbours(
    spec: Spec,
    scorer: Scorer | ListScorer,
    item: Hashable,
    k: int | None,
    counts: Tensor | None,
) -> pd.DataFrame:
    """The items that are most alike one, see `Recommender.similar`: item, similarity.

    Args:
        spec: ids and titles.
        scorer: the networks, or the model of lists.
        item: id of an item.
        k: number of neighbours.
        counts: how often each item was rated: what is known of few ratings counts for less; None
            where that is not known. Shape: (n_items + 1,).

    Raises:
        ValueError: the item is unknown, or k is out of range.
    """
    row = int(spec.item_rows(one_or_many(item, "item"))[0])
    if row == 0 or not is_one(item):
        raise ValueError(
            f"item must be one of the {len(spec.items)} that the model knows, got {item!r}. They "
            f"are ids such as {spec.items[0]!r}."
        )
    k = check_k(k, len(spec.items) - 1)
    near = scorer.similarities(torch.tensor([row]))[0].clone()
    if counts is not None:
        near *= counts / (counts + FEW)
    near[[0, row]] = -torch.inf
    best, items = near.topk(k)
    return list_table(spec, best[None], items[None]).rename(columns={"score": "similarity"})


def plot_map(spec: Spec, scorer: Scorer, rated_items: RatedItems, n: int, ax: Axes | None) -> Axes:
    """A map of the n most rated items: the first two principal components of their vectors."""
    from sklearn.decomposition import PCA

    ax = ax or new_axes(figsize=(9, 7))
    counts = torch.bincount(rated_items.items, minlength=len(spec.items) + 1)[1:]
    shown = counts.topk(min(n, len(counts))).indices
    vectors = scorer.vectors("items")[1:][shown].numpy()
    places = PCA(2).fit_transform(vectors - vectors.mean(0))
    ax.scatter(places[:, 0], places[:, 1], s=10, color=BLUE)
    title = f"The {len(shown)} most rated items: alike where they lie close"
    ax.set(title=title, xlabel="first component", ylabel="second component")
    ids = [spec.items[number] for number in shown.tolist()]
    name_points(ax, places, [_short(spec.titles.get(one, str(one))) for one in ids])
    return ax


def _short(title: str) -> str:
    return title if len(title) <= TITLE_LENGTH else title[: TITLE_LENGTH - 1].rstrip() + "…"


def _ids(spec: Spec, side: SideName) -> list[Hashable]:
    if side not in get_args(SideName):
        raise ValueError(f"side must be 'items' or 'users', got {side=}. Leave it out for items.")
    return list(spec.items if side == "items" else spec.users)
