"""A trained model that says of every pixel of a photo what it shows: predict, evaluate, save."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.core.task import Task
from zoo.vision.given import Photo, listed, opened
from zoo.vision.masks import find_masks, open_masks, stretched
from zoo.vision.painter import PhotoPainter
from zoo.vision.segments import Segmentation, check_labels, likeliest, task_of


class PhotoSegmenter(PhotoPainter):
    """A model that tells what every pixel of a photo shows.

    Attributes:
        spec: classes, shape and normalisation.
        history: the record of the training.
        metrics: scores on the validation part.
        licence: of the weights, for the card.
    """

    task = "segmentation"
    output = "probabilities"

    def __repr__(self) -> str:
        n = len(self.spec.classes)
        return f"<U-Net on {self.members[0].name} for {n} classes; {self._scored}>"

    def predict(self, photos: Photo | Sequence[Photo], *, batch_size: int = 8) -> Any:
        """The `Segmentation` of a photo at its own size; a list of them for several.

        Args:
            photos: as for `PhotoModel.predict`.
            batch_size: photos that pass through the model at a time.

        Raises:
            UnreadableImage: a file is missing or no image.
            ValueError: a folder holds no photos, or pixels are out of range.
        """
        several, given = listed(photos)
        found: list[Segmentation] = []
        for first in range(0, len(given), batch_size):
            images = [opened(photo, i) for i, photo in enumerate(given[first : first + batch_size])]
            pixels = [stretched(one, self.spec.shape, self.spec.interpolation) for one in images]
            for shares, image in zip(self._draw(np.stack(pixels)), images, strict=True):
                labels = likeliest(shares, (image.height, image.width))
                found.append(Segmentation(labels, self.spec.classes))
        return found if several else found[0]

    def evaluate(self, photos: Any = None, masks: Any = None, *, batch_size: int = 8) -> Any:
        """Loss, accuracy of pixels and mean intersection over union, at the model's shape.

        Args:
            photos: a folder, or a table of paths of photos and masks; None takes the validation
                part of the training, which a loaded model does not have.
            masks: the folder of masks, with a folder of photos.
            batch_size: photos that pass through the model at a time.

        Raises:
            ValueError: there are no photos, or masks of other classes.
        """
        pairs = None
        if photos is not None:
            found = find_masks(photos, masks)
            pairs = open_masks(found, self.spec.shape, self.spec.interpolation, self.run.n_threads)
            check_labels(pairs.masks, len(self.spec.classes), self.spec.ignore)
        return self._evaluate(pairs, batch_size, "folders of photos and masks")

    def export(self, path: str | os.PathLike[str]) -> Path:
        """Write the model as an ONNX file: uint8 (B, H, W, 3) to probabilities (B, C, H, W).

        Height and width are those of `spec.shape`; see `zoo.vision.export`.

        Raises:
            ModuleNotFoundError: onnx or onnxscript is not installed.
        """
        return self._export(path, self.spec.shape)

    def _example(self) -> str:
        return 'model.predict("photo.jpg").save("mask.png")'

    def _task(self) -> Task:
        return task_of(self.spec)
