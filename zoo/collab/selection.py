"""Which items a list may hold, and how alike they may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from zoo.collab.data.ids import ManyIds, OneId, one_or_many
from zoo.collab.spec import Spec
from zoo.core.messages import few, warn

POOL: Final = 5  # times a list's length: how many of the best it is picked from


@dataclass(frozen=True)
class Selection:
    """What a caller wishes of a list beside its length.

    Attributes:
        allowed: whether each item may be listed; None allows all. Shape: (n_items + 1,).
        diversity: weight of unlikeness against the score, 0 to 1.
    """

    allowed: Tensor | None = None
    diversity: float = 0.0

    def hide(self, scores: Tensor) -> None:
        """Give the unknown item and those that are not allowed the score -inf, in place."""
        scores[:, 0] = -torch.inf
        if self.allowed is not None:
            scores[:, ~self.allowed.to(scores.device)] = -torch.inf

    def pick(
        self, scores: Tensor, k: int, similarities: Callable[[Tensor], Tensor] | None
    ) -> tuple[Tensor, Tensor]:
        """The k best items of each user, or the best that are unlike each other.

        Args:
            scores: scores of all items, -inf for those that are not to be listed.
                Shape: (B, n_items + 1).
            k: length of a list.
            similarities: function from rows of items to their likeness to all. Shape: (m,) ->
                (m, n_items + 1).

        Returns:
            Scores and rows of items. Shape: (B, k) each.
        """
        if not self.diversity or similarities is None:
            best, items = scores.topk(k, dim=1)
            return best, items
        best, items = scores.topk(min(POOL * k, scores.shape[1] - 1), dim=1)
        places = [
            unlike(of_one, similarities(rows)[:, rows.to("cpu")], k, self.diversity)
            for of_one, rows in zip(best.cpu(), items, strict=True)
        ]
        order = torch.stack(places).to(items.device)
        return best.gather(1, order), items.gather(1, order)


def selection(
    spec: Spec,
    candidates: OneId | ManyIds | None,
    exclude: OneId | ManyIds | None,
    diversity: float,
) -> Selection:
    """Check what a caller wishes, see `Recommender.recommend`.

    Raises:
        ValueError: no candidate is known, or the diversity is out of range.
    """
    if not 0 <= diversity <= 1:
        raise ValueError(
            f"diversity must be between 0 and 1, got {diversity=}. Try 0.3: 0 is the best items, 1 "
            "the most unlike ones."
        )
    if candidates is None and exclude is None:
        return Selection(None, diversity)
    n = len(spec.items) + 1
    if candidates is None:
        allowed = torch.ones(n, dtype=torch.bool)
    else:
        allowed = torch.zeros(n, dtype=torch.bool)
        allowed[_rows(spec, candidates, "candidates")] = True
    if exclude is not None:
        allowed[_rows(spec, exclude, "items to exclude")] = False
    allowed[0] = False
    if candidates is not None and not allowed.any():
        raise ValueError(
            "candidates must be items that the model knows and that are not excluded, got "
            f"{few(list(one_or_many(candidates, 'item')))}. They are ids such as "
            f"{spec.items[0]!r}."
        )
    return Selection(allowed, diversity)


def unlike(scores: Tensor, likeness: Tensor, k: int, diversity: float) -> Tensor:
    """Places of k items that score well and are unlike those before them in the list.

    Maximal marginal relevance (Carbonell & Goldstein 1998): each next item has the highest
    (1 - diversity) * score - diversity * its likeness to the most alike one before, both brought
    to 0 to 1 over the pool.

    Args:
        scores: scores of a pool of items, best first; -inf where a place is empty. Shape: (m,).
        likeness: likeness of each to each. Shape: (m, m).
        k: number of items to pick, at most m.
        diversity: see `Selection`.
    """
    there = scores > -torch.inf
    if not there.any():
        return torch.arange(k)
    worth = _to_unit(scores, scores[there].min(), scores.max())
    alike = ((likeness + likeness.T) / 2).fill_diagonal_(0.0).clamp(min=0)
    alike = _to_unit(alike, alike.new_zeros(()), alike.max())
    nearest, picked = torch.zeros_like(worth), list[int]()
    for _ in range(k):
        value = (1 - diversity) * worth - diversity * nearest
        value[~there] = -torch.finfo(value.dtype).max  # after all that may be listed
        value[picked] = -torch.inf
        picked.append(int(value.argmax()))
        nearest = torch.maximum(nearest, alike[picked[-1]])
    return torch.tensor(picked)


def _rows(spec: Spec, ids: OneId | ManyIds, what: str) -> Tensor:
    """Rows of items, with a warning of unknown ones."""
    listed = one_or_many(ids, "item")
    rows = torch.from_numpy(spec.item_rows(listed)).long()
    if n := int((rows == 0).sum()):
        example = list(listed)[int((rows == 0).int().argmax())]
        warn(f"the model does not know {n} of {len(rows)} {what}, such as {example!r}.")
    return rows


def _to_unit(values: Tensor, low: Tensor, high: Tensor) -> Tensor:
    return (values - low) / (high - low).clamp(min=1e-12)
