"""The verbs for ratings: `train`, `finetune` and `learner`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, Unpack

from zoo.collab import recipe
from zoo.collab.data.ratings import Table
from zoo.collab.difficulty import of_held_out
from zoo.collab.model import Recommender
from zoo.collab.new_learner import new_learner
from zoo.collab.options import (
    FIT_OPTIONS,
    OPTIONS,
    Architecture,
    FitOptions,
    ModelName,
    Options,
)
from zoo.collab.rivals import rivals_of
from zoo.collab.spec import Spec
from zoo.collab.stored import Pretrained, opened
from zoo.collab.suited import suited_model
from zoo.collab.task import is_computed, predicts_ratings, task_of
from zoo.core.arguments import require_data, require_order, require_own_model
from zoo.core.frames import frame_of
from zoo.core.training.learner import Learner
from zoo.core.training.options import SomeEpochs, SomeRate
from zoo.core.trust.blend import warn_of_partners
from zoo.core.trust.judge import train_and_judge
from zoo.core.verbs import verb
from zoo.hub.find import names_model

LISTS: Final = 0.25  # of a budget, for the model of lists


@verb(FIT_OPTIONS, tables=frame_of)
def train(
    data: Table,
    *,
    model: Architecture = None,
    epochs: SomeEpochs = None,
    lr: SomeRate = None,
    **options: Unpack[FitOptions],
) -> Recommender:
    """Train a recommender on your ratings, from random weights and by one cycle.

    Args:
        data: a CSV, TSV or Parquet file, a DataFrame, or a table of polars, Arrow or Hugging Face
            (`zoo.core.frames`), with a user, an item and a rating per row.
            Ids are text or numbers; those of a text file are numbers if all spell whole ones.
        model: None takes "dot_bias" where there are stars, and "blend" for play counts and for
            tables without ratings. "dot_bias" (quick and good), "svdpp" (better: also uses
            histories), "embedding_net" (a multilayer net): beside it a model of lists is fitted for
            `recommend`, see the option `lists`. Or a model of lists alone, which ignores ratings:
            "blend", "ease", "ials", "item_knn", "popular" (see `zoo.collab.lists`), "softmax"; or
            "sasrec", which learns from the order of a log and takes minutes.
        epochs: passes over the ratings; None takes the model's own (`catalogue.RECIPES`), 0 leaves
            vectors random and biases at their estimate.
        lr: highest learning rate; None takes the model's own, the less the fewer ratings there are
            per user and item (`zoo.collab.recipe`).
        **options: see `zoo.collab.options.Options`.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: columns are missing, there is too little to learn from, or a setting is out of
            range.

    Example:
        zoo.collab.train("ratings.csv").recommend(42, k=10)
    """
    require_data("zoo.collab.train", data, names_model=names_model)
    name = model or suited_model(data, options)
    return _judged(partial(learner, data, model=name), name, epochs, lr, options)


@verb(FIT_OPTIONS, tables=frame_of)
def finetune(
    pretrained: Pretrained,
    data: Table,
    *,
    epochs: SomeEpochs = None,
    lr: SomeRate = None,
    **options: Unpack[FitOptions],
) -> Recommender:
    """Train a recommender further on new ratings; new users and items get rows of their own.

    Those that the model knows keep their rows, which move only where there are new ratings of them;
    new ones begin at the mean. Weights do not decay unless you say so, since that would move rows
    without a new rating. Ratings that the model was trained on before are not validated on; if
    there are no others, its metrics are NaN.

    Args:
        pretrained: a model, its directory, or its name on the hub.
        data: the new ratings, in the form that `train` takes.
        epochs: passes over them; None takes the model's own.
        lr: highest learning rate; None takes the model's own for further training.
        **options: see `zoo.collab.options.Options`; the network stays what it is.

    Raises:
        FileNotFoundError: the model or file does not exist.
        ValueError: columns are missing, there is too little to learn from, or a setting is out of
            range.
    """
    require_order("zoo.collab.finetune", pretrained, data, names_model=names_model)
    start = opened(pretrained)
    make = partial(learner, data, pretrained=start)
    return _judged(make, start.name, epochs, lr, options, further=True)


@verb(OPTIONS, tables=frame_of)
def learner(
    data: Table,
    *,
    pretrained: Pretrained | None = None,
    model: Architecture = None,
    **options: Unpack[Options],
) -> Learner[Spec, Recommender]:
    """Return a learner to train step by step: find a rate, fit, look, fit again.

    `learner.as_model()` returns what `train` does, and `learner.save(directory)` writes it.

    Args:
        data: ratings, in the form that `train` takes.
        pretrained: the model to go on from, as for `finetune`; None starts from random weights.
        model: architecture for random weights, as for `train`.
        **options: see `zoo.collab.options.Options`.

    Raises:
        FileNotFoundError: the model or file does not exist.
        ValueError: columns are missing, there is too little to learn from, or a setting is out of
            range.
    """
    require_data("zoo.collab.learner", data, names_model=names_model)
    start = None if pretrained is None else opened(pretrained)
    if start is not None:
        warn_of_partners(start.blend)
        require_own_model(model or start.name, start.name, start.name)
    name = start.name if start else model or suited_model(data, options)
    return new_learner(data, start, name, options)


def _judged(
    make: Callable[..., Learner[Spec, Recommender]],
    name: ModelName,
    epochs: int | None,
    lr: float | None,
    options: FitOptions,
    *,
    further: bool = False,
) -> Recommender:
    """The model of a call, measured beside its rivals and then trained on all ratings.

    "softmax" and "sasrec" take too long to be trained twice.
    """
    _require_steps(name, epochs=epochs or None, lr=lr)
    run = options.get("run")
    if run is not None and run.budget is not None and options.get("lists") != "none":
        kept = LISTS * max(run.budget.left, 0.0)  # the model of lists is computed after all else
        options["run"] = replace(run, budget=run.budget.part(keep=kept))

    def fit(learn: Learner[Spec, Recommender], like: Sequence[Learner[Spec, Recommender]]) -> None:
        recipe.fit(learn, name, epochs, lr, further=further)

    trains = epochs != 0
    trained = train_and_judge(
        make,
        fit,
        FIT_OPTIONS,
        options,
        rivals=partial(rivals_of, further=further) if trains else None,
        refits=trains and name not in ("softmax", "sasrec"),
        unscored=_unscored(name) if further and options.get("valid_fraction") != 0 else None,
        difficulty=of_held_out if predicts_ratings(name) else None,
    )
    return trained.complete()


def _require_steps(name: ModelName, **settings: float | None) -> None:
    """Refuse what says how to train by steps for a model that is computed at once.

    Raises:
        ValueError: some settings are given; all are named.
    """
    wrong = [f"{key}={value!r}" for key, value in settings.items() if value is not None]
    if is_computed(name) and wrong:
        raise ValueError(
            f"a model that is computed at once must be given no epochs or rates, got "
            f"{', '.join(wrong)} for model={name!r}. It takes columns (user, item, rating, time), "
            "titles, run, and how it is validated: valid, valid_fraction, split, fold, folds, "
            "refit, rivals."
        )


def _unscored(name: ModelName) -> dict[str, float]:
    """Metrics where all ratings are those that a pretrained model was trained on."""
    return dict.fromkeys(("loss", *task_of(name).metrics()), math.nan)
