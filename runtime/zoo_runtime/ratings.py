"""Ratings: of pairs of a user and an item, and lists for a visitor who has chosen some items."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_runtime.graph import Graph

Id = str | int | float | bool
NOTHING: NDArray[Any] = np.zeros(0, dtype=object)


class Recommender:
    """A model of users and items.

    Args:
        graph: the exported model.

    Attributes:
        items: ids of the items.
        titles: their titles by id, where there are any.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph, self.facts = graph, graph.facts
        self.items: list[Id] = self.facts["spec"]["items"]
        self.titles: dict[Id, str] = dict(self.facts["spec"]["titles"])

    def predict(self, user: Any, item: Any) -> float | NDArray[np.float32]:
        """The rating of a pair, or those of several, (n,), for sequences of ids.

        An unknown id counts as average.

        Raises:
            ValueError: the sequences differ in length, or the model only makes lists.
        """
        self._require("rating", "rate pairs", "Ask recommend(chosen).")
        if isinstance(user, str) or np.ndim(user) == 0:
            return float(self._rated([user], [item])[0])
        if len(user) != len(item):
            raise ValueError(
                f"users and items must be as many, got {len(user)} and {len(item)}. Pass pairs."
            )
        return self._rated(user, item)

    def recommend(
        self, chosen: Sequence[Any], k: int = 10, *, exclude_seen: bool = True
    ) -> list[dict[str, Any]]:
        """The k items that a visitor would choose next: dicts of item, score and perhaps title.

        Args:
            chosen: ids of items that the visitor has chosen; unknown ones count for nothing.
            k: length of the list; it is shorter where there are fewer.
            exclude_seen: whether to leave out the chosen ones.

        Raises:
            ValueError: no item is known, k is out of range, or the model makes no lists.
        """
        self._require("scores", "make lists by choice", "Ask predict(user, item).")
        if k < 1:
            raise ValueError(f"k must be 1 or more, got {k=}. Try k=10.")
        texts = [*dict.fromkeys(one for one in map(text_of, chosen) if one in self._places)]
        if not texts:
            raise ValueError(
                f"a visitor must have chosen items that the model knows, got {list(chosen)!r:.60}. "
                f"Pass ids such as {self.items[0]!r}."
            )
        scores = self._run("scores", chosen=_array(texts))
        seen = {self._places[one] for one in texts} if exclude_seen else set()
        order = [i for i in np.argsort(-scores, kind="stable").tolist() if i not in seen]
        return [self._row(i, float(scores[i])) for i in order[:k]]

    def _row(self, place: int, score: float) -> dict[str, Any]:
        item = self.items[place]
        row: dict[str, Any] = {"item": item, "score": score}
        return row | ({"title": self.titles.get(item, "")} if self.titles else {})

    def _rated(self, users: Sequence[Any], items: Sequence[Any]) -> NDArray[np.float32]:
        pairs = {"user": map(text_of, users), "item": map(text_of, items)}
        rated: NDArray[np.float32] = self._run(
            "rating", **{name: _array(list(ids)) for name, ids in pairs.items()}
        )
        return rated

    def _run(self, output: str, **feeds: Any) -> Any:
        nothing = dict.fromkeys(self.graph.inputs, NOTHING)
        return self.graph.run(nothing | feeds, output)

    def _require(self, output: str, what: str, way_out: str) -> None:
        if output not in self.graph.outputs:
            raise ValueError(f"a model must {what} to be asked for it, got one without. {way_out}")

    @cached_property
    def _places(self) -> dict[str, int]:
        return {str(item): place for place, item in enumerate(self.items)}


def text_of(one: Any) -> str:
    """An id as a file's dictionary has it: whole numbers without a point.

    >>> text_of(5), text_of(5.0), text_of("5")
    ('5', '5', '5')
    """
    value = one.item() if hasattr(one, "item") else one
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def _array(texts: list[str]) -> NDArray[Any]:
    return np.array(texts, dtype=object)
