"""The model of logs in order: against torch's own layers, and what order changes and does not."""

from __future__ import annotations

import copy
import os
import signal
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

import zoo
from tests.collab.small import RUN, ratings, train
from tests.collab.test_train import StopAt, StopAtError
from tests.helpers.device import run_here
from zoo.collab import Recommender
from zoo.collab.data.batches import Ratings
from zoo.collab.data.rated_items import RatedItems
from zoo.collab.data.ratings import split
from zoo.collab.data.sequences import Sequences
from zoo.collab.models.catalogue import RECIPES
from zoo.collab.models.sasrec import SasRec, latest
from zoo.core.training import loop

SECRET = 7418529630  # the id of a user
SMALL: dict[str, Any] = {"model": "sasrec", "epochs": 2, "n_factors": 8, "batch_size": 256}


def network(**options: Any) -> SasRec:
    torch.manual_seed(0)
    sasrec = SasRec(n_items=30, **{"n_factors": 8, "length": 9, **options}).eval()
    with torch.no_grad():
        for parameter in sasrec.parameters():
            parameter.normal_(std=0.3)
    return sasrec


def reference(sasrec: SasRec, tokens: Tensor) -> Tensor:
    """The same states by torch's encoder layers. Shape: (B, T) -> (B, T, n_factors)."""
    x = sasrec.vectors[tokens] * sasrec.vectors.shape[1] ** 0.5 + sasrec.places[: tokens.shape[1]]
    mask = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1])
    for block in sasrec.blocks:
        own: Any = block
        layer = nn.TransformerEncoderLayer(
            8, own.heads, 32, dropout=0.0, batch_first=True, norm_first=True
        )
        layer.load_state_dict(
            {
                f"{theirs}.{kind}": getattr(getattr(own, ours), kind)
                for theirs, ours in {
                    "self_attn.out_proj": "projection",
                    "linear1": "up",
                    "linear2": "down",
                    "norm1": "norm",
                    "norm2": "norm_2",
                }.items()
                for kind in ("weight", "bias")
            }
            | {
                "self_attn.in_proj_weight": own.qkv.weight,
                "self_attn.in_proj_bias": own.qkv.bias,
            }
        )
        x = layer(x, src_mask=mask)
    normed: Tensor = sasrec.norm(x)
    return normed


