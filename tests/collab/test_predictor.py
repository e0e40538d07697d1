from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
import torch

import zoo
from tests.collab.small import N_ITEMS, N_USERS, RUN, held_out_of, ratings, train
from tests.helpers.device import run_here
from zoo.collab import Recommender
from zoo.collab.data.batches import Ratings
from zoo.collab.fold_in import _differentiated, _products
from zoo.collab.task import predicts_ratings
from zoo.core.model import Model

pytestmark = pytest.mark.device


def test_the_model_is_one_of_the_zoo(each: Recommender) -> None:
    assert isinstance(each, Model)
    assert f"{N_USERS} users, {N_ITEMS} items" in repr(each)


# ---- ratings -------------------------------------------------------------------------------------


def test_one_rating_is_a_float_and_several_an_array(each: Recommender) -> None:
    one = each.predict("u01", 50)
    assert isinstance(one, float)
    several = each.predict(["u01", "u02"], [50, 60])
    assert several.shape == (2,)
    assert several.dtype == np.float32
    assert several[0] == pytest.approx(one, rel=1e-5)
    assert each.predict([], []).shape == each.predict([]).shape == (0,)


def test_every_form_of_pairs_is_the_same(model: Recommender) -> None:
    table = ratings()[:20]
    expected = model.predict(list(table["user"]), list(table["item"]))
    assert np.array_equal(model.predict(table), expected)
    assert np.array_equal(model.predict(table[["item", "user"]]), expected)
    assert np.array_equal(model.predict(table["user"], table["item"]), expected)
    assert np.array_equal(
        model.predict(table["user"].to_numpy(), np.array(table["item"])), expected
    )


def test_repeated_pairs_are_answered_each(model: Recommender) -> None:
    said = model.predict(["u01", "u01"], [50, 50])
    assert said[0] == said[1]


def test_pairs_that_do_not_match_are_one_sentence(model: Recommender) -> None:
    for users, items in ((["u01", "u02"], [50]), ("u01", [50, 60])):
        with pytest.raises(
            ValueError, match=r"one item per user, got (2 users and 1 items|1 users and 2 items)"
        ):
            model.predict(users, items)


@pytest.mark.parametrize("rate", [0, 1, None])
def test_a_rate_of_false_alarms_that_is_none_is_refused(model: Recommender, rate: object) -> None:
    with pytest.raises(ValueError, match=f"above 0 and below 1, got unknown={rate}"):
        model.predict("u01", 50, unknown=rate)


def test_predicting_changes_nothing(each: Recommender) -> None:
    before = {k: v.clone() for k, v in each.members[0].state_dict().items()}
    each.predict("u01", 50), each.recommend("u01"), each.evaluate(), each.fold_in({50: 3.0})
    after = each.members[0].state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


# ---- lists ---------------------------------------------------------------------------------------


def test_a_list_is_the_best_of_what_the_user_has_not_rated(model: Recommender) -> None:
    shown = model.recommend("u01", 5)
    assert list(shown) == ["item", "score"]
    rated_items = set(ratings().query("user == 'u01'")["item"])
    rest = [item for item in model.spec.items if item not in rated_items]
    rated = model.predict(["u01"] * len(rest), rest)
    best = [rest[i] for i in np.argsort(-rated)[:5]]
    assert shown["item"].tolist() == best
    assert shown["score"].is_monotonic_decreasing


def test_a_score_in_a_list_is_the_rating_that_predict_gives(each: Recommender) -> None:
    shown = each.recommend(["u01", "u31"], 5)
    assert np.allclose(shown["score"], each.predict(shown), rtol=1e-5)
    visitor = each.fold_in({50: 5.0, 60: 1.0})
    own = visitor.recommend(5)
    assert np.allclose(own["score"], visitor.predict(list(own["item"])), rtol=1e-5)


def test_a_list_is_ordered_as_the_model_ranks(each: Recommender) -> None:
    rows = torch.from_numpy(each.spec.user_rows(["u01"])).long()
    ranked = [each.spec.items[row - 1] for row in each.top_k(rows, 5)[1][0].tolist()]
    assert each.recommend("u01", 5)["item"].tolist() == ranked


def test_what_was_rated_may_come_again(model: Recommender) -> None:
    again = model.recommend("u01", N_ITEMS, exclude_seen=False)
    assert sorted(again["item"]) == sorted(model.spec.items)


