"""Models of lists: against numpy and scikit-learn, alone and beside a model of ratings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics.pairwise import cosine_similarity

import zoo
from tests.collab.small import N_ITEMS, N_USERS, RUN, ratings, train
from tests.helpers.device import run_here
from tests.helpers.harm import harmed, refused, tensors
from zoo.collab import Recommender, lists
from zoo.collab.data.rated_items import RatedItems
from zoo.collab.lists import FITS, Choice, choose, fit_lists
from zoo.collab.models import item_matrix
from zoo.collab.models.ials import ials, solved
from zoo.collab.models.item_matrix import ease, item_knn
from zoo.collab.rivals import biases
from zoo.collab.selection import unlike
from zoo.core.trust.blend import Blend

SECRET = 7418529630  # the id of a user, whose items nobody else has rated together


@pytest.fixture(scope="module")
def chosen() -> np.ndarray:
    """Who chose what. Shape: (users + 1, items + 1)."""
    table = np.random.default_rng(0).random((N_USERS + 1, N_ITEMS + 1)) < 0.3
    table[0] = table[:, 0] = False
    return table


@pytest.fixture(scope="module")
def history(chosen: np.ndarray) -> RatedItems:
    users, items = map(torch.from_numpy, chosen.nonzero())
    return RatedItems.of(users, items.int(), N_USERS)


@pytest.fixture(scope="module")
def both() -> Recommender:
    """Stars and lists."""
    return train(lists="blend", valid_fraction=0)


def dense(model: item_matrix.ItemMatrix) -> np.ndarray:
    every = RatedItems(torch.arange(N_ITEMS + 2), torch.arange(N_ITEMS + 1))
    return model.score(every).detach().numpy()[1:, 1:]


# ---- the models ----------------------------------------------------------------------------------


def test_ease_is_the_inverse_that_the_paper_has(chosen, history) -> None:
    x = chosen[1:, 1:].astype(float)
    inverse = np.linalg.inv(x.T @ x + 20 * np.eye(N_ITEMS))
    expected = inverse / -np.diag(inverse)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(dense(ease(history, N_ITEMS, penalty=20.0)), expected, atol=1e-6)


def test_cosines_are_those_of_scikit_learn(chosen, history) -> None:
    expected = cosine_similarity(chosen[1:, 1:].T.astype(float))
    np.fill_diagonal(expected, 0)
    model = item_knn(history, N_ITEMS, power=0.5)
    np.testing.assert_allclose(dense(model), expected, atol=1e-6)


def test_a_user_is_scored_by_the_sum_over_what_they_chose(chosen, history) -> None:
    model = item_knn(history, N_ITEMS, power=0.5)
    users = torch.tensor([3, 0, 5])
    expected = chosen[[3, 0, 5], 1:] @ dense(model)
    said = model.score(history.part(users)).detach().numpy()[:, 1:]
    np.testing.assert_allclose(said, expected, atol=1e-5)


def test_only_the_largest_weights_of_the_most_frequent_items_are_kept(
    history, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = dense(item_knn(history, N_ITEMS, power=0.5))
    monkeypatch.setattr(item_matrix, "MOST_ITEMS", 12)
    monkeypatch.setattr(item_matrix, "N_NEIGHBOURS", 4)
    model = item_knn(history, N_ITEMS, power=0.5)
    counts = np.bincount(history.items, minlength=N_ITEMS + 1)[1:]
    covered = model.items.numpy() - 1
    assert counts[covered].min() >= np.sort(counts)[-12]
    kept = dense(model)
    assert ((kept != 0).sum(1)[covered] == 4).all()
    assert kept[covered].max() == pytest.approx(whole[np.ix_(covered, covered)].max())
    assert not kept[np.setdiff1d(np.arange(N_ITEMS), covered)].any()


def test_als_solves_the_normal_equations_of_each_user(chosen, history) -> None:
    model = ials(history, N_ITEMS, penalty=0.02, unobserved=0.3, n_factors=5)
    vectors = model.vectors.detach().double().numpy()
    counts = chosen.sum(0)
    effective = counts.sum() ** 2 / np.square(counts).sum()
    assert model.n_effective == pytest.approx(effective)
    found = solved(model.vectors.detach(), history, 0.3, 0.02, effective)
    for user in (1, N_USERS):
        own = vectors[chosen[user]]
        ridge = 0.02 * (len(own) + 0.3 * effective) * np.eye(5)
        system = own.T @ own + 0.3 * vectors.T @ vectors + ridge
        expected = np.linalg.solve(system, own.sum(0))
        np.testing.assert_allclose(found[user], expected, rtol=1e-3, atol=1e-5)
    assert not found[0].any()


def test_choices_are_made_by_what_finds_more_and_shares_add_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    likes = rng.random((300, 60)) < np.where(
        (np.arange(300)[:, None] + np.arange(60)) % 2, 0.4, 0.02
    )  # two tastes: what is popular tells nothing
    users, items = map(torch.from_numpy, likes.nonzero())
    history = RatedItems.of(users + 1, (items + 1).int(), 300)
    choice = choose(history, 60, "blend")
    assert sum(choice.shares.values()) == pytest.approx(1)
    assert choice.shares["ease"] > 0.5
    assert choice.scores["popular"] < choice.scores["ease"]
    alone = choose(history, 60, "item_knn")
    assert list(alone.scores) == ["item_knn", "ease", "popular"]  # the rivals are scored as well
    few = choose(history.part(torch.tensor([0, 1])), 60, "blend")
    assert few == Choice({"ease": {"penalty": 500.0}}, {"ease": 1.0})
    monkeypatch.setattr(lists, "MOST_LEARNT", 500)  # of users drawn at random
    thinned = fit_lists(history, 60, few)
    assert int(thinned.counts.sum()) == len(items)


# ---- lists beside stars --------------------------------------------------------------------------


def test_lists_go_by_choice_and_tell_the_stars(both: Recommender) -> None:
    shown = both.recommend("u01", 5)
    assert list(shown) == ["item", "score", "rating"]
    rated = both.predict(["u01"] * 5, shown["item"].tolist())
    assert np.allclose(shown["rating"], rated)
    assert shown["score"].is_monotonic_decreasing
    old = both.recommend("u01", 5, by="rating")
    assert list(old) == ["item", "score"]
    assert old["item"].tolist() != shown["item"].tolist()
    visitor = both.fold_in([50, 60])
    assert list(visitor.recommend(3)) == ["item", "score", "rating"]
    assert visitor.predict(50) > both.fold_in({50: 1.0, 60: 1.0}).predict(50)


def test_what_a_list_may_hold_is_the_callers_to_say(both: Recommender) -> None:
    everything = both.recommend("u01", N_ITEMS)["item"].tolist()
    some = everything[3:9]
    assert both.recommend("u01", 4, candidates=some)["item"].tolist() == some[:4]
    assert both.recommend("u01", 3, exclude=everything[:2])["item"].tolist() == everything[2:5]
    with pytest.warns(UserWarning, match="does not know 1 of 2 candidates, such as 5"):
        assert both.recommend("u01", candidates=[some[0], 5])["item"].tolist() == some[:1]
    with pytest.raises(ValueError, match=r"candidates must be items .*, got 5\."), pytest.warns():
        both.recommend("u01", candidates=[5])
    with pytest.raises(ValueError, match=r"diversity must be between 0 and 1, got diversity=2"):
        both.recommend("u01", diversity=2)
    with pytest.raises(ValueError, match=r"by must be among 'choice', 'rating' .*got by='stars'"):
        both.recommend("u01", by="stars")  # type: ignore[arg-type]


def test_unlike_items_take_the_place_of_what_is_alike() -> None:
    scores = torch.tensor([1.0, 0.9, 0.8, -torch.inf])
    alike = torch.zeros(4, 4)
    alike[0, 1] = alike[1, 0] = 1.0
    assert unlike(scores, alike, 2, 0.0).tolist() == [0, 1]
    assert unlike(scores, alike, 2, 0.5).tolist() == [0, 2]
    assert unlike(scores, alike, 4, 0.5).tolist() == [0, 2, 1, 3]


def test_a_diverse_list_has_the_same_items_for_one_user_and_for_all(both: Recommender) -> None:
    alone = both.recommend("u01", 4, diversity=0.5)["item"].tolist()
    assert alone != both.recommend("u01", 4)["item"].tolist()
    everyone = both.recommend(k=4, diversity=0.5)
    assert everyone[everyone["user"] == "u01"]["item"].tolist() == alone


def test_the_last_item_is_ranked_after_what_came_before(both: Recommender) -> None:
    rated = set(ratings().query("user == 'u01'")["item"])
    new = [item for item in both.spec.items if item not in rated][:3]
    later = pd.DataFrame({"user": "u01", "item": new, "rating": 3.0, "time": [2, 9, 1]})
    scores = both.evaluate_ranking(later, k=5, last=True)
    placing = [*rated, new[0], new[2]]
    shown = both.fold_in(placing).recommend(5)["item"].tolist()
    assert scores["recall@5"] == float(new[1] in shown)
    with pytest.raises(ValueError, match="got data=None"):
        both.evaluate_ranking(last=True)
    with pytest.raises(ValueError, match="where last=True, got exclude_seen=False"):
        both.evaluate_ranking(later, last=True, exclude_seen=False)
    strange = later[:1].assign(user=[["x", "y", "z"]]).explode("user")
    with pytest.warns(UserWarning, match="does not know 3 of 4, such as the user 'x'"):
        both.evaluate_ranking(pd.concat([later[:1], strange]), k=5, last=True)


def test_neighbours_with_few_ratings_count_for_less() -> None:
    data = ratings()
    rare = pd.DataFrame({"user": ["u01", "u02"], "item": 999, "rating": 5.0, "time": 0})
    model = train(data=pd.concat([data, rare]), lists="blend", valid_fraction=0)
    for by in ("choice", "rating"):
        near = model.similar(50, N_ITEMS, by=by)  # type: ignore[arg-type]
        assert near.set_index("item")["similarity"].abs()[999] < 0.2


def test_fine_tuning_fits_the_lists_to_old_and_new(both: Recommender) -> None:
    data = ratings()[:40].assign(item=1000)
    tuned = zoo.collab.finetune(both, data.drop_duplicates("user"), valid_fraction=0, run=RUN)
    assert tuned.lists is not None
    assert int(tuned.lists.counts.sum()) == len(tuned.rated_items.items)
    assert 1000 in tuned.recommend("u59", N_ITEMS + 1)["item"].tolist()


# ---- stored --------------------------------------------------------------------------------------


def test_stars_and_lists_are_two_files_of_format_2(both: Recommender, tmp_path: Path) -> None:
    folder = both.save(tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    assert config["members"] == ["model.safetensors", "model-2.safetensors"]
    assert config["format"] == 2
    loaded = zoo.load(folder, Recommender, run=RUN)
    assert loaded.recommend(k=4).equals(both.recommend(k=4))
    assert loaded.similar(50).equals(both.similar(50))
    assert loaded.spec == both.spec
    alone = both.members[0].state_dict()
    assert set(loaded.members[0].state_dict()) == set(alone)


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda t: t["parts.ease.neighbours"].fill_(10**6), "neighbours must be rows of 40 items"),
        (lambda t: t["parts.ease.items"].fill_(0), "neighbours must be rows of 40 items"),
        (lambda t: t["parts.ease.weights"].fill_(torch.nan), "finite numbers"),
        (lambda t: t["counts"].fill_(-1), "0 times or more"),
        (lambda t: t.pop("parts.ease.items"), "missing"),
    ],
)
def test_a_list_model_that_means_harm_is_one_sentence(harm, says, trained, tmp_path) -> None:
    folder = trained["ease"].save(tmp_path / "ease")
    refused(zoo.load, harmed(folder, tmp_path / "m", tensors(harm)), says)


def test_a_model_without_users_tells_nothing_of_a_planted_one(tmp_path: Path) -> None:
    data = ratings().assign(user=lambda t: t["user"].str[1:].astype(int))
    items = [5001, 5003, 5007]  # which nobody else has rated
    planted = pd.DataFrame({"user": SECRET, "item": [50, *items], "rating": 5.0, "time": 0})
    data = pd.concat([data, planted], ignore_index=True)
    for name in ("dot_bias", "svdpp", "softmax", "blend", "ease", "item_knn"):
        model = train(name, data, lists="blend")
        place = Path(str(model.push("me/films", hub=tmp_path / name)))
        for file in place.rglob("*"):
            assert str(SECRET).encode() not in (file.read_bytes() if file.is_file() else b"")
        public = zoo.load(place, Recommender, run=RUN)
        assert not len(public.rated_items.items)
        if name != "softmax":  # the others list by weights between items
            near = public.similar(items[0], 3)
            assert not set(near[near["similarity"] > 1e-6]["item"]) & {50, *items}, name
        assert public.fold_in([50]).recommend(3).shape[0] == 3
    whole = model.push("me/all", hub=tmp_path, users=True)
    assert str(SECRET) in (Path(str(whole)) / "config.json").read_text()


def test_a_blended_model_without_users_places_new_ones_as_before() -> None:
    alone = train(epochs=3)
    blend = Blend((biases(alone.learner().data),), (0.4,))
    same = {name: getattr(alone, name) for name in ("name", "arguments", "rated_items", "run")}
    model = Recommender(alone.members, alone.spec, blend=blend, **same)
    public = model.without_users()
    liked = {50: 5.0, 60: 1.0, 70: 4.0}
    expected = model.fold_in(liked).predict([80, 90])
    assert public.fold_in(liked).predict([80, 90]) == pytest.approx(expected, abs=0.02)


def test_a_model_of_choices_has_neither_steps_nor_vectors(trained) -> None:
    with pytest.raises(ValueError, match=r"got epochs=1, lr=0.1 for model='blend'. It takes col"):
        zoo.collab.train(ratings(), model="blend", epochs=1, lr=0.1)
    with pytest.raises(ValueError, match=r"step by step, got ease, .* Call zoo.collab.train"):
        zoo.collab.learner(ratings(), model="ease", run=RUN).fit(1)
    with pytest.raises(ValueError, match=r"those of a model of pairs, got model='ease'"):
        trained["ease"].factors()
    with pytest.raises(ValueError, match=r"arguments of 'ease' must be among none, got n_factors"):
        train("ease", n_factors=3)


@pytest.mark.parametrize("name", ["dot_bias", "svdpp"])
def test_new_items_are_placed_by_their_features(name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    good = pd.DataFrame({"good": rng.random(N_ITEMS) < 0.5})
    users, items = np.nonzero(rng.random((N_USERS, N_ITEMS)) < 0.5)
    rated = np.clip(
        2 + 2 * good["good"].to_numpy()[items] + 0.1 * rng.normal(size=len(users)), 1, 5
    )
    data = pd.DataFrame({"user": users, "item": items, "rating": rated})
    model = train(name, data, item_features=good, epochs=15, valid_fraction=0, lists="ease")
    new = pd.DataFrame({"good": [True, False, True]}, index=[900, 901, 3])
    wider = model.with_items(new, titles=pd.Series({900: "Good", 901: None}))
    assert wider.spec.items == (*model.spec.items, 900, 901)
    assert wider.predict(5, 900) > wider.predict(5, 901) + 0.5
    assert wider.predict([5] * 40, list(range(40))) == pytest.approx(
        model.predict([5] * 40, list(range(40))), abs=1e-5
    )
    assert wider.recommend(5, 10)["item"].tolist() == model.recommend(5, 10)["item"].tolist()
    assert wider.recommend(5, candidates=[900, 901], by="rating")["title"].tolist() == ["Good", ""]
    assert zoo.load(wider.save(tmp_path / "m"), run=RUN).predict(5, 900) == wider.predict(5, 900)
    with pytest.raises(ValueError, match="that it knows"):
        model.with_items(new.loc[[3]])
    with pytest.raises(ValueError, match="trained without those of items"):
        train(name, data, epochs=1).with_items(new)


@pytest.mark.parametrize("lists", ["none", "item_knn", "blend"])
def test_further_training_keeps_to_the_kind_of_lists(lists: Any, tmp_path: Path) -> None:
    model = train(epochs=1, lists=lists)
    kind = model.lists_name
    assert lists in (kind, "blend")
    loaded = zoo.load(model.save(tmp_path / "m"), Recommender, run=RUN)
    for start in (model, loaded):
        tuned = zoo.collab.finetune(start, ratings(seed=1), epochs=1, rivals=False, run=RUN)
        assert tuned.lists_name in (kind, *model.spec.lists)
    other = zoo.collab.finetune(model, ratings(seed=1), epochs=0, lists="popular", run=RUN)
    assert list(other.spec.lists) == ["popular"]


@pytest.mark.parametrize("how", [{"folds": 2}, {}])
def test_lists_are_fitted_once_whatever_is_measured(how: Any, tmp_path: Path, monkeypatch) -> None:
    fits: list[int] = []
    fit = FITS["popular"]
    counted = lambda history, n: fits.append(n) or fit(history, n)  # noqa: E731
    monkeypatch.setitem(FITS, "popular", counted)
    run = run_here(out=tmp_path / "m")
    model = train(epochs=1, lists="popular", refit=True, run=run, **how)
    assert len(fits) == 1
    loaded = zoo.load(tmp_path / "m", Recommender, run=RUN)
    assert loaded.recommend(k=3).equals(model.recommend(k=3))
