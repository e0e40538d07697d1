"""Ranks of errors: by hand, in the mean over many draws, and through JSON."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from zoo.core.trust.conformal import KEPT, ClassErrors, NumberErrors, Ranks, errors_of

Floats = NDArray[np.float64]


@pytest.mark.parametrize("n", [1, 7, 100, KEPT, KEPT + 1, 25_000])
def test_a_quantile_is_the_error_of_a_rank_or_the_next_that_was_kept(n: int) -> None:
    errors = np.random.default_rng(n).exponential(size=n)
    ranks, ordered = Ranks.of(errors), np.sort(errors)
    assert len(ranks.errors) == min(n, KEPT)
    for coverage in (0.05, 0.5, 0.8, 0.9, 0.99, 0.9999):
        rank = math.ceil((n + 1) * coverage - 1e-9)  # of 1..n + 1, Lei et al. 2018, eq. 2
        if rank > n:
            assert ranks.quantile(coverage) == math.inf
            continue
        found = int(np.searchsorted(ordered, ranks.quantile(coverage) * (1 - 1e-5))) + 1
        assert rank <= found + 1e-9
        assert found <= rank + max(n // KEPT, 0) + 1


def drawn(n: int, rng: np.random.Generator) -> tuple[Floats, NDArray[np.int64]]:
    """Probabilities of five classes that are too sure, and labels."""
    logits = rng.normal(size=(n, 5)) * 2
    odds = np.exp(logits)
    labels = [rng.choice(5, p=row / row.sum()) for row in odds]
    sure = np.exp(2 * logits)
    return sure / sure.sum(1, keepdims=True), np.array(labels)


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.95])
def test_randomised_sets_hold_the_truth_as_often_as_asked_and_others_at_least(
    coverage: float,
) -> None:
    hits, others, rows = [], [], np.arange(200)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        errors, (said, truth) = ClassErrors.of(*drawn(99, rng)), drawn(200, rng)
        exact = errors.sets(said, coverage, randomised=True, seed=seed)
        hits.append(exact[rows, truth].mean())
        least = errors.sets(said, coverage)
        assert least[rows, said.argmax(1)].all()
        others.append(least[rows, truth].mean())
    error = math.sqrt(coverage * (1 - coverage) * (1 / 101 + 1 / 200) / 40)
    assert np.mean(hits) == pytest.approx(coverage, abs=3.5 * error)
    assert np.mean(others) >= coverage - 3.5 * error


def test_a_set_has_the_likeliest_classes_and_is_the_same_whenever_it_is_asked() -> None:
    rng = np.random.default_rng(0)
    errors, (said, _) = ClassErrors.of(*drawn(500, rng)), drawn(50, rng)
    for one in ({"randomised": False}, {"randomised": True}):
        sets = errors.sets(said, 0.9, **one)
        for row, inside in zip(said, sets, strict=True):
            assert row[inside].min(initial=1) >= row[~inside].max(initial=0)
        assert (errors.sets(said, 0.9, **one) == sets).all()
    assert (errors.sets(said[::-1] + 1e-9, 0.9)[::-1] == errors.sets(said, 0.9)).all()
    few = ClassErrors.of(*drawn(5, rng))
    assert few.sets(said, 0.95).all()  # five rows say nothing of one in twenty


def test_sets_hold_the_truth_where_all_rows_are_alike() -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice(3, 400, p=[0.5, 0.3, 0.2])
    told = np.bincount(labels[:200]) / 200
    said = told + rng.normal(size=(200, 1)) * 1e-7  # as another computation has them
    errors = ClassErrors.of(said, labels[:200])
    for coverage, n in ((0.3, 1), (0.6, 2), (0.9, 3)):
        assert (errors.sets(np.tile(told, (50, 1)), coverage).sum(1) == n).all()


def test_intervals_hold_numbers_as_often_as_asked_and_are_wider_where_errors_are() -> None:
    hits, widths = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        said = rng.uniform(1, 10, 600)
        truth = said + rng.normal(size=600) * said
        errors = NumberErrors.of(said[:400], truth[:400])
        margins = errors.margins(said[400:], 0.9)
        hits.append(np.mean(np.abs(truth - said)[400:] <= margins))
        widths.append(margins[said[400:] > 8].mean() / margins[said[400:] < 3].mean())
    assert np.mean(hits) == pytest.approx(0.9, abs=0.012)
    assert np.mean(widths) > 2.5
    even = NumberErrors.of(said, said + rng.normal(size=600))
    assert even.scales == ()  # of like error everywhere: nothing is gained
    errors = np.abs(rng.normal(size=39))
    plain = NumberErrors.of(np.zeros(39), errors)
    assert plain.margins(np.zeros(2), 0.9) == pytest.approx(np.sort(errors)[35], rel=2e-5)


def test_intervals_are_wider_where_a_domain_says_that_rows_are_hard() -> None:
    hits, widths = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        said, hard = rng.uniform(1, 10, 800), rng.uniform(0.2, 2, 800)
        truth = said + rng.normal(size=800) * said * hard
        errors = NumberErrors.of(said[:600], truth[:600], hard[:600])
        assert [one.by for one in errors.scales] == ["prediction", "difficulty"]
        margins = errors.margins(said[600:], 0.9, hard[600:])
        hits.append(np.mean(np.abs(truth - said)[600:] <= margins))
        widths.append(margins[hard[600:] > 1.5].mean() / margins[hard[600:] < 0.7].mean())
    assert np.mean(hits) == pytest.approx(0.9, abs=0.012)
    assert np.mean(widths) > 2.5
    before = {"of": "numbers", "ranks": vars(errors.ranks), **vars(errors.scales[0])}
    assert errors_of(before) == NumberErrors(errors.ranks, errors.scales[:1])  # of an earlier form


def test_errors_that_are_often_the_same_are_within_the_interval() -> None:
    truth = np.arange(1000) % 5 + 1.0  # whole numbers, of all of which the same is said
    for said in (np.full(1000, one) for one in (2.71828182, 3.5372841, 3.1234567)):
        errors = NumberErrors.of(said, truth)
        assert np.mean(np.abs(truth - said) <= errors.margins(said, 0.9)) >= 0.9
    labels, even = np.arange(1000) % 2, np.full((1000, 2), (0.5371893, 0.4628107))
    sets = ClassErrors.of(even, labels).sets(even, 0.9)
    assert sets[np.arange(1000), labels].mean() >= 0.9


def test_errors_pass_through_json_and_others_are_refused() -> None:
    rng = np.random.default_rng(0)
    said = rng.uniform(1, 10, 600)
    hard = rng.uniform(size=600)
    each = NumberErrors.of(said, said * 1.1), NumberErrors.of(said, said + hard, hard)
    for one in (ClassErrors.of(*drawn(9, rng)), *each):
        assert errors_of(json.loads(json.dumps(one.to_json()))) == one
    assert errors_of({}) is None
    with pytest.raises(ValueError, match="classes or numbers"):
        errors_of({"of": "pictures"})
