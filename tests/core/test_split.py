from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from zoo.core.split import (
    SKETCH_SIZE,
    SeenRows,
    content_hashes,
    held_out,
    held_out_of_each,
    new_rows,
    require_both_parts,
    require_disjoint,
    warn_of_marked_parts,
)


def test_equal_contents_have_equal_hashes_and_others_do_not() -> None:
    same = content_hashes([1, 1.0, np.int64(1), np.float32(1), True])
    assert len(set(same.tolist())) == 1
    values = ["1", 1, b"1", None, 1.5, (1,), ("a", "b"), ("ab", ""), "", float("nan"), "\ud83d"]
    assert len(set(content_hashes(values).tolist())) == len(values)


def test_hashes_are_the_same_in_every_process() -> None:
    code = "from zoo.core.split import content_hashes as h; print(h(['text', ('a', 2)]).tolist())"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert printed.stdout.strip() == str(content_hashes(["text", ("a", 2)]).tolist())


def test_parts_that_share_a_row_are_refused_with_their_number() -> None:
    train, valid = content_hashes("abcd"), content_hashes("cdxyz")
    require_disjoint(train, valid[2:])
    with pytest.raises(ValueError, match=r"photos must be different, got 2 of 5 .* Try valid=None"):
        require_disjoint(train, valid, rows="photos", way_out="Try valid=None.")


@pytest.mark.parametrize("seed", range(10))
def test_whole_groups_are_held_out_at_about_the_share(seed: int) -> None:
    groups = ["big"] * 600 + [f"g{i % 10}" for i in range(400)]
    train, valid = held_out(1000, 0.2, seed, groups=groups)
    assert sorted([*train, *valid]) == list(range(1000))
    assert not {groups[i] for i in train} & {groups[i] for i in valid}
    assert 0.1 <= len(valid) / 1000 <= 0.3


@pytest.mark.parametrize(("n", "share", "expected"), [(2, 0.2, 1), (6, 0.1, 1), (9, 0.2, 3)])
def test_few_groups_give_the_nearest_share_and_at_least_one(n, share, expected) -> None:
    groups = np.arange(n) // 3 if n == 9 else None
    assert len(held_out(n, share, 0, groups=groups)[1]) == expected


def test_every_stratum_keeps_its_share() -> None:
    strata = ["common"] * 900 + ["rare"] * 90 + [f"single {i}" for i in range(10)]
    _, valid = held_out(1000, 0.2, 0, strata=strata)
    held = [strata[i] for i in valid]
    assert held.count("common") == 180
    assert held.count("rare") == 18
    assert len(held) == 200


def test_the_draw_is_a_function_of_the_seed() -> None:
    assert np.array_equal(held_out(100, 0.3, 1)[1], held_out(100, 0.3, 1)[1])
    assert not np.array_equal(held_out(100, 0.3, 1)[1], held_out(100, 0.3, 2)[1])


@pytest.mark.parametrize(
    ("groups", "share", "said"),
    [(["only"] * 50, 0.2, "got 1 groups of up to 50 of 50 rows"), (None, 1.2, "got share=1.2")],
)
def test_a_share_that_cannot_be_held_out_is_refused(groups, share, said) -> None:
    with pytest.raises(ValueError, match=said):
        held_out(50, share, 0, groups=groups)


def test_rows_that_a_pretrained_model_was_trained_on_are_not_held_out() -> None:
    groups = np.arange(100) // 2  # one row of each of the first 20 groups is known
    trained_on = np.isin(np.arange(100), np.arange(0, 40, 2))
    train, valid = held_out(100, 0.2, 0, groups=groups, trained_on=trained_on)
    assert len(valid) == 20
    assert valid.min() >= 40
    assert sorted([*train, *valid]) == list(range(100))
    with pytest.raises(ValueError, match="got 100 that it was trained on"):
        held_out(100, 0.2, 0, trained_on=np.ones(100, bool))


def test_every_class_of_two_or_more_rows_gives_one_to_validate_on() -> None:
    classes = np.array([0] * 50 + [1] * 2 + [2])
    drawn = held_out_of_each(classes, 0.1, 0)
    assert np.bincount(classes[drawn], minlength=3).tolist() == [5, 1, 0]
    assert np.array_equal(drawn, held_out_of_each(classes, 0.1, 0))
    assert not np.array_equal(drawn, held_out_of_each(classes, 0.1, 1))


@pytest.mark.parametrize("sizes", [(0, 3), (3, 0)])
def test_an_empty_part_is_refused(sizes: tuple[int, int]) -> None:
    said = f"must have photos, got {sizes[0]} to train and {sizes[1]} to validate on. Add some."
    with pytest.raises(ValueError, match=said):
        require_both_parts(*sizes, rows="photos", way_out="Add some.")
    require_both_parts(3, 3, way_out="")


def test_a_cut_off_sketch_says_of_no_row_beyond_it_that_it_is_new() -> None:
    known, new = content_hashes(range(50_000)), content_hashes(range(100_000, 101_000))
    small, cut_off = SeenRows.of(known[:100]), SeenRows.of(known)
    assert small.contains(known[:200]).tolist() == [True] * 100 + [False] * 100
    assert cut_off.contains(known).all()
    assert 0 < (~cut_off.contains(new)).sum() < 1000


def test_a_model_tells_which_share_of_rows_it_was_trained_on() -> None:
    seen = SeenRows.of(content_hashes(range(50_000)))
    assert len(seen.hashes) == SKETCH_SIZE
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


def test_a_column_that_marks_parts_is_told_of_unless_it_is_used() -> None:
    table = pd.DataFrame({"x": range(3), "split": ["Train ", "val", "test"]})
    with pytest.warns(UserWarning, match="got a column 'split' that marks test, train, val"):
        warn_of_marked_parts(table, ["x"])
    warn_of_marked_parts(table, ["split"])
    warn_of_marked_parts(table.assign(split=["train", "bus", "train"]), [])
    warn_of_marked_parts(table.assign(split="train"), [])
    warn_of_marked_parts(table.assign(split=["valid", "test", "test"]), [])


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


def test_content_hashes_are_those_of_every_artifact_so_far() -> None:
    hashes = content_hashes(["a text", 3, ("1", 1.0), None]).tolist()
    assert hashes[:2] == [8722198475935230680, 4982723058291715516]
    assert hashes[2:] == [6069423880686824698, 14621344478382084487]
    assert SKETCH_SIZE == 128 * 1024 // 8


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
