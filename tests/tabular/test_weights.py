from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_sample_weight

from tests.tabular.small import learner, table, train, weights
from zoo.core.training.loop import split
from zoo.tabular.data.weights import with_weights, without_weights
from zoo.tabular.rivals import constant


@pytest.mark.parametrize("target", ["bought", "amount"])
@pytest.mark.parametrize("k", [0, 3])
def test_the_loss_is_the_mean_of_weight_times_loss_in_any_parts(target: str, k: int) -> None:
    ignore = ["amount" if target == "bought" else "bought"]
    each = np.random.default_rng(0).random(400)
    learn = learner(table().assign(w=each), target, weights="w", ignore=ignore, batch_size=64, k=k)
    task, batch = learn.task, next(iter(learn.data.train.epoch(0)))
    net = learn.model.eval()
    truth, own = without_weights(batch.target, learn.data.spec)
    assert own is not None
    together = net(*batch.inputs)
    outputs = together.unbind(1) if together.dim() == 3 else [together]
    if target == "bought":
        losses = [F.cross_entropy(output, truth, reduction="none") for output in outputs]
    else:
        losses = [(output - truth).square()[:, 0] for output in outputs]
    mean, _ = task.loss(together, batch.target)
    assert mean.item() == pytest.approx((torch.stack(losses).mean(0) * own).mean().item(), rel=1e-5)
    with torch.no_grad():
        parts = [task.loss(net(*part.inputs), part.target) for part in split(batch, 3)]
    whole = sum(float(m) * int(n) for m, n in parts) / sum(int(n) for _, n in parts)
    assert whole == pytest.approx(mean.item(), rel=1e-5)


def test_a_row_without_weight_is_as_if_it_were_not_there() -> None:
    frame = table().assign(w=np.arange(400) % 4 > 0)
    settings: dict[str, Any] = {"epochs": 1, "valid_fraction": 0, "ignore": ["amount"]}
    weighted = train(frame, "bought", weights="w", **settings)
    assert "w" not in weighted.spec.inputs
    fewer = train(frame[frame["w"]], "bought", weights="w", **settings)
    plain = {n: t for n, t in weights(fewer).items() if not n.endswith("num_batches_tracked")}
    assert all(torch.allclose(weights(weighted)[n], t, atol=1e-6) for n, t in plain.items())


def test_classes_weigh_as_scikit_learn_says() -> None:
    balanced, stated = (
        learner(class_weights=chosen, valid_fraction=0).data
        for chosen in ("balanced", {"yes": 3.0})
    )
    y = table()["bought"]
    for data, chosen in ((balanced, "balanced"), (stated, {"yes": 3.0, "no": 1.0})):
        truth, each = without_weights(data.train.target, data.spec)  # type: ignore[attr-defined]
        assert each is not None
        expected = compute_sample_weight(chosen, y)
        assert np.allclose(each, expected / expected.mean(), atol=1e-6)
        assert truth.tolist() == (y == "yes").astype(int).tolist()
    assert constant(balanced).value.exp().tolist() == pytest.approx([0.5, 0.5])


def test_targets_give_their_weights_back() -> None:
    spec = learner().data.spec
    target, each = torch.tensor([0, 1, 1]), torch.tensor([0.5, 1.0, 1.5])
    assert without_weights(target, spec) == (target, None)
    again, own = without_weights(with_weights(target, each), spec)
    assert own is not None
    assert torch.equal(again, target)
    assert torch.equal(own, each)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "negative": ({"weights": "w"}, "got -1.0 in 1 of 400 rows of 'w'"),
    "all zero": ({"weights": "none"}, "got 0 in 400 of 400"),
    "no column": ({"weights": "v"}, "'v'"),
    "unknown class": ({"class_weights": {"maybe": 2}}, "got {'maybe': 2}. Classes are no, yes"),
    "no weight": ({"class_weights": {"yes": 0}}, "got {'yes': 0}"),
}


@pytest.mark.parametrize("case", WRONG)
def test_senseless_weights_are_refused(case: str) -> None:
    settings, said = WRONG[case]
    frame = table().assign(w=[-1.0] + [1.0] * 399, none=[0.0] * 400)
    settings = {"ignore": ["amount", "none", "w"], **settings}
    with pytest.raises(ValueError, match=said):
        learner(frame, valid_fraction=0, **settings)
    with pytest.raises(ValueError, match="class_weights must come with classes"):
        learner(target="amount", ignore=["bought"], class_weights="balanced")
