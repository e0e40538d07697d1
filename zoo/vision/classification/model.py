"""A trained model of photos: predict, evaluate, save, load, train on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Unpack, overload

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.core.batches import NO_VALIDATION
from zoo.core.config import Config
from zoo.core.explanation import Explanation, label_among
from zoo.core.export import How
from zoo.core.interface import Field, Interface, reply_of, shown_parts
from zoo.core.messages import few
from zoo.core.model import Model
from zoo.core.neighbours import most_alike
from zoo.core.predictions import HowSure, record_of
from zoo.core.task import Task
from zoo.core.training.learner import Learner
from zoo.core.trust.cloud import Cloud
from zoo.core.trust.unknown import Statistics, marked
from zoo.hub.mixin import HubMixin
from zoo.vision.classification.spec import Spec
from zoo.vision.classification.task import Answer, Answers, answer_of, classifier_of, task_of
from zoo.vision.classification.tta import TTA, Wish, chosen, in_views
from zoo.vision.data.augment import centre_crop
from zoo.vision.data.batches import ItemSource, PhotoBatches
from zoo.vision.data.images import UnreadableImage
from zoo.vision.data.inputs import GivenPhotos, Many, OnePhoto, Photo, Photos, listed
from zoo.vision.data.labels import LabelOptions
from zoo.vision.data.photo_lists import photos_of, without_broken
from zoo.vision.data.photo_sets import open_labelled, photo_batches
from zoo.vision.data.pixel_file import Pixels
from zoo.vision.data.sources import column_names
from zoo.vision.data.tables import is_table
from zoo.vision.inspect.explain import HeatMap, grad_cam
from zoo.vision.inspect.report import by_class
from zoo.vision.inspect.results import Results
from zoo.vision.models.classifier import Classifier


class Asked(HowSure, total=False):
    """Options of `predict`."""

    batch_size: int
    tta: Wish


class PhotoModel(HubMixin, Model[Classifier, Spec]):
    """A model that answers for photos what its task asks; what `finetune` and `load` return.

    Attributes:
        spec: labels, size and normalisation.
        history: the record of the training.
        metrics: scores on the validation part.
        licence: the licence of the weights, for the card: that of those that training started
            from; "unknown" after random ones. Set it to state your own.
    """

    domain = "vision"
    layout = torch.channels_last

    def __init__(self, members: Sequence[Classifier], spec: Spec, **record: Any) -> None:
        licences = {member.licence for member in members}
        licence = licences.pop() if len(licences) == 1 else "unknown"
        super().__init__(members, spec, **({"licence": licence} | record))

    def __repr__(self) -> str:
        n, task = len(self.spec.classes), self.spec.task
        what = f"{n} {'classes' if task == 'classification' else 'labels'}" if n else "a number"
        return f"<{self.members[0].name} for {what}; {self._scored}>"

    @overload
    def predict(self, photos: OnePhoto, **options: Unpack[Asked]) -> Answer: ...

    @overload
    def predict(self, photos: Many, **options: Unpack[Asked]) -> list[Answer]: ...

    @overload
    def predict(self, photos: Photos, **options: Unpack[Asked]) -> Answers: ...

    def predict(
        self,
        photos: Any,
        *,
        batch_size: int = 32,
        tta: Wish = False,
        coverage: float | None = None,
        randomised: bool = False,
        unknown: bool | float = False,
    ) -> Answers:
        """The prediction for a photo; a list of them for a list, a folder or a batched tensor.

        It is a `Prediction`, or `Labels` of several labels per photo, or a float.

        Args:
            photos: a path, the bytes of a file, a file opened for reading, a Pillow image, array
                (H, W), (H, W, 3) or tensor (3, H, W), of uint8 or floats in 0..1; or several: a
                list, array or column of them, a folder (in sorted order), (B, 3, H, W).
            batch_size: photos that pass through the model at a time.
            tta: look at each photo several times (see `zoo.vision.classification.tta`): True for
                four augmented views beside the photo as it is, "crops" for fixed crops, or a `TTA`.
            coverage: how often the truth shall be in what is predicted, such as 0.9: a
                `PredictionSet` of classes or an `Interval` of numbers for each photo, by the ranks
                of errors on held-out photos (`zoo.core.trust.conformal`).
            randomised: exactly as often: sets of classes may be empty then.
            unknown: whether each prediction says as its `unknown` if its photo is unlike those of
                the training (`zoo.core.trust.unknown`). True calls one of a hundred ordinary photos
                so, another number another share.

        Raises:
            UnreadableImage: files are missing or no images; the first are named, all counted.
            ValueError: a folder holds no photos, or pixels are out of range; a coverage, or what is
                unknown, is asked for of a model that was not judged on held-out photos.
        """
        several, given = listed(photos, self.spec.columns)
        if not given:
            return []
        items = GivenPhotos(given, self.spec.preprocessing.resize)
        try:
            rows = self._decoded(self._batches(items, batch_size), chosen(tta))
        except UnreadableImage as error:
            raise UnreadableImage(
                f"every photo must be readable, got {few(items.all_unreadable(), '; ')}. Leave "
                "these files out."
            ) from error
        if coverage is not None:
            answers = self._covered(rows, coverage, randomised)
        else:
            answers = [answer_of(self.spec, row) for row in rows.tolist()]
        if unknown is not False:
            answers = marked(answers, self._verdicts(partial(self._strangeness, given), unknown))
        return answers if several else answers[0]

    def records(
        self,
        files: Sequence[Path],
        *,
        k: int = 1,
        tta: Wish = False,
        coverage: float | None = None,
        unknown: bool | float = False,
    ) -> Iterator[dict[str, Any]]:
        """See `Model.records`; broken photos in folders are left out with a warning.

        Args:
            files: photos, or folders of them.
            k: number of likeliest classes whose probabilities are listed.
            tta: see `predict`.
            coverage: see `predict`.
            unknown: see `predict`.
        """
        photos = photos_of(files)
        asked: Any = {"tta": tta, "coverage": coverage, "unknown": unknown}
        try:
            answers = self.predict(photos, **asked)
        except UnreadableImage:
            photos = without_broken(photos, files)
            answers = self.predict(photos, **asked)
        for photo, answer in zip(photos, answers, strict=True):
            yield {"file": str(photo), **record_of(answer, k)}

    def evaluate(
        self,
        data: Any = None,
        *,
        root: str | os.PathLike[str] | None = None,
        columns: tuple[str, str] | None = None,
        batch_size: int = 32,
        tta: Wish = False,
    ) -> dict[str, float]:
        """Loss and metrics on labelled photos; a warning tells if the model was trained on them.

        Args:
            data: a folder (one folder per class), CSV file, DataFrame, torch or Hugging Face data
                set; of a table that marks photos to validate on, those. None gives the scores on
                the validation part of the training; with `tta`, a loaded model needs data.
            root: folder that a table's paths start from; None takes that of its file.
            columns: a table's columns of paths and labels; None takes those of the training.
            batch_size: photos that pass through the model at a time.
            tta: see `predict`; the scores without it come too, as "plain loss" and so on.

        Raises:
            ValueError: there are no photos, or of classes that the model does not know.
        """
        wish = chosen(tta)
        if data is None and wish is None:
            return self._validation_scores()
        batches = self._labelled(data, root, columns, batch_size)
        scores = self._scores(batches)
        if wish is None:
            return scores
        placed, views, task = in_views(self._placed, batches, self._task(), wish, self.spec.augment)
        plain = {f"plain {name}": value for name, value in scores.items()}
        return placed.evaluate(views, task) | plain

    def report(
        self,
        data: Any = None,
        *,
        root: str | os.PathLike[str] | None = None,
        columns: tuple[str, str] | None = None,
        batch_size: int = 32,
        tta: Wish = False,
    ) -> pd.DataFrame:
        """Precision, recall and F of each class or label, and how many photos have it.

        Arguments are those of `evaluate`.

        Raises:
            ValueError: the model estimates numbers, or as `evaluate`.
        """
        batches = self._labelled(data, root, columns, batch_size)
        rows = self._decoded(batches, chosen(tta)).numpy()
        return by_class(self.spec, rows, batches.targets.numpy(force=True))

    def _labelled(
        self, data: Any, root: Any, columns: tuple[str, str] | None, batch_size: int
    ) -> PhotoBatches:
        """Batches of labelled photos, by default the validation part."""
        learn, spec = self._learner, self.spec
        if columns is None and (is_table(data) or {*(spec.columns or ())} <= {*column_names(data)}):
            columns = spec.columns
        if data is None:
            valid: Any = None if learn is None else learn.data.valid
            if valid is None:
                raise ValueError(NO_VALIDATION)
            photos: PhotoBatches = valid.photos
            return photos
        opened = open_labelled(
            data,
            spec.preprocessing,
            self.run,
            classes=spec.classes,
            task=spec.task,
            root=root,
            columns=columns,
            valid_column=spec.valid_column,
            label_options=LabelOptions(spec.task, spec.separator),
        )
        if opened.hashes is not None:
            self._warn_of_seen_rows(opened.hashes)
        return self._batches(opened.items, batch_size, opened.labels)

    def _batches(
        self, items: ItemSource, batch_size: int, labels: NDArray[Any] | None = None
    ) -> PhotoBatches:
        labels = np.zeros(len(items), np.int64) if labels is None else labels
        shown = self.spec.preprocessing
        return photo_batches(items, labels, shown, self.run, batch_size=batch_size)

    def _decoded(self, batches: PhotoBatches, tta: TTA | None) -> Tensor:
        """Decoded outputs. Shape: (N, n_out)."""
        placed, shown, task = in_views(self._placed, batches, self._task(), tta, self.spec.augment)
        outputs = placed.predict(shown, task)
        return torch.cat([one.mean.cpu().view(len(one.mean), -1) for one in outputs])

    def results(
        self,
        data: Any = None,
        *,
        root: str | os.PathLike[str] | None = None,
        columns: tuple[str, str] | None = None,
        batch_size: int = 32,
        tta: Wish = False,
    ) -> Results:
        """Predictions beside truths, to look at: losses, confusions, figures.

        Arguments are those of `evaluate`.

        Raises:
            ValueError: as `evaluate`.
        """
        batches = self._labelled(data, root, columns, batch_size)
        outputs = self._decoded(batches, chosen(tta)).numpy()
        return Results(self.spec, batches.items, outputs, batches.targets.numpy())

    def explain(self, photo: Photo, label: str | None = None) -> Explanation[HeatMap]:
        """A heat map of where in a photo the model saw what it says (Grad-CAM).

        If it was trained with `keep_examples=True`, `alike` lists the training photos that are most
        alike.

        Args:
            photo: a path, Pillow image, array or tensor, as for `predict`.
            label: a class to look for; None takes the likeliest.

        Raises:
            UnreadableImage: the file is missing or no image.
            ValueError: the model does not know the label, or its backbone has no feature map.
        """
        items = GivenPhotos([photo], self.spec.preprocessing.resize)
        batches, classes = self._batches(items, 1), self.spec.classes
        decoded = self._decoded(batches, None)[0]
        number = int(decoded.argmax())
        if label is not None:
            number = classes.index(label_among(label, classes))
        x = next(batches.epoch(0)).inputs[0]
        heat = torch.stack([grad_cam(member, x, number) for member in self._placed.ready]).mean(0)
        answer = answer_of(self.spec, decoded.tolist())
        name = classes[number] if classes else f"{answer:.3g}"
        picture = HeatMap(name, heat.numpy(), centre_crop(items[0], self.spec.size))
        alike = None if self.examples is None else self._alike(self.embed([photo])[0])
        return Explanation(name, answer, picture=picture, alike=alike)

    def interface(self) -> Interface:
        """See `Model.interface`: a photo; a heat map tells why where the body has a feature map."""
        has_maps = all(member.body.spatial for member in self.members)
        return Interface(
            (Field("photo", "photo"),),
            lambda photo: reply_of(self.predict(photo)),
            shown_parts(self.spec.classes),
            self.explain if has_maps else None,
        )

    def embed(self, photos: Photos, *, batch_size: int = 32) -> NDArray[np.float32]:
        """The vector of each photo, the body's pooled features before the head: (n, d), float32.

        A single photo has one row. Vectors of several networks stand side by side.

        Args:
            photos: see `predict`.
            batch_size: photos that pass through the model at a time.

        Raises:
            UnreadableImage: files are missing or no images.
        """
        items = GivenPhotos(listed(photos, self.spec.columns)[1], self.spec.preprocessing.resize)
        if not len(items):
            return np.zeros((0, sum(member.head.width for member in self.members)), np.float32)
        batches = self._batches(items, batch_size)
        return self._placed.vectors(batches.epoch(0), lambda net, inputs: net.pooled(inputs[0]))

    def similar(self, photo: Photo, k: int = 5, *, among: Photos) -> pd.DataFrame:
        """The photos that are most alike one: photo, similarity, the nearest first.

        Alike are photos whose vectors (`embed`) point most nearly the same way (cosine); the search
        is exact. The index has the places of the photos among those given.

        Args:
            photo: a single photo.
            k: number of photos at most.
            among: photos to search, see `predict`.

        Raises:
            UnreadableImage: files are missing or no images.
            ValueError: there are no photos, or k is none.

        Example:
            model.similar("dog.jpg", k=3, among="photos/")
        """
        _, photos = listed(among, self.spec.columns)
        return most_alike(self.embed([photo])[0], self.embed(photos), k, photo=photos)

    def pixels(self, photos: Photos) -> Pixels:
        """What the model sees of photos, resized and cropped: as the exported file takes them.

        Shape: (B, size, size, 3), uint8.
        """
        items = GivenPhotos(listed(photos)[1], self.spec.preprocessing.resize)
        return np.stack([centre_crop(items[i], self.spec.size) for i in range(len(items))])

    def export(self, path: str | os.PathLike[str], **how: Unpack[How]) -> Path:
        """Write a file from pixels to probabilities or numbers, see `Model.export`.

        It takes what `pixels` gives, uint8 (B, size, size, 3); see `zoo.vision.models.export`.

        Raises:
            ModuleNotFoundError: a package that it needs is not installed.
            ValueError: the options are none, or do not go together.
        """
        from zoo.vision.models.export import program_of

        size, shown = self.spec.size, self.spec.preprocessing.resize
        program = program_of(
            self._placed,
            self.spec,
            self._task(),
            (size, size),
            "number" if self.spec.task == "regression" else "probabilities",
            facts={"task": self.spec.task, "steps": [["resize", shown._asdict()], ["crop", size]]},
            to_score=lambda data: self._labelled(data, None, None, 32),
        )
        return self._export(path, program, how)

    def answers(self, decoded: Tensor, names: Any) -> pd.DataFrame:
        """See `Model.answers`; of numbers a column of them."""
        if self.spec.task != "regression":
            return super().answers(decoded, names)
        column = self.spec.columns[1] if self.spec.columns else "number"
        return pd.DataFrame({column: decoded.numpy()}, pd.Index(names))

    def _strangeness(self, photos: Sequence[Photo], statistics: Statistics) -> NDArray[np.float64]:
        return Cloud.from_tensors(statistics).distances(self.embed(list(photos)))

    def _check_config(self, config: Config) -> None:
        classifier_of(config)

    def _built(self) -> tuple[str, str, dict[str, Any]]:
        first = self.members[0]
        return self.spec.task, first.name, dict(first.arguments())

    def _example(self) -> str:
        return 'model.predict("photo.jpg")'

    def _task(self) -> Task:
        return task_of(self.spec)


PhotoLearner = Learner[Spec, PhotoModel]
