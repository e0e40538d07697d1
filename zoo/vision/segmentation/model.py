"""The model of segmentation, which says what every pixel of a photo shows."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack, overload

import numpy as np
from PIL import Image

from zoo.core.batches import require_batch_size
from zoo.core.export import How
from zoo.core.interface import Interface, Reply
from zoo.core.task import Task
from zoo.vision.data.inputs import Many, OnePhoto, Photos, listed, opened
from zoo.vision.inspect.class_map import Segmentation, likeliest
from zoo.vision.segmentation.mask_values import check_values, value_counts
from zoo.vision.segmentation.masks import find_masks, laid, open_masks, stretched
from zoo.vision.segmentation.spec import SegmentationSpec
from zoo.vision.segmentation.task import task_of
from zoo.vision.unet.model import PhotoPainter

Segmentations = Segmentation | list[Segmentation]


class PhotoSegmenter(PhotoPainter[SegmentationSpec]):
    """A model that tells what every pixel of a photo shows.

    Attributes:
        spec: classes, shape and normalisation.
        history: the record of the training.
        metrics: scores on the validation part.
        licence: the licence of the weights, for the card.
    """

    task = "segmentation"
    output = "probabilities"

    def __repr__(self) -> str:
        n = len(self.spec.classes)
        return f"<U-Net on {self.members[0].name} for {n} classes; {self._scored}>"

    @overload
    def predict(self, photos: OnePhoto, *, batch_size: int = 8) -> Segmentation: ...

    @overload
    def predict(self, photos: Many, *, batch_size: int = 8) -> list[Segmentation]: ...

    @overload
    def predict(self, photos: Photos, *, batch_size: int = 8) -> Segmentations: ...

    def predict(self, photos: Any, *, batch_size: int = 8) -> Segmentations:
        """The `Segmentation` of a photo at its own size; a list of them for several.

        Args:
            photos: as for `PhotoModel.predict`.
            batch_size: photos that pass through the model at a time.

        Raises:
            UnreadableImage: a file is missing or no image.
            ValueError: a folder holds no photos, or pixels are out of range.
        """
        require_batch_size(batch_size)
        several, inputs = listed(photos)
        maps: list[Segmentation] = []
        for first in range(0, len(inputs), batch_size):
            shapes, pixels = [], []
            for i, photo in enumerate(inputs[first : first + batch_size], start=first):
                image = opened(photo, i)  # one at a time: photos may be large
                shapes.append((image.height, image.width))
                pixels.append(stretched(image, self.spec.shape, self.spec.interpolation))
            for shares, shape in zip(self._draw(np.stack(pixels)), shapes, strict=True):
                maps.append(Segmentation(likeliest(shares, shape), self.spec.classes))
        return maps if several else maps[0]

    def evaluate(
        self,
        photos: Any = None,
        masks: Any = None,
        *,
        root: str | os.PathLike[str] | None = None,
        columns: tuple[str, str] | None = None,
        batch_size: int = 8,
    ) -> dict[str, float]:
        """Loss, accuracy of pixels and mean intersection over union, at the model's shape.

        Args:
            photos: a folder, or a table of paths of photos and masks; None gives the scores on the
                validation part of the training. Of data that mark a validation part, that part
                alone is scored.
            masks: the folder of masks, with a folder of photos.
            root: folder that a table's paths start from.
            columns: a table's columns of photos and masks; its first two otherwise.
            batch_size: photos that pass through the model at a time.

        Raises:
            ValueError: there are no photos, or masks of other classes.
        """
        pairs = None
        if photos is not None:
            spec, threads = self.spec, self.run.n_threads
            part = laid(find_masks(photos, masks, root=root, columns=columns), threads)
            if part.files.is_valid is not None:
                part = part.take(part.files.is_valid)
            masked = open_masks(part, spec.shape, spec.interpolation, threads)
            check_values(value_counts(masked.masks), spec.mask_values)
            self._warn_of_seen_rows(masked.hashes)
            pairs = masked.as_classes(spec.mask_values)
        return self._evaluate(pairs, batch_size)

    def export(self, path: str | os.PathLike[str], **how: Unpack[How]) -> Path:
        """Write a file from uint8 (B, H, W, 3) to probabilities (B, C, H, W), see `Model.export`.

        Height and width are those of `spec.shape`; see `zoo.vision.models.export`.

        Raises:
            ModuleNotFoundError: a package that it needs is not installed.
            ValueError: the options are none, or do not go together.
        """
        return self._export_at(path, self.spec.shape, how)

    def interface(self) -> Interface:
        """See `Model.interface`: the mask of a photo, and the share and colour of each class."""
        return replace(super().interface(), parts=frozenset({"picture", "shares", "html"}))

    def _reply(self, answer: Segmentation) -> Reply:
        largest = next(iter(answer.shares))
        return Reply(largest, answer.shares, answer.image().convert("RGB"), html=answer.legend())

    def _image(self, answer: Segmentation) -> Image.Image:
        return answer.image()

    def _shares(self, answer: Any, k: int) -> dict[str, Any]:
        return {"shares": dict(list(answer.shares.items())[:k])}

    def _example(self) -> str:
        return 'model.predict("photo.jpg").save("mask.png")'

    def _task(self) -> Task:
        return task_of(self.spec)
