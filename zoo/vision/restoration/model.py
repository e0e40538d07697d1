"""The model of restoration, which undoes what has made photos worse."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Unpack, overload

import numpy as np
from PIL import Image

from zoo.core.export import How
from zoo.core.task import Task
from zoo.vision.data.contents import file_hashes, readable_rows
from zoo.vision.data.inputs import Many, OnePhoto, Photos, listed, opened
from zoo.vision.data.photo_lists import photo_list
from zoo.vision.data.pixel_file import Pixels
from zoo.vision.restoration.spec import DegradedPhotos, RestorationSpec, enlarged, task_of
from zoo.vision.restoration.tiles import in_tiles
from zoo.vision.unet.model import PhotoPainter


class PhotoRestorer(PhotoPainter[RestorationSpec]):
    """A model that enlarges photos and undoes their compression.

    Attributes:
        spec: what was undone in training.
        history: the record of the training.
        metrics: scores on the validation part.
        licence: the licence of the weights, for the card.
    """

    task = "restoration"
    output = "restored"

    def __repr__(self) -> str:
        return f"<U-Net on {self.members[0].name} that restores photos; {self._scored}>"

    @overload
    def predict(self, photos: OnePhoto) -> Image.Image: ...

    @overload
    def predict(self, photos: Many) -> list[Image.Image]: ...

    @overload
    def predict(self, photos: Photos) -> Image.Image | list[Image.Image]: ...

    def predict(self, photos: Any) -> Image.Image | list[Image.Image]:
        """A photo restored, `spec.scale` times as large, as a Pillow image; a list for several.

        Large photos pass in overlapping tiles (see `zoo.vision.restoration.tiles`), so that memory
        is bounded.

        Args:
            photos: as for `PhotoModel.predict`.

        Raises:
            UnreadableImage: a file is missing or no image.
            ValueError: a folder holds no photos, pixels are out of range, or a photo is smaller
                than the backbone takes.
        """
        several, inputs = listed(photos)
        pictures = []
        for i, photo in enumerate(inputs):
            small = opened(photo, i)
            size = small.width * self.spec.scale, small.height * self.spec.scale
            pixels = np.asarray(enlarged(small, size))
            pictures.append(Image.fromarray(in_tiles(self._restored, pixels)))
        return pictures if several else pictures[0]

    def _restored(self, pixels: Pixels) -> Pixels:
        """A photo's enlarged pixels, restored. Shape: (H, W, 3) each."""
        drawn = self._draw(pixels[None])[0].permute(1, 2, 0).mul(255).round()
        restored: Pixels = drawn.byte().numpy()
        return restored

    def evaluate(
        self, photos: Any = None, *, size: int = 128, batch_size: int = 8
    ) -> dict[str, float]:
        """PSNR and SSIM of photos that are degraded as in training, then restored.

        Each is the mean of the photos' own; PSNR of a photo without any error counts 100 dB.

        Args:
            photos: good photos: a folder, or a list of paths; None gives the scores on the
                validation part of the training.
            size: side in pixels of the square that is cut from the middle of each.
            batch_size: photos that pass through the model at a time.

        Raises:
            ValueError: there are no photos.
        """
        pairs = None
        if photos is not None:
            listing = photo_list(photos)
            paths = [listing[i] for i in readable_rows(listing, self.run.n_threads)]
            hashes = file_hashes(paths, self.run.n_threads)
            self._warn_of_seen_rows(hashes)
            pairs = DegradedPhotos(paths, size, self.spec, hashes)
        return self._evaluate(pairs, batch_size)

    def export(
        self,
        path: str | os.PathLike[str],
        *,
        shape: tuple[int, int] | None = None,
        **how: Unpack[How],
    ) -> Path:
        """Write a file from enlarged photos, uint8 (B, H, W, 3), to (B, 3, H, W).

        Args:
            path: the file to write.
            shape: height and width of the photos, enlarged; None takes those of training.
            **how: see `Model.export`.

        Raises:
            ModuleNotFoundError: a package that it needs is not installed.
            ValueError: the options are none, or do not go together.
        """
        return self._export_at(path, shape or self.members[0].shape, how)

    def _image(self, answer: Image.Image) -> Image.Image:
        return answer

    def _example(self) -> str:
        return 'model.predict("small.jpg").save("restored.png")'

    def _task(self) -> Task:
        return task_of()
