"""A trained recommender: predict, recommend, compare, evaluate, save, train on."""

from __future__ import annotations

import os
import warnings
from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from zoo.collab import ranking
from zoo.collab.anonymous import POINT, anonymous
from zoo.collab.data.batches import Ratings, encode, require_on_scale
from zoo.collab.data.columns import Columns, found
from zoo.collab.data.ids import Rows, is_one, one_or_many
from zoo.collab.data.rated_items import Seen, nothing_seen, of_keys, pair_keys
from zoo.collab.data.ratings import Table, read, read_visitor, table_of
from zoo.collab.data.unknown import warn_of_ids
from zoo.collab.fold_in import state_of
from zoo.collab.models.catalogue import ModelName, check_config, predicts_ratings, task
from zoo.collab.ranking import check_k
from zoo.collab.scorer import Of, Scorer
from zoo.collab.spec import Spec
from zoo.collab.visitor import Visitor, listed
from zoo.core.config import Config
from zoo.core.history import new_axes
from zoo.core.model import Model
from zoo.core.split import TOLERABLE_SHARE
from zoo.core.task import Task
from zoo.hub.publish import push

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SEEN = ("seen.offsets", "seen.items")  # beside the weights of the first member
TRAINED_ON = "They look better than new ones: score ratings that the model has not seen."
HELD_OUT = ("held_out.offsets", "held_out.items")  # likewise, if there are any


