"""Lists and their scores, against scikit-learn, torchmetrics and a count by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import ndcg_score
from torchmetrics.functional.retrieval import (
    retrieval_normalized_dcg,
    retrieval_precision,
    retrieval_recall,
)

from zoo.collab.data.rated_items import RatedItems
from zoo.collab.ranking import BLOCK, check_k, ranking_metrics, top_k

pytestmark = pytest.mark.device

N_USERS, N_ITEMS, K = 30, 50, 10


@pytest.fixture(scope="module")
def scores() -> torch.Tensor:
    return torch.randn(N_USERS + 1, N_ITEMS + 1, generator=torch.Generator().manual_seed(0))


def pairs(seed: int, share: float) -> RatedItems:
    generator = torch.Generator().manual_seed(seed)
    there = torch.rand(N_USERS + 1, N_ITEMS + 1, generator=generator) < share
    there[0] = there[:, 0] = False
    users, items = there.nonzero(as_tuple=True)
    return RatedItems.of(users, items.int(), N_USERS)


def dense(rated_items: RatedItems) -> torch.Tensor:
    table = torch.zeros(N_USERS + 1, N_ITEMS + 1, dtype=torch.bool)
    table[rated_items.pairs(torch.arange(N_USERS + 1))] = True
    return table


@pytest.mark.parametrize("share", [0.05, 0.4])
def test_metrics_are_those_of_scikit_learn_and_torchmetrics(scores, share: float) -> None:
    relevant, hidden = pairs(1, share), pairs(2, 0.2)
    ours = ranking_metrics(lambda u: scores[u].clone(), relevant, N_ITEMS, K, hidden)
    wanted, left_out = dense(relevant), dense(hidden)
    allowed = scores.masked_fill(left_out, -100.0)
    users = [user for user in range(1, N_USERS + 1) if wanted[user].any()]
    found: dict[str, list[float]] = {"ndcg": [], "precision": [], "recall": []}
    for user in users:
        score, truth = allowed[user, 1:], wanted[user, 1:]
        assert int((~left_out[user, 1:]).sum()) >= K  # lists are full
        by_sklearn = ndcg_score(truth[None].float().numpy(), score[None].numpy(), k=K)
        by_torch = float(retrieval_normalized_dcg(score, truth, top_k=K))
        assert by_sklearn == pytest.approx(by_torch, abs=1e-6)
        found["ndcg"].append(by_sklearn)
        found["precision"].append(float(retrieval_precision(score, truth, top_k=K)))
        found["recall"].append(float(retrieval_recall(score, truth, top_k=K)))
    for name, values in found.items():
        assert ours[f"{name}@{K}"] == pytest.approx(np.mean(values), abs=1e-6), name


def test_mean_average_precision_and_coverage_by_hand() -> None:
    scores = torch.tensor([[0.0] * 5, [0, 4, 3, 2, 1], [0, 1, 2, 3, 4]])
    relevant = RatedItems.of(torch.tensor([1, 1, 2]), torch.tensor([1, 3, 1]).int(), 2)
    ours = ranking_metrics(lambda u: scores[u].clone(), relevant, 4, 3, None)
    # user 1 is shown 1, 2, 3: hits at 1 and 3 of two; user 2 is shown 4, 3, 2: none
    assert ours["map@3"] == pytest.approx(((1 / 1 + 2 / 3) / 2 + 0) / 2)
    assert ours["coverage@3"] == 1.0
    assert ranking_metrics(lambda u: scores[u].clone(), relevant, 4, 1, None)["coverage@1"] == 0.5


def test_users_without_anything_to_find_do_not_count(scores) -> None:
    relevant = RatedItems.of(torch.tensor([7]), torch.tensor([3]).int(), N_USERS)
    alone = ranking_metrics(lambda u: scores[u].clone(), relevant, N_ITEMS, N_ITEMS, None)
    assert alone[f"recall@{N_ITEMS}"] == 1.0


def test_the_perfect_list_scores_one(scores) -> None:
    relevant = pairs(3, 0.3)
    best = dense(relevant).float()
    ours = ranking_metrics(lambda u: best[u].clone(), relevant, N_ITEMS, K, None)
    assert ours[f"ndcg@{K}"] == pytest.approx(1.0)
    assert ours[f"map@{K}"] == pytest.approx(1.0)


def test_lists_are_the_best_unseen_items_whatever_the_block(scores) -> None:
    hidden, users = pairs(2, 0.2), torch.arange(1, N_USERS + 1)
    whole = [torch.cat(x) for x in zip(*top_k(lambda u: scores[u].clone(), users, K, hidden),
                                       strict=True)]  # fmt: skip
    parts = [torch.cat(x) for x in zip(*top_k(lambda u: scores[u].clone(), users, K, hidden, 7),
                                       strict=True)]  # fmt: skip
    assert torch.equal(whole[1], parts[1])
    allowed = scores.masked_fill(dense(hidden), -torch.inf)
    allowed[:, 0] = -torch.inf
    assert torch.equal(whole[1], allowed[1:].topk(K).indices)
    assert BLOCK >= 1


def test_who_has_seen_almost_all_has_empty_places(scores) -> None:
    items = torch.arange(1, N_ITEMS - 1).int()
    hidden = RatedItems.of(torch.full((len(items),), 4), items, N_USERS)
    ((best, _),) = top_k(lambda u: scores[u].clone(), torch.tensor([4]), K, hidden)
    assert int((best > -torch.inf).sum()) == 2


def test_a_list_that_makes_no_sense_is_one_sentence(scores) -> None:
    with pytest.raises(
        ValueError, match=r"k must be between 1 and all 50 items, got k=51\. Try k=10"
    ):
        ranking_metrics(lambda u: scores[u], pairs(1, 0.1), N_ITEMS, N_ITEMS + 1, None)
    with pytest.raises(ValueError, match=r"all 50 items, got k=2\.5"):
        check_k(2.5, N_ITEMS)  # type: ignore[arg-type]
    assert type(check_k(np.int64(2), N_ITEMS)) is int  # type: ignore[arg-type]
    nothing = RatedItems.of(torch.zeros(0).long(), torch.zeros(0).int(), N_USERS)
    with pytest.raises(ValueError, match="that were not trained on, got none"):
        ranking_metrics(lambda u: scores[u], nothing, N_ITEMS, K, None)
