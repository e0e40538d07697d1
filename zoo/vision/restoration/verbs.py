"""The verbs of restoration: `finetune`, `train` and `learner`."""

from __future__ import annotations

from typing import Any, Final, Unpack

import torch

from zoo.core.arguments import require_data, require_order
from zoo.core.model import finished, learner_of, source
from zoo.core.options import verb
from zoo.core.run import Run, seeded
from zoo.core.split import SeenRows
from zoo.core.training.learner import Learner
from zoo.core.training.options import Epochs, Rate
from zoo.vision.data.photo_parts import photo_parts
from zoo.vision.models.backbones import preprocessing
from zoo.vision.pretrained import names_model, require_architecture, starting_point
from zoo.vision.restoration.model import PhotoRestorer
from zoo.vision.restoration.options import EPOCHS, LR, OPTIONS, TRAIN_EPOCHS, Options
from zoo.vision.restoration.perceptual import FeatureLoss
from zoo.vision.restoration.spec import DegradedPhotos, RestorationSpec, task_of
from zoo.vision.unet.pairs import pair_data
from zoo.vision.unet.start import body_name, start_unet

EYES: Final = "efficientnet_lite0"  # the backbone that compares pictures


@verb(OPTIONS)
def finetune(
    pretrained: Any,
    data: Any,
    *,
    epochs: Epochs = EPOCHS,
    lr: Rate = LR,
    **options: Unpack[Options],
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
    require_order("zoo.vision.restoration.finetune", pretrained, data, names_model=names_model)
    learn = learner(data, pretrained=pretrained, **options)
    if epochs:
        learn.fit_one_cycle(epochs, (lr / 10, lr))
    return finished(learn)


@verb(OPTIONS)
def train(
    data: Any,
    *,
    model: str | None = None,
    epochs: Epochs = TRAIN_EPOCHS,
    lr: Rate = LR,
    **options: Unpack[Options],
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
    require_data("zoo.vision.restoration.train", data, names_model=names_model)
    name = require_architecture("zoo.vision.restoration.train", model)
    learn = learner(data, model=name, **options)
    if epochs:
        learn.fit_one_cycle(epochs, lr)
    return finished(learn)


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
    start = starting_point("zoo.vision.restoration.learner", data, pretrained, model)
    settings = OPTIONS.complete(options)
    run = settings["run"] = settings["run"] or Run()
    size, shown = settings["size"], preprocessing(body_name(start))
    spec = RestorationSpec(settings["scale"], settings["quality"], shown.mean, shown.std)
    seen_before = start.seen_rows if isinstance(start, PhotoRestorer) else None
    pairs = _pairs(data, spec, settings, seen_before)
    with seeded(run.seed):
        network = start_unet(
            start,
            3,
            (size, size),
            residual=True,
            random_weights=model is not None,
            whole=lambda saved: isinstance(saved, PhotoRestorer),
        )
    weight = settings["perceptual"]
    eyes = FeatureLoss(EYES, weight, run.torch_device()) if weight else None
    facts = {"pretrained": "" if model else network.name, "photos": len(pairs[0])}
    return learner_of(
        network.to(memory_format=torch.channels_last),
        pair_data(pairs, spec, run, settings["batch_size"], rows=pairs[0].hashes),
        task_of(eyes),
        PhotoRestorer,
        settings,
        source=source(data),
        record=facts | OPTIONS.record(settings),
        batchnorm=settings["batchnorm"],
        seen_before=seen_before,
    )


def _pairs(
    data: Any, spec: RestorationSpec, settings: Options, seen_before: SeenRows | None
) -> tuple[DegradedPhotos, DegradedPhotos | None]:
    """Photos beside what becomes of them, to train on and, if any, to validate on."""
    run = settings["run"] or Run()
    parts = photo_parts(
        data, settings["valid"], settings["valid_fraction"], run.seed, run.n_threads, seen_before
    )
    size = settings["size"]
    first, *others = (DegradedPhotos(p.paths, size, spec, p.hashes) for p in parts if p)
    return first, others[0] if others else None
