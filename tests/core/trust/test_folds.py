"""Folds hold each row out once, keep groups together and spread classes."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.core.trust.folds import Fold, rows_of_fold


def held_out(k: int, n: int, **more: object) -> list[np.ndarray]:
    parts = [rows_of_fold(Fold(i, k), n, 3, **more) for i in range(k)]  # type: ignore[arg-type]
    for train, valid in parts:
        assert not np.isin(valid, train).any()
    return [valid for _, valid in parts]


def test_each_row_is_held_out_once_in_folds_of_like_size() -> None:
    folds = held_out(3, 11)
    assert sorted(np.concatenate(folds)) == list(range(11))
    assert sorted(map(len, folds)) == [3, 4, 4]


def test_classes_are_spread_and_a_single_row_of_one_always_trains() -> None:
    strata = ["a"] * 10 + ["b"] * 5 + ["c"]
    folds = held_out(5, 16, strata=strata)
    assert all(sorted(strata[i] for i in fold) == ["a", "a", "b"] for fold in folds)
    train, _ = rows_of_fold(Fold(0, 5), 16, 3, strata=strata)
    assert 15 in train


def test_groups_stay_together_the_largest_first() -> None:
    groups = [0] * 6 + [1] * 2 + [2] * 2 + [3] * 2
    folds = held_out(2, 12, groups=groups)
    assert sorted(map(len, folds)) == [6, 6]
    assert all(
        len({*folds[0]} & {*np.flatnonzero(np.array(groups) == g)})
        in (0, sum(one == g for one in groups))
        for g in range(4)
    )


def test_groups_that_span_classes_stay_whole_and_the_only_one_of_a_class_trains() -> None:
    groups = [0, 0, 1, 1, 2, 2, 3, 3]
    strata = ["a", "b", "a", "b", "a", "b", "a", "c"]
    folds = held_out(3, 8, groups=groups, strata=strata)
    assert sorted(np.concatenate(folds)) == [0, 1, 2, 3, 4, 5]
    assert all(sorted(fold) == [2 * (fold[0] // 2), 2 * (fold[0] // 2) + 1] for fold in folds)


def test_by_time_the_past_trains() -> None:
    times = np.array([5, 1, 4, 2, 3, 6, 7, 8])
    for i in range(3):
        train, valid = rows_of_fold(Fold(i, 3), 8, 0, times=times)
        assert times[train].max() < times[valid].min()
    with pytest.raises(ValueError, match="got folds=3 for 2 moments"):
        rows_of_fold(Fold(0, 3), 8, 0, times=np.array([1, 1, 1, 1, 1, 1, 1, 2]))


@pytest.mark.parametrize(
    ("fold", "more", "says"),
    [
        (Fold(5, 5), {}, r"got \(5, 5\)"),
        (Fold(0, 1), {}, r"got \(0, 1\)"),
        (Fold(0, 5), {}, "got folds=5 for 4"),
        (Fold(0, 3), {"groups": [1, 1, 2, 2]}, "groups of rows each, got folds=3 for 2"),
        (Fold(0, 3), {"strata": [1, 1, 2, 3]}, "folds=3 for 4, 2 of which are the only one of a"),
    ],
)
def test_folds_that_there_are_not(fold: Fold, more: dict[str, list[int]], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        rows_of_fold(fold, 4, 0, **more)
