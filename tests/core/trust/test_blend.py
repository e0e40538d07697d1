"""Shares of a blend: found where they help, nothing where they do not, scored on other rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zoo.core.task import classification, regression
from zoo.core.trust.blend import cross_fitted, fitted_shares, random_parts

NUMBERS = regression()


def noisy(n: int, *sizes: float) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """A target and predictions of it with independent errors of some sizes."""
    draw = torch.Generator().manual_seed(1)
    target = torch.randn(n, 1, generator=draw)
    return target, [target + size * torch.randn(n, 1, generator=draw) for size in sizes]


def test_shares_are_those_of_the_smallest_error() -> None:
    target, predictions = noisy(4000, 1.0, 1.0)
    assert fitted_shares(NUMBERS, predictions, target) == [pytest.approx(0.5, abs=0.051)]
    target, predictions = noisy(4000, 1.0, 0.5)  # shares are as one over the variances
    assert fitted_shares(NUMBERS, predictions, target) == [pytest.approx(0.8, abs=0.051)]
    target, predictions = noisy(4000, 1.0, 1.0, 1.0)
    assert fitted_shares(NUMBERS, predictions, target) == pytest.approx([1 / 3, 1 / 3], abs=0.06)


def test_where_nothing_is_gained_the_networks_keep_everything() -> None:
    target, (network,) = noisy(100, 1.0)
    assert fitted_shares(NUMBERS, [network, network.clone()], target) == [0]
    classes = classification(2)
    target, even = torch.tensor([0, 1] * 10), torch.full((20, 2), 0.5)
    assert fitted_shares(classes, [even, even.clone()], target) == [0]


def test_a_much_better_partner_takes_everything() -> None:
    target, (network, partner) = noisy(40, 3.0, 0.1)
    assert fitted_shares(NUMBERS, [network, partner], target) == [1]


def test_a_row_is_blended_by_shares_of_the_other_parts() -> None:
    target, predictions = noisy(60, 1.0, 0.7)
    part_of = random_parts(60, 0, 3)
    blended = cross_fitted(NUMBERS, predictions, target, part_of)
    changed = target.clone()
    changed[part_of == 1] = 1e3  # nothing that a row's own part says moves its prediction
    again = cross_fitted(NUMBERS, predictions, changed, part_of)
    rows = torch.from_numpy(np.flatnonzero(part_of == 1))
    assert torch.equal(blended[rows], again[rows])
    assert not torch.equal(blended, again)
