"""Every network is the published thing, and keeps the contract of the zoo."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.collab.conftest import NETWORKS
from tests.collab.small import N_ITEMS, N_USERS, ratings, train
from zoo.collab import Recommender, learner
from zoo.collab.data.rated_items import RatedItems
from zoo.collab.models.catalogue import RECIPES
from zoo.collab.models.factors import Factors, Side, scaled
from zoo.collab.models.softmax import Softmax
from zoo.collab.task import is_computed, predicts_ratings
from zoo.core.training.groups import layer_groups

pytestmark = pytest.mark.device

USERS, ITEMS = torch.tensor([1, 1, 2, 3]), torch.tensor([2, 4, 4, 1])


def randomised(network: nn.Module) -> Any:
    """Weights that matter, in evaluation."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_()
    return network.eval()


# ---- parity --------------------------------------------------------------------------------------


def test_dot_bias_is_the_formula() -> None:
    net = randomised(Factors(n_users=3, n_items=4, n_factors=5, low=0.0, high=5.5))
    p, q = net.users.factors[USERS], net.items.factors[ITEMS]
    biases = net.users.bias[USERS, 0] + net.items.bias[ITEMS, 0]
    expected = 5.5 * torch.sigmoid((p * q).sum(1) + biases)
    assert torch.allclose(net(USERS, ITEMS)[:, 0], expected, atol=1e-6)


def test_svdpp_is_the_formula_of_koren_on_both_sides() -> None:
    net = Factors(n_users=3, n_items=4, n_factors=5, histories=True)
    net.set_rated_items(RatedItems.of(USERS, ITEMS.int(), 3))
    randomised(net)
    met: dict[int, list[int]] = {1: [2, 4], 2: [4], 3: [1]}
    fans: dict[int, list[int]] = {1: [3], 2: [1], 4: [1, 2]}
    for row, (user, item) in enumerate(zip(USERS.tolist(), ITEMS.tolist(), strict=True)):
        p = net.users.factors[user] + net.users.implicit[met[user]].sum(0) / len(met[user]) ** 0.5
        q = net.items.factors[item] + net.items.implicit[fans[item]].sum(0) / len(fans[item]) ** 0.5
        expected = p @ q + net.users.bias[user, 0] + net.items.bias[item, 0]
        assert torch.allclose(net(USERS, ITEMS)[row, 0], expected, atol=1e-5)


def test_members_are_models_side_by_side() -> None:
    both = randomised(Factors(n_users=3, n_items=4, n_factors=5, members=2, low=1.0, high=5.0))
    for number in range(2):
        one = Factors(n_users=3, n_items=4, n_factors=5, low=1.0, high=5.0)
        for mine, theirs in ((one.users, both.users), (one.items, both.items)):
            mine.factors.data = theirs.factors[:, 5 * number : 5 * number + 5].clone()
            mine.bias.data = theirs.bias[:, number : number + 1].clone()
        one.eval()
        assert torch.allclose(one(USERS, ITEMS)[:, 0], both(USERS, ITEMS)[:, number], atol=1e-6)


def test_features_add_their_vectors() -> None:
    net = Factors(n_users=3, n_items=4, n_factors=5, item_features=2)
    net.set_features("item", torch.tensor([[0, 0], [1, 0], [0, 1], [0.5, 0.5], [0, 0]]))
    randomised(net)
    vectors, biases = net.items(torch.tensor([3, 4]))
    side = net.items
    expected = side.factors[3] + side.feature_factors.mean(0)
    assert torch.allclose(vectors[0], expected, atol=1e-6)
    assert torch.allclose(vectors[1], side.factors[4])
    assert torch.allclose(biases[0], side.bias[3] + side.bias_of_features.mean(0), atol=1e-6)


def new_softmax(**settings: Any) -> Any:
    net = Softmax(n_users=3, n_factors=5, **settings)
    net.set_rated_items(RatedItems.of(USERS, ITEMS.int(), 3))
    return randomised(net)


def test_the_softmax_over_all_items_is_the_cross_entropy_of_a_linear_autoencoder() -> None:
    net = new_softmax(n_items=4, negatives=4)
    chosen = torch.zeros(4, 5)
    chosen[USERS, ITEMS] = 1
    histories = chosen / chosen.sum(1, keepdim=True).clamp(min=1).sqrt()
    scores = histories @ net.users.implicit @ net.items.factors.T + net.items.bias[:, 0]
    output = net(USERS, ITEMS)
    loss = (output.logsumexp(1) - output[:, 0]).mean()
    assert torch.allclose(loss, F.cross_entropy(scores[USERS, 1:], ITEMS - 1), atol=1e-5)


def test_negatives_are_drawn_anew_at_every_training_step() -> None:
    net = new_softmax(n_items=100, negatives=50, dropout=0.0).train()
    first, second = net(USERS, ITEMS), net(USERS, ITEMS)
    assert torch.equal(first[:, 0], second[:, 0])
    assert not torch.equal(first[:, 1:], second[:, 1:])
    net.eval()
    assert torch.equal(net(USERS, ITEMS), net(USERS, ITEMS))


def test_histories_are_left_out_anew_at_every_training_step() -> None:
    side = new_softmax(n_items=4, dropout=0.5).users
    whole = side(USERS)[0]
    side.train()
    with torch.no_grad():
        mean = torch.stack([side(USERS)[0] for _ in range(3000)]).mean(0)
    assert not torch.equal(side(USERS)[0], whole)
    assert torch.allclose(mean, whole, atol=0.1)


