"""The photos of a user's own map-style data set: (image, label) pairs, or rows of columns."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Subset

from zoo.core.contents import Hashes, content_hashes
from zoo.vision.data.images import Resize, Source, read
from zoo.vision.data.labels import Targets, of_items, plain
from zoo.vision.data.pixel_file import Pixels
from zoo.vision.data.tables import require_pair
from zoo.vision.option_names import TaskName

HASHED: Final = 2_000  # images up to which a data set is gone through to hash each
_SAMPLE: Final = 16  # images that tell larger data sets apart, and whose labels are looked at twice
_IMAGES, _LABELS = ("image", "img", "photo", "picture"), ("label", "labels", "class", "target")


class DatasetItems:
    """The photos of a user's own map-style data set, which returns (image, label) pairs.

    An image is one of Pillow, an array (H, W), (H, W, 3) or (H, W, 4) or a tensor (3, H, W) or
    (1, H, W), of uint8 or of floats in 0..1; normalisation is left to `PhotoBatches`. Photos are
    not cached, for the data set may draw anew each time; so a run that continues is the same only
    if the data set is a function of the index. Several threads ask it at once: one that cannot
    bear it needs `threads=1`.

    Args:
        dataset: with `__len__` and `__getitem__`.
        resize: how photos become items.
    """

    def __init__(self, dataset: Any, resize: Resize) -> None:
        self.dataset, self.resize = dataset, resize

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, i: int) -> Pixels:
        """One photo. Shape: (H, W, 3), uint8.

        Raises:
            ValueError: what the data set returns is no image.
        """
        return np.asarray(read(to_image(self.dataset[i][0], i), self.resize))

    def fingerprint(self) -> str:
        """A name for these items, from a few of them."""
        sample = map(self._hash, self._sample)
        record = (len(self), type(self.dataset).__name__, *self.resize, *sample)
        return hashlib.sha256(repr(record).encode()).hexdigest()

    def hashes(self) -> Hashes | None:
        """A hash of each image; None of a data set so large that going through it takes long."""
        if len(self) > HASHED:
            return None
        return np.array([self._hash(i) for i in range(len(self))], np.uint64)

    def labels(self, task: TaskName | None = None) -> Targets:
        """Its labels: `dataset.targets` if those are what it returns, else by going through it.

        Shape: as `zoo.vision.data.labels.encoded` gives them.
        """
        targets: Any = getattr(self.dataset, "targets", None)
        if targets is None or not self._returns(targets):
            targets = map(self._label, range(len(self)))
        labels = of_items(targets, task)
        if len(labels) != len(self):
            raise ValueError(
                f"a data set must have a label for each image, got {len(labels)} for {len(self)}. "
                "Correct its `targets`."
            )
        return labels

    def take(self, rows: NDArray[np.int64]) -> DatasetItems:
        """The items of these numbers, in that order."""
        part: Any = Subset(self.dataset, rows.tolist())
        return DatasetItems(part, self.resize)

    def _returns(self, targets: Sequence[Any]) -> bool:
        """Whether the data set returns its `targets` as they are, as far as a few rows tell."""
        if getattr(self.dataset, "target_transform", None) is not None:
            return False
        if len(targets) != len(self):
            return True  # a message says so
        return all(plain(targets[i]) == plain(self._label(i)) for i in self._sample)

    @property
    def _sample(self) -> list[int]:
        """A few rows, evenly chosen."""
        return [int(i) for i in np.linspace(0, len(self) - 1, min(len(self), _SAMPLE))]

    def _label(self, i: int) -> Any:
        pair = self.dataset[i]
        if not isinstance(pair, (tuple, list)) or len(pair) < 2:
            raise ValueError(
                f"a data set must return (image, label), got a {type(pair).__name__} for {i=}. "
                "Return a pair, or give photos as a table."
            )
        return pair[1]

    def _hash(self, i: int) -> int:
        pixels = np.asarray(read(to_image(self.dataset[i][0], i)))
        return int(content_hashes([(pixels.shape, pixels.tobytes())])[0])


class TableRows:
    """A Hugging Face data set, whose rows are mappings, as one of (image, label) pairs.

    Args:
        table: with `__len__`, `__getitem__` and perhaps `features`.
        columns: names of the columns of images and labels; None takes those whose features are an
            image and classes, else those of usual names.

    Raises:
        ValueError: no column is found.
    """

    def __init__(self, table: Any, columns: tuple[str, str] | None = None) -> None:
        self.table = table
        features: Any = getattr(table, "features", None) or table[0]
        self.image, self.label = columns or (
            _column(features, "Image", _IMAGES),
            _column(features, "ClassLabel", _LABELS),
        )
        if missing := [name for name in (self.image, self.label) if name not in features]:
            raise ValueError(
                f"rows must have a column of images and one of labels, got {missing[0]!r} for one "
                f"of {list(features)}. Name both as columns=(images, labels)."
            )
        self.targets: list[Any] = list(table[self.label]) if len(table) else []
        feature: Any = features[self.label]
        names = getattr(feature, "names", None)
        several = getattr(getattr(feature, "feature", None), "names", None)
        if several is not None:  # lists of classes
            names = several
            self.targets = [[int(i in own) for i in range(len(names))] for own in self.targets]
        if names is None and self.targets and all(isinstance(t, str) for t in self.targets):
            names = sorted(set(self.targets))
            self.targets = [names.index(target) for target in self.targets]
        self.classes: list[str] | None = None if names is None else list(names)

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, i: int) -> tuple[Any, Any]:
        image = self.table[int(i)][self.image]
        if isinstance(image, Mapping):  # not decoded: bytes, or a path alone
            image = image.get("bytes") or Path(image["path"]).read_bytes()
        return image, self.targets[i]


def as_pairs(data: Any, columns: tuple[str, str] | None = None) -> Any:
    """The data set as one of pairs; itself if its rows are no mappings.

    Raises:
        ValueError: columns are not the names of two.
    """
    if columns is not None:
        require_pair(columns)
    has_columns = hasattr(data, "column_names") and hasattr(data, "features")
    if isinstance(data, (TableRows, Mapping)) or not hasattr(data, "__len__"):
        return data
    if has_columns or (len(data) and hasattr(data, "__getitem__") and _is_row(data)):
        return TableRows(data, columns)
    return data


def to_image(value: object, i: int) -> Source:
    """An image as `read` takes it, of what a user has: photo number i, for the message.

    Raises:
        ValueError: it has other shapes or values than `DatasetItems` lists.
    """
    if isinstance(value, (Image.Image, bytes)):
        return value
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, Tensor):
        on_cpu = value.detach().cpu()
        array = (on_cpu.float() if on_cpu.dtype is torch.bfloat16 else on_cpu).numpy()
        array = array.transpose(1, 2, 0) if array.ndim == 3 else array
    else:
        array = np.asarray(value)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.dtype.kind == "f" and array.size and array.min() >= 0 and array.max() <= 1:
        array = np.rint(array * 255).astype(np.uint8)
    flat = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if array.dtype != np.uint8 or not flat or array.size == 0:
        raise ValueError(
            "an image must have pixels of uint8 or floats in 0..1, not yet normalised, as an array "
            f"(H, W) or (H, W, 3) or a tensor (3, H, W), got {type(value).__name__} of "
            f"{array.shape=}, {array.dtype=} for {i=}. Leave normalisation to zoo."
        )
    return Image.fromarray(array)


def _is_row(data: Any) -> bool:
    try:
        return isinstance(data[0], Mapping)
    except (LookupError, TypeError):
        return False


def _column(features: Mapping[str, Any], kind: str, usual: Sequence[str]) -> str:
    """The column of a kind of feature, else one of a usual name, else the first usual name."""
    of_kind = [name for name in features if type(features[name]).__name__ == kind]
    return [*of_kind, *(name for name in usual if name in features), usual[0]][0]
