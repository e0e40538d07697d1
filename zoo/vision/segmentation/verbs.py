"""The verbs of segmentation: `finetune`, `train`, `learner`, and `check` for a look before."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, Unpack

from rich.console import Console

from zoo.core.model import learner_of, source
from zoo.core.run import Run, rank_and_world
from zoo.core.training.learner import Learner
from zoo.core.training.options import Epochs, Rate
from zoo.core.trust.judge import train_and_judge
from zoo.core.verbs import verb
from zoo.vision.data.augment import sides
from zoo.vision.data.photo_sets import augmentation
from zoo.vision.data.sources import table_facts
from zoo.vision.models.backbones import preprocessing
from zoo.vision.pretrained import finetune_start, learner_start, train_start
from zoo.vision.segmentation.mask_parts import MaskReport, find_parts, open_parts
from zoo.vision.segmentation.masks import photo_sides
from zoo.vision.segmentation.model import PhotoSegmenter
from zoo.vision.segmentation.options import (
    EPOCHS,
    FIT_OPTIONS,
    LR,
    OPTIONS,
    TRAIN_EPOCHS,
    FitOptions,
    Options,
)
from zoo.vision.segmentation.spec import SegmentationSpec
from zoo.vision.segmentation.task import task_of
from zoo.vision.unet.pairs import pair_data
from zoo.vision.unet.start import body_name, fitting_shape, start_unet

RATIO: Final = 10.0
_LOOKED_AT: Final = (512, 512)  # px that masks are shrunk to in a mere look at their values

MaskLearner = Learner[SegmentationSpec, PhotoSegmenter]


@verb(FIT_OPTIONS)
def finetune(
    pretrained: Any,
    data: Any,
    masks: Any = None,
    *,
    epochs: Epochs = EPOCHS,
    lr: Rate = LR,
    **options: Unpack[FitOptions],
) -> PhotoSegmenter:
    """Fine-tune a U-Net on a pretrained backbone with your photos and masks.

    The decoder trains for one epoch on the frozen body; then everything by one cycle, with rates
    that fall geometrically from the decoder to the first layer group (`Learner.fit_finetune`).

    Args:
        pretrained: a backbone's name, the directory or hub name of a saved model, or a model.
        data: photos: a folder, a table (CSV file, DataFrame) of paths of photos and masks, or a
            list of paths.
        masks: the folder or list of masks: grey or palette pictures whose pixels number the
            classes, each of its photo's name (see `zoo.vision.data.pairing`); None where they lie
            among the photos.
        epochs: passes over the photos after the first.
        lr: highest learning rate of the decoder while the body is frozen; half of it afterwards.
        **options: see `zoo.vision.segmentation.options.Options`.

    Raises:
        ValueError: a backbone has no feature maps, photos have no masks, or a setting is out of
            range.
        FileNotFoundError: a folder, file or photo does not exist.
        ConnectionError: weights are neither at hand nor reachable.
    """
    start = finetune_start("zoo.vision.segmentation.finetune", pretrained, data)

    def fit(learn: MaskLearner, like: Sequence[MaskLearner]) -> None:
        learn.fit_finetune(epochs, lr, ratio=RATIO)

    return train_and_judge(partial(_learner, start, data, masks), fit, FIT_OPTIONS, options)


@verb(FIT_OPTIONS)
def train(
    data: Any,
    masks: Any = None,
    *,
    model: str | None = None,
    epochs: Epochs = TRAIN_EPOCHS,
    lr: Rate = LR,
    **options: Unpack[FitOptions],
) -> PhotoSegmenter:
    """Train a U-Net from random weights, by one cycle.

    Args:
        data: photos, in the forms that `finetune` takes.
        masks: their masks, in the forms that `finetune` takes.
        model: a backbone's name; it must be given.
        epochs: passes over the photos.
        lr: highest learning rate, for all layer groups.
        **options: see `zoo.vision.segmentation.options.Options`.

    Raises:
        ValueError: a backbone has no feature maps, photos have no masks, or a setting is out of
            range.
        FileNotFoundError: a folder, file or photo does not exist.
    """
    start = train_start("zoo.vision.segmentation.train", data, model)
    new_learner = partial(_learner, start, data, masks, published=False)

    def fit(learn: MaskLearner, like: Sequence[MaskLearner]) -> None:
        if epochs:
            learn.fit_one_cycle(epochs, lr)

    return train_and_judge(new_learner, fit, FIT_OPTIONS, options)


@verb(OPTIONS)
def learner(
    data: Any,
    masks: Any = None,
    *,
    pretrained: Any = None,
    model: str | None = None,
    **options: Unpack[Options],
) -> Learner[SegmentationSpec, PhotoSegmenter]:
    """Return a learner to train step by step: find a rate, freeze, fit, unfreeze, fit.

    Args:
        data: photos, in the forms that `finetune` takes.
        masks: their masks, in the forms that `finetune` takes.
        pretrained: the model to go on from, as for `finetune`; either this or `model` is given.
        model: a backbone's name, for random weights.
        **options: see `zoo.vision.segmentation.options.Options`.

    Raises:
        ValueError: a backbone has no feature maps, photos have no masks, or a setting is out of
            range.
        FileNotFoundError: a folder, file or photo does not exist.
    """
    start = learner_start("zoo.vision.segmentation.learner", data, pretrained, model)
    return _learner(start, data, masks, published=model is None, **options)


@verb(OPTIONS)
def check(data: Any, masks: Any = None, **options: Unpack[Options]) -> MaskReport:
    """Return what `finetune` would train on: pairs, left-overs, and the values of the masks.

    Args:
        data: photos, in the forms that `finetune` takes.
        masks: their masks, in the forms that `finetune` takes.
        **options: those of `finetune`; only the ones about data matter.

    Raises:
        FileNotFoundError: a folder, file or photo does not exist.
        ValueError: photos have no masks, or masks are not what `finetune` takes.
    """
    settings = OPTIONS.complete(options)
    run = settings["run"] or Run()
    _require_used(data, masks, settings)
    parts = find_parts(data, masks, settings, run)
    return open_parts(parts, _LOOKED_AT, "bilinear", settings, run).report


def _require_used(data: Any, masks: Any, settings: Options) -> None:
    """Refuse options about tables where there is none.

    Raises:
        ValueError: there are such.
    """
    valid = settings["valid"]
    given = [data, masks, *(valid if isinstance(valid, (list, tuple)) else (valid,))]
    facts, lists = table_facts(*given), any(isinstance(one, (list, tuple)) for one in given)
    facts["a table or lists of paths"] = lists or facts["a table of paths"]
    OPTIONS.require_used(settings, facts)


def _learner(
    start: Any, data: Any, masks: Any, *, published: bool = True, **options: Unpack[Options]
) -> Learner[SegmentationSpec, PhotoSegmenter]:
    """The learner of checked arguments.


    Args:
        start: a backbone's name, or a saved model.
        data: photos.
        masks: their masks, or None where they lie among the photos.
        published: whether a backbone gets its published weights, or random ones.
        **options: the given ones.
    """
    settings = OPTIONS.complete(options)
    run = settings["run"] = settings["run"] or Run()
    _require_used(data, masks, settings)
    goes_on = isinstance(start, PhotoSegmenter)
    seen_before = start.seen_rows if goes_on else None
    name, size = body_name(start), settings["size"]
    shown, parts = preprocessing(name), find_parts(data, masks, settings, run, seen_before)
    shape = sides(size) if size else fitting_shape(name, photo_sides(parts[0].files.photos))
    photo_set = open_parts(parts, shape, shown.interpolation, settings, run)
    if run.progress is not False and rank_and_world()[0] == 0:
        Console().print(str(photo_set.report), highlight=False, markup=False)
    values, pairs = photo_set.mask_values, photo_set.pairs
    spec = SegmentationSpec(
        values.classes,
        shape,
        shown.mean,
        shown.std,
        shown.interpolation,
        values.ignore,
        values.values,
    )
    whole = goes_on and start.spec.classes == spec.classes
    network = start_unet(start, run.seed, published=published, whole=whole, **spec.network())
    augment = augmentation(settings["augment"])
    facts = {"pretrained": name if published else "", "photos": len(pairs[0])}
    facts["shape"] = "{} x {}".format(*shape)
    return learner_of(
        network,
        pair_data(pairs, spec, run, settings["batch_size"], augment),
        task_of(spec),
        PhotoSegmenter,
        settings,
        source=source(data),
        record=facts | OPTIONS.record(settings),
        seen_before=seen_before,
    )