def test_lists_of_all_are_the_lists_of_each(each: Recommender) -> None:
    everyone = each.recommend(k=3)
    assert list(everyone) == ["user", "item", "score"]
    assert everyone["user"].nunique() == N_USERS
    for user in ("u00", "u31"):
        alone = each.recommend(user, 3)
        part = everyone[everyone["user"] == user]
        assert part["item"].tolist() == alone["item"].tolist()
        assert np.allclose(part["score"], alone["score"], atol=1e-5)


def test_who_has_rated_almost_all_gets_fewer() -> None:
    data = ratings()
    rest = [item for item in sorted(data["item"].unique()) if item != 50]
    busy = pd.DataFrame({"user": "busy", "item": rest, "rating": 3.0, "time": 0})
    model = train(data=pd.concat([data, busy]), epochs=1, valid_fraction=0)
    assert model.recommend("busy", 10)["item"].tolist() == [50]
    assert len(model.recommend(["busy", "u01"], 10)) == 11


def test_an_unknown_user_is_one_sentence(model: Recommender) -> None:
    with pytest.raises(
        ValueError, match=r"among the 60 of the training, got 'nobody'\. Call fold_in"
    ):
        model.recommend(["u01", "nobody"])
    with pytest.raises(ValueError, match="got k=0"):
        model.recommend("u01", 0)


