"""Which rows a model was trained on, as its artifact remembers them, and which others are new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zoo.core.contents import Hashes
from zoo.core.messages import warn

SKETCH_SIZE: Final = 16_384  # hashes that `SeenRows` keeps, 128 KB
TELLING: Final = 20  # rows of which a sketch must know something to tell of all
TOLERABLE_SHARE: Final = 0.05  # of trained-on rows in a scored table; copies exist in honest data


@dataclass(frozen=True, eq=False)
class SeenRows:
    """Which rows a model was trained on, as a sketch of their content hashes.

    The smallest hashes are kept (bottom-k: Cohen & Kaplan 2007, "Summarizing data using bottom-k
    sketches"); since hashes are uniform, they tell of the whole set. A sketch holds no row, but
    whoever has a row can ask whether it was trained on.

    Attributes:
        hashes: smallest content hashes, sorted, each once. Shape: (k,) with k <= SKETCH_SIZE.
        n: number of training rows.
    """

    hashes: Hashes
    n: int

    @classmethod
    def of(cls, hashes: Hashes, earlier: SeenRows | None = None) -> SeenRows:
        """The sketch of a training part.

        Args:
            hashes: content hashes of the training rows. Shape: (n,)
            earlier: rows that the pretrained model had been trained on.
        """
        if earlier is None:
            return cls(np.unique(hashes)[:SKETCH_SIZE], len(hashes))
        both = np.union1d(hashes, earlier.hashes)
        if earlier.is_cut_off:
            both = both[both <= earlier.hashes[-1]]
        return cls(both[:SKETCH_SIZE], len(hashes) + earlier.n)

    @classmethod
    def joined(cls, sketches: Sequence[SeenRows]) -> SeenRows:
        """The sketch of the rows that any of several models was trained on.

        Args:
            sketches: one or more; `n` counts a row once for each.
        """
        hashes = np.unique(np.concatenate([sketch.hashes for sketch in sketches]))
        for last in [sketch.hashes[-1] for sketch in sketches if sketch.is_cut_off]:
            hashes = hashes[hashes <= last]
        return cls(hashes[:SKETCH_SIZE], sum(sketch.n for sketch in sketches))

    @property
    def is_cut_off(self) -> bool:
        """Whether there were more hashes than a sketch keeps."""
        return len(self.hashes) == SKETCH_SIZE and self.n > SKETCH_SIZE

    def contains(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Whether the model was trained on each row, or may have been where a sketch is cut off.

        Args:
            hashes: content hashes of the rows in question. Shape: (n,)
        """
        known = np.isin(hashes, self.hashes)
        return known | (hashes > self.hashes[-1]) if self.is_cut_off else known

    def certain(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Whether the model was certainly trained on each row. Shape: (n,) both."""
        return np.isin(hashes, self.hashes)

    def sample_size(self, hashes: Hashes) -> int:
        """How many of these rows a sketch can tell of: where it is cut off, those of low hashes."""
        return int((hashes <= self.hashes[-1]).sum()) if self.is_cut_off else TELLING

    def share(self, hashes: Hashes) -> float:
        """Estimate which share of rows the model was trained on, 0..1.

        Args:
            hashes: content hashes of the rows in question.
        """
        sample = hashes[hashes <= self.hashes[-1]] if self.is_cut_off else hashes
        return float(np.isin(sample, self.hashes).mean()) if len(sample) else 0.0


def new_rows(
    hashes: Hashes, earlier: SeenRows | None, *, rows: str, drawn: bool
) -> NDArray[np.bool_]:
    """Which rows to validate on are new to the pretrained model; a warning tells of the others.

    A few known ones are let pass: copies exist in honest data.

    Args:
        hashes: content hashes of the rows. Shape: (n,)
        earlier: rows that the model was trained on; None if there is no such model.
        rows: what rows are called, such as "texts".
        drawn: whether they were drawn; where all are known, there is no score then.

    Raises:
        ValueError: rows that were stated are all known, or nobody knows which are.
    """
    everything = np.ones(len(hashes), bool)
    if earlier is None or not everything.any():
        return everything
    share = earlier.share(hashes)
    if earlier.sample_size(hashes) < TELLING and share <= TOLERABLE_SHARE:
        warn(
            f"validation {rows} must be new to the pretrained model, which remembers a sample of "
            f"its {earlier.n:,} {rows}: too few of {len(hashes)} could be told. Give valid=... if "
            "it was trained on some."
        )
    if share <= TOLERABLE_SHARE:
        return everything
    is_new = ~earlier.contains(hashes)
    rule = f"validation {rows} must be new to the pretrained model, got"
    if not drawn and (earlier.is_cut_off or not is_new.any()):
        raise ValueError(f"{rule} about {share:.0%} that it was trained on. Pass others as valid.")
    if is_new.any():
        n = int((~is_new).sum())
        warn(f"{rule} {n} of {len(hashes)} that it was trained on. They are left out.")
    else:
        warn(
            f"{rule} about {share:.0%} that it was trained on, so that there is no score. Pass "
            "others as valid, or go on from train(..., refit=False) with the same data and seed."
        )
    return is_new
