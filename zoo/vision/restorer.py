"""A trained model that undoes what has made photos worse: predict, evaluate, save."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zoo.core.task import Task
from zoo.vision.degraded import DegradedPhotos, enlarged, task_of
from zoo.vision.given import Photo, listed, opened
from zoo.vision.painter import PhotoPainter
from zoo.vision.photo_lists import photo_list


class PhotoRestorer(PhotoPainter):
    """A model that enlarges photos and undoes their compression.

    Attributes:
        spec: what was undone in training.
        history: the record of the training.
        metrics: scores on the validation part.
        licence: of the weights, for the card.
    """

    task = "restoration"
    output = "restored"

    def __repr__(self) -> str:
        return f"<U-Net on {self.members[0].name} that restores photos; {self._scored}>"

    def predict(self, photos: Photo | Sequence[Photo]) -> Any:
        """A photo restored, `spec.scale` times as large, as a Pillow image; a list for several.

        Args:
            photos: as for `PhotoModel.predict`.

        Raises:
            UnreadableImage: a file is missing or no image.
            ValueError: a folder holds no photos, pixels are out of range, or a photo is smaller
                than the backbone takes.
        """
        several, given = listed(photos)
        found = []
        for i, photo in enumerate(given):
            small = opened(photo, i)
            size = small.width * self.spec.scale, small.height * self.spec.scale
            pixels = np.asarray(enlarged(small, size))[None]
            drawn = self._draw(pixels)[0].permute(1, 2, 0).mul(255).round()
            found.append(Image.fromarray(drawn.byte().numpy()))
        return found if several else found[0]

    def evaluate(self, photos: Any = None, *, size: int = 128, batch_size: int = 8) -> Any:
        """PSNR and SSIM of photos that are degraded as in training, then restored.

        Args:
            photos: good ones: a folder, or a list of paths; None takes the validation part of the
                training, which a loaded model does not have.
            size: pixels of the side of the square that is cut from the middle of each.
            batch_size: photos that pass through the model at a time.

        Raises:
            ValueError: there are no photos.
        """
        pairs = None
        if photos is not None:
            pairs = DegradedPhotos(photo_list(photos), size, self.spec)
        return self._evaluate(pairs, batch_size, "a folder")

    def export(self, path: str | os.PathLike[str], *, shape: tuple[int, int] | None = None) -> Path:
        """Write the model as an ONNX file: enlarged photos, uint8 (B, H, W, 3), to (B, 3, H, W).

        Args:
            path: of the file.
            shape: height and width of the photos, enlarged; None takes those of training.

        Raises:
            ModuleNotFoundError: onnx or onnxscript is not installed.
        """
        return self._export(path, shape or self.members[0].shape)

    def _example(self) -> str:
        return 'model.predict("small.jpg").save("restored.png")'

    def _task(self) -> Task:
        return task_of()
