"""Mixing examples: blends and boxes, labels by their shares, draws by (seed, epoch, step)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.core.tiny import learner, same
from tests.helpers.device import run_here
from zoo.core.batches import Batch
from zoo.core.training.mixing import CutMix, MixUp, OneOf
from zoo.core.training.schedules import constant

pytestmark = pytest.mark.device


def test_mixup_blends_inputs_and_labels_alike() -> None:
    learn = learner()
    fit = learn.new_fit([7], 1e-2, constant)
    batch = next(learn.data.train.epoch(0))
    x = torch.eye(3)[batch.target]
    mixed = MixUp(3, alpha=0.4).batch(fit, batch._replace(inputs=(x,)))
    assert torch.allclose(mixed.inputs[0], mixed.target)
    assert torch.allclose(mixed.target.sum(1), torch.ones(len(x)))
    assert ((mixed.target > 0) & (mixed.target < 1)).any()
    assert same({"a": mixed.target}, {"a": MixUp(3).batch(fit, batch._replace(inputs=(x,))).target})


def test_mixup_draws_anew_at_every_step_and_epoch() -> None:
    learn = learner()
    batch = next(learn.data.train.epoch(0))
    fit, mixed = learn.new_fit([7, 7], 1e-2, constant), []
    for fit.first_epoch, fit.epoch, fit.step in ((0, 0, 0), (0, 0, 1), (0, 1, 7), (2, 0, 0)):
        mixed.append(MixUp(3).batch(fit, batch).inputs[0])
    fit.first_epoch, fit.epoch, fit.step = 1, 1, 0  # the same epoch of the learner's life
    assert torch.equal(MixUp(3).batch(fit, batch).inputs[0], mixed[3])
    assert not any(torch.equal(mixed[i], mixed[j]) for i in range(4) for j in range(i))


def test_mixup_trains() -> None:
    learn = learner(run_here(), callbacks=[MixUp(3)])
    learn.fit_one_cycle(8, 3e-2)
    assert 0.85 < learn.evaluate()["accuracy"] < 0.97
    assert 0.4 < np.mean(learn.history.losses[-7:]) < 0.55  # 0.03 without blends, 1.1 by chance


def photos(n: int = 8, side: int = 40) -> Batch:
    """Photos of one value each, their classes' numbers."""
    target = torch.arange(n) % 3
    x = target.float().view(-1, 1, 1, 1).expand(n, 3, side, side)
    return Batch((x.contiguous(memory_format=torch.channels_last),), target)


def fit() -> Any:
    return learner().new_fit([7], 1e-2, constant)


def test_cutmix_labels_say_how_much_is_seen_of_each_photo() -> None:
    mixed = CutMix(3).batch(fit(), photos())
    (x,) = mixed.inputs
    seen = torch.stack([(x == value).float().mean((1, 2, 3)) for value in range(3)], 1)
    assert torch.allclose(mixed.target, seen, atol=1e-6)
    assert ((mixed.target > 0) & (mixed.target < 1)).any()
    assert x.is_contiguous(memory_format=torch.channels_last)


def test_a_pasted_part_is_one_box() -> None:
    (x,) = CutMix(3).batch(fit(), photos()).inputs
    for photo, own in zip(x[:, 0], photos().target, strict=True):
        other = photo != own
        assert torch.equal(other, other.any(1)[:, None] & other.any(0)[None])


def test_numbers_and_several_labels_are_blended_as_they_are() -> None:
    batch = photos()
    for target in (batch.target.float(), torch.eye(3)[batch.target]):
        mixed = MixUp(3).batch(fit(), batch._replace(target=target))
        assert mixed.target.shape == target.shape
        assert mixed.target.min() >= target.min()
        assert mixed.target.max() <= target.max()


def test_one_of_several_edits_is_drawn_each_step() -> None:
    class Named:
        def __init__(self, rate: float) -> None:
            self.rate = rate

        def batch(self, fit: Any, batch: Batch) -> Batch:
            return batch._replace(rate=self.rate)

    under_way, either, drawn = fit(), OneOf([Named(1.0), Named(2.0)]), []
    for under_way.step in range(40):
        drawn.append(either.batch(under_way, photos()).rate)
    assert 10 < drawn.count(1.0) < 30
    under_way.step = 3
    assert either.batch(under_way, photos()).rate == drawn[3]


def test_what_cannot_be_mixed_is_told() -> None:
    with pytest.raises(ValueError, match="alpha=0"):
        MixUp(3, alpha=0)
    features = Batch((torch.zeros(4, 9),), torch.zeros(4, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"got inputs of shape \(4, 9\)"):
        CutMix(3).batch(fit(), features)
