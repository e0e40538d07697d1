"""The verbs of the domain: `finetune`, `train` and `learner`."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, Unpack

import torch
from torch.optim import Optimizer

from zoo.core.model import finished, made, source
from zoo.core.run import Run, seeded
from zoo.core.split import SeenRows
from zoo.core.training.groups import BatchNormMode
from zoo.core.training.learner import Learner
from zoo.core.training.mixing import CutMix, MixUp, OneOf
from zoo.core.training.options import OptimizerName
from zoo.vision.classification.features import FeatureBatches, on_features, on_photos
from zoo.vision.classification.model import PhotoModel
from zoo.vision.classification.options import Options, check_numbers, check_sizes
from zoo.vision.classification.recipe import HEAD_LR, LR, fit_from_probe, fit_head, start_from_probe
from zoo.vision.classification.spec import Spec, TaskName, spec_of
from zoo.vision.classification.task import task_of
from zoo.vision.classification.thresholds import tune_threshold
from zoo.vision.data.augment import Augment
from zoo.vision.data.balance import ClassWeights, oversampled, weights_of
from zoo.vision.data.images import WHITE
from zoo.vision.data.labels import Asked
from zoo.vision.data.photo_sets import AugmentName, augmentation, batches, find
from zoo.vision.models.head import Pool
from zoo.vision.pretrained import HeadWish, Pretrained, resolve, start

BATCH_SIZE: Final = 16
FINETUNE_EPOCHS: Final = 4
TRAIN_EPOCHS, TRAIN_LR = 20, 3e-3


def finetune(
    pretrained: Pretrained,
    data: Any,
    *,
    epochs: int = FINETUNE_EPOCHS,
    lr: float | None = None,
    sizes: Sequence[int] | None = (),
    **options: Unpack[Options],
) -> PhotoModel:
    """A pretrained model fine-tuned on your photos.

    First the head is fitted to the frozen body's features by logistic regression (see
    `zoo.vision.classification.probe`), which takes one pass; then everything trains by one cycle,
    with rates that
    fall geometrically from the head to the first layer group; the result lies between both (see
    `zoo.core.training.averaging.WiSE`), so its scores are not those of the last line of the table.
    Of several labels a photo, the threshold is tuned on the validation part in the end.

    With `precompute=True` the body stays as it is: the head alone trains, on features that are kept
    on disk, so that an epoch takes milliseconds; `finetune(model, data)` then goes on with all.

    Args:
        pretrained: a backbone's name (`zoo.vision.backbones()`), the directory or the hub name
            of a saved model, or a model.
        data: a folder (a folder a class, perhaps within train and valid), a CSV file or DataFrame
            of paths and labels, a torch data set of (image, label) or a Hugging Face data set.
            Labels are classes; lists, or cells with a separator: several a photo; or numbers to
            estimate. Parts that the data state must share no photo; where a part is drawn, copies
            of a photo stay on one side.
        epochs: passes over the training photos; 0 gives the linear probe.
        lr: highest rate of the head; None takes 3e-4, or 2e-3 with a frozen body.
        sizes: growing sides of the photos in pixels, such as (96, 128, 160): the epochs are shared
            between them, a cycle each (progressive resizing).
        **options: see `zoo.vision.classification.options.Options`.

    Raises:
        ValueError: an unknown name, no photos, one class, or a setting out of range.
        FileNotFoundError: a folder, file or photo does not exist.
        ConnectionError: weights are neither at hand nor reachable.

    Example:
        zoo.vision.finetune("efficientnet_lite0", "photos/").predict("dog.jpg")
    """
    check_numbers(epochs=epochs, lr=lr)
    growing = check_sizes(sizes, options)
    if growing:
        options["size"] = growing[0]
    learn = learner(pretrained, data, **options)
    frozen = isinstance(learn.data.train, FeatureBatches)
    start_from_probe(learn, weights_of(options.get("class_weights"), *_labelled(learn)))
    if epochs and not learn.interrupted:
        if frozen:
            fit_head(learn, epochs, HEAD_LR if lr is None else lr)
        else:
            fit_from_probe(learn, epochs, LR if lr is None else lr, growing)
    return _finished(learn)


def train(
    architecture: str,
    data: Any,
    *,
    epochs: int = TRAIN_EPOCHS,
    lr: float = TRAIN_LR,
    **options: Unpack[Options],
) -> PhotoModel:
    """A model trained on your photos from random weights; other arguments are as for `finetune`.

    Args:
        architecture: a backbone's name.
        data: see `finetune`.
        epochs: passes over the training photos.
        lr: highest rate, of all layer groups.
        **options: see `zoo.vision.classification.options.Options`.
    """
    check_numbers(epochs=epochs, lr=lr)
    if options.get("precompute"):
        raise ValueError(
            "features are precomputed by a pretrained body, however precompute=True and weights "
            "are random; use finetune"
        )
    options.setdefault("batchnorm", "live")
    learn = learner(architecture, data, random_weights=True, **options)
    learn.fit_one_cycle(epochs, lr)
    return _finished(learn)


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
    task: TaskName | None = None,
    separator: str | None = None,
    y_range: tuple[float, float] | None = None,
    beta: float | None = None,
    size: int | None = None,
    batch_size: int = BATCH_SIZE,
    augment: AugmentName | Augment = "side_on",
    mixup: float = 0.0,
    cutmix: float = 0.0,
    class_weights: ClassWeights | None = None,
    oversample: bool = False,
    precompute: bool = False,
    versions: int = 0,
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
) -> Learner[Any, Any]:
    """The learner for the step-by-step way: find a rate, freeze, fit, unfreeze, fit.

    `learner.as_model()` gives what `finetune` returns, `learner.save(directory)` its artifact;
    `learner.as_model(snapshots=n)` gives an ensemble of SGDR's snapshots. With `precompute=True` it
    begins on features, the body frozen; `zoo.vision.on_photos(learner)` goes back to photos.

    Args:
        pretrained: see `finetune`.
        data: see `finetune`.
        random_weights: start from none of the published weights.
        The others: see `zoo.vision.classification.options.Options`.
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
        mixup=mixup,
        cutmix=cutmix,
        versions=versions,
        beta=beta,
    )
    size, batch_size = None if size is None else int(size), int(batch_size)
    run = run or Run()
    varied = augmentation(augment)
    asked = Asked(task, separator, y_range, beta)
    found = find(
        data,
        valid,
        root=root,
        columns=columns,
        valid_column=valid_column,
        valid_fraction=valid_fraction,
        seed=run.seed,
        asked=asked,
    )
    with seeded(run.seed):
        first = resolve(pretrained, random_weights=random_weights)
        classifier = start(
            first,
            found.classes,
            found.of_task["task"],
            size=size,
            short_side=found.short_side,
            head=HeadWish(dropout, hidden, pool),
            random_weights=random_weights,
        )
    earlier = first if isinstance(first, PhotoModel) else None
    spec = spec_of(
        found.classes,
        classifier.preprocessing,
        augment=varied,
        white=found.white or (earlier.spec.white if earlier else WHITE),
        columns=None if columns is None else (columns[0], columns[1]),
        valid_column=valid_column,
        **found.of_task | (_kept(first, asked) if classifier.trained else {}),
    )
    seen = earlier.seen_rows if earlier else None
    opened = found.open(spec, run, strict, seen)
    if oversample:
        opened = oversampled(opened, spec, run.seed)
    if classifier.head.hidden is not None:
        _check_batches(len(opened.train), batch_size, accumulate)
    weights = weights_of(class_weights, opened.train_labels, spec)
    told = {
        "pretrained": "" if random_weights else str(getattr(pretrained, "name", pretrained)),
        "photos": len(opened.train),
        "valid_fraction": valid_fraction,
        "batch_size": batch_size,
        "augment": augment if isinstance(augment, str) else repr(augment),
        "label_smoothing": label_smoothing,
    }
    learn = Learner(
        classifier.to(memory_format=torch.channels_last),
        batches(opened, spec, run, batch_size=batch_size, augment=varied),
        task_of(spec, label_smoothing=label_smoothing, weights=weights),
        batchnorm=batchnorm,
        optimizer=optimizer,
        weight_decay=weight_decay,
        clip=clip,
        accumulate=accumulate,
        callbacks=[*(callbacks or ()), *_mixing(mixup, cutmix, spec, run.seed)],
        as_model=partial(
            _model,
            data=source(data),
            told=told | _unusual(mixup=mixup, cutmix=cutmix, oversample=oversample),
            extra=earlier.extra if earlier else {},
            seen_before=seen,
        ),
        run=run,
    )
    if precompute:
        on_features(learn, versions)
    return learn


