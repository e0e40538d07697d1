"""Which class each value of a mask is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from zoo.vision.segmentation.mask_values import (
    MaskValues,
    check_values,
    numbered,
    settled,
    value_counts,
)


def counts(*values: int, times: int = 10) -> np.ndarray:
    return np.bincount(np.repeat(values, times), minlength=256)


@pytest.mark.parametrize(
    ("values", "classes", "mapping", "ignore"),
    [
        ((0, 1), ("0", "1"), None, None),
        ((0, 255), ("0", "255"), (0, 255), None),
        ((0, 100, 200), ("0", "100", "200"), (0, 100, 200), None),
        ((0, 127, 255), ("0", "127", "255"), (0, 127, 255), None),
        ((1, 2, 3), ("0", "1", "2", "3"), None, None),  # a gap of one is no other numbering
        (tuple(range(0, 21)), tuple(map(str, range(21))), None, None),
        ((*range(21), 255), tuple(map(str, range(21))), None, 255),
        ((0, 1, 255), ("0", "1"), None, 255),
    ],
)
def test_values_without_names_are_classes_or_void(
    values: Sequence[int], classes: tuple[str, ...], mapping: object, ignore: int | None
) -> None:
    found = settled(counts(*values), None, None)
    assert (found.classes, found.values, found.ignore) == (classes, mapping, ignore)
    assert found.is_guessed == (ignore is not None)


@pytest.mark.parametrize(
    ("values", "names", "ignore", "mapping", "ignored"),
    [
        ((0, 255), ("ground", "cat"), None, (0, 255), None),
        ((1, 2, 3), ("pet", "ground", "edge"), None, (1, 2, 3), None),
        ((1, 2, 3, 0), ("pet", "ground", "edge"), 0, (1, 2, 3), 0),
        ((0, 1, 255), ("a", "b", "c"), None, (0, 1, 255), None),  # three names for three values
        ((0, 1, 255), ("a", "b"), None, None, 255),
        ((0, 3, 255), ("a", "b", "c", "d", "e", "f"), None, None, 255),
        ((0, 2), ("a", "b", "c"), None, None, None),  # a class that is not in these masks
        ((0, 1, 9), ("a", "b"), 9, None, 9),
    ],
)
def test_names_are_of_numbers_or_of_values_in_order(
    values: Sequence[int], names: tuple[str, ...], ignore: int | None, mapping: object,
    ignored: int | None,
) -> None:  # fmt: skip
    found = settled(counts(*values), names, ignore)
    assert (found.classes, found.values, found.ignore) == (names, mapping, ignored)


def test_values_of_no_class_are_refused() -> None:
    with pytest.raises(ValueError, match=r"got \[9\] with n_classes=3 and ignore=None"):
        settled(counts(0, 1, 2, 9), ("a", "b", "c"), None)
    with pytest.raises(ValueError, match=r"leave two classes .*, got ignore=255 beside 0\."):
        settled(counts(0, 255), None, 255)
    with pytest.raises(ValueError, match="got ignore=7 beside no other value"):
        settled(counts(7), None, 7)
    known = settled(counts(0, 255), None, None)
    with pytest.raises(ValueError, match=r"got \[128\]"):
        check_values(counts(0, 128), known)


def test_smoothed_masks_are_no_256_classes() -> None:
    smooth = counts(*range(256), times=1) + counts(0, 255, times=1000)
    for names in (None, ("ground", "cat")):
        with pytest.raises(ValueError, match=r"got 256 values .* edges are smoothed"):
            settled(smooth, names, None)
    assert len(settled(counts(*range(256)), None, None).classes) == 256


def test_masks_become_numbers_of_classes_and_void() -> None:
    masks = np.array([[[0, 100], [200, 7]]], np.uint8)
    assert numbered(masks, (0, 100, 200), 7).tolist() == [[[0, 1], [2, 255]]]
    assert numbered(masks, None, 7) is masks
    assert value_counts(masks).nonzero()[0].tolist() == [0, 7, 100, 200]


def test_values_are_told_with_their_shares() -> None:
    known = MaskValues(("ground", "cat"), None, 255)
    told = known.describe(counts(0) + counts(1, times=5) + counts(255, times=5))
    assert told == "0 is ground (50.0 %), 1 is cat (25.0 %), 255 is ignored (25.0 %)"
