"""Segmentation: what does every pixel of a photo show? A U-Net on any backbone with feature maps.

import zoo

model = zoo.vision.segmentation.finetune("efficientnet_lite0", "street/photos", "street/masks")
model.predict("road.jpg").save("mask.png")
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from numbers import Integral
from typing import Any, Final, TypedDict, Unpack

import torch
from rich.console import Console
from torch.optim import Optimizer

from zoo.core.model import finished, made, source
from zoo.core.run import Run, rank_and_world, seeded
from zoo.core.training.learner import Learner
from zoo.core.training.options import BatchNormMode, OptimizerName
from zoo.vision.classification.options import check_numbers
from zoo.vision.data.augment import Augment, Size, sides
from zoo.vision.data.photo_sets import augmentation
from zoo.vision.data.whole_numbers import as_whole
from zoo.vision.models.backbones import preprocessing
from zoo.vision.option_names import AugmentName
from zoo.vision.pretrained import look_up
from zoo.vision.segmentation.mask_parts import MaskReport, find_parts, open_parts
from zoo.vision.segmentation.mask_values import MOST_VALUES
from zoo.vision.segmentation.masks import photo_sides
from zoo.vision.segmentation.model import PhotoSegmenter
from zoo.vision.segmentation.spec import SegmentationSpec
from zoo.vision.segmentation.task import task_of
from zoo.vision.unet.pairs import pair_data
from zoo.vision.unet.start import body_name, fitting_shape, start_unet

EPOCHS, LR, RATIO, BATCH_SIZE = 10, 3e-3, 10.0, 8
_LOOKED_AT: Final = (512, 512)  # px that masks are shrunk to in a mere look at their values


class Options(TypedDict, total=False):
    """What the verbs take beside the model and the data.

    Attributes:
        valid: validation photos in the form of `photos`, or a pair of folders (photos, masks); None
            takes the folder valid or val beside train, or a table's column valid, else a fraction.
        valid_fraction: of the photos, drawn by the run's seed; copies stay on one side.
        root: folder that a table's paths start from.
        columns: a table's columns of photos and masks; its first two otherwise.
        classes: names of the numbers in the masks, from 0; None names them by the numbers. Masks of
            other values, such as 0 and 255, take one name for each value, in order.
        ignore: the value of pixels that count for nothing ("void"); None takes 255 beside numbers
            from 0, with a warning.
        size: height and width that photos are stretched to, or one number for both; None takes the
            shape of a usual photo, its short side at most the backbone's own size.
        batch_size: photos a step.
        augment: "side_on", "top_down", "none" or an `Augment`; photo and mask move together.
        batchnorm: whose running statistics follow the photos: "live" all, "thawed" those of what
            trains, "fixed" those of the head alone.
        optimizer: see `Learner`.
        weight_decay: on weights alone.
        clip: largest norm of the gradient.
        accumulate: parts that a batch passes in, to save memory.
        callbacks: see `zoo.core.training.callbacks`.
        run: the circumstances.
    """

    valid: Any
    valid_fraction: float
    root: str | os.PathLike[str] | None
    columns: tuple[str, str] | None
    classes: Sequence[str] | None
    ignore: int | None
    size: Size | None
    batch_size: int
    augment: AugmentName | Augment
    batchnorm: BatchNormMode
    optimizer: OptimizerName | Callable[[list[dict[str, Any]]], Optimizer]
    weight_decay: float
    clip: float | None
    accumulate: int
    callbacks: Sequence[Any]
    run: Run | None


def finetune(
    pretrained: Any,
    photos: Any,
    masks: Any = None,
    *,
    epochs: int = EPOCHS,
    lr: float = LR,
    **options: Unpack[Options],
) -> PhotoSegmenter:
    """A U-Net on a pretrained backbone, fine-tuned on your photos and masks.

    The decoder trains for one epoch on the frozen body; then everything by one cycle, with rates
    that fall geometrically from the decoder to the first layer group (`Learner.fit_finetune`).

    Args:
        pretrained: a backbone's name, the directory or hub name of a saved model, or a model.
        photos: a folder, a table (CSV file, DataFrame) of paths of photos and masks, or a list of
            paths.
        masks: the folder or list of masks: grey or palette pictures whose pixels number the
            classes, each of its photo's name (see `zoo.vision.data.pairing`); None where they lie
            among the photos.
        epochs: passes over the photos after the first.
        lr: highest rate of the decoder while the body is frozen; half of it afterwards.
        **options: see `zoo.vision.segmentation.Options`.

    Raises:
        ValueError: a backbone without feature maps, photos without masks, a setting out of range.
        FileNotFoundError: a folder, file or photo does not exist.
        ConnectionError: weights are neither at hand nor reachable.
    """
    check_numbers(epochs=epochs, lr=lr)
    learn = learner(pretrained, photos, masks, **options)
    learn.fit_finetune(epochs, lr, ratio=RATIO)
    model: PhotoSegmenter = finished(learn)
    return model


def train(
    architecture: str,
    photos: Any,
    masks: Any = None,
    *,
    epochs: int = 2 * EPOCHS,
    lr: float = LR,
    **options: Unpack[Options],
) -> PhotoSegmenter:
    """A U-Net trained from random weights, by one cycle; as `finetune` otherwise."""
    check_numbers(epochs=epochs, lr=lr)
    learn = learner(architecture, photos, masks, random_weights=True, **options)
    learn.fit_one_cycle(epochs, lr)
    model: PhotoSegmenter = finished(learn)
    return model


def learner(  # noqa: D417 - `Options` describes the others
    pretrained: Any,
    photos: Any,
    masks: Any = None,
    *,
    valid: Any = None,
    valid_fraction: float = 0.2,
    root: str | os.PathLike[str] | None = None,
    columns: tuple[str, str] | None = None,
    classes: Sequence[str] | None = None,
    ignore: int | None = None,
    size: Size | None = None,
    batch_size: int = BATCH_SIZE,
    augment: AugmentName | Augment = "side_on",
    batchnorm: BatchNormMode = "thawed",
    optimizer: OptimizerName | Callable[[list[dict[str, Any]]], Optimizer] = "adamw",
    weight_decay: float = 0.01,
    clip: float | None = 1.0,
    accumulate: int = 1,
    callbacks: Sequence[Any] = (),
    random_weights: bool = False,
    run: Run | None = None,
) -> Learner[Any, Any]:
    """The learner for the step-by-step way; see `finetune` and `zoo.vision.learner`.

    Args:
        pretrained: see `finetune`.
        photos: see `finetune`.
        masks: see `finetune`.
        random_weights: start from none of the published weights.
        The others: see `zoo.vision.segmentation.Options`.
    """
    check_numbers(
        batch_size=batch_size, accumulate=accumulate, weight_decay=weight_decay, clip=clip,
        valid_fraction=valid_fraction,
    )  # fmt: skip
    run, varied = run or Run(), augmentation(augment)
    names, void = class_names(classes), ignored_value(ignore)
    first = look_up(pretrained, random_weights=random_weights)
    seen_before = first.seen_rows if isinstance(first, PhotoSegmenter) else None
    parts = find_parts(
        photos, masks, valid=valid, valid_fraction=valid_fraction, root=root, columns=columns,
        seed=run.seed, threads=run.n_threads,
        trained_on=seen_before,
    )  # fmt: skip
    name = body_name(first)
    usual = photo_sides(parts[0].files.photos)
    shape = fitting_shape(name, usual) if size is None else sides(size)
    shown = preprocessing(name)
    opened = open_parts(parts, shape, shown.interpolation, run.n_threads, names, void)
    known = opened.known
    spec = SegmentationSpec(
        known.classes, shape, shown.mean, shown.std, shown.interpolation, known.ignore, known.values
    )
    if run.progress is not False and rank_and_world()[0] == 0:
        Console().print(str(opened.report), highlight=False, markup=False)
    with seeded(run.seed):
        network = start_unet(
            first,
            len(known.classes),
            shape,
            random_weights=random_weights,
            whole=lambda model: getattr(model.spec, "classes", ()) == known.classes,
        )
    told = {
        "pretrained": "" if random_weights else name,
        "photos": len(opened.train),
        "shape": f"{shape[0]} x {shape[1]}",
        "valid_fraction": valid_fraction,
        "batch_size": batch_size,
        "augment": augment if isinstance(augment, str) else repr(augment),
    }
    both = [opened.train, opened.valid]
    return Learner(
        network.to(memory_format=torch.channels_last),
        pair_data(both, spec, run, batch_size, varied, rows=opened.train.hashes),
        task_of(spec),
        batchnorm=batchnorm,
        optimizer=optimizer,
        weight_decay=weight_decay,
        clip=clip,
        accumulate=accumulate,
        callbacks=callbacks,
        as_model=partial(
            made,
            kind=PhotoSegmenter,
            data=source(photos),
            told=told,
            seen_before=seen_before,
        ),
        run=run,
    )


def check(
    photos: Any,
    masks: Any = None,
    *,
    valid: Any = None,
    valid_fraction: float = 0.2,
    root: str | os.PathLike[str] | None = None,
    columns: tuple[str, str] | None = None,
    classes: Sequence[str] | None = None,
    ignore: int | None = None,
    run: Run | None = None,
) -> MaskReport:
    """What `finetune` would train on: pairs, left-overs, and the values of the masks.

    Args:
        photos: see `finetune`.
        masks: see `finetune`.
        valid: see `zoo.vision.segmentation.Options`, as the others.
        valid_fraction: of the photos.
        root: of a table's paths.
        columns: of a table.
        classes: names of the numbers in the masks.
        ignore: pixel value that counts for nothing.
        run: for its seed and threads.

    Raises:
        FileNotFoundError: a folder, file or photo does not exist.
        ValueError: as `finetune` for photos and masks.
    """
    run = run or Run()
    parts = find_parts(
        photos, masks, valid=valid, valid_fraction=valid_fraction, root=root, columns=columns,
        seed=run.seed, threads=run.n_threads,
    )  # fmt: skip
    names, void = class_names(classes), ignored_value(ignore)
    return open_parts(parts, _LOOKED_AT, "bilinear", run.n_threads, names, void).report


def class_names(classes: Any) -> tuple[str, ...] | None:
    """Names of classes as text; numbers are taken for names, too.

    Raises:
        ValueError: they are no list of names, or two classes have one name.
    """
    if classes is None:
        return None
    listed = not isinstance(classes, (str, bytes)) and isinstance(classes, Iterable)
    names = list(classes) if listed else []
    strange = [name for name in names if not isinstance(name, (str, Integral))]
    texts = tuple(map(str, names))
    if strange or len(set(texts)) < len(texts) or not 2 <= len(texts) <= MOST_VALUES:
        raise ValueError(
            f"classes are 2 to {MOST_VALUES} different names, however {classes=!r:.200}; give "
            'such as ["background", "cat"]'
        )
    return texts


def ignored_value(ignore: Any) -> int | None:
    """The pixel value that counts for nothing, as an int.

    Raises:
        ValueError: it is no whole number from 0 to 255.
    """
    if ignore is None:
        return None
    value = as_whole(ignore)
    if type(value) is not int or not 0 <= value < MOST_VALUES:
        raise ValueError(
            f"the pixels to ignore have one value from 0 to 255, however {ignore=!r:.100}; give "
            "such as 255, or leave it out"
        )
    return value
