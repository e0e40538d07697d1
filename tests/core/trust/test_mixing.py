"""Weights of a blend: found where they help, nothing where they do not, scored on other rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from zoo.core.mixture import Mixture
from zoo.core.task import classification, regression
from zoo.core.trust.mixing import (
    PRICE_OF_CLASSES,
    SPREAD,
    cross_fitted,
    fitted_mixture,
    random_parts,
)

NUMBERS = regression()


def shares_of(predictions: list[torch.Tensor], target: torch.Tensor) -> list[float]:
    """Weights of the partners in the best mean of numbers."""
    mixture = fitted_mixture(NUMBERS, predictions, target)
    assert mixture.weights is not None
    assert mixture.temperature is None
    assert sum(mixture.weights) == pytest.approx(1)
    return [*mixture.weights[1:]]


def noisy(n: int, *sizes: float) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """A target and predictions of it with independent errors of some sizes."""
    draw = torch.Generator().manual_seed(1)
    target = torch.randn(n, 1, generator=draw)
    return target, [target + size * torch.randn(n, 1, generator=draw) for size in sizes]


def test_shares_of_numbers_are_those_of_the_smallest_error() -> None:
    target, predictions = noisy(4000, 1.0, 1.0)
    assert shares_of(predictions, target) == [pytest.approx(0.5, abs=0.051)]
    target, predictions = noisy(4000, 1.0, 0.5)  # shares are as one over the variances
    assert shares_of(predictions, target) == [pytest.approx(0.8, abs=0.051)]
    target, predictions = noisy(4000, 1.0, 1.0, 1.0)
    assert shares_of(predictions, target) == pytest.approx([1 / 3, 1 / 3], abs=0.06)


def test_where_nothing_is_gained_the_networks_keep_everything() -> None:
    target, (network,) = noisy(100, 1.0)
    assert shares_of([network, network.clone()], target) == [0]
    target, even = torch.tensor([0, 1] * 10), torch.full((20, 2), 0.5)
    mixture = fitted_mixture(classification(2), [even, even.clone()], target)
    assert mixture == Mixture((1.0, 0.0), pytest.approx(1.0, abs=1e-4))


def test_a_much_better_partner_takes_everything() -> None:
    target, (network, partner) = noisy(40, 3.0, 0.1)
    assert shares_of([network, partner], target) == [1]


def voices(n: int, sharpness: float) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Labels, and two voices that know different things of them, the first far too sure."""
    draw = np.random.default_rng(0)
    logits = draw.normal(size=(2, n, 3)) * np.array([1.5, 1.0])[:, None, None]
    odds = np.exp(logits.sum(0))
    labels = [draw.choice(3, p=row / row.sum()) for row in odds]
    both = [torch.tensor(scale * one) for scale, one in zip((sharpness, 1.0), logits, strict=True)]
    return torch.tensor(labels), [torch.softmax(one.float(), 1) for one in both]


def test_classes_have_the_powers_of_a_logistic_regression_on_logarithms() -> None:
    labels, said = voices(4000, 2.0)
    mixture = fitted_mixture(classification(3), said, labels)
    assert mixture.weights is not None
    assert mixture.temperature is not None
    powers = np.array(mixture.weights) / mixture.temperature
    assert powers == pytest.approx([0.5, 1.0], abs=0.06)  # those that the labels were drawn by
    logs = np.log(np.stack([one.numpy() for one in said]))

    def cost(powers: list[float]) -> float:
        scores = np.tensordot(powers, logs, 1)
        nats = np.log(np.exp(scores).sum(1)) - scores[np.arange(len(labels)), labels]
        total = sum(powers)
        return float(
            nats.sum() + PRICE_OF_CLASSES * powers[1] / total + np.log(total) ** 2 / 2 / SPREAD**2
        )

    found = minimize(cost, [0.5, 0.5], method="Nelder-Mead", options={"xatol": 1e-5})
    assert powers == pytest.approx(found.x, abs=2e-3)
    mixed = mixture(said).numpy()
    expected = np.exp(np.tensordot(powers, logs, 1))
    assert mixed == pytest.approx(expected / expected.sum(1, keepdims=True), rel=1e-4)


def test_a_network_alone_that_is_too_sure_is_cooled_down_and_its_order_stays() -> None:
    labels, (sure, _) = voices(4000, 4.0)
    mixture = fitted_mixture(classification(3), [sure], labels)
    assert mixture.weights == (1.0,)
    assert mixture.temperature is not None
    assert 3.5 < mixture.temperature < 5.5
    assert torch.equal(mixture([sure]).argsort(1), sure.argsort(1))


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
