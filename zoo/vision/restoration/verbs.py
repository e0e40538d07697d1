"""The verbs of restoration: `finetune`, `train` and `learner`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, Unpack

from zoo.core.model import learner_of, source
from zoo.core.run import Run
from zoo.core.training.learner import Learner
from zoo.core.training.options import Epochs, Rate
from zoo.core.trust.judge import train_and_judge
from zoo.core.verbs import verb
from zoo.vision.data.photo_parts import photo_parts
from zoo.vision.models.backbones import preprocessing
from zoo.vision.pretrained import finetune_start, learner_start, train_start
from zoo.vision.restoration.model import PhotoRestorer
from zoo.vision.restoration.options import (
    EPOCHS,
    FIT_OPTIONS,
    LR,
    OPTIONS,
    TRAIN_EPOCHS,
    FitOptions,
    Options,
)
from zoo.vision.restoration.perceptual import FeatureLoss
from zoo.vision.restoration.spec import DegradedPhotos, RestorationSpec, task_of
from zoo.vision.unet.pairs import pair_data
from zoo.vision.unet.start import body_name, start_unet

EYES: Final = "efficientnet_lite0"  # the backbone that compares pictures

PhotoLearner = Learner[RestorationSpec, PhotoRestorer]


@verb(FIT_OPTIONS)
def finetune(
    pretrained: Any,
    data: Any,
    *,
    epochs: Epochs = EPOCHS,
    lr: Rate = LR,
    **options: Unpack[FitOptions],
) -> PhotoRestorer:
    """Fine-tune a U-Net on a pretrained backbone to undo a degradation of your photos.

    Args:
        pretrained: a backbone's name, the directory or hub name of a saved model, or a model.
        data: good photos: a folder (at any depth), or a list of paths.
        epochs: passes over the photos.
        lr: highest learning rate of the decoder; a tenth of it for the first layer group.
        **options: see `zoo.vision.restoration.options.Options`.

    Raises:
        ValueError: a backbone has no feature maps, there are no photos, or a setting is out of
            range.
        FileNotFoundError: a folder or photo does not exist.
        ConnectionError: weights are neither at hand nor reachable.
    """
    start = finetune_start("zoo.vision.restoration.finetune", pretrained, data)

    def fit(learn: PhotoLearner, like: Sequence[PhotoLearner]) -> None:
        if epochs:
            learn.fit_one_cycle(epochs, (lr / 10, lr))

    return train_and_judge(partial(_learner, start, data), fit, FIT_OPTIONS, options)


@verb(FIT_OPTIONS)
def train(
    data: Any,
    *,
    model: str | None = None,
    epochs: Epochs = TRAIN_EPOCHS,
    lr: Rate = LR,
    **options: Unpack[FitOptions],
) -> PhotoRestorer:
    """Train a U-Net from random weights to undo a degradation of your photos, by one cycle.

    Args:
        data: good photos: a folder (at any depth), or a list of paths.
        model: a backbone's name; it must be given.
        epochs: passes over the photos.
        lr: highest learning rate, for all layer groups.
        **options: see `zoo.vision.restoration.options.Options`.

    Raises:
        ValueError: a backbone has no feature maps, there are no photos, or a setting is out of
            range.
        FileNotFoundError: a folder or photo does not exist.
    """
    start = train_start("zoo.vision.restoration.train", data, model)

    def fit(learn: PhotoLearner, like: Sequence[PhotoLearner]) -> None:
        if epochs:
            learn.fit_one_cycle(epochs, lr)

    new_learner = partial(_learner, start, data, published=False)
    return train_and_judge(new_learner, fit, FIT_OPTIONS, options)


@verb(OPTIONS)
def learner(
    data: Any, *, pretrained: Any = None, model: str | None = None, **options: Unpack[Options]
) -> Learner[RestorationSpec, PhotoRestorer]:
    """Return a learner to train step by step: find a rate, freeze, fit, unfreeze, fit.

    Args:
        data: good photos: a folder (at any depth), or a list of paths.
        pretrained: the model to go on from, as for `finetune`; either this or `model` is given.
        model: a backbone's name, for random weights.
        **options: see `zoo.vision.restoration.options.Options`.

    Raises:
        ValueError: a backbone has no feature maps, there are no photos, or a setting is out of
            range.
        FileNotFoundError: a folder or photo does not exist.
    """
    start = learner_start("zoo.vision.restoration.learner", data, pretrained, model)
    return _learner(start, data, published=model is None, **options)


def _learner(
    start: Any, data: Any, *, published: bool = True, **options: Unpack[Options]
) -> Learner[RestorationSpec, PhotoRestorer]:
    """The learner of checked arguments.

    Args:
        start: a backbone's name, or a saved model.
        data: good photos.
        published: whether a backbone gets its published weights, or random ones.
        **options: the given ones.
    """
    settings = OPTIONS.complete(options)
    run = settings["run"] = settings["run"] or Run()
    name, size = body_name(start), settings["size"]
    shown = preprocessing(name)
    spec = RestorationSpec(settings["scale"], settings["quality"], shown.mean, shown.std)
    goes_on = isinstance(start, PhotoRestorer)
    seen_before = start.seen_rows if goes_on else None
    share, valid = settings["valid_fraction"], settings["valid"]
    fold = settings["fold"]
    parts = photo_parts(data, valid, share, run.seed, run.n_threads, seen_before, fold)
    pairs = [DegradedPhotos(part.paths, size, spec, part.hashes) for part in parts if part]
    network = start_unet(
        start, run.seed, published=published, whole=goes_on, shape=(size, size), **spec.network()
    )
    weight = settings["perceptual"]
    eyes = FeatureLoss(EYES, weight, run.torch_device()) if weight else None
    facts = {"pretrained": name if published else "", "photos": len(pairs[0])}
    return learner_of(
        network,
        pair_data(pairs, spec, run, settings["batch_size"]),
        task_of(eyes),
        PhotoRestorer,
        settings,
        source=source(data),
        record=facts | OPTIONS.record(settings),
        seen_before=seen_before,
    )