class Recommender(Model[nn.Module, Spec]):
    """Knows users and items by their ratings; what `train`, `finetune` and `load` return.

    Attributes:
        spec: known users and items, titles, the scale of ratings.
        history: the record of the training.
        metrics: scores on the validation part.
        seen: who has rated what in training. It is a part of the artifact: publish a model only if
            its users may be known by what they rated.
        held_out: likewise of the ratings that were held out of the table to train on.
    """

    domain = "collab"
    push = push

    def __init__(
        self,
        members: Sequence[nn.Module],
        spec: Spec,
        *,
        name: ModelName,
        seen: Seen,
        held_out: Seen | None = None,
        arguments: dict[str, Any] | None = None,
        **record: Any,
    ) -> None:
        super().__init__(members, spec, **record)
        self.name, self.seen, self.arguments = name, seen, arguments or {}
        self.held_out = held_out or nothing_seen(len(spec.users))

    def __repr__(self) -> str:
        known = f"{len(self.spec.users)} users, {len(self.spec.items)} items"
        return f"<{self.name} of {known}; {self._scored}>"

    # ---- ratings ------------------------------------------------------------------------------

    def predict(self, user: Any, item: Any = None) -> Any:
        """The rating that a user would give an item.

        An id that the model does not know counts as average, with a warning if most are such. Text
        that spells a known number means that number; where texts are known, a number is read as
        text.

        Args:
            user: one id and one item, or equally long sequences of both, or a table with both
                columns: a DataFrame, or a file as a `Path` (a text is an id).
            item: not with a table.

        Returns:
            A float, or an array (n,) of float32. Of a "softmax" model, scores that only order.

        Raises:
            ValueError: the sequences differ in length, an id is missing, or is neither text nor a
                number.
        """
        if isinstance(user, (pd.DataFrame, os.PathLike)):
            if item is not None:
                raise ValueError(
                    "a table must hold both users and items, got item=... beside it. Leave it out."
                )
            return self._rate_table(user)
        users, items = one_or_many(user, "user"), one_or_many(item, "item")
        if is_one(user) != is_one(item) or len(users) != len(items):
            raise ValueError(
                f"every rating has a user and an item, however lengths={[len(users), len(items)]}; "
                "give sequences of equal length, or recommend(user) for all items"
            )
        rated = self._rate(users, items)
        return float(rated[0]) if is_one(user) else rated

    def evaluate(self, data: Table | None = None) -> dict[str, float]:
        """Loss, RMSE and MAE on ratings; of a "softmax" model, `evaluate_ranking` at 10.

        Args:
            data: None takes the validation part of the training, which a loaded model lacks. A
                table has columns of the names that the training table had, or usual ones.

        Raises:
            ValueError: there are no ratings, or a model of ratings misses their column.
        """
        if not predicts_ratings(self.name):
            return self.evaluate_ranking(data)
        return self._scorer.evaluate(self._held(data))

    # ---- lists --------------------------------------------------------------------------------

    def recommend(
        self, user: Any = None, k: int | None = None, *, exclude_seen: bool = True
    ) -> pd.DataFrame:
        """The k items that a user would like best.

        Args:
            user: one id, several, or None for every known one.
            k: how many; None for ten, or all if there are fewer.
            exclude_seen: leave out what the user has rated in the table to train on, its held-out
                part included; ratings that were passed as `valid=` are not left out.

        Returns:
            One user's list as rows of item, score (and title, if there are any), best first; of
            several users with a column of users in front. Who has seen almost all gets fewer. The
            score is what `predict` says; where several members vote, as in "svdpp", they rank by
            the mean before the sigmoid, and close scores may stand in another order.

        Raises:
            ValueError: k is out of range, or a user is not known: `fold_in` takes a new one's
                ratings.
        """
        ids = list(self.spec.users) if user is None else list(one_or_many(user, "user"))
        k = check_k(k, len(self.spec.items))
        rows = torch.from_numpy(self.spec.user_rows(ids)).long()
        if unknown := [one for one, row in zip(ids, rows.tolist(), strict=True) if row == 0]:
            others = f", nor are {len(unknown) - 1} others" if len(unknown) > 1 else ""
            raise ValueError(
                f"recommending takes a known user, however {unknown[0]!r} is not one of the "
                f"{len(self.spec.users)} of the training{others}; fold_in(ratings) takes a new one"
            )
        scores, items = self.top_k(rows, k, exclude_seen=exclude_seen)
        kept = scores > -torch.inf
        scores[kept] = self._scorer.rate(rows[:, None].expand_as(items)[kept], items[kept])
        table = listed(self.spec, scores, items)
        if user is not None and is_one(user):
            return table
        known = [self.spec.users[row - 1] for row in rows.tolist()]
        repeated = pd.Series(known, dtype=object).to_numpy().repeat(kept.sum(1).numpy())
        table.insert(0, "user", pd.Series(repeated).infer_objects())
        return table

    def top_k(self, users: Tensor, k: int, *, exclude_seen: bool = True) -> tuple[Tensor, Tensor]:
        """As `recommend` for rows of `spec.users`, as tensors: scores and item rows, (n, k).

        These scores only order.
        """
        check_k(k, len(self.spec.items))
        seen = self._scorer.seen(self._rated) if exclude_seen else None
        with torch.inference_mode():
            blocks = ranking.top_k(self._scorer.scores, users.to(self._scorer.device), k, seen)
            scores, items = zip(*blocks, strict=True)
        return torch.cat(scores).cpu(), torch.cat(items).cpu()

    def evaluate_ranking(
        self, data: Table | None = None, *, k: int | None = None, exclude_seen: bool = True
    ) -> dict[str, float]:
        """How well lists of k items find what users went on to rate (`zoo.collab.ranking`).

        Args:
            data: ratings to find, as for `evaluate`; all count alike.
            k: places; None for ten, or as many as there are items.
            exclude_seen: whether lists leave out what was rated before: in training, and in the
                held-out part where that is not what is scored. What was trained on is then nothing
                to find either.

        Raises:
            ValueError: no known user has a known item to find.
        """
        means = "They are left out of the lists and not counted." if exclude_seen else TRAINED_ON
        ratings, n_users = self._held(data, means), len(self.spec.users)
        known = (ratings.users > 0) & (ratings.items > 0)
        pairs = np.unique(pair_keys(ratings.users[known], ratings.items[known]))
        relevant, before = of_keys(pairs, n_users), None
        if exclude_seen:
            relevant = relevant.without(self.seen.keys(), n_users)
            before = self._rated.without(relevant.keys(), n_users)
        with torch.inference_mode():
            return ranking.ranking_metrics(
                self._scorer.scores,
                self._scorer.seen(relevant),
                len(self.spec.items),
                check_k(k, len(self.spec.items)),
                self._scorer.seen(before) if before is not None else None,
            )

    def similar(self, item: Hashable, k: int | None = None) -> pd.DataFrame:
        """The items whose vectors point most nearly the same way: item, similarity (cosine).

        Raises:
            ValueError: the item is not known, or k is out of range.
        """
        row = int(self.spec.item_rows(one_or_many(item, "item"))[0])
        if row == 0 or not is_one(item):
            raise ValueError(f"similar items are of a known one, however {item!r} is not")
        k = check_k(k, len(self.spec.items) - 1)
        vectors = nn.functional.normalize(self._scorer.vectors("items"), dim=1)
        cosines = vectors @ vectors[row]
        cosines[[0, row]] = -torch.inf
        best, items = cosines.topk(k)
        return listed(self.spec, best[None], items[None]).rename(columns={"score": "similarity"})

    def fold_in(self, ratings: Mapping[Hashable, float] | pd.DataFrame) -> Visitor:
        """A new user, placed by some ratings without training: see `zoo.collab.fold_in`.

        Args:
            ratings: by item, or a table of items and ratings; gaps and unknown items count for
                nothing.

        Raises:
            ValueError: none of the items is known, or a rating is no finite number.
        """
        if not isinstance(ratings, pd.DataFrame):
            pairs = dict(ratings)
            ids = pd.Series(list(pairs), dtype=object)
            ratings = pd.DataFrame({"item": ids, "rating": list(pairs.values())})
        needs_rating = predicts_ratings(self.name)
        table = read_visitor(ratings, self.spec.columns, needs_rating=needs_rating)
        rows = self.spec.item_rows(table["item"])
        if not rows.any():
            raise ValueError(
                "a new user is placed by known items, however none of "
                f"{table['item'].tolist()[:3]} is one; give ratings of items from training, such "
                f"as {self.spec.items[0]!r}"
            )
        self._warn({"item": table["item"]}, {"item": rows}, "They count for nothing.")
        items = torch.from_numpy(rows[rows > 0]).long()
        rated = table["rating"].to_numpy(dtype=np.float32)[rows > 0]
        require_on_scale(rated, self.spec.low, self.spec.high)
        values = torch.from_numpy(rated)
        states = [state_of(member, items, values) for member in self._scorer.ready]
        return Visitor(self.spec, self._scorer, states, items)

    def without_users(self) -> Recommender:
        """The model of the items alone, which tells nothing of anybody: see `zoo.collab.anonymous`.

        `fold_in` places who gives some ratings, as it does for this model; an unknown user is the
        mean one. Titles stay; ids and vectors of users, what they rated, scores on them and notes
        of yours in `extra` do not.

        Raises:
            ValueError: the model tells users by something else than vectors and biases.
        """
        networks, spec, nobody, arguments = anonymous(self.members, self.spec)
        record: dict[str, Any] = {
            "history": self.history,
            "data": self.data,
            "training": self.training,
            "licence": self.licence,
            "run": self.run,
        }
        return Recommender(
            networks, spec, name="dot_bias", seen=nobody, arguments=arguments, **record
        )

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
        return f"model.fold_in({{{self.spec.items[0]!r}: {self._middle:g}}}).recommend()"

    def _task(self) -> Task:
        return task(self.name)

    def _weights(self) -> list[dict[str, Tensor]]:
        first, *others = super()._weights()
        known = dict(zip(SEEN, self.seen, strict=True))
        if self.spec.n_held_out:
            known |= dict(zip(HELD_OUT, self.held_out, strict=True))
        return [first | known, *others]

    def _with(self, networks: Sequence[nn.Module], spec: Spec, **record: Any) -> Recommender:
        return Recommender(
            networks,
            spec,
            name=self.name,
            seen=self.seen,
            held_out=self.held_out,
            arguments=self.arguments,
            **record,
        )

    def _check_config(self, config: Config) -> None:
        super()._check_config(config)
        check_config(config)

    @cached_property
    def _scorer(self) -> Scorer:
        return Scorer(self.name, self._placed)

    def _held(self, data: Table | None, means: str = TRAINED_ON) -> Ratings:
        """Ratings to score on."""
        if data is not None:
            return self._told(data, means)
        batches: Any = self._learner.data.valid if self._learner is not None else None
        if batches is None:
            raise ValueError(
                "a model without validation ratings is scored on others, however data=None; pass a "
                "table"
            )
        users, items = batches.inputs
        return Ratings(users.cpu(), items.cpu(), batches.target.cpu())

    def _told(self, data: Table, means: str) -> Ratings:
        """The ratings of a table, with a warning of unknown ids and of ratings trained on."""
        needs_rating = predicts_ratings(self.name)
        table = read(data, Columns(), remembered=self.spec.columns, needs_rating=needs_rating)
        ratings = encode(table, self.spec)
        is_file = not isinstance(data, pd.DataFrame)
        self._warn(table, ratings.rows, is_text=is_file, stacklevel=6)
        trained_on = np.isin(pair_keys(ratings.users, ratings.items), self.seen.keys())
        if trained_on.mean() > TOLERABLE_SHARE:
            warnings.warn(
                f"{trained_on.mean():.0%} of the {len(ratings)} ratings were trained on. {means}",
                UserWarning,
                stacklevel=4,
            )
        return ratings

    def _rate_table(self, table: Table) -> Any:
        """The ratings of a table's users and items, row by row."""
        names_in = partial(found, columns=Columns(), remembered=self.spec.columns)
        frame = table_of(table, names_in)
        names, is_file = names_in(frame), frame is not table
        users, items = frame[names["user"]], frame[names["item"]]
        return self._rate(users, items, is_text=is_file, stacklevel=6)

    def _rate(self, users: Any, items: Any, *, is_text: bool = False, stacklevel: int = 5) -> Any:
        rows = {"user": self.spec.user_rows(users), "item": self.spec.item_rows(items)}
        self._warn({"user": users, "item": items}, rows, is_text=is_text, stacklevel=stacklevel)
        return self._scorer.rate(*map(torch.from_numpy, rows.values())).numpy()

    def _warn(
        self,
        ids: Any,
        rows: dict[str, Rows],
        means: str = "",
        *,
        is_text: bool = False,
        stacklevel: int = 4,
    ) -> None:
        """See `warn_of_ids`."""
        if not means and self._is_anonymous:
            means = "It was published without its users: fold_in(ratings) places one."
        means = means or "They count as average."
        known = {"user": self.spec.known_users, "item": self.spec.known_items}
        warn_of_ids(known, ids, rows, means=means, is_text=is_text, stacklevel=stacklevel)

    @property
    def _is_anonymous(self) -> bool:
        """Whether the model's users are points in the place of real ones."""
        return self.spec.users[0] == POINT.format(1) and not len(self.seen.items)

    @property
    def _middle(self) -> float:
        """A rating in the middle of the scale."""
        low, high = self.spec.low, self.spec.high
        return 1.0 if low is None or high is None else (low + high) / 2

    @cached_property
    def _rated(self) -> Seen:
        """Who has rated what in the tables to train on, held-out parts included."""
        return self.seen.with_others(self.held_out, len(self.spec.users))

    def _ids(self, of: Of) -> list[Hashable]:
        if of not in get_args(Of):
            raise ValueError(f"vectors are of 'items' or of 'users', however {of=}")
        return list(self.spec.items if of == "items" else self.spec.users)
