"""How a page asks a recommender: somebody new rates some items and gets a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from zoo.collab.data.batches import rated_ends
from zoo.collab.spec import Spec
from zoo.collab.visitor import Visitor
from zoo.core.explanation import Explanation
from zoo.core.interface import Field, Interface, Reply

COLUMNS: Final = ("title", "item", "rating", "score")  # of a list, as a page shows it


def interface_of(spec: Spec, fold_in: Callable[[Any], Visitor]) -> Interface:
    """The interface of a recommender, see `zoo.core.interface`.

    Args:
        spec: items, their titles, the scale of ratings.
        fold_in: places a visitor by ratings.
    """
    names = tuple(spec.titles.get(item, str(item)) for item in spec.items)
    scale = None if spec.low is None or spec.high is None else rated_ends(spec.low, spec.high)
    ratings = Field("ratings", "ratings", spec.items, names, scale)

    def reply(rated: Mapping[Any, float]) -> Reply:
        table = fold_in(rated).recommend()
        table = table[[name for name in COLUMNS if name in table]]
        floats = {name: float for name in ("rating", "score") if name in table}
        table = table.astype(floats).round(3)  # float32 has odd decimals
        return Reply(str(table.iloc[0, 0]), table=table)

    def explain(rated: Mapping[Any, float]) -> Explanation[Any]:
        visitor = fold_in(rated)
        return visitor.explain(visitor.recommend(1)["item"].iloc[0])

    return Interface((ratings,), reply, frozenset({"table"}), explain)
