"""A trained recommender: predict, recommend, compare, evaluate, save, train on."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from zoo.collab import ranking
from zoo.collab.anonymous import anonymous
from zoo.collab.data import Ratings, encode
from zoo.collab.fold_in import state_of
from zoo.collab.models.catalogue import ModelName, predicts_ratings, task
from zoo.collab.ratings import Columns, Table, found, read
from zoo.collab.scorer import Of, Scorer
from zoo.collab.seen import Seen, seen_of
from zoo.collab.spec import Spec
from zoo.collab.visitor import Visitor, is_id, listed
from zoo.core.history import new_axes
from zoo.core.task import Task
from zoo.core.trained import Trained
from zoo.hub.publish import push

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SEEN = ("seen.offsets", "seen.items")  # beside the weights of the first member


class Recommender(Trained[nn.Module]):
    """Knows users and items by their ratings; what `train`, `finetune` and `load` return.

    Attributes:
        spec: known users and items, titles, the scale of ratings.
        history: the record of the training.
        metrics: scores on the validation part.
        seen: who has rated what in training. It is a part of the artifact: publish a model only if
            its users may be known by what they rated.
    """

    domain = "collab"
    push = push

    def __init__(
        self,
        name: ModelName,
        members: Sequence[nn.Module],
        spec: Spec,
        seen: Seen,
        *,
        arguments: dict[str, Any] | None = None,
        **record: Any,
    ) -> None:
        super().__init__([member.eval() for member in members], spec, **record)
        self.name, self.seen, self.arguments = name, seen, arguments or {}

    def __repr__(self) -> str:
        known = f"{len(self.spec.users)} users, {len(self.spec.items)} items"
        return f"<{self.name} of {known}; {self._scored}>"

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
            names = found(user, Columns())
            user, item = user[names["user"]], user[names["item"]]
        if is_id(user) and is_id(item):
            return float(self._rate([user], [item])[0])
        if is_id(user) or is_id(item) or len(user) != len(item):
            lengths = [1 if is_id(x) else len(x) for x in (user, item)]
            raise ValueError(
                f"every rating has a user and an item, however {lengths=}; give sequences of "
                "equal length, or recommend(user) for all items"
            )
        return self._rate(user, item)

    def evaluate(self, data: Table | None = None) -> dict[str, float]:
        """Loss, RMSE and MAE on ratings; of a "softmax" model, `evaluate_ranking`.

        Args:
            data: None takes the validation part of the training, which a loaded model lacks.

        Raises:
            ValueError: there are no ratings.
        """
        if not predicts_ratings(self.name):
            return self.evaluate_ranking(data)
        return self._scorer.evaluate(self._held(data))

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
            several users with a column of users in front. Who has seen almost all gets fewer. The
            score is what `predict` says; where several members vote, as in "svdpp", they rank by
            the mean before the sigmoid, and close scores may stand in another order.

        Raises:
            ValueError: k is out of range, or a user is not known: `fold_in` takes a new one's
                ratings.
        """
        ids = list(self.spec.users) if user is None else [user] if is_id(user) else list(user)
        rows = torch.from_numpy(self.spec.user_rows(ids)).long()
        if unknown := [one for one, row in zip(ids, rows.tolist(), strict=True) if row == 0]:
            raise ValueError(
                f"recommending takes a known user, however {unknown[0]!r} is not one of "
                f"{len(self.spec.users)} ({len(unknown)} such in all); fold_in(ratings) takes a "
                "new one"
            )
        scores, items = self.top_k(rows, k, exclude_seen=exclude_seen)
        kept = scores > -torch.inf
        scores[kept] = self._scorer.rate(rows[:, None].expand_as(items)[kept], items[kept])
        table = listed(self.spec, scores, items)
        if user is not None and is_id(user):
            return table
        repeated = pd.Series(ids, dtype=object).to_numpy().repeat(kept.sum(1).numpy())
        table.insert(0, "user", pd.Series(repeated).infer_objects())
        return table

    def top_k(self, users: Tensor, k: int, *, exclude_seen: bool = True) -> tuple[Tensor, Tensor]:
        """As `recommend` for rows of `spec.users`, as tensors: scores and item rows, (n, k).

        These scores only order.
        """
        ranking.check_k(k, len(self.spec.items))
        seen = self._scorer.seen(self.seen) if exclude_seen else None
        with torch.inference_mode():
            blocks = ranking.top_k(self._scorer.scores, users.to(self._scorer.device), k, seen)
            scores, items = zip(*blocks, strict=True)
        return torch.cat(scores).cpu(), torch.cat(items).cpu()

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
                self._scorer.scores,
                self._scorer.seen(relevant),
                len(self.spec.items),
                k,
                self._scorer.seen(self.seen) if exclude_seen else None,
            )

    def similar(self, item: Hashable, k: int = 10) -> pd.DataFrame:
        """The items whose vectors point most nearly the same way: item, similarity (cosine).

        Raises:
            ValueError: the item is not known, or k is out of range.
        """
        row = int(self.spec.item_rows([item])[0])
        if row == 0:
            raise ValueError(f"similar items are of a known one, however {item!r} is not")
        ranking.check_k(k, len(self.spec.items) - 1)
        vectors = nn.functional.normalize(self._scorer.vectors("items"), dim=1)
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
        given = torch.from_numpy(values)
        states = [state_of(member, items, given) for member in self._scorer.ready]
        return Visitor(self.spec, self._scorer, states, items)

    def without_users(self) -> Recommender:
        """The model of the items alone, which tells nothing of anybody: see `zoo.collab.anonymous`.

        `fold_in` places who gives some ratings, as it does for this model; an unknown user is the
        mean one. Titles stay, scores on known users do not.

        Raises:
            ValueError: the model tells users by something else than vectors and biases.
        """
        networks, spec, nobody, arguments = anonymous(self.members, self.spec)
        record = {
            "history": self.history,
            "data": self.data,
            "training": self.training,
            "licence": self.licence,
            "extra": self.extra,
            "run": self.run,
        }
        return Recommender("dot_bias", networks, spec, nobody, arguments=arguments, **record)

    # ---- looking inside -----------------------------------------------------------------------

    def factors(self, of: Of = "items") -> pd.DataFrame:
        """The vectors of "items" or "users", one row an id."""
        ids = self._ids(of)
        return pd.DataFrame(self._scorer.vectors(of)[1:].numpy(), index=ids)

    def biases(self, of: Of = "items") -> pd.DataFrame:
        """The bias of each of "items" or "users", highest first: liked beyond their vectors."""
        ids = self._ids(of)
        table = pd.DataFrame({"bias": self._scorer.biases(of)[1:].numpy()}, index=ids)
        if of == "items" and self.spec.titles:
            table["title"] = [self.spec.titles.get(one, "") for one in self.spec.items]
        return table.sort_values("bias", ascending=False)

    def plot_items(self, n: int = 50, *, ax: Axes | None = None) -> Axes:
        """A map of the n most rated items: the first two principal components of their vectors."""
        from sklearn.decomposition import PCA

        ax = ax or new_axes()
        often = torch.bincount(self.seen.items, minlength=len(self.spec.items) + 1)[1:]
        shown = often.topk(min(n, len(often))).indices
        vectors = self._scorer.vectors("items")[1:][shown].numpy()
        places = PCA(2).fit_transform(vectors - vectors.mean(0))
        ax.scatter(places[:, 0], places[:, 1], s=8)
        for (x, y), number in zip(places, shown.tolist(), strict=True):
            item = self.spec.items[number]
            ax.annotate(self.spec.titles.get(item, str(item))[:30], (x, y), fontsize=7)
        ax.set(xlabel="first component", ylabel="second component")
        return ax

    # ---- parts --------------------------------------------------------------------------------

    def _built(self) -> tuple[str, str, dict[str, Any]]:
        kind = "rating" if predicts_ratings(self.name) else "ranking"
        return kind, self.name, self.arguments

    def _example(self) -> str:
        return 'model.recommend("a user", k=10)  # any id of yours; the card names nobody'

    def _task(self) -> Task:
        return task(self.name)

    def _weights(self) -> list[dict[str, Tensor]]:
        first, *others = super()._weights()
        return [first | dict(zip(SEEN, self.seen, strict=True)), *others]

    def _with(self, networks: Sequence[nn.Module], **record: Any) -> Recommender:
        return Recommender(
            self.name, networks, self.spec, self.seen, arguments=self.arguments, **record
        )

    @cached_property
    def _scorer(self) -> Scorer:
        return Scorer(self.name, self._placed)

    def _held(self, data: Table | None) -> Ratings:
        """Ratings to score on."""
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
        rows = (self.spec.user_rows(users), self.spec.item_rows(items))
        return self._scorer.rate(*map(torch.from_numpy, rows)).numpy()

    def _ids(self, of: Of) -> list[Hashable]:
        if of not in get_args(Of):
            raise ValueError(f"vectors are of 'items' or of 'users', however {of=}")
        return list(self.spec.items if of == "items" else self.spec.users)
