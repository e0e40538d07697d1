"""A point between first and last weights: how held-out rows choose it, and how it is scored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.core.tiny import learner, weights
from zoo.core.batches import Data, TensorBatches
from zoo.core.training.averaging import WiSE
from zoo.core.training.shares import SHARES, SPREAD, scores_in, scores_of

pytestmark = pytest.mark.device


class Last:
    """Adds to the weights at the end, and keeps them."""

    def __init__(self, noise: float) -> None:
        self.noise = noise

    def epoch_end(self, fit: Any) -> None:
        with torch.no_grad():
            for weight in fit.model.parameters():
                weight.add_(self.noise * torch.randn(weight.shape).to(weight))
        self.weights = weights(fit.model)


def test_a_share_is_chosen_by_all_rows_and_scored_by_those_that_did_not_choose() -> None:
    learn, wise, last = learner(), WiSE(0.4, fitted=True), Last(0.2)
    first = weights(learn)
    learn.fit(1, 1e-2, callbacks=[last, wise])
    shares = sorted({*SHARES, 0.4})
    assert learn.data.valid is not None
    truth = torch.cat([batch.target for batch in learn.data.valid.epoch(0)]).numpy(force=True)
    said = []
    for share in shares:
        learn.model.load_state_dict(
            {k: torch.lerp(t, last.weights[k], share) for k, t in first.items()}
        )
        said.append(learn.predict(learn.data.valid).numpy())
    nats = -np.log(np.stack(said)[:, np.arange(len(truth)), truth])  # (shares, n)
    away = (np.array(shares) - 0.4) ** 2 / (2 * SPREAD**2)
    even, odd, whole = ((n.sum(1) + away).argmin() for n in (nats[:, ::2], nats[:, 1::2], nats))
    crossed = said[odd].copy()
    crossed[1::2] = said[even][1::2]
    choice, row = wise.choice, learn.history.rows[-1]
    assert choice is not None
    assert (choice.share, row["share"]) == (shares[whole], shares[whole])
    assert list(choice.losses.values()) == pytest.approx(nats.mean(1), rel=1e-4)
    assert choice.predictions.numpy() == pytest.approx(crossed, rel=1e-4, abs=1e-6)
    scores = {"loss": -np.log(crossed[np.arange(len(truth)), truth]).mean()}
    scores["accuracy"] = (crossed.argmax(1) == truth).mean()
    assert choice.scores == scores_in(learn.history) == pytest.approx(scores, rel=1e-4)
    assert row["valid_loss"] == choice.scores["loss"]


@pytest.mark.parametrize(("noise", "lr", "share"), [(9.0, 1e-3, 0.0), (0.0, 1e-9, 0.4)])
def test_ruined_weights_are_left_for_the_first_ones_and_equal_ones_follow_the_rule(
    noise: float, lr: float, share: float
) -> None:
    learn, wise = learner(), WiSE(0.4, fitted=True)
    first = weights(learn)
    learn.fit(1, lr, callbacks=[Last(noise), wise])
    assert wise.choice is not None
    assert wise.choice.share == share
    assert weights(learn)["first.weight"] == pytest.approx(first["first.weight"], abs=1e-6)


def test_a_fit_without_held_out_rows_takes_the_rule() -> None:
    learn, wise = learner(), WiSE(0.4, fitted=True)
    learn.set_data(Data(learn.data.train))
    learn.fit(1, 1e-2, callbacks=[wise])
    assert wise.choice is None
    assert not scores_in(learn.history)


def test_one_held_out_row_has_scores_too() -> None:
    learn, wise = learner(), WiSE(0.4, fitted=True)
    x, y = next(iter(learn.data.train.epoch(0)))[:2]
    learn.set_data(Data(learn.data.train, TensorBatches(x[0][:1], y[:1])))
    learn.fit(1, 1e-9, callbacks=[wise])
    assert wise.choice is not None
    assert wise.choice.scores == pytest.approx(learn.evaluate(), rel=1e-5)
    assert scores_of(learn.task, learn.predict(learn.data.valid), y[:1].cpu()) == pytest.approx(
        learn.evaluate(), rel=1e-5
    )
