"""`Updates` beside torch's own `step`, bit by bit."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from zoo.core.training.updates import Updates

SHAPES = ((5, 3), (3,), (4, 2, 2), (1,))


def optimizer_of(kind: type[Optimizer] = AdamW, **settings: object) -> Optimizer:
    """Two groups of two parameters each, the same at every call."""
    generator = torch.Generator().manual_seed(0)
    params = [nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]
    groups = [{"params": params[:2], "weight_decay": 0.1}, {"params": params[2:], "lr": 0.02}]
    return kind(groups, lr=0.01, **settings)


def params_of(optimizer: Optimizer) -> list[nn.Parameter]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def tensors_of(optimizer: Optimizer) -> list[Tensor]:
    states = [optimizer.state.get(p, {}) for p in params_of(optimizer)]
    return params_of(optimizer) + [one[name] for one in states for name in sorted(one)]


def trained(optimizer: Optimizer, steps: range, updates: Updates | None = None) -> list[Tensor]:
    """The optimizer's tensors after steps by itself, or through `Updates`.

    The last parameter has its first gradient late, the first misses every third one, and the whole
    first group has none in the eighth step.
    """
    for step in steps:
        generator = torch.Generator().manual_seed(step)
        (updates or optimizer).zero_grad()
        for i, p in enumerate(params_of(optimizer)):
            late, missing = i == 3 and step < 4, i == 0 and step % 3 == 2
            if not (late or missing or (i < 2 and step == 7)):
                p.grad = torch.randn(p.shape, generator=generator)
        for group in optimizer.param_groups:
            group["lr"] *= 0.9
            group["betas"] = (0.9 - 0.01 * step, 0.99)
        (updates or optimizer).step()
    return tensors_of(optimizer)


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return len(a) == len(b) and all(map(torch.equal, a, b))


@pytest.mark.parametrize("settings", [{"fused": True}, {"foreach": False}, {"amsgrad": True}])
def test_updates_are_those_of_torch_bit_by_bit(settings: dict[str, bool]) -> None:
    plain, ours = optimizer_of(**settings), optimizer_of(**settings)
    assert same(trained(plain, range(9)), trained(ours, range(9), Updates(ours)))
    assert str(ours.state_dict()) == str(plain.state_dict())


def test_a_state_that_is_loaded_and_a_group_that_is_added_on_the_way_count() -> None:
    plain, ours = optimizer_of(fused=True), optimizer_of(fused=True)
    updates, late = Updates(ours), optimizer_of(fused=True)
    trained(late, range(5, 8))
    for optimizer in (plain, ours):
        trained(optimizer, range(3), updates if optimizer is ours else None)
        optimizer.load_state_dict(copy.deepcopy(late.state_dict()))
        optimizer.add_param_group({"params": [nn.Parameter(torch.ones(2))]})
    assert same(trained(plain, range(3, 6)), trained(ours, range(3, 6), updates))


@pytest.mark.parametrize("change", ["parameter", "state", "mean", "groups"])
def test_what_a_callback_exchanges_counts(change: str) -> None:
    plain, ours = optimizer_of(fused=True), optimizer_of(fused=True)
    updates = Updates(ours)
    for optimizer in (plain, ours):
        trained(optimizer, range(5), updates if optimizer is ours else None)
        first, second = (group["params"] for group in optimizer.param_groups)
        if change == "parameter":
            first[1] = nn.Parameter(torch.ones(3))
        elif change == "state":
            optimizer.state.pop(first[1])
        elif change == "mean":
            optimizer.state[first[1]]["exp_avg"] = torch.ones(3)
        else:
            first[:], second[:] = second[:], first[:]
    assert same(trained(plain, range(5, 9)), trained(ours, range(5, 9), updates))


def test_torch_and_updates_can_take_turns() -> None:
    plain, ours = optimizer_of(fused=True), optimizer_of(fused=True)
    updates = Updates(ours)
    for first in range(0, 12, 3):
        trained(ours, range(first, first + 3), updates if first % 2 else None)
    assert same(trained(plain, range(12)), tensors_of(ours))


def test_hooks_hear_of_every_step() -> None:
    ours, heard = optimizer_of(fused=True), []
    updates = Updates(ours)
    trained(ours, range(5), updates)
    ours.register_step_post_hook(lambda *_: heard.append(1))
    trained(ours, range(5, 8), updates)
    assert len(heard) == 3


def test_an_optimizer_of_ones_own_makes_its_steps_itself() -> None:
    class Still(AdamW):
        def step(self, closure: object = None) -> None:
            """Do nothing."""

    ours = optimizer_of(Still, fused=True)
    before = [p.detach().clone() for p in params_of(ours)]
    assert same(trained(ours, range(3), Updates(ours)), before)
