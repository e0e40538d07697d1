"""The verbs of the domain: `finetune`, `train` and `learner`.

The defaults are one set for all photo sets, compared on splits of training parts alone
(`scripts/vision_recipe.py`); validation scores of earlier recipes had been seen before, though, so
the published scores are not of untouched sets.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Unpack

import torch
from torch.optim import Optimizer

from zoo.core.ensemble import WiSE
from zoo.core.groups import BatchNormMode
from zoo.core.learner import Learner
from zoo.core.optimizers import OptimizerName
from zoo.core.run import Run, seeded
from zoo.core.schedules import one_cycle
from zoo.core.task import classification
from zoo.core.trained import finished, training_of
from zoo.vision import probe
from zoo.vision.augment import Augment
from zoo.vision.data import AugmentName, augmentation, batches, find
from zoo.vision.models.backbones import BF16_ON_CPU
from zoo.vision.models.head import Pool
from zoo.vision.options import Options, check_numbers
from zoo.vision.predictor import PhotoModel
from zoo.vision.pretrained import HeadWish, Pretrained, resolve, start
from zoo.vision.spec import Spec, spec_of

BATCH_SIZE = 16
FINETUNE_EPOCHS, FINETUNE_LR = 4, 3e-4
RATIO = 10.0  # of the head's rate to that of the first layer group
TRAIN_EPOCHS, TRAIN_LR = 20, 3e-3


def finetune(
    pretrained: Pretrained,
    data: Any,
    *,
    epochs: int = FINETUNE_EPOCHS,
    lr: float = FINETUNE_LR,
    **options: Unpack[Options],
) -> PhotoModel:
    """A pretrained model fine-tuned on your photos.

    First the head is fitted to the frozen body's features by logistic regression (see
    `zoo.vision.probe`), which takes one pass; then everything trains by one cycle, with rates that
    fall geometrically from the head to the first layer group; the result lies between both (see
    `zoo.core.ensemble.WiSE`), so its scores are not those of the last line of the table.

    Args:
        pretrained: a backbone's name (`zoo.vision.backbones()`), the directory or the hub name
            of a saved model, or a model.
        data: a folder (a folder a class, perhaps within train and valid), a CSV file or DataFrame
            of paths and labels, or a torch data set of (image, label).
        epochs: passes over the training photos; 0 gives the linear probe.
        lr: highest rate of the head.
        **options: see `Options`.

    Raises:
        ValueError: an unknown name, no photos, one class, or a setting out of range.
        FileNotFoundError: a folder, file or photo does not exist.
        ConnectionError: weights are neither at hand nor reachable.

    Example:
        zoo.vision.finetune("efficientnet_lite0", "photos/").predict("dog.jpg")
    """
    check_numbers(epochs=epochs, lr=lr)
    learn = learner(pretrained, data, **options)
    start_from_probe(learn)
    if epochs and not learn.interrupted:
        fit_from_probe(learn, epochs, lr)
    model: PhotoModel = finished(learn)
    return model


def train(
    architecture: str,
    data: Any,
    *,
    epochs: int = TRAIN_EPOCHS,
    lr: float = TRAIN_LR,
    **options: Unpack[Options],
) -> PhotoModel:
    """A model trained on your photos from random weights; for as for `finetune` otherwise.

    Args:
        architecture: a backbone's name.
        data: see `finetune`.
        epochs: passes over the training photos.
        lr: highest rate, of all layer groups.
        **options: see `Options`.
    """
    check_numbers(epochs=epochs, lr=lr)
    options.setdefault("batchnorm", "live")
    learn = learner(architecture, data, random_weights=True, **options)
    learn.fit_one_cycle(epochs, lr)
    model: PhotoModel = finished(learn)
    return model


def learner(  # noqa: D417 - `Options` describes the others
    pretrained: Pretrained,
    data: Any,
    *,
    valid: Any = None,
    valid_fraction: float = 0.2,
    root: str | os.PathLike[str] | None = None,
    columns: tuple[str, str] | None = None,
    valid_column: str | None = None,
    strict: bool = False,
    size: int | None = None,
    batch_size: int = BATCH_SIZE,
    augment: AugmentName | Augment = "side_on",
    dropout: float | None = None,
    hidden: int | None = None,
    pool: Pool | None = None,
    label_smoothing: float = 0.0,
    batchnorm: BatchNormMode = "fixed",
    optimizer: OptimizerName | Callable[[list[dict[str, Any]]], Optimizer] = "adamw",
    weight_decay: float = 0.01,
    clip: float | None = None,
    accumulate: int = 1,
    callbacks: Sequence[Any] = (),
    random_weights: bool = False,
    run: Run | None = None,
) -> Learner:
    """The learner for the step-by-step way: find a rate, freeze, fit, unfreeze, fit.

    `learner.as_model()` gives what `finetune` returns, `learner.save(directory)` its artifact;
    `learner.as_model(snapshots=n)` gives an ensemble of SGDR's snapshots.

    Args:
        pretrained: see `finetune`.
        data: see `finetune`.
        random_weights: start from none of the published weights.
        The others: see `Options`.
    """
    check_numbers(
        size=size,
        batch_size=batch_size,
        hidden=hidden,
        accumulate=accumulate,
        valid_fraction=valid_fraction,
        dropout=dropout,
        label_smoothing=label_smoothing,
        weight_decay=weight_decay,
        clip=clip,
    )
    run = run or Run()
    varied = augmentation(augment)
    found = find(
        data,
        valid,
        root=root,
        columns=columns,
        valid_column=valid_column,
        valid_fraction=valid_fraction,
        seed=run.seed,
    )
    with seeded(run.seed):
        first = resolve(pretrained, random_weights=random_weights)
        classifier = start(
            first,
            found.classes,
            size=size,
            short_side=found.short_side,
            head=HeadWish(dropout, hidden, pool),
            random_weights=random_weights,
        )
    spec = spec_of(found.classes, classifier.preprocessing)
    opened = found.open(spec, run, strict)
    told = {
        "pretrained": "" if random_weights else str(getattr(pretrained, "name", pretrained)),
        "photos": len(opened.train),
        "size": spec.size,
        "batch_size": batch_size,
        "augment": augment if isinstance(augment, str) else repr(augment),
        "label_smoothing": label_smoothing,
    }
    return Learner(
        classifier.to(memory_format=torch.channels_last),
        batches(opened, spec, run, batch_size=batch_size, augment=varied),
        classification(len(found.classes), label_smoothing=label_smoothing),
        batchnorm=batchnorm,
        optimizer=optimizer,
        weight_decay=weight_decay,
        clip=clip,
        accumulate=accumulate,
        callbacks=callbacks,
        bf16_on_cpu=classifier.name in BF16_ON_CPU,
        as_model=partial(
            _model,
            spec=spec,
            data=Path(data).name if isinstance(data, (str, os.PathLike)) else type(data).__name__,
            told=told,
            extra=first.extra if isinstance(first, PhotoModel) else {},
        ),
        run=run,
    )


def start_from_probe(learn: Learner) -> None:
    """Fit the head to the frozen body's features, if it is one linear layer.

    Photos whose augmentation flips are seen mirrored too. A head with a hidden layer is trained on
    photos for an epoch instead, the body frozen; one that knows the classes already stays as it is.
    """
    classifier: Any = learn.model
    if classifier.trained:
        return
    if classifier.head.hidden is not None:
        learn.freeze()
        learn.fit_one_cycle(1, 2e-3, pct_start=0.99)
        return
    photos = still(learn).epoch(0)
    augment = learn.data.train.augment  # type: ignore[attr-defined]
    if augment is not None and (augment.flip or augment.dihedral):
        photos = probe.with_mirrored(photos)
    features, labels = probe.extract(classifier, photos, learn.device, learn.dtype)
    probe.start_head(classifier, features, labels)


def fit_from_probe(learn: Learner, epochs: int, lr: float = FINETUNE_LR) -> None:
    """Train everything by one cycle, and end between the probe and the last weights."""
    learn.unfreeze()
    schedule = partial(one_cycle, pct_start=0.3)
    share = trusted_share(len(learn.data.train))  # type: ignore[arg-type]
    learn.fit(epochs, (lr / RATIO, lr), schedule, callbacks=[WiSE(share)])


def trusted_share(n: int) -> float:
    """Of fine-tuned weights in their mean with those after the probe, for n training photos.

    The more photos, the more was learnt that the probe cannot know: half up to a thousand, all from
    32,000 on (`scripts/vision_recipe.py` compares shares on sets of 195 to 2,763 photos).

    >>> [trusted_share(n) for n in (200, 1000, 4000, 100_000)]
    [0.5, 0.5, 0.7, 1.0]
    """
    return min(max(0.5 + 0.1 * math.log2(n / 1000), 0.5), 1.0)


def still(learn: Learner) -> Any:
    """The learner's training photos in order, unvaried, as validation sees photos."""
    train: Any = learn.data.train
    return replace(train, augment=None, shuffle=False)


def _model(
    learn: Learner,
    networks: list[Any],
    *,
    spec: Spec,
    data: str,
    told: dict[str, Any],
    extra: dict[str, Any],
) -> PhotoModel:
    """The model that a learner has trained."""
    network: Any = learn.model
    return PhotoModel(
        networks,
        spec,
        history=learn.history,
        data=data,
        training=told | {"dropout": network.head.dropout} | training_of(learn),
        extra=extra,
        learner=learn,
        run=learn.run,
    )
