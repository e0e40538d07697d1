"""Sketches of the rows that a model was trained on: what they tell, and what they cannot."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from zoo.core.contents import content_hashes
from zoo.core.seen_rows import SKETCH_SIZE, SeenRows, new_rows


def test_a_cut_off_sketch_says_of_no_row_beyond_it_that_it_is_new() -> None:
    known, new = content_hashes(range(50_000)), content_hashes(range(100_000, 101_000))
    small, cut_off = SeenRows.of(known[:100]), SeenRows.of(known)
    assert small.contains(known[:200]).tolist() == [True] * 100 + [False] * 100
    assert cut_off.contains(known).all()
    assert 0 < (~cut_off.contains(new)).sum() < 1000


def test_a_model_tells_which_share_of_rows_it_was_trained_on() -> None:
    seen = SeenRows.of(content_hashes(range(50_000)))
    assert len(seen.hashes) == SKETCH_SIZE == 128 * 1024 // 8  # as in every artifact so far
    assert seen.share(content_hashes(range(50_000, 60_000))) == 0
    assert seen.share(content_hashes(range(0, 10_000))) == 1
    assert abs(seen.share(content_hashes(range(45_000, 55_000))) - 0.5) < 0.05
    few = SeenRows.of(content_hashes(["a", "b"]))
    assert few.share(content_hashes(["b", "c"])) == 0.5
    assert few.share(content_hashes([])) == 0


def test_a_model_trained_further_remembers_both_trainings() -> None:
    first = SeenRows.of(content_hashes(range(40_000)))
    both = SeenRows.of(content_hashes(range(100_000, 101_000)), first)
    assert both.n == 41_000
    assert both.share(content_hashes(range(40_000))) == 1
    assert both.share(content_hashes(range(100_000, 101_000))) == 1
    assert both.share(content_hashes(range(50_000, 60_000))) == 0


def test_sketches_of_several_models_are_one_of_all_their_rows() -> None:
    rng = np.random.default_rng(0)
    one, other = (np.unique(rng.integers(0, 2**63, n, dtype=np.uint64)) for n in (40_000, 300))
    small = SeenRows.joined([SeenRows.of(other[:200]), SeenRows.of(other[100:])])
    assert np.array_equal(small.hashes, other)
    for pair in ((one, other), (other, one)):
        both = SeenRows.joined([SeenRows.of(part) for part in pair])
        assert both.is_cut_off
        assert both.share(one) == both.share(other) == 1
        assert both.share(rng.integers(0, 2**63, 9_000, dtype=np.uint64)) == 0


def test_a_sketch_that_can_tell_of_too_few_rows_says_so() -> None:
    hashes = content_hashes(range(3 * SKETCH_SIZE))
    known = SeenRows.of(hashes)
    assert known.is_cut_off
    with pytest.warns(UserWarning, match="too few of 12 could be told"):
        assert new_rows(
            hashes[hashes > known.hashes[-1]][:12], known, rows="rows", drawn=True
        ).all()
    with pytest.warns(UserWarning, match="so that there is no score"):
        assert not new_rows(hashes[:200], known, rows="rows", drawn=True).any()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        others = content_hashes(range(-500, 0))
        assert new_rows(others, known, rows="rows", drawn=True).all()