def _kept(model: Any, asked: Asked) -> dict[str, Any]:
    """What a trained head's outputs mean, whatever the new photos' numbers are like.

    Raises:
        ValueError: another range is asked for.
    """
    known: dict[str, Any] = model.spec.of_task()
    if asked.y_range not in (None, known["y_range"]):
        raise ValueError(
            f"a trained head keeps its range, however y_range={asked.y_range} and the model's is "
            f"{known['y_range']}; leave it out, or start from {model.members[0].name!r}"
        )
    return known if asked.beta is None else known | {"beta": float(asked.beta)}


def _check_batches(n: int, batch_size: int, accumulate: int) -> None:
    """Refuse passes of one photo, which the batch norms of a hidden layer cannot normalise.

    Raises:
        ValueError: there are such.
    """
    smallest = max(n // math.ceil(n / batch_size) // accumulate, 1)
    if smallest < 2:
        raise ValueError(
            "a hidden layer takes two photos or more at a time, however "
            f"{smallest=} with {batch_size=}, {accumulate=}; raise batch_size, or leave hidden out"
        )


def _mixing(mixup: float, cutmix: float, spec: Spec, seed: int) -> list[Any]:
    """The batch edits wished for: one, or one of both by turns."""
    kinds = {MixUp: mixup, CutMix: cutmix}
    n = len(spec.classes)
    edits = [kind(n, alpha=alpha, seed=seed) for kind, alpha in kinds.items() if alpha]
    return [OneOf(edits, seed=seed)] if len(edits) > 1 else edits


def _unusual(**settings: Any) -> dict[str, Any]:
    """Settings that the card tells where they are not off."""
    return {name: value for name, value in settings.items() if value}


def _labelled(learn: Learner[Any, Any]) -> tuple[Any, Spec]:
    """Labels of the training photos, and the spec."""
    train: Any = learn.data.train
    photos = train.photos if isinstance(train, FeatureBatches) else train
    return photos.targets.numpy(), learn.data.spec


def _finished(learn: Learner[Any, Any]) -> PhotoModel:
    """The model with its threshold and its scores; saved if the run has a folder."""
    on_photos(learn)
    if learn.data.spec.task == "multi-label" and learn.data.valid is not None:
        tune_threshold(learn)
    model: PhotoModel = finished(learn)
    return model


def _model(
    learn: Learner[Any, Any],
    networks: list[Any],
    *,
    told: dict[str, Any],
    extra: dict[str, Any],
    data: str,
    seen_before: SeenRows | None,
) -> Any:
    """The model that a learner has trained, with the spec that its data have now."""
    network: Any = learn.model
    spec: Spec = learn.data.spec
    told = told | {"size": spec.size, "dropout": network.head.dropout}
    kind = partial(PhotoModel, extra=extra)
    return made(learn, networks, kind=kind, data=data, told=told, seen_before=seen_before)