def test_titles_are_shown() -> None:
    titles = pd.Series({item * 10: f"Film {item}" for item in range(N_ITEMS)})
    model = train(epochs=1, titles=titles)
    shown = model.recommend("u01", 3)
    assert (shown["title"] == "Film " + (shown["item"] // 10).astype(str)).all()
    assert "title" in model.similar(50)
    assert "title" in model.biases()
    assert any(t.get_text().startswith("Film") for t in model.plot_items(5).texts)


def test_similar_items_point_the_same_way(network: Recommender) -> None:
    near = network.similar(50, 5)
    vectors = network.factors()
    cosines = vectors @ vectors.loc[50] / np.linalg.norm(vectors, axis=1)
    cosines /= np.linalg.norm(vectors.loc[50])
    counts = np.bincount(network.rated_items.items, minlength=N_ITEMS + 1)[1:]
    expected = (cosines * counts / (counts + 10)).drop(50).nlargest(5)
    assert near["item"].tolist() == expected.index.tolist()
    assert np.allclose(near["similarity"], expected, atol=1e-5)
    with pytest.raises(ValueError, match=r"item must be one of the 40 .*, got 55"):
        network.similar(55)


def test_similar_items_are_of_the_same_kind() -> None:
    rng = np.random.default_rng(0)
    users, items = np.nonzero(rng.random((N_USERS, N_ITEMS)) < 0.7)
    rated = (
        3 + 1.5 * (1 - 2 * (items % 2)) * (1 - 2 * (users % 2)) + 0.2 * rng.normal(size=len(users))
    )
    data = pd.DataFrame({"user": users, "item": items, "rating": rated})
    near = train(data=data, epochs=15).similar(6, 10)["item"]
    assert (near % 2 == 0).mean() > 0.9


# ---- scores --------------------------------------------------------------------------------------


def test_ranking_is_scored_on_what_users_went_on_to_rate(each: Recommender) -> None:
    scores = each.evaluate_ranking(k=5)
    assert set(scores) == {f"{n}@5" for n in ("precision", "recall", "ndcg", "map", "coverage")}
    assert all(0 <= value <= 1 for value in scores.values())
    if not predicts_ratings(each.name):
        assert each.evaluate() == each.evaluate_ranking(k=10)


def test_a_loaded_model_remembers_its_scores(each: Recommender, tmp_path) -> None:
    loaded = zoo.load(each.save(tmp_path / "m"), Recommender, run=RUN)
    assert loaded.evaluate() == each.metrics == each.evaluate()
    with pytest.raises(ValueError, match="need validation data, got none"):
        loaded.evaluate_ranking()
    table = held_out_of(each)
    assert loaded.evaluate(table) == pytest.approx(each.metrics)


# ---- new users -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dot_bias", "svdpp", "embedding_net"])
def test_folding_in_is_nearly_as_good_as_having_been_there(name: str) -> None:
    data = ratings(share=0.6)
    late = data["user"].isin([f"u{n:02}" for n in range(10)])
    model = train(name, data[~late], epochs=25, valid_fraction=0)
    folded, average, truth = [], [], []
    for user in data[late]["user"].unique():
        mine = data[data["user"] == user]
        placing, wanted = mine.iloc[::2], mine.iloc[1::2]
        visitor = model.fold_in(dict(zip(placing["item"], placing["rating"], strict=True)))
        folded += list(visitor.predict(list(wanted["item"])))
        with pytest.warns(UserWarning, match="does not know"):
            average += list(model.predict([user] * len(wanted), list(wanted["item"])))
        truth += list(wanted["rating"])

    def error(said: list[float]) -> float:
        return float(np.sqrt(np.square(np.subtract(said, truth)).mean()))

    assert error(folded) < 0.8 * error(average)


@pytest.mark.parametrize("name", ["dot_bias", "svdpp"])
def test_a_new_users_dot_products_and_slopes_are_those_of_autograd(name, trained) -> None:
    member, items = trained[name].members[0], torch.tensor([1, 5, 40])
    rng = np.random.default_rng(0)
    width = member.users.factors.shape[1] + member.members
    state, slopes = rng.normal(size=width), rng.normal(size=(3, member.members))
    with torch.no_grad():
        (ours, pull), (theirs, pull_theirs) = (
            rate(member, items)(state) for rate in (_products, _differentiated)
        )
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    np.testing.assert_allclose(pull(slopes), pull_theirs(slopes), rtol=1e-4, atol=1e-5)


def test_a_new_users_list_leaves_out_what_they_rated(each: Recommender) -> None:
    visitor = each.fold_in(pd.DataFrame({"item": [50, 60, 70], "rating": [5.0, 1.0, 3.0]}))
    shown = visitor.recommend(N_ITEMS)
    assert len(shown) == N_ITEMS - 3
    assert not set(shown["item"]) & {50, 60, 70}
    assert len(visitor.recommend(N_ITEMS, exclude_seen=False)) == N_ITEMS
    best, worst = shown["item"].iloc[0], shown["item"].iloc[-1]
    assert visitor.predict(best) > visitor.predict(worst)
    assert isinstance(visitor.predict(best), float)


def test_a_new_user_is_shown_in_a_line(model: Recommender) -> None:
    assert repr(model.fold_in({50: 5.0, 60: 1.0})) == "<Visitor, placed by 2 of 40 items>"


@pytest.mark.parametrize("gap", [None, float("nan"), pd.NA, ""])
def test_a_gap_among_a_new_users_ratings_is_left_out(gap: object, model: Recommender) -> None:
    expected = model.fold_in({50: 5.0, 60: 1.0}).predict([70, 80])
    with pytest.warns(UserWarning, match="1 of 3 ratings lack a value"):
        visitor = model.fold_in({50: 5.0, 90: gap, 60: 1.0})  # type: ignore[dict-item]
    assert np.array_equal(visitor.predict([70, 80]), expected)
    assert 90 in visitor.recommend(N_ITEMS - 2)["item"].tolist()


@pytest.mark.parametrize(
    ("ratings_of_one", "says"),
    [
        ({50: "good"}, "ratings must be numbers, got 'good'"),
        ({50: float("inf")}, "ratings must be finite"),
        ({}, "got a table without such a row"),
    ],
)
def test_a_new_users_ratings_are_finite_numbers(ratings_of_one, says, model: Recommender) -> None:
    with pytest.raises(ValueError, match=says):
        model.fold_in(ratings_of_one)


def test_a_new_users_ratings_may_be_text_or_a_series(model: Recommender) -> None:
    expected = model.fold_in({50: 5.0, 60: 1.0}).predict(70)
    assert model.fold_in({50: "5", 60: " 1"}).predict(70) == expected  # type: ignore[dict-item]
    assert model.fold_in(pd.Series({50: 5, 60: 1})).predict(70) == expected


def test_a_new_user_of_unknown_items_is_one_sentence(model: Recommender) -> None:
    with pytest.raises(ValueError, match=r"got only others: 55\. Pass ratings of items such as 0"):
        model.fold_in({55: 3.0})
    assert model.fold_in({55: 3.0, 50: 3.0}).predict(50) == model.fold_in({50: 3.0}).predict(50)


# ---- looking inside ------------------------------------------------------------------------------


def test_factors_and_biases_are_tables_by_id(network: Recommender) -> None:
    for side, ids in (("items", network.spec.items), ("users", network.spec.users)):
        assert network.factors(side).index.tolist() == list(ids)  # type: ignore[arg-type]
        biases = network.biases(side)["bias"]  # type: ignore[arg-type]
        assert sorted(biases.index) == sorted(ids)
        assert biases.is_monotonic_decreasing
    with pytest.raises(ValueError, match="'items' or 'users', got side='films'"):
        network.factors("films")  # type: ignore[arg-type]


def test_biases_are_of_what_is_liked(model: Recommender) -> None:
    means = ratings().groupby("item")["rating"].mean()
    assert model.biases()["bias"].corr(means) > 0.8


def test_the_map_shows_the_most_rated_items(model: Recommender) -> None:
    ax = model.plot_items(10)
    counts = torch.bincount(model.rated_items.items, minlength=N_ITEMS + 1)[1:]
    most = {str(model.spec.items[i]) for i in counts.topk(10).indices.tolist()}
    assert {text.get_text() for text in ax.texts} == most


# ---- going on ------------------------------------------------------------------------------------


def test_a_loaded_model_is_trained_on_and_saved_by_its_learner(model, tmp_path) -> None:
    loaded = zoo.load(model.save(tmp_path / "m"), run=RUN)
    learn = loaded.learner()
    learn.set_data(zoo.collab.learner(ratings(), pretrained=model, run=RUN).data)
    learn.fit(1, 1e-2)
    trained = learn.as_model()
    assert trained.predict("u01", 50) != model.predict("u01", 50)
    new = Ratings.of(learn.data.train).rated_items(len(model.spec.users)).keys()
    assert not set(new) <= set(model.rated_items.keys())
    assert set(trained.rated_items.keys()) == {*new, *model.rated_items.keys()}
    learn.save(tmp_path / "n")
    assert zoo.load(tmp_path / "n").predict("u01", 50) == trained.predict("u01", 50)


@pytest.mark.parametrize("name", ["dot_bias", "svdpp"])
def test_without_users_new_ones_are_placed_as_before_and_nobody_is_left(name, tmp_path) -> None:
    table = ratings()
    odd = pd.DataFrame({"item": range(0, 400, 10), "odd": [True, False] * 20}).set_index("item")
    model = train(name, table, item_features=odd if name == "svdpp" else None)
    items = model.without_users()
    assert "of no users, " in repr(items)
    with pytest.raises(ValueError, match="published without any, got 'u01'"):
        items.recommend("u01")
    some = {0: 5.0, 10: 1.0, 30: 3.0}
    asked = list(range(0, 400, 10))
    before, after = model.fold_in(some).predict(asked), items.fold_in(some).predict(asked)
    np.testing.assert_allclose(after, before, atol=2e-3)
    assert not set(items.spec.users) & set(model.spec.users)
    assert len(items.rated_items.items) == 0
    assert len(items.held_out_items.items) == items.spec.n_held_out == 0
    assert items.metrics == items.extra == {}
    assert items.seen_rows is None
    back = zoo.load(items.save(tmp_path / "items"))
    np.testing.assert_array_equal(back.fold_in(some).predict(asked), after)
    for path in (tmp_path / "items").iterdir():
        assert b"u01" not in path.read_bytes(), path.name
    assert b'"u01"' in (model.save(tmp_path / "all") / "config.json").read_bytes()


def test_over_the_folder_of_a_run_a_model_without_users_leaves_nothing_of_them(tmp_path) -> None:
    out = tmp_path / "run"
    model = train(epochs=1, run=run_here(out=out))
    model.extra["note"] = "u01 asked to be forgotten"
    with pytest.warns(UserWarning, match="holds an earlier model"):
        model.without_users().save(out)
    assert b"u01" not in b"".join(path.read_bytes() for path in out.iterdir())
    rows = sum(path.read_bytes().count(b"users.") for path in out.glob("*.safetensors"))
    assert rows == 2  # names of the points' vectors and biases


def test_a_model_without_users_says_that_it_knows_nobody() -> None:
    items = train(epochs=1).without_users()
    with pytest.warns(UserWarning, match=r"published without its users: fold_in\(ratings\) places"):
        average = items.predict("u01", 50)
    assert average == pytest.approx(items.predict(["point 1", "u01", "point 2"], [50] * 3)[1])


def test_what_most_users_have_not_met_costs_nothing(trained: dict[str, Recommender]) -> None:
    """Sums over histories are the same for one row, a few, and all."""
    for name in ("svdpp", "softmax"):
        side = copy.deepcopy(trained[name].members[0].users).cpu()
        with torch.no_grad():
            whole = side.all()[0]
            for rows in (torch.tensor([5]), torch.tensor([7, 0, 7]), torch.arange(20)):
                assert torch.equal(side(rows)[0], whole[rows])
                assert len(side._history.part(rows).offsets) == len(rows) + 1


def test_users_are_not_left_out_of_a_model_that_is_its_users() -> None:
    model = train("embedding_net", epochs=1)
    with pytest.raises(ValueError, match="got one of EmbeddingNet"):
        model.without_users()
    with pytest.raises(ValueError, match=r"got one of EmbeddingNet.*push\(\.\.\., users=True\)"):
        model.push("me/films", dry_run=True)
