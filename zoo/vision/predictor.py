"""A trained classifier of photos: predict, evaluate, save, load, train on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from zoo.core import artifact, loop
from zoo.core.artifact import ArtifactError, Config
from zoo.core.batches import Data
from zoo.core.card import render
from zoo.core.history import History
from zoo.core.learner import Learner
from zoo.core.run import Run
from zoo.core.task import classification
from zoo.vision import sources
from zoo.vision.batches import PhotoBatches, to_image
from zoo.vision.data import Spec, open_photos, photo_batches
from zoo.vision.images import UnreadableImage, is_image, read, walk
from zoo.vision.models.classifier import Classifier, build_classifier
from zoo.vision.pixel_file import Pixels

Photo = str | os.PathLike[str] | Image.Image | np.ndarray[Any, Any] | Tensor


@dataclass(frozen=True)
class Prediction:
    """What the model says of one photo.

    Attributes:
        label: the likeliest class.
        probability: of that class, 0..1.
        probabilities: of every class.
    """

    label: str
    probability: float
    probabilities: dict[str, float] = field(repr=False)


class PhotoClassifier:
    """A model that tells classes of photos apart; what `finetune` and `load` return.

    Attributes:
        spec: labels, size and normalisation.
        history: the record of the training.
        metrics: scores on the validation part.
    """

    def __init__(
        self,
        members: Sequence[Classifier],
        spec: Spec,
        *,
        history: History | None = None,
        metrics: dict[str, float] | None = None,
        data: str = "",
        training: dict[str, Any] | None = None,
        extra: dict[str, Any] | None = None,
        learner: Learner | None = None,
        run: Run | None = None,
    ) -> None:
        self.members, self.spec, self.run = list(members), spec, run or Run()
        self.history, self.metrics = history or History(), metrics or {}
        self.data, self.training, self.extra = data, training or {}, extra or {}
        self._learner = learner

    def __repr__(self) -> str:
        scores = ", ".join(f"{name} {value:.3f}" for name, value in self.metrics.items())
        return f"<{self.members[0].name} for {len(self.spec.classes)} classes; {scores or 'new'}>"

    def predict(self, photos: Photo | Sequence[Photo], *, batch_size: int = 32) -> Any:
        """The prediction for a photo; a list of them for a list, a folder or a batched tensor.

        Args:
            photos: a path, Pillow image, array (H, W), (H, W, 3) or tensor (3, H, W), of uint8 or
                of floats in 0..1; or several: a list, a folder (in sorted order), (B, 3, H, W).
            batch_size: photos that pass through the model at a time.

        Raises:
            UnreadableImage: files cannot be read as images; all are named.
            ValueError: there are none, or pixels are out of range.
        """
        several, given = _listed(photos)
        if not given:
            return []
        items = GivenPhotos(given, self.spec)
        labels = np.zeros(len(items), dtype=np.int64)
        batches = photo_batches(items, labels, self.spec, self.run, batch_size=batch_size)
        rows = self._probabilities(batches).tolist()
        found = [self._prediction(row) for row in rows]
        return found if several else found[0]

    def evaluate(self, data: Any = None, *, batch_size: int = 32) -> dict[str, float]:
        """Loss and metrics on labelled photos.

        Args:
            data: a folder (a folder a class), CSV file or DataFrame; None takes the validation
                part of the training, which a loaded model does not have.
            batch_size: photos that pass through the model at a time.

        Raises:
            ValueError: there are no photos, or of classes that the model does not know.
        """
        if data is None:
            if self._learner is None or self._learner.data.valid is None:
                raise ValueError(
                    "a loaded model has no validation photos, however data=None; pass a folder"
                )
            batches: Any = self._learner.data.valid
        else:
            photos = sources.labelled(data, self.spec.classes)
            items = open_photos(photos.paths, self.spec, self.run)
            (rows,) = sources.readable([photos], items.unreadable)
            if not len(rows):
                raise ValueError(
                    f"evaluation needs photos, however none of {len(photos)} can be read; "
                    "replace the broken files"
                )
            labels = photos.labels[rows]
            batches = photo_batches(
                items.take(rows), labels, self.spec, self.run, batch_size=batch_size
            )
        task = classification(len(self.spec.classes))
        return loop.evaluate(self._ready, batches.epoch(0), task, self._device, self._dtype)

    def save(self, directory: Path | str) -> Path:
        """Write the artifact: config.json, model.safetensors, README.md, history.csv.

        Raises:
            FileExistsError: the directory holds something else than an artifact.
        """
        first = self.members[0]
        names = ["model.safetensors", *(f"model-{i + 2}.safetensors" for i in range(99))]
        config = Config(
            domain="vision",
            task="classification",
            model={"name": first.name, "args": dict(first.arguments())},
            spec=self.spec.to_json(),
            members=names[: len(self.members)],
            licence=first.licence,
            data=self.data,
            metrics=self.metrics,
            training=self.training,
            extra=self.extra,
        )
        name = Path(directory).name
        example = f'import zoo\n\nmodel = zoo.load("{name}")\nmodel.predict("photo.jpg")'
        weights = [member.state_dict() for member in self.members]
        card = render(config, load_example=example)
        return artifact.write(directory, config, weights, self.history, card)

    def learner(self) -> Learner:
        """The learner that trained the model, or a new one without data: `set_data` gives it some.

        Raises:
            ValueError: the model is an ensemble, which is not trained as one.
        """
        if len(self.members) > 1:
            raise ValueError(
                f"a learner trains one network, however this ensemble has {len(self.members)=}; "
                "fine-tune one of its members"
            )
        if self._learner is None:
            task = classification(len(self.spec.classes))
            nothing: Any = None
            self._learner = Learner(
                self.members[0], Data(nothing, None, self.spec), task, run=self.run
            )
        return self._learner

    @cached_property
    def _device(self) -> torch.device:
        return self.run.torch_device()

    @cached_property
    def _dtype(self) -> torch.dtype | None:
        return self.run.autocast_dtype(self._device)

    @property
    def _ready(self) -> list[Classifier]:
        """The members on their device, in the layout that convolutions like."""
        return [
            member.to(device=self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            for member in self.members
        ]

    def _probabilities(self, batches: PhotoBatches) -> Tensor:
        rows: list[Tensor] = []
        task = classification(len(self.spec.classes))
        loop.predict_batches(
            self._ready,
            batches.epoch(0),
            task,
            self._device,
            self._dtype,
            lambda outputs, mean, target: rows.append(mean.cpu()),
        )
        return torch.cat(rows)

    def _prediction(self, probabilities: list[float]) -> Prediction:
        by_class = dict(zip(self.spec.classes, probabilities, strict=True))
        label = max(by_class, key=by_class.__getitem__)
        return Prediction(label, by_class[label], by_class)


class GivenPhotos:
    """Photos as a caller has them, read when they are asked for.

    Raises:
        UnreadableImage: files are missing or no images; all are named.
    """

    def __init__(self, photos: Sequence[Photo], spec: Spec) -> None:
        self.photos, self.spec = photos, spec
        missing = [str(p) for p in photos if isinstance(p, (str, os.PathLike)) and not _is_file(p)]
        if missing:
            raise UnreadableImage(
                f"every photo must be a file, however {missing[:3]} do not exist "
                f"({len(missing)} such in all); correct the paths"
            )

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, i: int, /) -> Pixels:
        """One photo. Shape: (H, W, 3), uint8."""
        photo = self.photos[i]
        source: Any = photo if isinstance(photo, (str, os.PathLike)) else to_image(photo, i)
        return np.asarray(read(source, self.spec.short_side, self.spec.interpolation))


def load(directory: Path | str, run: Run | None = None) -> PhotoClassifier:
    """The model that an artifact holds.

    Raises:
        ArtifactError: the directory is not a whole artifact of a photo classifier.
    """
    stored = artifact.read(directory)
    config = stored.config
    if (config.domain, config.task) != ("vision", "classification"):
        raise ArtifactError(
            "this reads photo classifiers, however "
            f"domain={config.domain!r}, task={config.task!r}; use zoo.load"
        )
    members = []
    try:
        spec = Spec.from_json(config.spec)
        for tensors in stored.weights:
            member = build_classifier(
                **{**config.model["args"], "name": config.model["name"]},
                pretrained=False,
            )
            artifact.load_weights(member, tensors)
            members.append(member.eval())
        if members[0].head.n_out != len(spec.classes):
            raise ValueError(f"n_out={members[0].head.n_out} for {len(spec.classes)} classes")
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, ArtifactError):
            raise
        raise ArtifactError(
            f"config.json must describe a network that this version builds, however {error}; "
            "save or fetch the artifact again"
        ) from error
    return PhotoClassifier(
        members,
        spec,
        history=stored.history,
        metrics=config.metrics,
        data=config.data,
        training=config.training,
        extra=config.extra,
        run=run,
    )


def _listed(photos: Photo | Sequence[Photo]) -> tuple[bool, list[Photo]]:
    """Whether several photos are meant, and all of them."""
    if isinstance(photos, (str, os.PathLike)) and Path(photos).is_dir():
        found = [path for path in walk(Path(photos)) if is_image(path)]
        if not found:
            raise ValueError(f"a folder to predict holds photos, however {photos!r} has none")
        return True, list(found)
    if isinstance(photos, (np.ndarray, Tensor)):
        return (True, list(photos)) if photos.ndim == 4 else (False, [photos])
    if isinstance(photos, (str, os.PathLike, Image.Image)):
        return False, [photos]
    try:
        return True, list(photos)
    except TypeError:
        raise ValueError(
            "photos are paths, Pillow images, arrays or tensors, or a list of them, however "
            f"{type(photos).__name__=}; give one of these"
        ) from None


def _is_file(path: str | os.PathLike[str]) -> bool:
    return Path(path).is_file()
