"""The common part of models that draw a picture from a photo, by one U-Net or several."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic

import torch
from PIL import Image
from torch import Tensor

from zoo.core.batches import Batch, S
from zoo.core.config import Config
from zoo.core.export import How
from zoo.core.interface import Field, Interface, Part, Reply
from zoo.core.messages import warn
from zoo.core.model import Model
from zoo.core.output_places import output_folder
from zoo.hub.mixin import HubMixin
from zoo.vision.data.images import UnreadableImage
from zoo.vision.data.pixel_file import Pixels
from zoo.vision.inspect.drawings import places
from zoo.vision.unet.network import Shape, UNet, unet_of
from zoo.vision.unet.pairs import Pairs, pair_batches, standardised


class PhotoPainter(HubMixin, Model[UNet, S], Generic[S]):
    """A model that draws a picture from a photo: what its pixels show, or a better photo.

    Attributes:
        task: the name that the artifact gives to what is drawn.
        output: the name that ONNX gives to it.
    """

    domain = "vision"
    layout = torch.channels_last
    task: ClassVar[str]
    output: ClassVar[str]

    def __init__(self, members: Sequence[UNet], spec: S, **record: Any) -> None:
        super().__init__(members, spec, **({"licence": members[0].licence} | record))

    def records(
        self, files: Sequence[Path], *, k: int = 1, out: str | os.PathLike[str] = "drawn"
    ) -> Iterator[dict[str, Any]]:
        """See `Model.records`: each photo's picture is written to a new PNG file.

        Args:
            files: photos, or folders of them; broken ones in folders are left out with a warning.
            k: number of largest classes whose shares of the photo are listed.
            out: folder of the pictures, in which nothing is ever written over.

        Raises:
            FileExistsError: a file is there already.
        """
        for photo, picture in places(files, Path(out)).items():
            try:
                answer = self.predict(photo)
            except UnreadableImage as error:
                if photo in files:
                    raise
                warn(f"{error}; it is left out")
                continue
            output_folder(picture.parent)
            with picture.open("xb") as file:  # never over a file, even one that came since
                self._image(answer).save(file, "PNG")
            yield {"file": str(photo), "picture": str(picture), **self._shares(answer, k)}

    def interface(self) -> Interface:
        """See `Model.interface`: from a photo to a picture."""
        parts: frozenset[Part] = frozenset({"picture"})
        return Interface(
            (Field("photo", "photo"),), lambda photo: self._reply(self.predict(photo)), parts
        )

    def _reply(self, answer: Any) -> Reply:
        """What a page shows of an answer."""
        image = self._image(answer)
        return Reply(f"{image.width} x {image.height} pixels", picture=image)

    @abstractmethod
    def _image(self, answer: Any) -> Image.Image:
        """What `predict` gives for a photo, as a picture."""

    def _shares(self, answer: Any, k: int) -> dict[str, Any]:
        """What a record tells of an answer beside its picture."""
        return {}

    def _draw(self, photos: Pixels) -> Tensor:
        """The decoded outputs for photos, on the CPU.

        Shape: photos: (B, H, W, 3), uint8. Result: (B, C, H, W), float32.
        """
        shown = self.members[0].preprocessing
        x = torch.tensor(photos).permute(0, 3, 1, 2).float().mul_(1 / 255)
        x = standardised(x, shown.mean, shown.std)
        batch = Batch((x,), torch.zeros(len(x)))
        return next(self._placed.predict([batch], self._task())).mean.cpu()

    def _evaluate(self, pairs: Pairs | None, batch_size: int) -> dict[str, float]:
        """Loss and metrics over pairs, or those of the validation part."""
        if pairs is None:
            return self._validation_scores()
        shown = self.members[0].preprocessing
        return self._scores(pair_batches(pairs, shown, self.run, batch_size))

    def _export_at(self, path: str | os.PathLike[str], shape: Shape, how: How) -> Path:
        from zoo.vision.models.export import program_of

        facts = {"task": self.task}
        program = program_of(self._placed, self.spec, self._task(), shape, self.output, facts=facts)
        return self._export(path, program, how)

    def _check_config(self, config: Config) -> None:
        unet_of(config, type(self.spec))

    def _built(self) -> tuple[str, str, dict[str, Any]]:
        first = self.members[0]
        return self.task, first.name, dict(first.arguments())
