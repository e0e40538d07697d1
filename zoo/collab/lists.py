"""Models of lists, fitted to who chose what: which settings, which shares, and how good they are.

Settings and shares are chosen by nDCG@10 on parts of the choices that are set aside in turn: the
first model's first setting stands unless another one, or a share of it, is better by more than a
standard error. Then the chosen models are fitted to all choices. The parts are small, since with
fewer choices to learn from stronger penalties and smoother models pay than with all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from zoo.collab.data.rated_items import RatedItems, pair_keys
from zoo.collab.models.ials import ials
from zoo.collab.models.item_matrix import ease, item_knn, most_frequent
from zoo.collab.models.list_blend import ListBlend, Popular
from zoo.collab.options import ListName
from zoo.collab.ranking import gains
from zoo.collab.trained_lists import sasrec, softmax

LENGTH: Final = 10  # of the lists that are compared
SET_ASIDE: Final = 0.1  # share of the choices that are to be found
N_PARTS: Final = 3  # that are set aside in turn
MOST_TRIED: Final = (2000, 3000)  # items and users that settings are chosen on
MOST_LEARNT: Final = 5_000_000  # choices, by users drawn at random, that a model is fitted to
RIVALS: Final = ("ease", "popular")  # that are scored whatever is asked for
METRIC: Final = f"ndcg@{LENGTH}"
SHARES: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)  # of a model in the sum with the others
Setting = dict[str, float]

SETTINGS: Final[Mapping[str, Sequence[Setting]]] = {
    "ease": [{"penalty": penalty} for penalty in (500.0, 100.0)],
    "ials": [{"penalty": penalty} for penalty in (0.03, 0.05)],
    "item_knn": [{"power": power} for power in (0.7, 0.5)],
    "popular": [{}],
    "softmax": [{}],
    "sasrec": [{}],
}
PARTS: Final[Mapping[ListName, Sequence[str]]] = {
    "ease": ["ease"],
    "ials": ["ials"],
    "item_knn": ["item_knn"],
    "popular": ["popular"],
    "blend": ["ease", "ials", "popular"],
    "softmax": ["softmax"],
    "sasrec": ["sasrec"],
}


def popular(history: RatedItems, n_items: int) -> Popular:
    """Count who chose each item."""
    model, n_users = Popular(n_items=n_items), int((history.offsets.diff() > 0).sum())
    counts = torch.bincount(history.items, minlength=n_items + 1)
    with torch.no_grad():
        model.shares.copy_(counts / max(n_users, 1))
    return model


FITS: Final[Mapping[str, Callable[..., nn.Module]]] = {
    "ease": ease,
    "ials": ials,
    "item_knn": item_knn,
    "popular": popular,
    "softmax": softmax,
    "sasrec": sasrec,
}
SEEDED: Final = ("softmax", "sasrec")  # trained by steps, by their recipes


@dataclass(frozen=True)
class Choice:
    """What was chosen on the part that was set aside.

    Attributes:
        settings: those of each part by name.
        shares: weight of each part.
        scores: nDCG@10 there of every model that was tried, by name, of rivals and the blend.
    """

    settings: dict[str, Setting]
    shares: dict[str, float]
    scores: dict[str, float] = field(default_factory=dict)


def fit_lists(history: RatedItems, n_items: int, choice: Choice, seed: int = 0) -> ListBlend:
    """The blend of a choice, fitted to who chose what."""
    counts = torch.bincount(history.items, minlength=n_items + 1)
    history = _thinned(history, MOST_LEARNT, seed)
    own = {name: {"seed": seed} if name in SEEDED else {} for name in choice.shares}
    settings = {name: choice.settings[name] | own[name] for name in choice.shares}
    parts = {name: FITS[name](history, n_items, **settings[name]) for name in choice.shares}
    return ListBlend(parts, choice.shares, counts).eval()


@dataclass(frozen=True)
class Choices:
    """Who chose what, and the model of lists that follows from it, computed when it is asked for.

    Attributes:
        rated_items: items of every user among the ratings to learn from.
        n_items: number of items.
        name: the model of lists.
        seed: of what is drawn.
    """

    rated_items: RatedItems
    n_items: int
    name: ListName
    seed: int = 0

    @cached_property
    def choice(self) -> Choice:
        """Settings and shares."""
        return choose(self.rated_items, self.n_items, self.name, self.seed)

    @cached_property
    def lists(self) -> ListBlend:
        """The model."""
        return fit_lists(self.rated_items, self.n_items, self.choice, self.seed)

    @property
    def record(self) -> dict[str, str]:
        """What the card says of it."""
        shares = self.choice.shares.items()
        return {"lists": " + ".join(f"{share:g} {name}" for name, share in shares)}

    @property
    def standings(self) -> list[dict[str, Any]]:
        """Rows of `Model.rivals`: share and nDCG@10 of all that was tried on parts set aside."""
        shares = {"blend": 1.0, **self.choice.shares}
        return [
            {"name": name, "share": shares.get(name, 0.0), METRIC: float(f"{score:.6g}")}
            for name, score in self.choice.scores.items()
        ]


def choose(history: RatedItems, n_items: int, name: ListName, seed: int = 0) -> Choice:
    """Choose settings and shares of the parts of a list model on a part of the choices.

    Args:
        history: items of every user.
        n_items: number of items.
        name: the list model.
        seed: the part that is set aside is a function of it.
    """
    parts = PARTS[name]
    candidates = [(part, setting) for part in parts for setting in SETTINGS[part]]
    first = Choice({parts[0]: candidates[0][1]}, {parts[0]: 1.0})
    if len(candidates) == 1:
        return first
    trials = _Trial.several(_thinned(history, MOST_LEARNT, seed), n_items, seed)
    if not trials:
        return first
    tried = [_Tried.of(trials, part, setting) for part, setting in candidates]
    said = {part: max(one.score for one in tried if one.part == part) for part in parts}
    for rival in RIVALS:
        if rival not in said:
            said[rival] = _Tried.of(trials, rival, SETTINGS[rival][0]).score
    blend = _Blend.grown(tried)
    if len(blend.shares) > 1:
        said["blend"] = float(blend.gains.mean())
    return Choice(blend.settings, blend.shares, said)


@dataclass(frozen=True)
class _Trial:
    """Choices to fit to and choices to find, of the most frequent items and some users.

    Attributes:
        fit: items of every user to learn from.
        find: items of every user to find.
        n_items: number of items.
        users: rows of users who have items to find.
    """

    fit: RatedItems
    find: RatedItems
    n_items: int
    users: Tensor

    @classmethod
    def several(cls, history: RatedItems, n_items: int, seed: int) -> list[_Trial]:
        """Trials whose choices to find are disjoint; none where there is too little for that."""
        most_items, most_users = MOST_TRIED
        rng = np.random.default_rng(seed)
        covered = most_frequent(history, n_items, most_items)
        rows = torch.zeros(n_items + 1, dtype=torch.int32)
        rows[covered.long()] = torch.arange(1, len(covered) + 1, dtype=torch.int32)
        items = rows[history.items.long()]
        n_users, known = len(history.offsets) - 2, items > 0
        keys = np.sort(pair_keys(history.owners[known], items[known]))
        draw, trials = rng.random(len(keys)), []
        for number in range(N_PARTS):
            low = number * SET_ASIDE
            is_aside = (draw >= low) & (draw < low + SET_ASIDE)
            fit, find = (RatedItems.from_keys(keys[one], n_users) for one in (~is_aside, is_aside))
            users = ((fit.offsets.diff() > 0) & (find.offsets.diff() > 0)).nonzero()[:, 0].numpy()
            if len(users) < 2 or len(covered) <= LENGTH:
                return []
            some = np.sort(rng.permutation(users)[:most_users])
            trials.append(cls(fit, find, len(covered), torch.from_numpy(some)))
        return trials

    def gains(self, scores: Tensor) -> Tensor:
        """The nDCG of each user. Shape: (n_users, n_items + 1) -> (n_users,)."""
        return gains(scores, self.users, self.find, self.fit, LENGTH)


@dataclass(frozen=True)
class _Tried:
    """A model of one setting in every trial.

    Attributes:
        trials: what it was fitted to, and is to find.
        part: its name.
        setting: its setting.
        scores: its scores of all items in each trial. Shape: (n_users, n_items + 1) each.
        gains: the nDCG of each user of all trials. Shape: (n,).
    """

    trials: Sequence[_Trial]
    part: str
    setting: Setting
    scores: list[Tensor]
    gains: Tensor

    @classmethod
    def of(cls, trials: Sequence[_Trial], part: str, setting: Setting) -> _Tried:
        """Fit the model in every trial."""
        scores = []
        for trial in trials:
            model: Any = FITS[part](trial.fit, trial.n_items, **setting)
            with torch.no_grad():
                scores.append(model.score(trial.fit.part(trial.users)))
        return cls(trials, part, setting, scores, _gains(trials, scores))

    @property
    def score(self) -> float:
        """The mean nDCG."""
        return float(self.gains.mean())


@dataclass(frozen=True)
class _Blend:
    """A weighted sum of models: settings and shares by name, its scores and nDCG as in `_Tried`."""

    settings: dict[str, Setting]
    shares: dict[str, float]
    scores: list[Tensor]
    gains: Tensor

    @classmethod
    def grown(cls, tried: Sequence[_Tried]) -> _Blend:
        """The first model, or a clearly better one; then what clearly helps it, kind by kind."""
        first = tried[0]
        blend = cls({first.part: first.setting}, {first.part: 1.0}, first.scores, first.gains)
        blend = blend.better(blend.plus(one, 1.0) for one in tried[1:])
        for part in dict.fromkeys(one.part for one in tried if one.part not in blend.shares):
            others = [one for one in tried if one.part == part]
            blend = blend.better(blend.plus(one, share) for one in others for share in SHARES)
        return blend

    def plus(self, one: _Tried, share: float) -> _Blend:
        """This blend with a share of another model; a share of one leaves nothing of this one."""
        pairs = zip(self.scores, one.scores, strict=True)
        scores = [torch.lerp(own, other, share) for own, other in pairs]
        shares = {name: round(old * (1 - share), 4) for name, old in self.shares.items()}
        kept = {name: old for name, old in shares.items() if old} | {one.part: share}
        settings = {**self.settings, one.part: one.setting}
        settings = {name: settings[name] for name in kept}
        return _Blend(settings, kept, scores, _gains(one.trials, scores))

    def better(self, others: Iterable[_Blend]) -> _Blend:
        """The best of others if it is better by more than a standard error; else this one."""
        best = max(others, key=lambda one: float(one.gains.mean()), default=self)
        more = best.gains - self.gains
        return best if more.mean() > more.std() / len(more) ** 0.5 else self


def _gains(trials: Sequence[_Trial], scores: Sequence[Tensor]) -> Tensor:
    """The nDCG of each user of all trials. Shape: (n,)."""
    return torch.cat([trial.gains(one) for trial, one in zip(trials, scores, strict=True)])


def _thinned(history: RatedItems, most: int, seed: int) -> RatedItems:
    """The items of all users, or of some drawn at random where there are too many choices."""
    n = len(history.items)
    if n <= most:
        return history
    counts = history.offsets.diff()
    order = torch.randperm(len(counts), generator=torch.Generator().manual_seed(seed))
    kept = order[counts[order].cumsum(0) <= most].sort().values
    return history.part(torch.cat([kept.new_zeros(1), kept[kept > 0]]))  # row 0 is nobody's
