"""What data hold before anything is decoded: photos with their labels, in one or two parts."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Subset

from zoo.core.contents import Hashes
from zoo.core.split import Rows
from zoo.vision.data.images import deepest_white, usual_short_side
from zoo.vision.option_names import TaskName


@dataclass(frozen=True)
class Photos:
    """Photos with their labels, before any of them is decoded.

    Attributes:
        source: paths of files, or a map-style data set of (image, label).
        labels: numbers of `classes`, int64; or as `zoo.vision.data.labels.encoded` gives several
            labels or numbers. Shape: (n,) or (n, n_classes).
        classes: sorted names; none of numbers.
        task: what is asked of a photo.
        hashes: content of the images, where it is known before they are decoded. Shape: (n,).
        rows: number of each among all of the user's photos, in their order. Shape: (n,).
        groups: number of the group that each belongs to, if they have groups. Shape: (n,).
    """

    source: Any
    labels: NDArray[Any]
    classes: tuple[str, ...]
    task: TaskName = "classification"
    hashes: Hashes | None = None
    rows: Rows | None = None
    groups: Rows | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def paths(self) -> list[Path]:
        """The paths of files; none of a data set."""
        return self.source if isinstance(self.source, list) else []

    def take(self, rows: Iterable[int]) -> Photos:
        """The photos of these rows, in that order."""
        chosen = [int(row) for row in rows]
        source: Any = self.source
        source = [source[i] for i in chosen] if isinstance(source, list) else Subset(source, chosen)
        hashes = None if self.hashes is None else self.hashes[chosen]
        rows = np.array(chosen, np.int64) if self.rows is None else self.rows[chosen]
        groups = None if self.groups is None else self.groups[chosen]
        facts: dict[str, Any] = {"hashes": hashes, "rows": rows, "groups": groups}
        return replace(self, source=source, labels=self.labels[chosen], **facts)


@dataclass(frozen=True)
class Listing:
    """What data hold: photos to train on, and those to validate on.

    Attributes:
        train: photos to train on.
        valid: photos to validate on; None to train on everything.
        drawn: whether the parts were drawn, not stated by the data.
        names: what the user calls each of the photos that parts were drawn from; None otherwise.
    """

    train: Photos
    valid: Photos | None
    drawn: bool = False
    names: Sequence[Hashable] | None = None

    @property
    def parts(self) -> list[Photos]:
        """The parts that there are, the training part first."""
        return [self.train] if self.valid is None else [self.train, self.valid]

    @property
    def paths(self) -> list[Path]:
        """All paths, those of training first."""
        return [path for part in self.parts for path in part.paths]

    @property
    def labels(self) -> NDArray[Any]:
        """All labels, those of training first."""
        return np.concatenate([part.labels for part in self.parts])

    @property
    def short_side(self) -> int | None:
        """Shorter side of a usual photo, in pixels; None for a data set."""
        return usual_short_side(self.train.paths) if self.train.paths else None

    @property
    def white(self) -> int | None:
        """Grey of 16 bits that is white in the photos; None for others and for a data set."""
        return deepest_white(self.train.paths) if self.train.paths else None
