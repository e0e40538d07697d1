"""A trained recommender: predict, recommend, compare, evaluate, save, train on."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from zoo.collab import ranking
from zoo.collab.data import VALID_BATCH, Ratings, encode
from zoo.collab.fold_in import state_of
from zoo.collab.models.catalogue import ModelName, predicts_ratings, task
from zoo.collab.ratings import Columns, Table, read
from zoo.collab.seen import Seen, seen_of
from zoo.collab.spec import Spec
from zoo.collab.visitor import Visitor, is_id, listed, mean_scores
from zoo.core import artifact, loop
from zoo.core.artifact import Config
from zoo.core.batches import Data
from zoo.core.card import render
from zoo.core.history import History, new_axes
from zoo.core.learner import Learner
from zoo.core.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SEEN = ("seen.offsets", "seen.items")  # beside the weights of the first member


class Recommender:
    """Knows users and items by their ratings; what `train`, `finetune` and `load` return.

    Attributes:
        spec: known users and items, titles, the scale of ratings.
        history: the record of the training.
        metrics: scores on the validation part.
        seen: who has rated what in training. It is a part of the artifact: publish a model only if
            its users may be known by what they rated.
    """

    def __init__(
        self,
        name: ModelName,
        members: Sequence[nn.Module],
        spec: Spec,
        seen: Seen,
        *,
        arguments: dict[str, Any] | None = None,
        history: History | None = None,
        metrics: dict[str, float] | None = None,
        data: str = "",
        training: dict[str, Any] | None = None,
        licence: str = "unknown",
        extra: dict[str, Any] | None = None,
        learner: Learner | None = None,
        run: Run | None = None,
    ) -> None:
        self.name, self.spec, self.seen, self.run = name, spec, seen, run or Run()
        self.members: list[Any] = [member.eval() for member in members]
        self.arguments, self.history = arguments or {}, history or History()
        self.metrics, self.data, self.training = metrics or {}, data, training or {}
        self.licence, self.extra = licence, extra or {}
        self._learner = learner

    def __repr__(self) -> str:
        scores = ", ".join(f"{name} {value:.3f}" for name, value in self.metrics.items())
        known = f"{len(self.spec.users)} users, {len(self.spec.items)} items"
        return f"<{self.name} of {known}; {scores or 'not scored'}>"

    # ---- ratings ------------------------------------------------------------------------------

    def predict(self, user: Any, item: Any = None) -> Any:
        """The rating that a user would give an item; ids that are not known count as average.

        Args:
            user: one id and one item, or equally long sequences of both, or a DataFrame with both
                columns.
            item: not with a DataFrame.

        Returns:
            A float, or an array (n,) of float32. Of a "softmax" model, scores that only order.

        Raises:
            ValueError: the sequences differ in length.
        """
        if isinstance(user, pd.DataFrame):
            table = read(user, Columns())
            return self._rate(
                self.spec.user_rows(table["user"]), self.spec.item_rows(table["item"])
            )
        if is_id(user) and is_id(item):
            return float(self._rate(self.spec.user_rows([user]), self.spec.item_rows([item]))[0])
        if is_id(user) or is_id(item) or len(user) != len(item):
            lengths = [1 if is_id(x) else len(x) for x in (user, item)]
            raise ValueError(
                f"every rating has a user and an item, however {lengths=}; give sequences of "
                "equal length, or recommend(user) for all items"
            )
        return self._rate(self.spec.user_rows(user), self.spec.item_rows(item))

    def evaluate(self, data: Table | None = None) -> dict[str, float]:
        """Loss, RMSE and MAE on ratings; of a "softmax" model, `evaluate_ranking`.

        Args:
            data: None takes the validation part of the training, which a loaded model lacks.

        Raises:
            ValueError: there are no ratings.
        """
        if not predicts_ratings(self.name):
            return self.evaluate_ranking(data)
        batches = self._held(data).to(self._device).batches(VALID_BATCH, shuffle=False)
        return loop.evaluate(
            self._ready, batches.epoch(0), task(self.name), self._device, self._dtype
        )

    # ---- lists --------------------------------------------------------------------------------

    def recommend(
        self, user: Any = None, k: int = 10, *, exclude_seen: bool = True
    ) -> pd.DataFrame:
        """The k items that a user would like best.

        Args:
            user: one id, several, or None for every known one.
            k: how many.
            exclude_seen: leave out what the user rated in training.

        Returns:
            One user's list as rows of item, score (and title, if there are any), best first; of
            several users with a column of users in front. Who has seen almost all gets fewer.

        Raises:
            ValueError: k is out of range.
            KeyError: a user is not known: `fold_in` takes the ratings of a new one.
        """
        ids = list(self.spec.users) if user is None else [user] if is_id(user) else list(user)
        rows = torch.from_numpy(self.spec.user_rows(ids)).long()
        if unknown := [one for one, row in zip(ids, rows.tolist(), strict=True) if row == 0]:
            raise KeyError(
                f"recommending takes a known user, however {unknown[0]!r} is not one of "
                f"{len(self.spec.users)} ({len(unknown)} such in all); fold_in(ratings) takes a "
                "new one"
            )
        scores, items = self.top_k(rows, k, exclude_seen=exclude_seen)
        table = listed(self.spec, scores, items)
        if user is not None and is_id(user):
            return table
        kept = (scores > -torch.inf).numpy()
        repeated = pd.Series(ids, dtype=object).to_numpy().repeat(kept.sum(1))
        table.insert(0, "user", pd.Series(repeated).infer_objects())
        return table

    def top_k(self, users: Tensor, k: int, *, exclude_seen: bool = True) -> tuple[Tensor, Tensor]:
        """As `recommend` for rows of `spec.users`, as tensors: scores and item rows, (n, k)."""
        ranking.check_k(k, len(self.spec.items))
        seen = Seen(*(t.to(self._device) for t in self.seen)) if exclude_seen else None
        with torch.inference_mode():
            pairs = list(ranking.top_k(self._scores, users.to(self._device), k, seen))
            return tuple(torch.cat(part).cpu() for part in zip(*pairs, strict=True))  # type: ignore[return-value]

    def evaluate_ranking(
        self, data: Table | None = None, *, k: int = 10, exclude_seen: bool = True
    ) -> dict[str, float]:
        """How well lists of k items find what users went on to rate (`zoo.collab.ranking`).

        Args:
            data: ratings to find, as for `evaluate`; all count alike.
            k: places.
            exclude_seen: whether lists leave out what was rated in training.

        Raises:
            ValueError: no known user has a known item to find.
        """
        held = self._held(data)
        known = (held.users > 0) & (held.items > 0)
        users, order = held.users[known].sort(stable=True)
        relevant = seen_of(users, held.items[known][order], len(self.spec.users))
        with torch.inference_mode():
            return ranking.ranking_metrics(
                self._scores,
                Seen(*(t.to(self._device) for t in relevant)),
                len(self.spec.items),
                k,
                Seen(*(t.to(self._device) for t in self.seen)) if exclude_seen else None,
            )

    def similar(self, item: Hashable, k: int = 10) -> pd.DataFrame:
        """The items whose vectors point most nearly the same way: item, similarity (cosine).

        Raises:
            KeyError: the item is not known.
            ValueError: k is out of range.
        """
        row = int(self.spec.item_rows([item])[0])
        if row == 0:
            raise KeyError(f"similar items are of a known one, however {item!r} is not")
        ranking.check_k(k, len(self.spec.items) - 1)
        vectors = nn.functional.normalize(self._vectors("items"), dim=1)
        cosines = vectors @ vectors[row]
        cosines[[0, row]] = -torch.inf
        best, items = cosines.topk(k)
        return listed(self.spec, best[None], items[None]).rename(columns={"score": "similarity"})

    def fold_in(self, ratings: Mapping[Hashable, float] | pd.DataFrame) -> Visitor:
        """A new user, placed by some ratings without training: see `zoo.collab.fold_in`.

        Args:
            ratings: by item, or a table of items and ratings; unknown items count for nothing.

        Raises:
            ValueError: none of the items is known.
        """
        if isinstance(ratings, pd.DataFrame):
            table = read(ratings.assign(user=0), Columns(user="user"))
            ratings = dict(zip(table["item"], table["rating"], strict=True))
        rows = self.spec.item_rows(list(ratings))
        if not rows.any():
            raise ValueError(
                f"a new user is placed by known items, however none of {list(ratings)[:3]} is one; "
                "give ratings of items from training"
            )
        values = np.asarray(list(ratings.values()), dtype=np.float32)[rows > 0]
        items = torch.from_numpy(rows[rows > 0]).long()
        states = [
            state_of(member, items, torch.from_numpy(values), self._everyone, self.name)
            for member in self._ready
        ]
        return Visitor(self.spec, self._ready, states, items)

    # ---- looking inside -----------------------------------------------------------------------

    def factors(self, of: str = "items") -> pd.DataFrame:
        """The vectors of "items" or "users", one row an id."""
        return pd.DataFrame(self._vectors(of)[1:].numpy(), index=self._ids(of))

    def biases(self, of: str = "items") -> pd.DataFrame:
        """The bias of each of "items" or "users", highest first: liked beyond their vectors."""
        ids = self._ids(of)
        with torch.inference_mode():
            all_biases = [getattr(member, of).all()[1].mean(1) for member in self._ready]
        values = torch.stack(all_biases).mean(0)[1:].cpu().numpy()
        table = pd.DataFrame({"bias": values}, index=ids)
        if of == "items" and self.spec.titles:
            table["title"] = [self.spec.titles.get(one, "") for one in self.spec.items]
        return table.sort_values("bias", ascending=False)

    def plot_items(self, n: int = 50, *, ax: Axes | None = None) -> Axes:
        """A map of the n most rated items: the first two principal components of their vectors."""
        from sklearn.decomposition import PCA

        ax = ax or new_axes()
        often = torch.bincount(self.seen.items, minlength=len(self.spec.items) + 1)[1:]
        shown = often.topk(min(n, len(often))).indices
        vectors = self._vectors("items")[1:][shown].numpy()
        places = PCA(2).fit_transform(vectors - vectors.mean(0))
        ax.scatter(places[:, 0], places[:, 1], s=8)
        for (x, y), number in zip(places, shown.tolist(), strict=True):
            item = self.spec.items[number]
            ax.annotate(self.spec.titles.get(item, str(item))[:30], (x, y), fontsize=7)
        ax.set(xlabel="first component", ylabel="second component")
        return ax

    # ---- keeping ------------------------------------------------------------------------------

    def save(self, directory: Path | str) -> Path:
        """Write the artifact: config.json, model.safetensors, README.md, history.csv.

        It tells who rated what (`seen`), which recommending needs.

        Raises:
            FileExistsError: the directory holds something else than an artifact.
            ValueError: ids are of a kind that JSON does not keep.
        """
        names = ["model.safetensors", *(f"model-{i + 2}.safetensors" for i in range(99))]
        config = Config(
            domain="collab",
            task="rating" if predicts_ratings(self.name) else "ranking",
            model={"name": self.name, "args": self.arguments},
            spec=self.spec.to_json(),
            members=names[: len(self.members)],
            licence=self.licence,
            data=self.data,
            metrics=self.metrics,
            training=self.training,
            extra=self.extra,
        )
        name, someone = Path(directory).name, self.spec.users[0]
        example = f'import zoo\n\nmodel = zoo.load("{name}")\nmodel.recommend({someone!r}, k=10)'
        weights = [dict(member.state_dict()) for member in self.members]
        weights[0] |= dict(zip(SEEN, self.seen, strict=True))
        card = render(config, load_example=example)
        return artifact.write(directory, config, weights, self.history, card)

    def learner(self) -> Learner:
        """The learner that trained the model, or a new one without data: `set_data` gives it some.

        Raises:
            ValueError: the model is an ensemble, which is not trained as one.
        """
        if len(self.members) > 1:
            raise ValueError(
                f"a learner trains one network, however this ensemble has {len(self.members)=}; "
                "train one of its members"
            )
        if self._learner is None:
            nothing: Any = None
            data = Data(nothing, None, self.spec)
            self._learner = Learner(
                self.members[0],
                data,
                task(self.name),
                as_model=lambda learn, networks: self,
                run=self.run,
            )
        return self._learner

    # ---- parts --------------------------------------------------------------------------------

    @cached_property
    def _device(self) -> torch.device:
        return self.run.torch_device()

    @cached_property
    def _dtype(self) -> torch.dtype | None:
        return self.run.autocast_dtype(self._device)

    @property
    def _ready(self) -> list[Any]:
        return [member.to(self._device).eval() for member in self.members]

    @cached_property
    def _everyone(self) -> Tensor:
        """Rows of all known users."""
        return torch.arange(1, len(self.spec.users) + 1, device=self._device)

    def _held(self, data: Table | None) -> Ratings:
        if data is not None:
            return encode(read(data, Columns()), self.spec)
        batches: Any = self._learner.data.valid if self._learner is not None else None
        if batches is None:
            raise ValueError(
                "a model without validation ratings is scored on others, however data=None; pass a "
                "table"
            )
        users, items = batches.inputs
        return Ratings(users.cpu(), items.cpu(), batches.target.cpu())

    def _rate(self, users: Any, items: Any) -> Any:
        given = Ratings(
            torch.from_numpy(users), torch.from_numpy(items), torch.zeros(len(users))
        ).to(self._device)
        if not len(given):
            return np.zeros(0, dtype=np.float32)
        if not predicts_ratings(self.name):
            return self._ranked(given)
        rated: list[Tensor] = []
        loop.predict_batches(
            self._ready,
            given.batches(VALID_BATCH, shuffle=False).epoch(0),
            task(self.name),
            self._device,
            self._dtype,
            lambda outputs, mean, target: rated.append(mean.cpu()),
        )
        return torch.cat(rated).numpy()

    def _ranked(self, given: Ratings) -> Any:
        """Scores of pairs by a model that only orders, a block of users at a time."""
        blocks = zip(
            torch.split(given.users.long(), ranking.BLOCK),
            torch.split(given.items.long(), ranking.BLOCK),
            strict=True,
        )
        scores = [self._scores(u).gather(1, i[:, None])[:, 0].cpu() for u, i in blocks]
        return torch.cat(scores).numpy()

    @torch.inference_mode()
    def _scores(self, users: Tensor) -> Tensor:
        """Scores of all items for rows of users. Shape: (B,) -> (B, n_items + 1)."""
        members = self._ready
        return mean_scores(members, [m.states(users) for m in members], len(self.spec.items))

    def _vectors(self, of: str) -> Tensor:
        self._ids(of)
        with torch.inference_mode():
            return torch.cat([getattr(member, of).all()[0] for member in self._ready], dim=1).cpu()

    def _ids(self, of: str) -> list[Hashable]:
        if of not in ("items", "users"):
            raise ValueError(f"vectors are of 'items' or of 'users', however {of=}")
        return list(self.spec.items if of == "items" else self.spec.users)
