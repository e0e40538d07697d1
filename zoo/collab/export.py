"""A recommender as one program: ratings of pairs, and lists for a visitor.

A model of ratings takes `user` and `item`, (N,) each, and has the `rating` of each pair, (N,), as
`predict` has. A model that has lists by choice takes `chosen`, (M,), the items that a visitor has
chosen, in order, and has `scores`, (n_items,), by which `fold_in(chosen).recommend()` ranks, in the
order of the spec's items; readers leave the chosen ones out themselves. A model of both has all of
them: pass no pairs or nothing chosen, arrays of length 0, for what is not asked.

In an ONNX file ids are texts, as `str` writes them; unknown users and items are those of the mean,
and unknown chosen ones are nothing. In a file of `torch.export` they are rows, int64: place in the
spec's ids + 1, and 0 of an unknown one.

Who a known user is, is in the vectors of users, as in the artifact: `model.without_users()` has
none. A visitor who is placed by ratings (`fold_in` of a model without lists) needs an optimiser,
which no file holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import torch
from torch import Tensor, nn

from zoo.collab.models.factors import Pair
from zoo.collab.models.ials import Ials
from zoo.collab.models.item_matrix import ItemMatrix
from zoo.collab.models.list_blend import ListBlend, Popular
from zoo.collab.models.softmax import Softmax
from zoo.collab.scorer import ListScorer, Raters, Scorer
from zoo.collab.spec import Id, Spec
from zoo.core.artifacts.onnx import INNER, enclosed, look_up
from zoo.core.messages import few
from zoo.core.program import Program, Voices
from zoo.core.task import Task

INPUTS: Final = {"user": "pairs", "item": "pairs", "chosen": "chosen"}  # and their axes
STEPS: Final = 50  # of the inverse, whose error each of them squares; few are needed

NO_LISTS: Final = (
    "a recommender must rate pairs or rank by what was chosen, in no order, to be exported, got "
)


class Pairs(Voices):
    """Ratings of pairs, whose users and items are rows.

    What histories and features add to a vector is added beforehand, for every row.
    """

    def __init__(self, placed: Any, task: Task) -> None:
        super().__init__(placed, task.decode)
        for i, voice in enumerate(self.voices):
            own: Any = placed.voices[i]
            for side in ("users", "items"):
                for what, table in zip(
                    ("vectors", "biases"), getattr(own, side).all(), strict=True
                ):
                    self.register_buffer(f"{side}_{what}_{i}", table.detach().cpu().float().clone())
                setattr(voice, side, None)

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """Shape: (N,) and (N,), int64 -> (N,)."""
        voices: Any = self.voices
        rated = [
            voice.rate(self._rows("users", i, users), self._rows("items", i, items)).mean(1)
            for i, voice in enumerate(voices)
        ]
        rating: Tensor = self.mixture(rated)
        return rating

    def _rows(self, side: str, i: int, rows: Tensor) -> Pair:
        vectors, biases = (getattr(self, f"{side}_{what}_{i}") for what in ("vectors", "biases"))
        return vectors[rows], biases[rows]


class OfChosen(nn.Module):
    """Scores of all items from what one visitor has chosen.

    Every part is `score` of its class, for a single history and without a step that depends on
    what it holds.

    Shape: (M,), int64 -> (n_items + 1,), float32.
    """

    def __init__(self, lists: ListBlend) -> None:
        super().__init__()
        self.parts, self.shares = nn.ModuleDict(), lists.shares
        for name, part in lists.parts.items():
            if type(part) not in SCORES:
                raise NotImplementedError(
                    f"{NO_LISTS}one of {name!r}. Train it with lists='blend'."
                )
            self.parts[name] = SCORES[type(part)](part)
        self.counts: Tensor | None = lists.counts.cpu() if "softmax" in self.shares else None

    def forward(self, chosen: Tensor) -> Tensor:
        """The weighted sum of the parts."""
        each = [self.shares[name] * part(chosen) for name, part in self.parts.items()]
        scores = torch.stack(each).sum(0)
        if self.counts is None:
            return scores
        return torch.where(self.counts > 0, scores, scores.amin(0) - 1)


class OfMatrix(nn.Module):
    """`ItemMatrix.score`: the sum of the weights from all chosen items."""

    rows: Tensor
    weights: Tensor
    places: Tensor
    none: Tensor

    def __init__(self, part: ItemMatrix) -> None:
        super().__init__()
        rows = torch.zeros(part.n_items + 1, dtype=torch.int64)
        rows[part.items.cpu().long()] = torch.arange(1, len(part.items) + 1)
        weights, places = part.weights.detach().cpu(), part.neighbours.cpu().long()
        nothing = weights.new_zeros(1, weights.shape[1])
        self.register_buffer("rows", rows)
        self.register_buffer("weights", torch.cat([nothing, weights]))
        self.register_buffer("places", torch.cat([nothing.long(), places]))
        self.register_buffer("none", torch.zeros(part.n_items + 1))

    def forward(self, chosen: Tensor) -> Tensor:
        """See `OfChosen`."""
        rows = self.rows[chosen]
        places, weights = self.places[rows].flatten(), self.weights[rows].flatten()
        return self.none.index_add(0, places, weights)


class OfVectors(nn.Module):
    """`Ials.score`: the vector that solves for what was chosen, times all vectors.

    The system is symmetric, and its eigenvalues are between those of its diagonal term and its
    trace; Newton's iteration for the inverse (Schulz 1933) converges from a start within them.
    """

    vectors: Tensor
    every: Tensor

    def __init__(self, part: Ials) -> None:
        super().__init__()
        vectors = part.vectors.detach().cpu()
        self.register_buffer("vectors", vectors)
        self.register_buffer("every", part.unobserved * (vectors.T @ vectors).double())
        self.penalty, self.usual = part.penalty, part.unobserved * part.n_effective

    def forward(self, chosen: Tensor) -> Tensor:
        """See `OfChosen`."""
        own = self.vectors[chosen].double()
        n = (chosen > 0).sum()
        unit = torch.eye(own.shape[1], dtype=own.dtype)
        system = self.every + own.T @ own + self.penalty * (n + self.usual) * unit
        inverse = unit / (system * unit).sum()
        for _ in range(STEPS):
            inverse = inverse @ (2 * unit - system @ inverse)
        return self.vectors @ (inverse @ own.sum(0)).float()


class OfPopular(nn.Module):
    """`Popular.score`: whatever was chosen, the same."""

    shares: Tensor

    def __init__(self, part: Popular) -> None:
        super().__init__()
        self.register_buffer("shares", part.shares.detach().cpu())

    def forward(self, chosen: Tensor) -> Tensor:
        """See `OfChosen`."""
        return self.shares + 0 * chosen.sum()  # an output must have to do with its input


class OfSums(nn.Module):
    """`Softmax.score`: the sum of the chosen items' second vectors, times the first of all."""

    implicit: Tensor
    vectors: Tensor
    biases: Tensor

    def __init__(self, part: Softmax) -> None:
        super().__init__()
        vectors, biases = part.ranker()
        self.register_buffer("implicit", part.users.implicit.detach().cpu())
        self.register_buffer("vectors", vectors.detach().cpu())
        self.register_buffer("biases", biases.detach().cpu())

    def forward(self, chosen: Tensor) -> Tensor:
        """See `OfChosen`."""
        known = (chosen > 0).to(self.implicit.dtype)
        user = (self.implicit[chosen] * known[:, None]).sum(0) / known.sum().clamp(min=1).sqrt()
        return self.vectors @ user + self.biases


