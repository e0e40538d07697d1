"""Why an item is for a user: shares that add up, and those that leaving an item out takes away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.collab.small import ratings
from zoo.collab import Recommender
from zoo.collab.data.rated_items import RatedItems
from zoo.collab.models.ials import ials
from zoo.collab.models.item_matrix import ease
from zoo.collab.models.list_blend import ListBlend, Popular
from zoo.collab.models.sasrec import SasRec
from zoo.collab.models.softmax import Softmax

HISTORY = RatedItems(torch.tensor([0, 0, 3, 5, 8]), torch.tensor([1, 2, 3, 2, 4, 1, 4, 5]).int())


def test_shares_and_base_are_what_is_predicted(each: Recommender, tmp_path: Path) -> None:
    found = each.explain("u01", 50)
    assert found.prediction == pytest.approx(each.predict("u01", 50), abs=1e-4)
    assert found.base + sum(found.scores) == pytest.approx(found.prediction, abs=1e-4)
    assert found.label == "50"
    if each.name in ("softmax", "blend", "ease", "sasrec"):
        chosen = each.rated_items if each.name == "softmax" else each.chosen
        rows = chosen.of_row(int(each.spec.user_rows(["u01"])[0])).tolist()
        assert found.names == tuple(str(each.spec.items[row - 1]) for row in rows)
        assert any(found.scores)
    else:
        assert len(found.names) == 3
        with pytest.warns(UserWarning, match="They count as average"):
            mean = each.predict("nobody", "nothing")
        assert found.base == pytest.approx(mean, abs=1e-4)
        assert found.alike["similarity"].is_monotonic_decreasing
        assert 50 not in found.alike["item"].to_list()
        assert each.fold_in({50: 5.0, 60: 1.0}).explain(70).alike["item"].isin([50, 60]).all()
    assert found.save(tmp_path / "why.png").stat().st_size > 1000


@torch.no_grad()
def test_parts_that_are_sums_are_divided_exactly_and_sequences_by_leaving_out() -> None:
    torch.manual_seed(0)
    parts = {
        "ease": ease(HISTORY, 5, penalty=1.0),
        "ials": ials(HISTORY, 5, penalty=0.1, n_factors=3),
        "popular": Popular(n_items=5),
        "softmax": Softmax(n_users=1, n_items=5, n_factors=3).eval(),
    }
    parts["softmax"].items.bias.normal_()  # which is no user's choice
    chosen, item = torch.tensor([1, 2, 3]), 4
    one = RatedItems.of_one(chosen)
    apart = {"popular": 0.0, "softmax": float(parts["softmax"].items.bias[item])}
    for name, part in parts.items():
        shares = part.shares_of(chosen, item)
        score = float(part.score(one)[0, item]) - apart.get(name, 0.0)
        assert float(shares.sum()) == pytest.approx(score, abs=1e-5), name
    weight = dict(zip(parts["ease"].neighbours[1].tolist(), parts["ease"].weights[1], strict=True))
    assert parts["ease"].shares_of(chosen, item)[1] == weight[item]
    parts["sasrec"] = SasRec(n_items=5, n_factors=4).eval()
    without_2 = parts["sasrec"].score(RatedItems.of_one(torch.tensor([1, 3])))[0, item]
    fall = parts["sasrec"].score(one)[0, item] - without_2
    assert parts["sasrec"].shares_of(chosen, item)[1] == pytest.approx(float(fall), abs=1e-6)
    assert len(parts["sasrec"].shares_of(chosen[:0], item)) == 0
    blend = ListBlend(parts, {name: i + 1.0 for i, name in enumerate(parts)}, torch.ones(6))
    expected = sum((i + 1) * part.shares_of(chosen, item) for i, part in enumerate(parts.values()))
    assert torch.allclose(blend.shares_of(chosen, item), expected)


def test_vectors_come_by_id(model: Recommender, trained: dict[str, Recommender]) -> None:
    vectors = model.embed([50, "0"])
    assert (vectors.dtype, vectors.shape) == (np.float32, (2, 8))
    assert np.array_equal(vectors, model.factors().loc[[50, 0]].to_numpy())
    assert np.array_equal(model.embed("u01", "users")[0], model.factors("users").loc["u01"])
    assert np.isfinite(trained["sasrec"].embed([50, 60])).all()
    for ask in (
        lambda: trained["ease"].embed([50]),
        lambda: trained["blend"].embed("u01", "users"),
    ):
        with pytest.raises(ValueError, match=r"must be those of a model that has some, got side='"):
            ask()


def test_a_user_who_is_mild_has_a_share_of_it(model: Recommender) -> None:
    """A bias is nobody's vector: moved alone, it moves its own share alone, but for the sigmoid."""
    mild = ratings().groupby("user")["rating"].mean().idxmax()
    assert dict(model.explain(mild, 50).top(3))["how the user rates"] > 0


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda m: m.explain("u999", 50), "user='u999'. Call fold_in"),
        (lambda m: m.explain("u01", 55), "item must be one of the 40 .*, got item=55"),
        (lambda m: m.explain("u01", 50, by="choice"), "by must be among 'rating'"),
        (lambda m: m.embed([50, 55]), "items must be among .*, got 55"),
        (lambda m: m.embed([50], "films"), "side must be 'items' or 'users', got side='films'"),
    ],
)
def test_mistakes_are_one_sentence(ask: Any, says: str, model: Recommender) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        ask(model)
    assert "\n" not in str(caught.value)
