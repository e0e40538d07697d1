"""Which class each pixel value of a mask is: numbers from 0 as they are, other values in order.

Masks of 0 and 255 have two classes, those of 0, 100 and 200 three. 255 beside classes that are
numbered from 0 marks pixels that count for nothing ("void"), as in Pascal VOC and Cityscapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zoo.core.messages import few

VOID: Final = 255  # the usual number of pixels that count for nothing
MOST_VALUES: Final = 256  # that eight bits tell apart
SMOOTH: Final = 64  # different values from which on masks of black and white have smoothed edges
BLACK_AND_WHITE: Final = 0.8  # share of the pixels that are 0 or 255 in such masks


@dataclass(frozen=True)
class MaskValues:
    """The classes of masks.

    Attributes:
        classes: their names.
        values: pixel value of each class; None where it is the class's number.
        ignore: pixel value that counts for nothing; None if all count.
        is_guessed: whether `ignore` was concluded from the values, not stated by the user.
    """

    classes: tuple[str, ...]
    values: tuple[int, ...] | None = None
    ignore: int | None = None
    is_guessed: bool = False

    def describe(self, counts: NDArray[np.int64]) -> str:
        """Each value, the class that it is, and its share of the pixels.

        Args:
            counts: how often each value occurs. Shape: (256,)

        >>> MaskValues(("ground", "cat"), (0, 255)).describe(np.bincount([0, 0, 0, 255]))
        '0 is ground (75.0 %), 255 is cat (25.0 %)'
        """
        known = range(len(self.classes)) if self.values is None else self.values
        names = dict(zip(known, self.classes, strict=True))
        if self.ignore is not None:
            names[self.ignore] = "ignored"
        shares = 100 * counts / counts.sum()
        return ", ".join(
            f"{value} is {names.get(value, 'no class')} ({shares[value]:.1f} %)"
            for value in np.flatnonzero(counts).tolist()
        )


def value_counts(masks: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each value occurs. Shape: (256,)."""
    counts = np.zeros(MOST_VALUES, np.int64)
    for mask in masks:  # bincount would make eight bytes of each pixel at once
        counts += np.bincount(mask.ravel(), minlength=MOST_VALUES)
    return counts


def settled(
    counts: NDArray[np.int64], classes: Sequence[str | int] | None, ignore: int | None
) -> MaskValues:
    """The classes that masks have, with the user's names and ignored value if any.

    Args:
        counts: how often each value occurs in all masks of the data. Shape: (256,)
        classes: names; None names each class by its value.
        ignore: pixel value that counts for nothing; None takes 255 beside classes numbered from 0.

    Raises:
        ValueError: values beyond the names, fewer than two classes, or smoothed edges.
    """
    values = [int(value) for value in np.flatnonzero(counts) if value != ignore]
    if len(values) > SMOOTH and counts[[0, 255]].sum() > BLACK_AND_WHITE * counts.sum():
        raise ValueError(
            f"each pixel of a mask must be one class, got {len(values)} values in masks of black "
            "and white: their edges are smoothed. Export them without smoothing, or make every "
            "pixel 0 or 255 (value >= 128)."
        )
    if ignore is not None and len(values) < 2:
        raise ValueError(
            "ignore must leave two classes or more in the masks, got "
            f"{ignore=} beside {few(values) or 'no other value'}. Leave it out, or name another."
        )
    guessed = ignore is None and _is_void(values, classes)
    if guessed:
        ignore = VOID
        values.remove(VOID)
    names: Sequence[object] = classes or ()
    if classes is None:
        in_order = _is_sparse(values)
        names = values if in_order else range(max(values, default=-1) + 1)
    else:
        from_one = values == list(range(1, len(names) + 1))
        in_order = len(values) == len(names) and (_is_sparse(values) or from_one)
    stated = tuple(values) if in_order else None
    mask_values = MaskValues(tuple(map(str, names)), stated, ignore, guessed)
    check_values(counts, mask_values)
    return mask_values


def check_values(counts: NDArray[np.int64], mask_values: MaskValues) -> None:
    """Refuse masks with values of no class.

    Args:
        counts: how often each value occurs. Shape: (256,)
        mask_values: the classes.

    Raises:
        ValueError: there are such, or no pixel counts.
    """
    ignore, n_classes = mask_values.ignore, len(mask_values.classes)
    allowed = range(n_classes) if mask_values.values is None else mask_values.values
    values = [int(value) for value in np.flatnonzero(counts) if value != ignore]
    wrong = [value for value in values if value not in allowed]
    if wrong or not values or n_classes < 2:
        raise ValueError(
            f"the pixels of masks must number two or more classes from 0, got {wrong or values} "
            f"with {n_classes=} and {ignore=}. Name more classes, or the number to ignore."
        )


def numbered(
    masks: NDArray[np.uint8], values: Sequence[int] | None, ignore: int | None
) -> NDArray[np.uint8]:
    """Masks whose pixels are numbers of classes, and `VOID` where they do not count.

    >>> numbered(np.array([[0, 100, 7]], np.uint8), (0, 100), 7).tolist()
    [[0, 1, 255]]
    """
    if values is None:
        return masks
    table = np.full(MOST_VALUES, VOID, np.uint8)
    table[list(values)] = np.arange(len(values))
    if ignore is not None:
        table[ignore] = VOID
    return np.asarray(table[masks])


def _is_sparse(values: Sequence[int]) -> bool:
    """Whether fewer than half of the numbers up to the largest value occur."""
    return len(values) > 1 and len(values) < (max(values) + 1) / 2


def _is_void(values: Sequence[int], classes: Sequence[object] | None) -> bool:
    """Whether 255 lies beside two or more classes that are numbered from 0, closely."""
    others = [value for value in values if value != VOID]
    is_beside = VOID in values and len(others) >= 2 and max(others) < VOID - 1
    may_be = classes is None or (len(classes) <= VOID and len(classes) != len(values))
    return is_beside and may_be and not _is_sparse(others)
