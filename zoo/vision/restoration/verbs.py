"""Restoration: undo what made photos worse, by a U-Net with a pixel and a perceptual loss.

import zoo

model = zoo.vision.restoration.finetune("efficientnet_lite0", "good-photos/", scale=2, quality=10)
model.predict("small.jpg").save("restored.png")
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypedDict, Unpack

import torch
from torch.optim import Optimizer

from zoo.core.model import finished, made, source
from zoo.core.run import Run, seeded
from zoo.core.training.learner import Learner
from zoo.core.training.options import BatchNormMode, OptimizerName
from zoo.vision.classification.options import check_numbers
from zoo.vision.data.photo_parts import photo_parts
from zoo.vision.data.whole_numbers import as_whole
from zoo.vision.models.backbones import preprocessing
from zoo.vision.pretrained import look_up
from zoo.vision.restoration.model import PhotoRestorer
from zoo.vision.restoration.perceptual import FeatureLoss
from zoo.vision.restoration.spec import DegradedPhotos, RestorationSpec, task_of
from zoo.vision.unet.pairs import pair_data
from zoo.vision.unet.start import body_name, start_unet

EPOCHS, LR, BATCH_SIZE, SIZE = 4, 2e-3, 16, 128
PERCEPTUAL = 0.01  # weight of the perceptual loss beside that of the pixels
EYES = "efficientnet_lite0"  # the backbone that compares pictures


class Options(TypedDict, total=False):
    """What the verbs take beside the model and the data.

    Attributes:
        valid: photos to validate on, a folder or a list; None takes the folder valid or val beside
            train, else a fraction.
        valid_fraction: of the photos, drawn by the run's seed; copies stay on one side.
        scale: how many times photos are shrunk.
        quality: of the JPEG compression that follows; None for none.
        size: side of the squares that are cut from photos, in pixels.
        perceptual: weight of the perceptual loss; 0 for pixels alone.
        batch_size: photos a step.
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
    scale: int
    quality: int | None
    size: int
    perceptual: float
    batch_size: int
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
    *,
    epochs: int = EPOCHS,
    lr: float = LR,
    **options: Unpack[Options],
) -> PhotoRestorer:
    """A U-Net on a pretrained backbone that learns to undo a degradation of your photos.

    Args:
        pretrained: a backbone's name, the directory or hub name of a saved model, or a model.
        photos: good photos: a folder (at any depth), or a list of paths.
        epochs: passes over the photos.
        lr: highest rate of the decoder.
        **options: see `zoo.vision.restoration.Options`.

    Raises:
        ValueError: a backbone without feature maps, no photos, or a setting out of range.
        FileNotFoundError: a folder or photo does not exist.
        ConnectionError: weights are neither at hand nor reachable.
    """
    check_numbers(epochs=epochs, lr=lr)
    learn = learner(pretrained, photos, **options)
    learn.fit_one_cycle(epochs, (lr / 10, lr))
    model: PhotoRestorer = finished(learn)
    return model


def learner(  # noqa: D417 - `Options` describes the others
    pretrained: Any,
    photos: Any,
    *,
    valid: Any = None,
    valid_fraction: float = 0.1,
    scale: int = 2,
    quality: int | None = 10,
    size: int = SIZE,
    perceptual: float = PERCEPTUAL,
    batch_size: int = BATCH_SIZE,
    batchnorm: BatchNormMode = "live",
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
        random_weights: start from none of the published weights.
        The others: see `zoo.vision.restoration.Options`.
    """
    check_numbers(
        size=size, batch_size=batch_size, accumulate=accumulate, perceptual=perceptual,
        clip=clip, weight_decay=weight_decay, valid_fraction=valid_fraction,
    )  # fmt: skip
    run = run or Run()
    first = look_up(pretrained, random_weights=random_weights)
    shown = preprocessing(body_name(first))
    spec = RestorationSpec(as_whole(scale), as_whole(quality), shown.mean, shown.std)
    seen_before = first.seen_rows if isinstance(first, PhotoRestorer) else None
    parts = photo_parts(photos, valid, valid_fraction, run.seed, run.n_threads, seen_before)
    with seeded(run.seed):
        network = start_unet(
            first,
            3,
            (size, size),
            residual=True,
            random_weights=random_weights,
            whole=lambda model: isinstance(model, PhotoRestorer),
        )
    told = {
        "pretrained": "" if random_weights else network.name,
        "photos": len(parts[0].paths),
        "size": size,
        "scale": scale,
        "quality": quality,
        "perceptual": perceptual,
        "valid_fraction": valid_fraction,
        "batch_size": batch_size,
    }
    pairs = [DegradedPhotos(part.paths, size, spec, part.hashes) for part in parts]
    eyes = FeatureLoss(EYES, perceptual, run.torch_device()) if perceptual else None
    return Learner(
        network.to(memory_format=torch.channels_last),
        pair_data(pairs, spec, run, batch_size, rows=parts[0].hashes),
        task_of(eyes),
        batchnorm=batchnorm,
        optimizer=optimizer,
        weight_decay=weight_decay,
        clip=clip,
        accumulate=accumulate,
        callbacks=callbacks,
        as_model=partial(
            made,
            kind=PhotoRestorer,
            data=source(photos),
            told=told,
            seen_before=seen_before,
        ),
        run=run,
    )
