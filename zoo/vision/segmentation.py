"""Segmentation: what does every pixel of a photo show? A U-Net on any backbone with feature maps.

import zoo

model = zoo.vision.segmentation.finetune("efficientnet_lite0", "street/photos", "street/masks")
model.predict("road.jpg").save("mask.png")
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypedDict, Unpack

import numpy as np
import torch
from torch.optim import Optimizer

from zoo.core.groups import BatchNormMode
from zoo.core.learner import Learner
from zoo.core.optimizers import OptimizerName
from zoo.core.run import Run, seeded
from zoo.core.trained import finished, made, source
from zoo.vision.augment import Augment, Size, sides
from zoo.vision.data import AugmentName, augmentation
from zoo.vision.masks import Masked, find_masks, open_masks, photo_sides
from zoo.vision.models.backbones import preprocessing
from zoo.vision.options import check_numbers
from zoo.vision.pairs import held_out, pair_data
from zoo.vision.pretrained import look_up
from zoo.vision.segmenter import PhotoSegmenter
from zoo.vision.segments import SegmentationSpec, check_labels, n_labels, task_of
from zoo.vision.start_unet import body_name, fitting_shape, start_unet

EPOCHS, LR, RATIO, BATCH_SIZE = 10, 3e-3, 10.0, 8


class Options(TypedDict, total=False):
    """What the verbs take beside the model and the data.

    Attributes:
        valid: validation photos in the form of `photos`, or a pair of folders (photos, masks); None
            takes what the data say, else a fraction.
        valid_fraction: of the photos, drawn by the run's seed.
        root: folder that a table's paths start from.
        columns: a table's columns of photos and masks; its first two otherwise.
        classes: names of the numbers in the masks, from 0; None names them by the numbers.
        ignore: the number of pixels that count for nothing ("void").
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
        callbacks: see `zoo.core.callbacks`.
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
    masks: str | os.PathLike[str] | None = None,
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
        photos: a folder, or a table (CSV file, DataFrame) of paths of photos and masks.
        masks: the folder of masks, each of its photo's name: grey or palette pictures whose pixels
            number the classes.
        epochs: passes over the photos after the first.
        lr: highest rate of the decoder while the body is frozen; half of it afterwards.
        **options: see `Options`.

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
    masks: str | os.PathLike[str] | None = None,
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
    masks: str | os.PathLike[str] | None = None,
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
) -> Learner:
    """The learner for the step-by-step way; see `finetune` and `zoo.vision.learner`.

    Args:
        pretrained: see `finetune`.
        photos: see `finetune`.
        masks: see `finetune`.
        random_weights: start from none of the published weights.
        The others: see `Options`.
    """
    check_numbers(batch_size=batch_size, accumulate=accumulate, weight_decay=weight_decay)
    run, varied = run or Run(), augmentation(augment)
    parts = _split(photos, masks, valid, valid_fraction, root, columns, run.seed)
    first = look_up(pretrained, random_weights=random_weights)
    name = body_name(first)
    shape = fitting_shape(name, photo_sides(parts[0].photos)) if size is None else sides(size)
    shown = preprocessing(name)
    opened = [open_masks(part, shape, shown.interpolation, run.n_threads) for part in parts]
    names = tuple(classes or map(str, range(n_labels(opened[0].masks, ignore))))
    for part in opened:
        check_labels(part.masks, len(names), ignore)
    spec = SegmentationSpec(names, shape, shown.mean, shown.std, shown.interpolation, ignore)
    with seeded(run.seed):
        network = start_unet(
            first,
            len(names),
            shape,
            random_weights=random_weights,
            whole=lambda model: getattr(model.spec, "classes", ()) == names,
        )
    told = {
        "pretrained": "" if random_weights else name,
        "photos": len(opened[0]),
        "shape": f"{shape[0]} x {shape[1]}",
        "batch_size": batch_size,
        "augment": augment if isinstance(augment, str) else repr(augment),
    }
    return Learner(
        network.to(memory_format=torch.channels_last),
        pair_data(opened, spec, run, batch_size, varied),
        task_of(spec),
        batchnorm=batchnorm,
        optimizer=optimizer,
        weight_decay=weight_decay,
        clip=clip,
        accumulate=accumulate,
        callbacks=callbacks,
        as_model=partial(
            made, kind=partial(PhotoSegmenter, spec=spec), data=source(photos), told=told
        ),
        run=run,
    )


def _split(
    photos: Any,
    masks: Any,
    valid: Any,
    fraction: float,
    root: Any,
    columns: tuple[str, str] | None,
    seed: int,
) -> tuple[Masked, Masked]:
    """The pairs to train on and those to validate on."""
    found = find_masks(photos, masks, root=root, columns=columns)
    if valid is not None:
        pair = valid if isinstance(valid, (tuple, list)) else (valid, None)
        return found, find_masks(*pair, root=root, columns=columns)
    is_valid = found.is_valid
    if is_valid is None:
        is_valid = held_out(len(found), fraction, seed)
    return found.take(np.flatnonzero(~is_valid)), found.take(np.flatnonzero(is_valid))
