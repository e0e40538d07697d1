"""The verbs of the domain: `finetune`, `train` and `learner`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, Unpack

import pandas as pd

from zoo.core.arguments import require_data
from zoo.core.options import OptionTable
from zoo.core.training.options import Epochs, Rate, SomeRate
from zoo.core.trust.fine_tuning import rivals_of
from zoo.core.trust.gauge import vector_gauge
from zoo.core.trust.judge import train_and_judge
from zoo.core.verbs import verb
from zoo.vision.classification.candidates import at_hand, compared
from zoo.vision.classification.features import photos_of, plain_look
from zoo.vision.classification.model import PhotoLearner, PhotoModel
from zoo.vision.classification.new_learner import new_learner
from zoo.vision.classification.options import (
    EPOCHS,
    FIT_OPTIONS,
    OPTIONS,
    TRAIN_EPOCHS,
    TRAIN_FIT_OPTIONS,
    TRAIN_LR,
    TRAIN_OPTIONS,
    FitOptions,
    Options,
    Sizes,
)
from zoo.vision.classification.recipe import START, fine_tuning, settle
from zoo.vision.data.cache import Items
from zoo.vision.pretrained import (
    Pretrained,
    finetune_start,
    learner_start,
    look_up,
    names_model,
    train_start,
)

CLASSES: Final = "classification"
GAUGE: Final = vector_gauge(plain_look)


@verb(FIT_OPTIONS)
def finetune(
    pretrained: Pretrained,
    data: Any,
    *,
    epochs: Epochs = EPOCHS,
    lr: SomeRate = None,
    sizes: Sizes = (),
    **options: Unpack[FitOptions],
) -> PhotoModel:
    """Fine-tune a pretrained model on your photos.

    First the head is fitted to the frozen body's features by logistic regression (see
    `zoo.core.training.probe`), which takes one pass; then everything trains by one cycle,
    with rates that fall geometrically from the head to the first layer group; the result lies
    between both, where the validation part finds it best, the probe included (see
    `zoo.core.training.shares`). Its scores are cross-fitted, not those of the last line of the
    table. Of several labels per photo, the threshold is tuned on the validation part in the end.

    With `precompute=True` the body stays as it is: the head alone trains, on features that are kept
    on disk, so that an epoch takes milliseconds; `finetune(model, data)` then goes on with all.

    Args:
        pretrained: a backbone's name (`zoo.vision.backbones()`), the directory or the hub name
            of a saved model, or a model; "auto" takes the backbone at hand that suits the training
            photos best (`zoo.vision.choose`).
        data: a folder (one folder per class, perhaps within train and valid), a CSV file or
            DataFrame of paths and labels, a torch data set of (image, label) or a Hugging Face
            data set. Labels are classes; lists, or cells with a separator: several per photo; or
            numbers to estimate. Parts that the data state must share no photo; where a part is
            drawn, copies of a photo stay on one side.
        epochs: passes over the training photos; 0 gives the linear probe.
        lr: highest rate of the head; None takes 3e-4, or 2e-3 with a frozen body.
        sizes: growing sides of the photos in pixels, such as (96, 128, 160), which share the
            epochs, a cycle each (progressive resizing).
        **options: see `zoo.vision.classification.options.FitOptions`.

    Raises:
        ValueError: an unknown name, no photos, one class, or a setting out of range.
        FileNotFoundError: a folder, file or photo does not exist.
        ConnectionError: weights are neither at hand nor reachable.

    Example:
        zoo.vision.finetune("efficientnet_lite0", "photos/").predict("dog.jpg")
    """
    start = finetune_start("zoo.vision.finetune", pretrained, data)
    growing = _growing(sizes or (), options)
    if growing:
        options["size"] = growing[0]
    head_alone = bool(options.get("precompute"))
    recipe = fine_tuning(epochs, lr, growing, head_alone=head_alone)
    make = partial(_learner, data, start, pretrained, OPTIONS)
    model: PhotoModel = train_and_judge(
        make, recipe.train, FIT_OPTIONS, options, rivals=recipe.rivals, gauge=GAUGE
    )
    return _with_examples(model) if options.get("keep_examples") else model


@verb(TRAIN_FIT_OPTIONS)
def train(
    data: Any,
    *,
    model: str | None = None,
    epochs: Epochs = TRAIN_EPOCHS,
    lr: Rate = TRAIN_LR,
    **options: Unpack[FitOptions],
) -> PhotoModel:
    """Train on your photos from random weights. Other arguments are those of `finetune`.

    Args:
        data: see `finetune`.
        model: a backbone's name (`zoo.vision.backbones()`).
        epochs: passes over the training photos.
        lr: highest rate of all layer groups.
        **options: see `zoo.vision.classification.options.FitOptions`.

    Raises:
        ValueError: as `finetune`, or no backbone is named.
    """
    name = train_start("zoo.vision.train", data, model)
    if options.get("precompute"):
        raise ValueError(
            "features must be those of a pretrained body, got precompute=True with random weights. "
            f"Call finetune({name!r}, data, precompute=True)."
        )

    def fit(learn: PhotoLearner, like: Sequence[PhotoLearner]) -> None:
        if epochs:
            learn.fit_one_cycle(epochs, lr)
        settle(learn, like)

    make = partial(_learner, data, name, None, TRAIN_OPTIONS)
    some = partial(rivals_of, start=START)
    trained: PhotoModel = train_and_judge(
        make, fit, TRAIN_FIT_OPTIONS, options, rivals=some, gauge=GAUGE
    )
    return _with_examples(trained) if options.get("keep_examples") else trained


@verb(OPTIONS)
def learner(
    data: Any,
    *,
    pretrained: Pretrained | None = None,
    model: str | None = None,
    **options: Unpack[Options],
) -> PhotoLearner:
    """Make the learner for the step-by-step way: find a rate, freeze, fit, unfreeze, fit.

    `learner.as_model()` gives what `finetune` returns, `learner.save(directory)` its artifact;
    `learner.as_model(snapshots=n)` gives an ensemble of SGDR's snapshots. With `precompute=True` it
    begins on features, the body frozen; `zoo.vision.on_photos(learner)` goes back to photos.

    Args:
        data: see `finetune`.
        pretrained: see `finetune`; exactly one of `pretrained` and `model` must be given.
        model: a backbone's name, to start from random weights.
        **options: see `zoo.vision.classification.options.Options`.

    Raises:
        ValueError: as `finetune`, or neither or both starts are given.
    """
    start = learner_start("zoo.vision.learner", data, pretrained, model)
    return new_learner(data, start, pretrained, options)


@verb(OPTIONS)
def choose(
    data: Any, *, among: Sequence[str] | None = None, **options: Unpack[Options]
) -> pd.DataFrame:
    """Compare backbones on your photos by cross-validated linear probes; none is trained.

    Each body sees every photo once (and its mirror image), which is kept, so that the second call,
    and `finetune` of the chosen one, start at once. Photos of a validation part take no part.

    Args:
        data: see `finetune`.
        among: names of backbones (`zoo.vision.backbones()`); None takes those whose weights are at
            hand.
        **options: see `zoo.vision.classification.options.Options`.

    Returns:
        A row for each backbone, the best score first; see
        `zoo.core.trust.candidates.comparison`.

    Raises:
        ValueError: an unknown name, no name, or as `finetune`.

    Example:
        zoo.vision.choose("photos/", among=["efficientnet_lite0", "efficientnet_lite2"])
    """
    require_data("zoo.vision.choose", data, names_model=names_model)
    if isinstance(among, str) or (among is not None and not among):
        raise ValueError(
            f"among must be names of backbones, got {among=!r}. Try ['efficientnet_lite0']."
        )
    whole: Any = options if options.get("valid") is not None else options | {"valid_fraction": 0.0}

    def make(name: str) -> PhotoLearner:
        return new_learner(data, look_up(name), name, OPTIONS.complete(whole))

    return compared(at_hand() if among is None else among, make)


def _with_examples(model: PhotoModel) -> PhotoModel:
    """The model with the photos that its learner was trained on, by the names of their files."""
    photos, _ = photos_of(model.learner())
    items, classes = photos.items, model.spec.classes
    if isinstance(items, Items):
        inputs: list[Any] = [items.files[row] for row in items.rows.tolist()]
        names = [path.name for path in inputs]
    else:
        inputs = [items[i] for i in range(len(items))]
        names = [f"photo {i}" for i in range(len(items))]
    targets = photos.targets.tolist()
    labels = [classes[one] for one in targets] if model.spec.task == CLASSES else targets
    return model.keep_examples(inputs, {"photo": names, "label": labels})


def _growing(sizes: Sequence[int], options: Options) -> Sequence[int]:
    """The growing sizes.

    Raises:
        ValueError: sizes do not grow, or a size or precomputed features are asked for as well.
    """
    other = [name for name in ("size", "precompute") if options.get(name)]
    if sorted(set(sizes)) != [*sizes] or (sizes and other):
        raise ValueError(
            f"sizes must grow from one to the next and stand alone, got sizes={tuple(sizes)} "
            f"beside {' and '.join(other) or 'nothing'}. Give such as (96, 128, 160)."
        )
    return sizes


def _learner(
    data: Any,
    first: Any,
    pretrained: Pretrained | None,
    table: OptionTable[Options],
    **options: Unpack[Options],
) -> PhotoLearner:
    """See `new_learner`; options that are not given are the table's."""
    return new_learner(data, first, pretrained, table.complete(options))