@torch.no_grad()
def test_states_and_log_probabilities_are_those_of_torchs_layers() -> None:
    sasrec = network()
    tokens, chosen = torch.randint(0, 31, (4, 9)), torch.randint(0, 31, (4, 9))
    expected = reference(sasrec, tokens)
    torch.testing.assert_close(sasrec.states(tokens), expected, atol=1e-5, rtol=1e-5)
    every = (expected @ sasrec.vectors[1:].T).log_softmax(2)
    asked = chosen > 0
    said = every[asked].gather(1, chosen[asked][:, None] - 1)[:, 0]
    torch.testing.assert_close(sasrec(tokens, chosen), said, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_what_comes_later_and_what_pads_changes_nothing() -> None:
    sasrec, tokens = network(), torch.randint(1, 31, (1, 9))
    other = tokens.clone()
    other[0, 6:] = torch.tensor([3, 1, 2])
    before = sasrec.states(tokens)
    torch.testing.assert_close(sasrec.states(other)[:, :6], before[:, :6])
    assert not torch.allclose(sasrec.states(other)[:, 6:], before[:, 6:])
    histories = RatedItems(torch.tensor([0, 0, 3, 15]), torch.arange(1, 16).int())
    together = sasrec.score(histories)
    for user in range(3):
        alone = sasrec.score(histories.part(torch.tensor([user])))
        torch.testing.assert_close(together[user : user + 1], alone)
    assert latest(histories, 9)[0].tolist()[2] == list(range(7, 16))


def test_negatives_by_frequency_are_right_in_the_mean() -> None:
    sasrec = network(negatives=29, dropout=0.0)
    every = RatedItems(
        torch.tensor([0, 60]), torch.cat([torch.arange(1, 31), torch.ones(30)]).int()
    )
    sasrec.set_rated_items(every)
    tokens, chosen = torch.randint(0, 31, (1, 9)), torch.randint(1, 31, (1, 9))
    with torch.no_grad():
        exact = sasrec(tokens, chosen)
        sasrec.train()
        sums = [(-sasrec(tokens, chosen)).exp() for _ in range(500)]  # of all items, by the own one
    torch.testing.assert_close(torch.stack(sums).mean(0), (-exact).exp(), rtol=0.1, atol=0.0)


# ---- batches -------------------------------------------------------------------------------------


def windows_of(lengths: list[int], **options: Any) -> Sequences:
    """Batches of users who chose 1, 2, ... in this order."""
    users = torch.repeat_interleave(torch.arange(1, len(lengths) + 1), torch.tensor(lengths)).int()
    items = torch.cat([torch.arange(1, n + 1) for n in lengths]).int()
    pairs = Ratings(users, items, torch.ones(len(items)))
    own = {"length": 4, "batch_size": 12, "shuffle": True} | options
    return Sequences(RatedItems.of(users, items, len(lengths)), pairs, **own)


def test_every_choice_follows_what_came_before_it_once_an_epoch() -> None:
    batches = windows_of([3, 11, 1, 4, 5])
    for epoch in (0, 1):
        found: list[tuple[int, int]] = []
        for (tokens, chosen), target in ((b.inputs, b.target) for b in batches.epoch(epoch)):
            assert tokens.numel() <= 12
            assert torch.equal(chosen, target)
            there = chosen > 0
            assert torch.equal(tokens[there] + 1, chosen[there])
            found += chosen[there].tolist()
        assert sorted(found) == sorted([*range(1, 4), *range(1, 12), 1, *range(1, 5), *range(1, 6)])
    assert batches.steps(0) == len(list(batches.epoch(0)))
    first = [b.target.tolist() for b in batches.epoch(0)]
    assert first == [b.target.tolist() for b in batches.epoch(0)]
    assert first[1:] == [b.target.tolist() for b in batches.epoch(0, start=1)]
    assert first != [b.target.tolist() for b in batches.epoch(1)]
    parts = [[b.target for b in batches.shard(rank, 2).epoch(0)] for rank in (0, 1)]
    assert [torch.cat(both).tolist() for both in zip(*parts, strict=True)] == first


def test_a_held_out_choice_is_asked_after_all_that_a_window_holds() -> None:
    history = RatedItems(torch.tensor([0, 0, 11]), torch.arange(1, 12).int())
    last = Ratings(torch.tensor([1]), torch.tensor([11]), torch.ones(1))
    (batch,) = Sequences(history, last, length=4, batch_size=9, shuffle=False).epoch(0)
    assert batch.inputs[0].tolist() == [[7, 8, 9, 10]]
    assert batch.target.tolist() == [[0, 0, 0, 11]]


def test_order_outlives_other_items() -> None:
    some = RatedItems.of(torch.tensor([1, 1, 2]), torch.tensor([9, 3, 5]).int(), 2)
    others = RatedItems.of(torch.tensor([1, 1, 3]), torch.tensor([7, 9, 1]).int(), 3)
    both = some.with_others(others, 3)
    assert [both.of_row(user).tolist() for user in range(4)] == [[], [9, 3, 7], [5], [1]]
    assert both.without(others.keys(), 3).items.tolist() == [3, 5]


# ---- the model -----------------------------------------------------------------------------------


def rounds(n_users: int = 40) -> pd.DataFrame:
    """A log of users who go round in a circle of 20 items, from anywhere; rows in no order."""
    rng = np.random.default_rng(0)
    steps = [
        (user, (start + t) % 20, 1000 * user + t)
        for user, start in enumerate(rng.integers(0, 20, n_users))
        for t in range(rng.integers(4, 12))
    ]
    log = pd.DataFrame(steps, columns=["user", "item", "time"])
    return log.sample(frac=1, random_state=0, ignore_index=True)


@pytest.fixture(scope="module")
def circle() -> Recommender:
    options = {"n_factors": 16, "length": 6, "batch_size": 128, "epochs": 30, "lr": 1e-2}
    return zoo.collab.train(rounds(), model="sasrec", run=RUN, **options)  # type: ignore[arg-type]


def test_order_is_learnt_and_the_last_item_of_each_user_is_held_out(
    circle: Recommender, tmp_path: Path
) -> None:
    log = rounds()
    last = log.sort_values("time").groupby("user").tail(1)
    assert circle.spec.n_held_out == len(last)
    assert circle.metrics["ndcg@10"] > 0.95
    assert circle.fold_in([4, 5, 6]).recommend(1)["item"].tolist() == [7]
    assert circle.fold_in([6, 5, 4]).recommend(1)["item"].tolist() != [7]
    assert circle.fold_in([6, 4, 5, 6]).recommend(3).equals(circle.fold_in([4, 5, 6]).recommend(3))
    table = pd.DataFrame({"item": [6, 5, 4], "time": [3, 2, 1]})
    assert circle.fold_in(table).recommend(1)["item"].tolist() == [7]
    following = {
        user: (item + 1) % 20 for user, item in last[["user", "item"]].itertuples(index=False)
    }
    lists = circle.recommend(k=1).set_index("user")["item"]
    assert np.mean([lists[user] == item for user, item in following.items()]) > 0.8
    loaded = zoo.load(circle.save(tmp_path / "m"), Recommender, run=RUN)
    assert loaded.recommend(k=3).equals(circle.recommend(k=3))
    assert loaded.similar(3).equals(circle.similar(3))
    assert list(circle.recommend([])) == ["user", "item", "score"]
    with pytest.raises(ValueError, match="vectors and biases are those of a model of pairs"):
        circle.factors()


def test_the_last_item_is_ranked_after_those_before_in_order(circle: Recommender) -> None:
    """Whoever went from 15 on is found at 18, in whatever order the rows lie."""
    user = next(u for u in circle.spec.users if len(circle.recommend(u, 20)) > 12)
    known = set(circle.spec.items) - set(circle.recommend(user, 20)["item"])
    start = next(i for i in range(20) if not {(i + t) % 20 for t in range(4)} & known)
    steps = [(user, (start + t) % 20, 10**6 + t) for t in range(4)]
    later = pd.DataFrame(steps, columns=["user", "item", "time"])
    for table in (later, later[::-1]):
        assert circle.evaluate_ranking(table, k=1, last=True)["ndcg@1"] == 1.0
    assert circle.evaluate_ranking(later[3:].assign(item=later["item"][1]), k=1, last=True)[
        "ndcg@1"
    ] == float(circle.recommend(user, 1)["item"][0] == later["item"][1])


def test_fine_tuning_goes_on_after_what_was_known(circle: Recommender) -> None:
    user = circle.spec.users[0]
    more = pd.DataFrame({"user": [user, 999], "item": [77, 77], "time": [10**6, 10**6]})
    tuned = zoo.collab.finetune(circle, more, epochs=1, valid_fraction=0, run=RUN)
    row = int(tuned.spec.user_rows([user])[0])
    before = circle.rated_items.of_row(row).tolist()
    assert tuned.rated_items.of_row(row).tolist() == [*before, len(tuned.spec.items)]
    (batch,) = tuned.learner().data.train.epoch(0)
    assert sorted((batch.target > 0).sum(1).tolist()) == [1, 1]


def steps_of(model: Recommender, log: pd.DataFrame) -> list[list[float]]:
    """Each user's times in the order in which the model holds what they chose."""
    when = log.set_index(["user", "item"])["time"]
    ids, items = model.spec.users, model.spec.items
    rows = [model.chosen.of_row(row).tolist() for row in range(1, len(ids) + 1)]
    return [
        [float(when[user, items[item - 1]]) for item in own]
        for user, own in zip(ids, rows, strict=True)
    ]


@pytest.mark.parametrize("how", ["last", "random"])
def test_what_was_held_out_keeps_its_place_in_time(how: Any, tmp_path: Path) -> None:
    log = rounds()
    early = log[log["time"] % 1000 < 4]
    model = train(**SMALL, data=early, split=how)
    tuned = zoo.collab.finetune(model, log[log["time"] % 1000 >= 4], epochs=1, split=how, run=RUN)
    for one, table in ((model, early), (tuned, log)):
        assert one.spec.n_held_out
        loaded = zoo.load(one.save(tmp_path / f"{len(table)}"), Recommender, run=RUN)
        for own in (one, loaded):
            steps = steps_of(own, log)
            assert steps == [sorted(times) for times in steps]
            assert sum(map(len, steps)) == len(table)


def test_a_short_new_log_is_enough() -> None:
    log = rounds()
    model = train(**SMALL, data=log[log["time"] % 1000 < 3])
    more = log[(log["time"] % 1000).isin([3, 4])]
    of_two = more[more.duplicated("user", keep=False)]
    tuned = zoo.collab.finetune(model, more, epochs=1, run=RUN)
    assert len(tuned.held_out_items.items) == len(model.held_out_items.items) + len(of_two) // 2
    again = zoo.collab.finetune(model, log[log["time"] % 1000 < 3], epochs=1, run=RUN)
    assert again.held_out_items.keys().tolist() == model.held_out_items.keys().tolist()
    assert again.metrics["ndcg@10"] > 0
    with pytest.warns(UserWarning, match=r"not all that the table has of a user, got 0 such of 40"):
        alone = zoo.collab.finetune(model, log[log["time"] % 1000 == 3], epochs=1, run=RUN)
    assert np.isnan(alone.metrics["loss"])


def test_lists_in_order_go_on_from_lists_in_order_alone() -> None:
    model = train(epochs=1)
    with pytest.raises(ValueError, match=r"must go on from a model of 'sasrec'.*got one of 'dot_b"):
        zoo.collab.finetune(model, ratings(), lists="sasrec", run=RUN)


def test_without_times_there_is_no_order() -> None:
    for options in ({"model": "sasrec"}, {"lists": "sasrec"}):
        with pytest.raises(ValueError, match=r"'sasrec' learns from the order .* without a column"):
            zoo.collab.train(ratings().drop(columns="time"), run=RUN, **options)  # type: ignore
    with pytest.raises(ValueError, match="split by 'last' needs a column of times"):
        split(ratings().drop(columns="time"), "last", 0.2, 0)


def test_the_last_of_users_with_three_or_more_is_held_out() -> None:
    log = pd.DataFrame({"user": [1, 1, 1, 2, 2], "item": [1, 2, 3, 1, 2], "time": [3, 9, 1, 1, 2]})
    kept, held_out = split(log, "last", 0.2, 0)
    assert held_out["item"].tolist() == [2]
    assert len(kept) == 4


def test_few_choices_are_enough_or_one_sentence() -> None:
    log = pd.DataFrame({"user": [1, 1, 2], "item": [1, 2, 1], "time": [1, 2, 3]})
    model = zoo.collab.train(log, valid_fraction=0, run=RUN, **SMALL)
    assert len(model.recommend(2)) == 1
    with pytest.raises(ValueError, match="2 users or more"):
        zoo.collab.train(log[:2], valid_fraction=0, run=RUN, **SMALL)
    with pytest.raises(ValueError, match="multiple of the 2 heads, got n_factors=7"):
        zoo.collab.train(log, valid_fraction=0, run=RUN, **SMALL | {"n_factors": 7})


def test_a_run_that_broke_off_ends_with_the_same_weights(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("zoo.core.training.loop.FLUSH_SECONDS", 0.0)
    whole = train(**SMALL)
    with pytest.raises(StopAtError):
        train(**SMALL, callbacks=[StopAt(7)], run=run_here(out=tmp_path, save_every=0.0))
    again = train(**SMALL, run=run_here(out=tmp_path, resume=True))
    pairs = zip(whole.members[0].parameters(), again.members[0].parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert whole.history.losses == again.history.losses


# ---- beside stars, and published -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["sasrec", "softmax"])
def test_networks_of_lists_stand_beside_stars(name: Any, tmp_path: Path, monkeypatch) -> None:
    small = replace(RECIPES[name], epochs=1, n_factors=8, batch_size=512)
    monkeypatch.setitem(RECIPES, name, small)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = train(lists=name, epochs=1)
    assert list(model.recommend("u01", 3)) == ["item", "score", "rating"]
    loaded = zoo.load(model.save(tmp_path / "m"), Recommender, run=RUN)
    assert loaded.recommend(k=4).equals(model.recommend(k=4))
    assert loaded.fold_in([10, 20]).recommend(3).equals(model.fold_in([10, 20]).recommend(3))
    assert model.training["lists"] == f"1 {name}"


@pytest.mark.parametrize(("name", "ends"), [("sasrec", 0), ("sasrec", 1), ("softmax", 1)])
def test_ctrl_c_is_told_of_lists_and_begins_none(
    name: Any, ends: int, tmp_path: Path, monkeypatch
) -> None:
    small = replace(RECIPES[name], epochs=2, n_factors=8, batch_size=512)
    monkeypatch.setitem(RECIPES, name, small)
    train_epoch, begun = loop.train_epoch, []

    def pressed(fit: Any, batches: Any) -> None:
        if len(begun) == ends:
            os.kill(os.getpid(), signal.SIGINT)
        begun.append(type(fit.model))
        train_epoch(fit, batches)

    monkeypatch.setattr(loop, "train_epoch", pressed)
    run = run_here(out=tmp_path / "m", resume=True)
    model = train(lists=name, epochs=1, run=run)
    assert len(begun) == ends + 1
    said = ("after 0 of 1 epochs", "of lists after 0 of 2 epochs")[ends]
    assert model.training["interrupted"] == said
    assert (model.lists is None) == (ends == 0)
    assert model.training["lists"] == ("none", f"1 {name}")[ends]
    train(lists=name, epochs=1, run=run)
    assert len(begun) == 4
    loaded = zoo.load(tmp_path / "m", Recommender, run=RUN)
    assert loaded.training["lists"] == f"1 {name}"
    assert "interrupted" not in loaded.training


def test_softmax_of_histories_is_that_of_users() -> None:
    model = train("softmax", epochs=1, valid_fraction=0)
    net: Any = copy.deepcopy(model.members[0]).cpu()
    users = torch.arange(5)
    with torch.no_grad():
        vectors, biases = net.ranker()
        expected = net.users(users)[0] @ vectors.T + biases
        said = net.without_users().score(model.rated_items.part(users))
    torch.testing.assert_close(said[1:], expected[1:])  # row 0 of a network is the mean user


def test_what_few_chose_is_blurred_in_what_is_published() -> None:
    rare = pd.DataFrame({"user": ["u00"], "item": [5001], "rating": [5.0], "time": [10**6]})
    data = pd.concat([ratings(), rare], ignore_index=True)
    for name in ("sasrec", "softmax"):
        own: Any = train(name, data, epochs=1, valid_fraction=0, n_factors=8)
        public, row = own.without_users(), int(own.spec.item_rows([5001])[0])
        before, after = own.members[0].cpu(), public.members[0]
        if name == "sasrec":
            torch.testing.assert_close(after.vectors[row], before.vectors[1:].mean(0))
            assert torch.equal(after.vectors[1:row], before.vectors[1:row])
        else:
            assert not after.items.factors[row].any()
            assert not after.users.implicit[row].any()
            assert torch.equal(after.users.implicit[1:row], before.users.implicit[1:row])
            assert torch.equal(after.items.factors[1:row], before.items.factors[1:row])


def test_what_is_published_of_an_order_tells_nothing_of_a_planted_user(tmp_path: Path) -> None:
    data = ratings().assign(user=lambda t: t["user"].str[1:].astype(int))
    planted = pd.DataFrame(
        {"user": SECRET, "item": [5001, 50, 5003, 60], "rating": 5.0, "time": range(4)}
    )
    model = train(**SMALL, data=pd.concat([data, planted], ignore_index=True))
    assert str(SECRET).encode() in (model.save(tmp_path / "own") / "config.json").read_bytes()
    place = Path(str(model.push("me/log", hub=tmp_path / "hub")))
    for file in filter(Path.is_file, place.rglob("*")):
        assert str(SECRET).encode() not in file.read_bytes()
    public = zoo.load(place, Recommender, run=RUN)
    assert not len(public.rated_items.items)
    first, other = public.spec.item_rows([5001, 5003]).tolist()
    vectors: Any = public.members[0].vectors
    assert torch.equal(vectors[first], vectors[other])  # as all that hardly anybody has chosen
    assert len(public.fold_in([50]).recommend(3)) == 3
