"""A trained recommender: predict, recommend, compare, evaluate, save, train further."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack, overload

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.collab import factor_tables
from zoo.collab.anonymous import without_users
from zoo.collab.components import Components
from zoo.collab.data.batches import VALID_BATCH, Ratings
from zoo.collab.data.histories import Histories
from zoo.collab.data.ids import ManyIds, OneId
from zoo.collab.data.rated_items import RatedItems
from zoo.collab.data.ratings import Table, pairs_in
from zoo.collab.data.validation import ratings_to_score
from zoo.collab.difficulty import difficulty
from zoo.collab.fields import interface_of
from zoo.collab.lists import SEEDED, Choices
from zoo.collab.models.catalogue import check_config
from zoo.collab.models.list_arguments import ListArguments
from zoo.collab.models.list_blend import ListBlend
from zoo.collab.new_items import with_items
from zoo.collab.options import ListName, ModelName, Titles
from zoo.collab.pairs import Pairs, Users, pairs_of, rated, verdicts
from zoo.collab.reasons import explanation, known_row
from zoo.collab.recommendations import Lists
from zoo.collab.scorer import By, ListScorer, Raters, Scorer, SideName
from zoo.collab.selection import selection
from zoo.collab.spec import Spec
from zoo.collab.task import needs_order, predicts_ratings, scores_histories, task_of
from zoo.collab.visitor import Visitor, VisitorRatings, placed
from zoo.core.artifacts import artifact
from zoo.core.batches import NO_VALIDATION, Batches, Data
from zoo.core.config import Config
from zoo.core.explanation import Explanation
from zoo.core.export import How
from zoo.core.interface import Interface
from zoo.core.model import Model
from zoo.core.placed import Placed
from zoo.core.predictions import Interval, record_of
from zoo.core.run import Run, in_fp32
from zoo.core.task import Task
from zoo.core.training.learner import Learner
from zoo.core.trust.call import FOLD, MEASURED
from zoo.core.trust.unknown import check_rate, marked, verdict_table
from zoo.hub.mixin import HubMixin

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEASUREMENTS = (MEASURED, FOLD)  # what names of folders begin with that only measure
AFTERWARDS = ("spec's lists", "lists", "lists_ndcg@10")  # what a record has after training
FLATTERING = "They look better than new ones: score ratings that the model has not seen."
NOT_COUNTED = "They are left out of the lists and not counted."


class Recommender(HubMixin, Model[nn.Module, Spec]):
    """A model of users and items by their ratings; what `train`, `finetune` and `load` return.

    Attributes:
        spec: ids of users and items, titles, the scale of ratings.
        history: the record of the training.
        metrics: scores on the validation part.
        name: name of the model, see `train`.
        arguments: arguments of the network, as JSON holds them.
        rated_items: items of every user among the ratings that were trained on. They are a part of
            the artifact: publish a model only if its users may be known by what they rated.
        held_out_items: items of each user whose ratings were held out of the table to train on.
        in_order: both in the order of time, where it counts; None puts the held-out ones last.
    """

    domain = "collab"

    def __init__(
        self,
        members: Sequence[nn.Module],
        spec: Spec,
        *,
        name: ModelName,
        rated_items: RatedItems,
        held_out_items: RatedItems | None = None,
        in_order: RatedItems | None = None,
        arguments: dict[str, Any] | None = None,
        lists: ListBlend | None = None,
        choices: Choices | None = None,
        run: Run | None = None,
        **record: Any,
    ) -> None:
        self.name, self.arguments, self.rated_items = name, arguments or {}, rated_items
        self.held_out_items = held_out_items or RatedItems.empty(len(spec.users))
        self.in_order = in_order
        self._computed, self._choices = lists, choices
        n = len(self.held_out_items.items)
        parts = ListArguments() if lists is None else lists.arguments
        if (spec.n_held_out, spec.lists) != (n, parts):
            spec = replace(spec, n_held_out=n, lists=parts)
        super().__init__(members, spec, run=in_fp32(run or Run(), "ratings"), **record)

    def __repr__(self) -> str:
        n_users = "no" if self.spec.is_anonymous else len(self.spec.users)
        sizes = f"{n_users} users, {len(self.spec.items)} items"
        return f"<{self.name} of {sizes}; {self._scored}>"

    @overload
    def predict(
        self,
        user: OneId,
        item: OneId,
        *,
        coverage: float | None = None,
        unknown: bool | float = False,
    ) -> float: ...

    @overload
    def predict(self, user: ManyIds, item: ManyIds) -> NDArray[np.float32]: ...

    @overload
    def predict(
        self,
        user: ManyIds,
        item: ManyIds,
        *,
        coverage: float | None = None,
        unknown: bool | float = False,
    ) -> pd.DataFrame: ...

    @overload
    def predict(self, user: pd.DataFrame | os.PathLike[str]) -> NDArray[np.float32]: ...

    @overload
    def predict(
        self,
        user: pd.DataFrame | os.PathLike[str],
        *,
        coverage: float | None = None,
        unknown: bool | float = False,
    ) -> pd.DataFrame: ...

    def predict(
        self,
        user: Users,
        item: OneId | ManyIds | None = None,
        *,
        coverage: float | None = None,
        unknown: bool | float = False,
    ) -> float | NDArray[np.float32] | pd.DataFrame:
        """The rating that a user would give an item, or those of several pairs.

        An unknown id counts as average, with a warning if most are unknown. Text that spells the
        number of an id means that number; where ids are text, a number is read as text.

        Args:
            user: one id, a sequence of ids, or a table with columns of users and items: a
                DataFrame, or a file as a `Path` (a text is an id).
            item: as many ids of items; none with a table.
            coverage: how often the truth shall be in what is predicted, such as 0.9, by the ranks
                of errors on held-out ratings (`zoo.core.trust.conformal`): an `Interval` for a
                pair, a DataFrame with the columns `value`, `low` and `high` for several, under
                the index of a table. It may be wider where user and item have few ratings.
            unknown: whether to tell ids of which training had no rating: as `unknown` of an
                `Estimate` or `Interval` for a pair, or as the columns `unknown`, `strangeness` (how
                many of the two) and `reason` of a DataFrame. No known id is called so, whatever
                rate of false alarms is stated.

        Returns:
            A float, or an array (n,) of float32. A model of lists alone returns scores that only
            order.

        Raises:
            ValueError: the sequences differ in length, an id is missing, or is neither text nor a
                number; a coverage is asked for of a model that was not judged on held-out ratings.
        """
        pairs = pairs_of(user, item, self.spec)
        numbers = rated(pairs, self._raters[self._raters.first])
        if coverage is None and unknown is False:
            return float(numbers[0]) if pairs.is_alone else numbers
        answers = self._sure(pairs, numbers, coverage, unknown)
        if pairs.is_alone:
            return answers[0]  # type: ignore[no-any-return]
        index = user.index if isinstance(user, pd.DataFrame) else None
        names = ["value", *(() if coverage is None else ("low", "high"))]
        table = pd.DataFrame({"value": [*map(float, answers)]}, index, dtype=np.float64)
        for name in names[1:]:
            table[name] = np.array([getattr(one, name) for one in answers], np.float64)
        if unknown is False:
            return table
        return table.join(verdict_table([one.unknown for one in answers], table.index))

    def _sure(
        self, pairs: Pairs, numbers: NDArray[np.float32], coverage: float | None, unknown: Any
    ) -> list[Any]:
        """Intervals, or numbers that say what is unknown."""
        if not isinstance(unknown, bool):
            check_rate(unknown)
        answers: list[Any] = numbers.tolist()
        if coverage is not None:
            hard = difficulty(self.rated_items, pairs.rows)
            answers = self._covered(torch.from_numpy(numbers), coverage, difficulty=hard)
        return answers if unknown is False else marked(answers, verdicts(pairs))

    def records(
        self,
        files: Sequence[Path],
        *,
        k: int = 1,
        coverage: float | None = None,
        unknown: bool | float = False,
    ) -> Iterator[dict[str, Any]]:
        """See `Model.records`; a file is a table of users and items."""
        for file in files:
            shown, pairs = pairs_in(file, self.spec.columns), pairs_of(file, None, self.spec)
            numbers = rated(pairs, self._raters[self._raters.first])
            answers = self._sure(pairs, numbers, coverage, unknown)
            for row, (pair, rating) in enumerate(zip(shown, answers, strict=True)):
                yield {"file": str(file), "row": row, **pair, **record_of(rating)}

    def evaluate(self, data: Table | None = None) -> dict[str, float]:
        """Loss, RMSE and MAE on ratings; for a model of lists alone, `evaluate_ranking` at 10.

        Args:
            data: a table whose columns are called as those of the training, or have usual names;
                None returns the scores on the validation part, which a loaded model remembers.

        Raises:
            ValueError: there are no ratings, or a model of ratings lacks their column.
        """
        if data is None:
            return self._validation_scores()
        if not predicts_ratings(self.name):
            return self._lists(None).metrics(self._read(data, NOT_COUNTED))
        ratings = self._read(data, FLATTERING).to(self._scorer.device)
        return self._scores(ratings.batches(VALID_BATCH, shuffle=False))

    def recommend(
        self,
        user: OneId | ManyIds | None = None,
        k: int | None = None,
        *,
        exclude_seen: bool = True,
        by: By | None = None,
        candidates: OneId | ManyIds | None = None,
        exclude: OneId | ManyIds | None = None,
        diversity: float = 0.0,
    ) -> pd.DataFrame:
        """The k items that a user would choose next, or rate best.

        Args:
            user: one id, a sequence of ids, or None for all users.
            k: length of a list; None for ten, or all if there are fewer.
            exclude_seen: whether to leave out what the user rated in the table to train on, its
                held-out part included; ratings that were passed as `valid=` are not left out.
            by: "choice" ranks by the model of lists, "rating" by predicted ratings; None takes
                the first where there is such a model: who rates films highly chooses others.
            candidates: items that may be listed, such as those in stock; None for all.
            exclude: items that are not to be listed.
            diversity: 0 for the best items, up to 1 for items that are unlike each other.

        Returns:
            One user's list as rows of item, score (and rating, and title, if there are any), best
            first; lists of several users with a column of users in front. Users who have rated
            almost all items get fewer. The score is that of the model of lists, which only orders,
            or, by ratings, what `predict` returns; where several members vote, as in "svdpp", they
            rank by the mean before the sigmoid, and close scores may be in another order.

        Raises:
            ValueError: k is out of range, no candidate is known, or a user is unknown: `fold_in`
                takes a new one's ratings.
        """
        wish = selection(self.spec, candidates, exclude, diversity)
        rater = self._raters.rating if self._raters.resolved(by) == "choice" else None
        return self._lists(by).table(user, k, wish, exclude_seen=exclude_seen, rater=rater)

    def top_k(
        self, users: Tensor, k: int, *, exclude_seen: bool = True, by: By | None = None
    ) -> tuple[Tensor, Tensor]:
        """Lists as tensors: scores that only order, and rows of items.

        Args:
            users: rows of `spec.users`. Shape: (n,).
            k: length of a list.
            exclude_seen: as for `recommend`.
            by: as for `recommend`.

        Returns:
            Scores and rows. Shape: (n, k) each.
        """
        return self._lists(by).top_k(users, k, exclude_seen=exclude_seen)

    def evaluate_ranking(
        self,
        data: Table | None = None,
        *,
        k: int | None = None,
        exclude_seen: bool = True,
        by: By | None = None,
        last: bool = False,
    ) -> dict[str, float]:
        """How well lists of k items hold what users went on to rate, see `zoo.collab.ranking`.

        Args:
            data: ratings to find, as for `evaluate`, all of which count alike; None takes the
                validation part of the training, which a loaded model lacks.
            k: length of a list; None for ten, or as many as there are items.
            exclude_seen: whether lists leave out what was rated before: in training, and in the
                held-out part where that is not what is scored. Ratings that were trained on are
                then not to be found either.
            by: as for `recommend`.
            last: whether only each user's latest rating is to be found, by the column of times, or
                by the order of the rows without one; their others in `data` then count as chosen
                before. For the last-item protocol pass `data=` with what followed the training.

        Raises:
            ValueError: no known user has a known item to find, there are no ratings, or
                `exclude_seen` is False with `last`.
        """
        if last and not exclude_seen:
            raise ValueError(
                "exclude_seen must be True where last=True, got exclude_seen=False: a user's last "
                "item is found among those not chosen before. Leave one of them out."
            )
        if last:
            return self._lists(by).last_metrics(data, k)
        if data is not None:
            ratings = self._read(data, NOT_COUNTED if exclude_seen else FLATTERING)
        elif self._learner is None or self._learner.data.valid is None:
            raise ValueError(NO_VALIDATION)
        else:
            ratings = Ratings.of(self._learner.data.valid)
        return self._lists(by).metrics(ratings, k, exclude_seen=exclude_seen)

    def similar(self, item: OneId, k: int | None = None, *, by: By | None = None) -> pd.DataFrame:
        """The items that are most alike one: item, similarity.

        By choices they are those that the same users choose; by ratings those whose vectors point
        most nearly the same way (cosine). What rests on few ratings counts for less: n ratings of
        an item multiply its similarity by n / (n + 10).

        Args:
            item: id of an item.
            k: number of items; None for ten, or all if there are fewer.
            by: as for `recommend`.

        Raises:
            ValueError: the item is unknown, or k is out of range.
        """
        scorer = self._raters[self._raters.resolved(by)]
        return factor_tables.neighbours(self.spec, scorer, item, k, self._components.counts)

    def explain(self, user: OneId, item: OneId, *, by: By | None = None) -> Explanation[Any]:
        """Why an item is, or is not, for a user: "because you liked ...".

        By choices, `names` are the items that the user chose, and `scores` what each adds to the
        score; what none of them adds is in `base`. By ratings, they are what the user's mildness,
        the item's esteem and the two's vectors add to the rating of a mean item by a mean user, and
        `alike` lists the items that the user rated whose vectors point most nearly as this one's.

        Args:
            user: id of a user.
            item: id of an item.
            by: as for `recommend`.

        Raises:
            ValueError: user or item are unknown, or there is no model of that kind.
        """
        by = self._raters.resolved(by)
        row = known_row(self.spec, "user", user)
        histories = self.chosen if by == "choice" else self.rated_items
        scorer = self._raters[by]
        states = scorer.states(torch.tensor([row]))
        return explanation(self.spec, scorer, states, histories.of_row(row), item)

    def interface(self) -> Interface:
        """See `Model.interface`: a visitor's ratings; what spoke for the first of the list."""
        return interface_of(self.spec, self.fold_in)

    def embed(self, ids: OneId | ManyIds, side: SideName = "items") -> NDArray[np.float32]:
        """The vectors of items, or of users, by their ids: (n, d), float32. A single id has one.

        They are those of the networks, or where there are lists alone those of their items.

        Args:
            ids: one id, or several.
            side: "items" or "users".

        Raises:
            ValueError: an id is unknown, or the model has no vectors.
        """
        return factor_tables.vectors_of(self.spec, self._raters[self._raters.first], ids, side)

    def fold_in(self, ratings: VisitorRatings) -> Visitor:
        """Place a new user by some ratings, without training: see `zoo.collab.fold_in`.

        Args:
            ratings: ratings by item, a table of items and ratings, or a list of items that the user
                likes; gaps and unknown items count for nothing.

        Raises:
            ValueError: all items are unknown, or a rating is no finite number.
        """
        return placed(ratings, self.spec, self._raters, needs_rating=predicts_ratings(self.name))

    def export(self, path: Path | str, **how: Unpack[How]) -> Path:
        """Write a file that rates pairs and ranks for a visitor, see `Model.export`.

        See `zoo.collab.export` for its inputs and outputs; the users' vectors are in it, those of
        `without_users()` are not.

        Raises:
            ModuleNotFoundError: a package that it needs is not installed.
            NotImplementedError: the model ranks by the order of what was chosen.
            ValueError: the options are none, or do not go together; or two ids are one text.
        """
        from zoo.collab.export import program_of

        kind, _, _ = self._built()
        program = program_of(self._raters, self.spec, self._task(), kind)
        return self._export(path, program, how)

    def without_users(self) -> Recommender:
        """The model of the items alone, which knows nobody: see `zoo.collab.anonymous`.

        `fold_in` places new users as it does for this model; an unknown user is the mean one.
        Titles stay; ids and vectors of users, what they rated, scores on them and your notes in
        `extra` do not.

        Raises:
            ValueError: the model tells users apart by something else than vectors and biases.
        """
        if self.spec.is_anonymous:
            return self
        public = without_users(self._components)
        kept = ("history", "data", "training", "licence", "run")
        record = {name: getattr(self, name) for name in kept}
        return Recommender(**vars(public), **record)

    def with_items(self, features: pd.DataFrame, *, titles: Titles | None = None) -> Recommender:
        """A model that also knows items which nobody has rated, by their features alone.

        Their vectors are the mean one plus what their features add. `predict` and lists by rating
        take them like any other; lists by choice hold them last, since nobody has chosen them.

        Args:
            features: features of the items, one row per id, with the columns of the training;
                items that the model knows are left as they are.
            titles: their titles by id.

        Raises:
            ValueError: the model was trained without features of items, or knows all of these.
        """
        wider = with_items(self._components, features, titles)
        kept = ("history", "metrics", "data", "training", "licence", "extra", "seen_rows", "run")
        record = {name: getattr(self, name) for name in kept} | {"rivals": self.standings}
        return Recommender(**vars(wider), **record)

    def published(self) -> Recommender:
        """What `push` sends unless it is called with users=True: `without_users()`.

        Raises:
            ValueError: the model cannot do without its users.
        """
        try:
            return self.without_users()
        except ValueError as error:
            raise ValueError(
                f"{error} Or publish its users as well: push(..., users=True)."
            ) from None

    def factors(self, side: SideName = "items") -> pd.DataFrame:
        """The vectors of "items" or "users", one row per id."""
        return factor_tables.vector_table(self.spec, self._scorer, side)

    def biases(self, side: SideName = "items") -> pd.DataFrame:
        """The bias of each of "items" or "users", highest first: liked beyond their vectors."""
        return factor_tables.bias_table(self.spec, self._scorer, side)

    def plot_items(self, n: int = 50, *, ax: Axes | None = None) -> Axes:
        """A map of the n most rated items: the first two principal components of their vectors."""
        return factor_tables.plot_map(self.spec, self._scorer, self.rated_items, n, ax)

    def _covered(self, decoded: Tensor, coverage: float, *args: Any, **how: Any) -> list[Any]:
        """See `Model`; intervals end where ratings do."""
        low, high = self.spec.low, self.spec.high
        answers = super()._covered(decoded, coverage, *args, **how)
        if low is None or high is None:
            return answers
        return [Interval(float(one), max(one.low, low), min(one.high, high)) for one in answers]

    def answers(self, decoded: Tensor, names: Any) -> pd.DataFrame:
        """See `Model.answers`; a column of ratings."""
        column = self.spec.columns.get("rating", "rating")
        return pd.DataFrame(decoded.numpy(), pd.Index(names), [column])

    def record(self) -> dict[str, Any]:
        """See `Model.record`; lists follow from the ratings, once the networks are trained."""
        return {k: v for k, v in super().record().items() if k not in AFTERWARDS}

    def write(self, directory: Path | str, run: dict[str, Any]) -> Path:
        """See `Model.write`; lists that were not needed yet are computed.

        What is measured before the model is made needs none. Of a run whose lists alone were cut
        short the folder keeps the state, so that a repeated call fits them anew.
        """
        if not Path(directory).name.startswith(MEASUREMENTS):
            self.complete()
        if self.training.get("interrupted"):
            run = {name: value for name, value in run.items() if name != "run_files"}
        return super().write(directory, run)

    def complete(self) -> Self:
        """Compute the model of lists, if there is to be one, and tell of it in the record.

        After Ctrl-C lists that are trained by steps are not begun.
        """
        if self._choices is None or self._computed is not None:
            return self
        if self._choices.name in SEEDED and self.training.get("interrupted"):
            self._choices, self.training = None, self.training | {"lists": "none"}
            return self
        self._computed = self._choices.lists
        self.spec = replace(self.spec, lists=self._computed.arguments)
        self.training = self.training | self._choices.record
        if cut_short := self._computed.cut_short:
            self.training["interrupted"] = f"of lists {cut_short}"
        self.standings = [*self.standings, *self._choices.standings]
        return self

    @property
    def lists(self) -> ListBlend | None:
        """The model of lists beside the networks; None without."""
        return self.complete()._computed

    @property
    def lists_name(self) -> ListName | Literal["none"]:
        """The kind of lists that stand beside the networks: a part alone, or the blend of some."""
        if self._computed is None and self._choices is not None:
            return self._choices.name
        parts: Any = list(self.spec.lists) or ["none"]
        name: ListName | Literal["none"] = "blend" if len(parts) > 1 else parts[0]
        return name

    @property
    def keeps_order(self) -> bool:
        """Whether the items of users are in the order of time."""
        return needs_order(self.name) or needs_order(self.lists_name)

    @cached_property
    def chosen(self) -> RatedItems:
        """Items of every user in the tables to train on, held-out parts included, in order."""
        return self._histories.chosen

    def _built(self) -> tuple[str, str, dict[str, Any]]:
        kind = "rating" if predicts_ratings(self.name) else "ranking"
        return kind, self.name, self.arguments

    def _example(self) -> str:
        low, high = self.spec.low, self.spec.high
        middle = 1.0 if low is None or high is None else (low + high) / 2
        return f"model.fold_in({{{self.spec.items[0]!r}: {middle:g}}}).recommend()"

    def _task(self) -> Task:
        return task_of(self.name)

    def _weights(self) -> list[dict[str, Tensor]]:
        first, *others = super()._weights()
        first |= self._histories.tensors()
        lists = [] if self._computed is None else [dict(self._computed.state_dict())]
        return [first, *others, *lists]

    def _config(self) -> Config:
        config = super()._config()
        n_files = len(config.members) + (self._computed is not None)
        return replace(config, members=artifact.weight_files(n_files))

    def _after(self, learn: Learner[Spec, Any], networks: Sequence[Any], **record: Any) -> Self:
        model, has_data = super()._after(learn, networks, **record), learn.data.train is not None
        if has_data:
            add_ratings(model, learn.data)
        return model

    def _with(self, networks: Sequence[nn.Module], spec: Spec, **record: Any) -> Recommender:
        own = replace(self._components, members=networks, spec=spec, blend=None)
        return Recommender(**vars(own) | record)

    def _check_config(self, config: Config) -> None:
        super()._check_config(config)
        check_config(config)

    @cached_property
    def _raters(self) -> Raters:
        if scores_histories(self.name):
            return Raters(None, ListScorer(self._placed, self.chosen))
        choice = None
        if self.lists is not None:
            choice = ListScorer(Placed([self.lists], self.run), self.chosen)
        return Raters(Scorer(self._placed), choice)

    @property
    def _scorer(self) -> Scorer:
        """The networks.

        Raises:
            ValueError: there is a model of lists alone, without vectors.
        """
        if self._raters.rating is None:
            raise ValueError(
                f"vectors and biases are those of a model of pairs, got model={self.name!r}. Use "
                "similar(item), or train another model."
            )
        return self._raters.rating

    @property
    def _histories(self) -> Histories:
        return Histories(self.rated_items, self.held_out_items, self.in_order)

    @property
    def _components(self) -> Components:
        self.complete()
        return Components(**{one.name: getattr(self, one.name) for one in fields(Components)})

    def _lists(self, by: By | None) -> Lists:
        """Lists by choices or ratings."""
        scorer = self._raters[self._raters.resolved(by)]
        return Lists(scorer, self.spec, self.rated_items, self.chosen)

    def _scores(self, batches: Batches) -> dict[str, float]:
        if predicts_ratings(self.name):
            return super()._scores(batches)
        return self._lists(None).metrics(Ratings.of(batches))

    def _read(self, data: Table, means: str) -> Ratings:
        """The ratings of a table to score on; `means` says what becomes of those trained on."""
        needed = predicts_ratings(self.name)
        known = self.spec, self.rated_items
        return ratings_to_score(data, *known, needs_rating=needed, trained_on_means=means)


def add_ratings(model: Recommender, data: Data[Spec]) -> None:
    """Have a model know the ratings of data that it has been trained on besides its first ones."""
    n_users = len(model.spec.users)
    rated = Ratings.of(data.train).rated_items(n_users)
    model.rated_items = model.rated_items.with_others(rated, n_users)
