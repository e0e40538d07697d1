"""Why a user is told of an item: because of others that they chose, or by tastes and biases.

Where a user is what they chose, each of these items has a share in the score: exactly so in sums of
weights (EASE, cosines), in implicit ALS and in sums of vectors; of sequences it is what leaving the
item out takes away, which does not add up. A rating by vectors and biases is divided between them:
the Shapley values of three parts, from the rating of the mean item by the mean user to this one.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.collab.data.ids import OneId, is_one, one_or_many
from zoo.collab.scorer import ListScorer, Scorer
from zoo.collab.spec import Side, Spec
from zoo.core.explanation import Explanation
from zoo.core.messages import did_you_mean
from zoo.core.neighbours import most_alike
from zoo.core.trust.shapley import shapley

THREE: Final = ("how the user rates", "how the item is rated", "how the two go together")
ALIKE: Final = 10  # chosen items that are listed as evidence


def explanation(
    spec: Spec, scorer: Scorer | ListScorer, states: Any, chosen: Tensor, item: OneId
) -> Explanation[Any]:
    """What speaks for an item to a user, see `Recommender.explain`.

    Args:
        spec: ids and titles.
        scorer: the networks, or the model of lists.
        states: the user, as the scorer takes one.
        chosen: rows of items that the user chose. Shape: (n,)
        item: id of the item.

    Raises:
        ValueError: the item is unknown.
    """
    row = known_row(spec, "item", item)
    value = float(scorer.rate_one(states, torch.tensor([row]))[0])
    shares = scorer.shares_of(chosen, row)
    label = title_of(spec, row)
    if shares is not None:
        names = tuple(title_of(spec, one) for one in chosen.tolist())
        base = value - float(shares.double().sum())
        scores = tuple(shares.double().tolist())
        return Explanation(label, value, names, scores, "score, which only orders", base)
    assert isinstance(scorer, Scorer)
    ratings = scorer

    def rated(own: NDArray[np.bool_], _: NDArray[np.int64]) -> NDArray[np.float64]:
        return ratings.rate_mixed(states, row, torch.from_numpy(own)).double().numpy()

    found = shapley(rated, len(THREE), 1)
    scores, alike = tuple(found.values.tolist()), _alike(spec, ratings, chosen, row)
    return Explanation(label, value, THREE, scores, "units of ratings", found.base, alike=alike)


def known_row(spec: Spec, side: Side, one: OneId) -> int:
    """The row of a user or an item.

    Raises:
        ValueError: it is unknown, or there are several.
    """
    ids = spec.index[side].ids
    row = int(spec.index[side].rows(one_or_many(one, side))[0]) if is_one(one) else 0
    if row:
        return row
    way_out = "Call fold_in(ratings) for a new one." if side == "user" else did_you_mean(one, ids)
    raise ValueError(
        f"{side} must be one of the {len(ids)} that the model knows, got {side}={one!r:.60}. "
        f"{way_out}"
    )


def title_of(spec: Spec, row: int) -> str:
    """The title of an item, or its id."""
    item = spec.items[row - 1]
    return str(spec.titles.get(item, item))


def _alike(spec: Spec, scorer: Scorer, chosen: Tensor, row: int) -> pd.DataFrame | None:
    """What the user chose that is most alike an item, the nearest first; None if nothing is."""
    vectors, others = scorer.vectors("items").numpy(), chosen[chosen != row]
    if not len(others) or not vectors[row].any():
        return None
    columns: dict[str, list[Any]] = {"item": [spec.items[one - 1] for one in others.tolist()]}
    if spec.titles:
        columns["title"] = [title_of(spec, one) for one in others.tolist()]
    return most_alike(vectors[row], vectors[others], ALIKE, **columns).reset_index(drop=True)