def test_the_scale_is_a_sigmoid() -> None:
    x = torch.linspace(-9, 9, 7)
    assert torch.allclose(scaled(x, 0.0, 5.5), 5.5 * torch.sigmoid(x))
    assert torch.equal(scaled(x, None, None), x)


def test_the_unknown_row_is_the_mean_in_evaluation() -> None:
    side = Side(5, 3, 1)
    randomised(side)
    assert torch.allclose(side.factors[0], side.factors[1:].mean(0), atol=1e-6)
    assert torch.allclose(side.bias[0], side.bias[1:].mean(0), atol=1e-6)


# ---- contract ------------------------------------------------------------------------------------


def first_batch(learn: Any) -> tuple[tuple[Tensor, ...], Tensor]:
    batch = next(learn.data.train.epoch(0))
    return batch.inputs, batch.target


def new_learner(each: Recommender) -> Any:
    return learner(ratings(), model=each.name, n_factors=8, batch_size=64, run=each.run)


def test_layers_cover_every_parameter_once(each: Recommender) -> None:
    net = each.members[0]
    covered = [id(p) for group in layer_groups(net) for p in group.parameters()]
    assert sorted(covered) == sorted(id(p) for p in net.parameters())


def test_one_row_a_rating_and_a_finite_gradient_everywhere(network: Recommender) -> None:
    learn = new_learner(network)
    inputs, target = first_batch(learn)
    learn.model.train()
    output = learn.model(*inputs)
    assert output.shape[0] == len(target)
    loss, count = learn.task.loss(output, target)
    assert count == len(target)
    loss.backward()
    for name, parameter in learn.model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    assert sum(float(p.grad.abs().sum()) > 0 for p in learn.model.parameters()) >= 3


def test_evaluation_is_deterministic(network: Recommender) -> None:
    inputs, _ = first_batch(new_learner(network))
    net = copy.deepcopy(network.members[0]).eval()
    with torch.no_grad():
        assert torch.equal(net(*inputs), net(*inputs))


def test_one_batch_can_be_overfitted(network: Recommender) -> None:
    few = ratings()[:40]
    whole: dict[str, Any] = {"dropout": 0.0} if network.name == "softmax" else {}
    learn = learner(few, model=network.name, n_factors=8, batch_size=64, weight_decay=0.0,
                    valid_fraction=0, run=network.run, **whole)  # fmt: skip
    learn.fit(150, 5e-2)
    first, last = learn.history.losses[0], learn.history.losses[-1]
    chosen = few.groupby("user")["item"].transform("size")  # a user's choices share probability
    floor = 0.0 if predicts_ratings(network.name) else float(np.log(chosen).mean())
    assert last - floor < 0.25 * (first - floor)


def test_ratings_from_both_sides_are_those_of_the_pairs(network: Recommender) -> None:
    net: Any = copy.deepcopy(network.members[0]).cpu()
    with torch.no_grad():
        rated = net.rate(net.users(USERS), net.items(ITEMS))
        assert torch.allclose(rated, net(USERS, ITEMS)[:, : rated.shape[1]], atol=1e-6)


def test_rankers_order_as_ratings_do(each: Recommender) -> None:
    net: Any = copy.deepcopy(each.members[0]).cpu()
    if not hasattr(net, "ranker") or getattr(net, "members", 1) > 1:
        pytest.skip("several members order by the mean of their sums, before the sigmoid")
    with torch.no_grad():
        vectors, biases = net.ranker()
        scores = net.users(torch.tensor([5]))[0] @ vectors.T + biases
        everything = net.items(torch.arange(1, N_ITEMS + 1))
        rated = net.rate(net.users(torch.full((N_ITEMS,), 5)), everything)[:, 0]
    assert torch.equal(scores[0, 1:].argsort(), rated.argsort())


# ---- who has seen what ---------------------------------------------------------------------------


def of_row(rated_items: RatedItems, row: int) -> list[int]:
    return rated_items.part(torch.tensor([row])).items.tolist()  # type: ignore[no-any-return]


def test_seen_is_a_table_by_user_and_by_item() -> None:
    rated_items = RatedItems.of(USERS, ITEMS.int(), n_users=3)
    assert [of_row(rated_items, user) for user in range(4)] == [[], [2, 4], [4], [1]]
    turned = rated_items.transposed(n_items=5)
    assert [of_row(turned, item) for item in range(6)] == [[], [3], [1], [], [1, 2], []]
    positions, items = rated_items.pairs(torch.tensor([2, 0, 1]))
    assert list(zip(positions.tolist(), items.tolist(), strict=True)) == [(0, 4), (2, 2), (2, 4)]


def test_nobody_has_seen_anything() -> None:
    positions, items = RatedItems.empty(3).pairs(torch.tensor([1, 2]))
    assert len(positions) == len(items) == 0


def test_recipes_are_those_of_models_that_train() -> None:
    for name in [*NETWORKS, "sasrec"]:
        rows = train(name, epochs=4).history.rows
        assert rows[-1]["train_loss"] < rows[0]["train_loss"], name
    computed = [name for name in RECIPES if is_computed(name)]
    assert [*NETWORKS, "sasrec", *computed] == list(RECIPES)
    assert [name for name in NETWORKS if not predicts_ratings(name)] == ["softmax"]
    assert ratings()["user"].nunique() == N_USERS