SCORES: Final[dict[type[nn.Module], Any]] = {
    ItemMatrix: OfMatrix,
    Ials: OfVectors,
    Popular: OfPopular,
    Softmax: OfSums,
}


class Recommending(nn.Module):
    """Ratings of pairs, scores for a visitor, or both.

    Shape: see the head of this file; ids are rows, and scores those of known items.
    """

    def __init__(self, pairs: Pairs | None, lists: nn.Module | None) -> None:
        super().__init__()
        self.pairs, self.lists = pairs, lists

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """What the inputs ask."""
        rated = () if self.pairs is None else (self.pairs(*inputs[:2]),)
        return rated if self.lists is None else (*rated, self.lists(inputs[-1])[1:])


def program_of(raters: Raters, spec: Spec, task: Task, kind: str) -> Program:
    """The program of a recommender.

    Args:
        raters: what it scores by.
        spec: ids and titles.
        task: loss and metrics of ratings.
        kind: "rating" or "ranking".

    Raises:
        NotImplementedError: it can rank by the order of what was chosen alone.
        ValueError: two ids are one text.
    """
    _require_texts(spec)
    rating, choice = raters.rating, raters.choice
    pairs = None if rating is None else Pairs(rating.placed, task)
    lists = _lists_of(choice, rating)
    names = [*(["user", "item"] if pairs else []), *(["chosen"] if lists else [])]
    return Program(
        module=Recommending(pairs, lists).eval(),
        inputs={name: torch.tensor([1, 0, 1]) for name in names},
        outputs=[*(["rating"] if pairs else []), *(["scores"] if lists else [])],
        axes={name: [INPUTS[name]] for name in names},
        facts={"domain": "collab", "task": kind, "spec": spec.to_json()},
        task=task,
        finish=lambda model: _with_ids(model, spec, names),
    )


def _lists_of(choice: ListScorer | None, rating: Scorer | None) -> nn.Module | None:
    """What ranks for a visitor; None where only an optimiser could."""
    if choice is None:
        voices = [] if rating is None else rating.voices
        alone = len(voices) == 1 and isinstance(voices[0], Softmax)
        return OfSums(voices[0]) if alone else None
    (lists,) = choice.ready
    if not isinstance(lists, ListBlend):
        raise NotImplementedError(f"{NO_LISTS}a {type(lists).__name__}. Train another model.")
    return OfChosen(lists)


def _with_ids(model: Any, spec: Spec, names: Iterable[str]) -> Any:
    """The exported graph behind dictionaries of ids."""
    from onnx import TensorProto, helper

    rows = {"user": texts(spec.users), "item": texts(spec.items)}
    rows["chosen"] = rows["item"]
    nodes, inputs = [], []
    for name in names:
        keys: dict[str, Any] = {
            "keys_strings": list(rows[name]),
            "values_int64s": list(rows[name].values()),
        }
        nodes.append(look_up(name, INNER + name, **keys, default_int64=0))
        inputs.append(helper.make_tensor_value_info(name, TensorProto.STRING, [INPUTS[name]]))
    sizes: dict[str, Any] = {"rating": "pairs", "scores": len(spec.items)}
    given = [one.name for one in model.graph.output]
    after = [helper.make_node("Identity", [INNER + name], [name]) for name in given]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [sizes[name]]) for name in given
    ]
    return enclosed(model, nodes, inputs, after, outputs)


def texts(ids: Iterable[Id]) -> dict[str, int]:
    """The row of each id by its text.

    >>> texts([10, "x"])
    {'10': 1, 'x': 2}
    """
    return {str(one): row for row, one in enumerate(ids, 1)}


def _require_texts(spec: Spec) -> None:
    for ids in (spec.users, spec.items):
        twice = [name for name, n in Counter(map(str, ids)).items() if n > 1]
        if twice:
            raise ValueError(
                f"an exported model tells ids apart as texts, got {few(twice)} for two. Train it "
                "with ids of one kind."
            )
