"""A point between first and last weights: how held-out rows choose it, and how it is scored."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.core.tiny import learner, same, weights
from zoo.core.batches import Data, TensorBatches
from zoo.core.training.learner import Learner
from zoo.core.training.shares import SHARES, SPREAD, choose_share, go_between, weights_of

pytestmark = pytest.mark.device


def moved(noise: float) -> tuple[Learner, dict[str, torch.Tensor]]:
    """A learner whose weights have gone somewhere from where they were."""
    learn = learner()
    first = dict(weights_of(learn.model))
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in learn.model.parameters():
            weight.add_(noise * torch.randn(weight.shape).to(weight))
    return learn, first


def test_a_share_is_chosen_by_all_rows_and_tried_on_those_that_did_not_choose() -> None:
    learn, first = moved(0.3)
    last, valid = weights_of(learn.model), learn.data.valid
    assert valid is not None
    choice, shares = choose_share(learn, first, 0.4), sorted({*SHARES, 0.4})
    assert choice is not None
    chosen = weights(learn)
    truth = torch.cat([batch.target for batch in valid.epoch(0)]).numpy(force=True)
    said = []
    for share in shares:
        go_between(learn.model, first, last, share)
        said.append(learn.predict(valid).numpy())
    nats = -np.log(np.stack(said)[:, np.arange(len(truth)), truth])  # (shares, n)
    away = (np.array(shares) - 0.4) ** 2 / (2 * SPREAD**2)
    even, odd, whole = ((n.sum(1) + away).argmin() for n in (nats[:, ::2], nats[:, 1::2], nats))
    crossed = said[odd].copy()
    crossed[1::2] = said[even][1::2]
    assert choice.share == shares[whole]
    assert list(choice.sums.values()) == pytest.approx(nats.sum(1), rel=1e-4)
    assert choice.predictions.numpy() == pytest.approx(crossed, rel=1e-4, abs=1e-6)
    expected = torch.lerp(first["first.weight"], last["first.weight"], choice.share)
    assert torch.allclose(chosen["first.weight"], expected.cpu(), atol=1e-6)


def test_parts_before_choose_too() -> None:
    learn, first = moved(0.3)
    last, shares = weights_of(learn.model), (0.0, 0.25, 1.0)
    for sure in shares:
        earlier = {share: 1e4 * (share != sure) for share in shares}
        learn.model.load_state_dict(last)
        choice = choose_share(learn, first, 0.4, earlier)
        assert choice is not None
        assert choice.share == sure
        assert list(choice.sums) == list(shares)
        own = choice.sums[sure] / len(choice.predictions)
        assert 0 < own < 10  # nothing of its own beside what was said before
    learn.set_data(Data(learn.data.train))
    assert choose_share(learn, first, 0.4, earlier) is None
    assert same(weights(learn), {name: t.cpu() for name, t in last.items()})


@pytest.mark.parametrize(("noise", "share"), [(9.0, 0.0), (0.0, 0.4)])
def test_ruined_weights_are_left_for_the_first_ones_and_equal_ones_follow_the_rule(
    noise: float, share: float
) -> None:
    learn, first = moved(noise)
    choice = choose_share(learn, first, 0.4)
    assert choice is not None
    assert choice.share == share
    assert same(weights(learn), {name: t.cpu() for name, t in first.items()})


def test_the_rule_decides_without_held_out_rows_and_with_a_single_one() -> None:
    learn, first = moved(0.3)
    last, train = weights_of(learn.model), learn.data.train
    learn.set_data(Data(train))
    assert choose_share(learn, first, 0.4) is None
    expected = torch.lerp(first["first.weight"], last["first.weight"], 0.4)
    assert torch.allclose(weights(learn)["first.weight"], expected.cpu(), atol=1e-6)
    batch = next(iter(train.epoch(0)))
    learn.set_data(Data(train, TensorBatches(batch.inputs[0][:1], batch.target[:1])))
    choice = choose_share(learn, first, 0.4)
    assert choice is not None
    assert choice.predictions.shape == (1, 3)
