from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from zoo.core.contents import content_hashes
from zoo.core.split import (
    held_out,
    held_out_of_each,
    require_both_parts,
    require_disjoint,
    warn_of_marked_parts,
)


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


def test_a_column_that_marks_parts_is_told_of_unless_it_is_used() -> None:
    table = pd.DataFrame({"x": range(3), "split": ["Train ", "val", "test"]})
    with pytest.warns(UserWarning, match="got a column 'split' that marks test, train, val"):
        warn_of_marked_parts(table, ["x"])
    warn_of_marked_parts(table, ["split"])
    warn_of_marked_parts(table.assign(split=["train", "bus", "train"]), [])
    warn_of_marked_parts(table.assign(split="train"), [])
    warn_of_marked_parts(table.assign(split=["valid", "test", "test"]), [])
