from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts, OneCycleLR

from zoo.core.training.schedules import constant, cosine, exponential, one_cycle, sgdr


def torch_optimizer() -> torch.optim.SGD:
    return torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0, momentum=0.9)


@pytest.mark.parametrize("mult", [1, 2, 3])
@pytest.mark.parametrize("cycle_len", [1, 2])
def test_sgdr_equals_torch_warm_restarts(mult: int, cycle_len: int) -> None:
    per_epoch, cycles = 7, 3
    epochs = sum(cycle_len * mult**i for i in range(cycles))
    optimizer = torch_optimizer()
    theirs = CosineAnnealingWarmRestarts(optimizer, T_0=cycle_len * per_epoch, T_mult=mult)
    for step in range(epochs * per_epoch):
        ours = sgdr(step, [per_epoch] * epochs, cycle_len=cycle_len, cycle_mult=mult).rate
        assert ours == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-9)
        optimizer.step()
        theirs.step()


@pytest.mark.parametrize("total", [10, 97, 1000])
@pytest.mark.parametrize("pct_start", [0.25, 0.3, 0.99])
def test_one_cycle_equals_torch(total: int, pct_start: float) -> None:
    optimizer = torch_optimizer()
    theirs = OneCycleLR(
        optimizer,
        max_lr=1.0,
        total_steps=total,
        pct_start=pct_start,
        div_factor=25,
        final_div_factor=1e5 / 25,
    )
    for step in range(total):
        ours = one_cycle(step, [total], pct_start=pct_start)
        group = optimizer.param_groups[0]
        assert ours.rate == pytest.approx(group["lr"], abs=1e-9)
        assert ours.momentum == pytest.approx(group["momentum"], abs=1e-9)
        optimizer.step()
        if step < total - 1:
            theirs.step()


@pytest.mark.parametrize("pct_start", [0.25, 0.3])
@pytest.mark.parametrize("total", [1, 2, 3, 4, 5])
def test_a_cycle_of_few_steps_begins_low_too(total: int, pct_start: float) -> None:
    rates = [one_cycle(step, [total], pct_start=pct_start).rate for step in range(total)]
    assert rates[0] == pytest.approx(1 / 25)
    assert max(rates[1:], default=1.0) > 0.6


@pytest.mark.parametrize(
    "schedule", [constant, cosine, sgdr, partial(sgdr, cycle_mult=2), one_cycle]
)
def test_factors_stay_between_zero_and_one(schedule) -> None:
    for steps in ([1], [2], [5, 6, 7], [3] * 7):
        rates = [schedule(step, steps).rate for step in range(sum(steps))]
        assert all(0 <= rate <= 1 for rate in rates)


def test_a_cycle_follows_epochs_of_varying_length() -> None:
    steps = [3, 5, 4]
    rates = [sgdr(step, steps).rate for step in range(12)]
    assert [i for i, rate in enumerate(rates) if rate == 1.0] == [0, 3, 8]


def test_the_sweep_is_exponential() -> None:
    rates = [exponential(step, [5], start=1e-4, end=1.0).rate for step in range(5)]
    assert rates == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1, 1.0])
