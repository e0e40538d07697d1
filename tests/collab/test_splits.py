"""What a model was trained on is neither scored as new nor shown as new."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import zoo
from tests.collab.conftest import MODELS, NETWORKS
from tests.collab.small import N_ITEMS, RUN, held_out_of, ratings, train
from tests.helpers.device import run_here
from zoo.collab import Recommender


def pairs_of(table: pd.DataFrame) -> set[tuple[Any, Any]]:
    return set(zip(table["user"], table["item"], strict=True))


def by_hand(model: Recommender, wanted: pd.DataFrame, hidden: pd.DataFrame, k: int) -> Any:
    """Precision, recall and nDCG of the k best items that are not hidden, counted one by one."""
    hidden_of = hidden.groupby("user")["item"].apply(set).to_dict()
    sums = np.zeros(3)
    users = sorted(wanted["user"].unique())
    rows = model.spec.user_rows(users)
    scores = model._scorer.scores(torch.from_numpy(rows).long()).numpy()
    for user, row in zip(users, scores, strict=True):
        ranked = [model.spec.items[i - 1] for i in np.argsort(-row, kind="stable") if i]
        shown = [item for item in ranked if item not in hidden_of.get(user, set())][:k]
        liked = set(wanted[wanted["user"] == user]["item"])
        hits = np.array([item in liked for item in shown], dtype=float)
        gains = 1 / np.log2(np.arange(2, k + 2))
        best = gains[: min(k, len(liked))].sum()
        sums += [hits.sum() / k, hits.sum() / len(liked), (hits * gains[: len(hits)]).sum() / best]
    return dict(zip((f"precision@{k}", f"recall@{k}", f"ndcg@{k}"), sums / len(users), strict=True))


# ---- lists ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_lists_hold_nothing_of_the_table_to_train_on(
    name: str, trained: dict[str, Recommender], tmp_path: Path
) -> None:
    model = trained[name]
    for one in (model, zoo.load(model.save(tmp_path / "m"), run=RUN)):
        assert not pairs_of(one.recommend(k=15)) & pairs_of(ratings())
        assert pairs_of(one.recommend(k=N_ITEMS, exclude_seen=False)) >= pairs_of(ratings())


def test_ratings_passed_for_validation_are_to_be_found_in_lists() -> None:
    held = ratings()[::5]
    model = train(data=ratings().drop(held.index), valid=held)
    assert len(model.held_out_items.items) == model.spec.n_held_out == 0
    assert pairs_of(model.recommend(k=10)) & pairs_of(held)


@pytest.mark.filterwarnings("ignore:.* is clearly better")
def test_lists_of_a_fine_tuned_model_hold_nothing_of_either_table(model: Recommender) -> None:
    rng = np.random.default_rng(0)
    rated = pairs_of(ratings())
    rest = [
        p for p in [(f"u{u:02}", 10 * i) for u in range(60) for i in range(40)] if p not in rated
    ]
    new = pd.DataFrame(
        [rest[i] for i in rng.permutation(len(rest))[:200]], columns=["user", "item"]
    )
    tuned = zoo.collab.finetune(model, new.assign(rating=3.0), epochs=1, run=RUN)
    assert not pairs_of(tuned.recommend(k=10)) & (rated | pairs_of(new))


# ---- scores --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_ranking_of_the_held_out_part_hides_the_part_that_was_trained_on(
    name: str, trained: dict[str, Recommender]
) -> None:
    model = trained[name]
    held = held_out_of(model)
    expected = by_hand(model, held, ratings().drop(held.index), k=5)
    for scores in (model.evaluate_ranking(k=5), model.evaluate_ranking(held, k=5)):
        assert {metric: scores[metric] for metric in expected} == pytest.approx(expected, abs=1e-6)


def test_ranking_of_later_ratings_hides_all_that_was_rated_before(model: Recommender) -> None:
    rated = pairs_of(ratings())
    later = pd.DataFrame(
        [(f"u{u:02}", 10 * i, 3.0) for u in range(60) for i in range(40)
         if (f"u{u:02}", 10 * i) not in rated][::7],
        columns=["user", "item", "rating"],
    )  # fmt: skip
    expected = by_hand(model, later, ratings(), k=5)
    scores = model.evaluate_ranking(later, k=5)
    assert {metric: scores[metric] for metric in expected} == pytest.approx(expected, abs=1e-6)


def test_ratings_that_were_trained_on_are_nothing_to_find(model: Recommender) -> None:
    with pytest.warns(
        UserWarning, match="80% of the 1232 ratings were trained on. They are left out"
    ):
        scores = model.evaluate_ranking(ratings(), k=5)
    assert scores == pytest.approx(model.evaluate_ranking(k=5))
    table = ratings().drop(held_out_of(model).index)
    with (
        pytest.warns(UserWarning, match="100% of the"),
        pytest.raises(ValueError, match="that were not trained on, got none"),
    ):
        model.evaluate_ranking(table)


def test_the_error_of_ratings_is_that_of_a_count_by_hand(model: Recommender) -> None:
    held = held_out_of(model)
    away = model.predict(held["user"], held["item"]).astype(float) - held["rating"].to_numpy()
    assert model.metrics["rmse"] == pytest.approx(np.sqrt(np.mean(away**2)), rel=1e-5)
    assert model.metrics["mae"] == pytest.approx(np.mean(np.abs(away)), rel=1e-5)
    with pytest.warns(
        UserWarning, match="80% of the 1232 ratings were trained on. They look better"
    ):
        model.evaluate(ratings())


# ---- parts that overlap --------------------------------------------------------------------------


def test_validation_ratings_that_are_trained_on_are_refused(model: Recommender) -> None:
    says = r"must be different, got 30 of 30 validation ratings that are trained on too"
    with pytest.raises(ValueError, match=says):
        train(valid=ratings()[:30].assign(rating=2.0))  # another rating of the same items
    table = ratings().drop(held_out_of(model).index)[:30]
    new = pd.DataFrame({"user": ["new", "new"], "item": [0, 10], "rating": [5.0, 1.0]})
    with pytest.raises(ValueError, match=says):
        zoo.collab.finetune(model, new, valid=table, run=RUN)


def test_fine_tuning_validates_on_ratings_that_are_new_to_the_model(model: Recommender) -> None:
    held = held_out_of(model)
    tuned = zoo.collab.finetune(model, ratings(), epochs=1, refit=False, rivals=False, run=RUN)
    assert tuned.training["ratings"] == len(ratings()) - round(0.2 * len(held))
    new = held_out_of(tuned)
    assert len(new) == round(0.2 * len(held))
    assert pairs_of(new) <= pairs_of(held)


def test_fine_tuning_on_nothing_new_has_nothing_to_validate_on(tmp_path: Path) -> None:
    model, run = train(epochs=1, valid_fraction=0), replace(RUN, out=tmp_path / "m")
    with pytest.warns(UserWarning, match=r"new to the pretrained model, got 0 such of 1232"):
        tuned = zoo.collab.finetune(model, ratings(), epochs=1, run=run)
    assert set(tuned.metrics) == {"loss", "rmse", "mae"}
    assert all(map(math.isnan, tuned.metrics.values()))
    assert "| rmse | nan |" in (tmp_path / "m" / "README.md").read_text()
    assert zoo.load(tmp_path / "m").metrics == {}
    tuned = zoo.collab.finetune(model, ratings(), epochs=1, valid_fraction=0, run=RUN)
    assert tuned.metrics == {}


def test_a_ranking_that_could_not_be_scored_is_refused_before_training() -> None:
    with pytest.raises(ValueError, match="known users' ratings of known items, got none among 30"):
        train("softmax", valid=ratings()[:30].assign(user=[f"x{n}" for n in range(30)]))


def test_a_catalogue_of_few_items_is_ranked_whole() -> None:
    few = ratings()[lambda table: table["item"] < 80]
    model = train("softmax", few, epochs=1)
    assert set(model.metrics) == {
        f"{n}@8" for n in ("precision", "recall", "ndcg", "map", "coverage")
    }
    assert len(model.recommend("u01", exclude_seen=False)) == 8
    assert len(model.similar(50)) == 7
    assert len(model.fold_in({50: 3.0}).recommend()) == 7


# ---- columns -------------------------------------------------------------------------------------


NAMES = {"user": "who", "item": "what", "rating": "liked"}


def test_names_of_columns_are_remembered(tmp_path: Path) -> None:
    table = ratings().rename(columns=NAMES).assign(user="nobody", rating=1.0)
    model = train(data=table, **NAMES)
    assert model.metrics == train().metrics
    loaded = zoo.load(model.save(tmp_path / "m"), run=RUN)
    assert json.loads((tmp_path / "m" / "config.json").read_text())["format"] == 2
    held = held_out_of(model)
    for one in (loaded, model):
        assert one.evaluate(table.loc[held.index])["rmse"] == pytest.approx(model.metrics["rmse"])
        assert np.array_equal(one.predict(table[:9]), one.predict(ratings()[:9]))
        visitor = pd.DataFrame({"what": [50, 60], "liked": [5.0, 1.0]})
        assert one.fold_in(visitor).predict(70) == one.fold_in({50: 5.0, 60: 1.0}).predict(70)
    tuned = zoo.collab.finetune(loaded, table, epochs=1, run=RUN)
    assert tuned.spec.columns == NAMES
    assert tuned.spec.users == model.spec.users


def test_unusual_columns_need_not_be_named_twice(tmp_path: Path) -> None:
    table = ratings().drop(columns="time").rename(columns=NAMES)
    model = train(data=table, user="who", item="what", rating="liked")
    held_out = table.loc[held_out_of(model).index]
    loaded = zoo.load(model.save(tmp_path / "m"), Recommender, run=RUN)
    assert loaded.evaluate(held_out) == pytest.approx(model.metrics)
    with pytest.warns(UserWarning, match="80% of the 1232"):
        assert loaded.evaluate(table)["rmse"] < model.metrics["rmse"]
    tuned = zoo.collab.finetune(loaded, table, epochs=1, refit=False, run=RUN)
    learn = zoo.collab.learner(table, pretrained=tuned, run=RUN)
    assert tuned.spec.columns == learn.data.spec.columns == NAMES
    assert len(tuned.predict(table)) == len(table)


def test_a_model_without_anything_new_is_of_the_first_format(tmp_path: Path) -> None:
    model = train(epochs=1, valid_fraction=0)
    model.save(tmp_path / "m")
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    assert config["format"] == 1
    assert "columns" not in config["spec"]


def test_ratings_under_another_name_do_not_count_as_ones(model: Recommender) -> None:
    table = held_out_of(model).rename(columns={"rating": "my_rating"})
    for call in (model.evaluate, model.fold_in, lambda t: zoo.collab.finetune(model, t, run=RUN)):
        with pytest.raises(ValueError, match=r"needs the column 'rating', .*Rename 'my_rating'"):
            call(table)
    with pytest.raises(ValueError, match=r"needs the column 'rating', .* model='softmax' learns"):
        train(data=table)
    with pytest.raises(ValueError, match="needs the column 'rating'"):
        train(valid=table)
    assert len(model.predict(table)) == len(table)


def test_ratings_far_off_the_scale_are_refused(model: Recommender) -> None:
    new = pd.DataFrame({"user": ["new"] * 3, "item": [50, 60, 70], "rating": [9.0, 2.0, 10.0]})
    says = r"must be on the model's scale from 0\.6 to 5\.4, got 9 \(2 such of 3\)"
    with pytest.raises(ValueError, match=says):
        zoo.collab.finetune(model, new, valid_fraction=0, run=RUN)
    with pytest.raises(ValueError, match=says):
        model.fold_in(new)
    assert model.fold_in({50: 0.5}).predict(60) > 0


def test_a_column_has_one_role_and_a_name_one_column() -> None:
    with pytest.raises(ValueError, match="must be a column each, got 'item' twice"):
        train(user="item")
    twice = pd.concat([ratings(), ratings()[["rating"]]], axis=1)
    with pytest.raises(ValueError, match="must be a column each, got 'rating' twice"):
        train(data=twice)


# ---- resuming ------------------------------------------------------------------------------------


def test_a_run_goes_on_with_the_same_ids_alone(tmp_path: Path) -> None:
    run = run_here(out=tmp_path / "run")
    again = run_here(out=tmp_path / "run", resume=True)
    model = train(epochs=1, run=run)
    assert train(epochs=1, run=again).predict("u01", 50) == model.predict("u01", 50)
    renamed = ratings().assign(user=lambda table: "x" + table["user"])  # in the same order
    with pytest.raises(ValueError, match="spec's users"):
        train(data=renamed, epochs=1, run=again)
    with pytest.raises(ValueError, match="seed"):
        train(epochs=1, run=run_here(out=tmp_path / "run", resume=True, seed=1))
