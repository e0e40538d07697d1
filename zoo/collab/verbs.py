"""The verbs for ratings: `train`, `finetune` and `learner`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Unpack

from torch import nn

from zoo.collab import recipe
from zoo.collab.data.batches import VALID_BATCH
from zoo.collab.data.prepared import Prepared, prepare
from zoo.collab.data.ratings import Table
from zoo.collab.data.sequences import Sequences
from zoo.collab.data.validation import Prior
from zoo.collab.lists import Choices
from zoo.collab.model import Recommender, add_ratings
from zoo.collab.models.catalogue import ARGUMENTS, RECIPES, build, takes_features
from zoo.collab.new_items import take_rows
from zoo.collab.options import (
    FIT_OPTIONS,
    OPTIONS,
    Architecture,
    FitOptions,
    ModelName,
    Options,
    SplitName,
)
from zoo.collab.rivals import rivals_of
from zoo.collab.spec import Spec
from zoo.collab.stored import Pretrained, opened
from zoo.collab.suited import suited_model
from zoo.collab.task import is_computed, needs_order, predicts_ratings, task_of
from zoo.core.arguments import require_data, require_order, require_own_model
from zoo.core.batches import Data
from zoo.core.messages import few
from zoo.core.model import learner_of, source
from zoo.core.options import verb
from zoo.core.run import Run, in_fp32, seeded
from zoo.core.training.learner import Learner
from zoo.core.training.options import SomeEpochs, SomeRate
from zoo.core.trust.blend import warn_of_partners
from zoo.core.trust.judge import train_and_judge
from zoo.core.trust.rivals import Rival
from zoo.hub.find import names_model


@verb(FIT_OPTIONS)
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
        data: a CSV, TSV or Parquet file, or a DataFrame, with a user, an item and a rating per row.
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


@verb(FIT_OPTIONS)
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
    new_learner = partial(learner, data, pretrained=start)
    return _judged(new_learner, start.name, epochs, lr, options, further=True)


@verb(OPTIONS)
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
    settings = _settings(name, options, start)
    arguments, features = _arguments(name, settings, start), _features(name, settings, start)
    prior = _prior(start, settings) if start else None
    table = prepare(data, settings, name, features=features, prior=prior)
    if needs_order(name) and start is None and (n := recipe.negatives(len(table.spec.items))):
        arguments.setdefault("negatives", n)
    run = settings["run"] or Run()
    run = settings["run"] = run if needs_order(name) else in_fp32(run, "ratings")
    settings["batch_size"] = settings["batch_size"] or recipe.batch_size(name, len(table.train))
    first = _data(table, settings["batch_size"], run, arguments.get("length"))
    record = {"pretrained": start.name if start else "", "ratings": len(table.train)}
    record |= {"users": len(table.spec.users), "items": len(table.spec.items)}
    choices = _choices(name, settings, table, run.seed)
    if choices is not None and is_computed(name):
        network: Any = choices.lists
        arguments = network.arguments
    else:
        network = _network(name, table, arguments, start, run.seed)
    return learner_of(
        network,
        first,
        task_of(name),
        partial(_model, first, choices),
        settings,
        source=source(data),
        record=record | OPTIONS.record(settings),
        name=name,
        rated_items=table.rated_items,
        held_out_items=table.held_out_items,
        in_order=table.in_order,
        arguments=arguments,
    )


def _prior(start: Recommender, settings: Options) -> Prior:
    """What a pretrained model brings.

    Raises:
        ValueError: order is to count, and the model has not kept that of its ratings.
    """
    if needs_order(settings["lists"]) and len(start.rated_items.items) and not start.keeps_order:
        raise ValueError(
            "lists='sasrec' must go on from a model of 'sasrec', which knows the order of its "
            f"ratings, got one of {start.name!r} with other lists. Train anew on all ratings."
        )
    chosen = start.chosen if start.keeps_order else start.rated_items
    return Prior(start.spec, start.rated_items, start.held_out_items, chosen)


def _choices(name: ModelName, settings: Options, table: Prepared, seed: int) -> Choices | None:
    """What the model of lists is computed from, if there is to be one."""
    lists: Any = name if is_computed(name) else settings["lists"]
    if lists == "none" or not (is_computed(name) or predicts_ratings(name)):
        return None
    return Choices(table.rated_items, len(table.spec.items), lists, seed)


def _model(
    first: Data[Spec],
    choices: Choices | None,
    networks: Sequence[nn.Module],
    spec: Spec,
    **record: Any,
) -> Recommender:
    """The model of a learner, which may have gone on with other ratings than its first ones."""
    if choices is not None and is_computed(record["name"]):
        record["rivals"] = [*record.get("rivals", ()), *choices.standings]
        record["training"], choices = record["training"] | choices.record, None
    model = Recommender(networks, spec, choices=choices, **record)
    later = record["learner"].data
    if later is not first:
        add_ratings(model, later)
    return model


def _settings(name: ModelName, options: Options, start: Recommender | None) -> Options:
    """All options; what is not given is the recipe's, but that fine-tuning does not decay.

    Fine-tuning keeps to the model's kind of lists.
    """
    settings = OPTIONS.complete(options)
    if start is not None and predicts_ratings(name) and "lists" not in options:
        settings["lists"] = start.lists_name
    decay: float | None = settings["weight_decay"]
    if decay is None:
        settings["weight_decay"] = 0.0 if start else RECIPES[name].weight_decay
    split: SplitName | None = settings["split"]
    if split is None:
        settings["split"] = "last" if needs_order(name) else "random"
    return settings


def _judged(
    new_learner: Callable[..., Learner[Spec, Recommender]],
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

    def fit(learn: Learner[Spec, Recommender], like: Sequence[Learner[Spec, Recommender]]) -> None:
        recipe.fit(learn, name, epochs, lr, like, further=further)

    trains = epochs != 0
    trained = train_and_judge(
        new_learner,
        fit,
        FIT_OPTIONS,
        options,
        rivals=(_comparing if further else rivals_of) if trains else None,
        refits=trains and name not in ("softmax", "sasrec"),
        unscored=_nothing_new(name) if further and options.get("valid_fraction") != 0 else None,
    )
    return trained.complete()


def _nothing_new(name: ModelName) -> dict[str, float]:
    """Metrics where all ratings are those that a pretrained model was trained on."""
    return dict.fromkeys(("loss", *task_of(name).metrics()), math.nan)


def _comparing(learn: Learner[Spec, Recommender]) -> list[Rival[Spec]]:
    """The rivals of further training: they know the new ratings alone, and take no share."""
    return [replace(rival, blends=False) for rival in rivals_of(learn)]


def _features(name: str, settings: Options, start: Recommender | None) -> dict[str, Any]:
    """Tables of features by side.

    Raises:
        ValueError: the model has no use for them.
    """
    both = {"user": settings["user_features"], "item": settings["item_features"]}
    tables = {side: table for side, table in both.items() if table is not None}
    unused = set(tables) - set(start.spec.features if start else tables)
    if (tables and not takes_features(name)) or unused:
        raise ValueError(
            "features are for 'dot_bias' and 'svdpp' that have been trained with them, got those "
            f"of {few(sorted(unused or tables))}s for {name!r}. Leave them out, or train anew."
        )
    return tables


def _arguments(name: str, settings: Options, start: Recommender | None) -> dict[str, Any]:
    """The network's arguments: those of the call, then of the pretrained network or the recipe.

    Raises:
        ValueError: the model does not take one, or the pretrained network has another value.
    """
    every = {argument for table in ARGUMENTS.values() for argument in table.__annotations__}
    stated = {one: value for one in every if (value := settings.get(one)) is not None}
    own = {} if is_computed(name) else ARGUMENTS[name].__annotations__
    if foreign := sorted(stated.keys() - own.keys()):
        raise ValueError(
            f"arguments of {name!r} must be among {', '.join(own) or 'none'}, got {foreign[0]}="
            f"{stated[foreign[0]]!r}. Leave it out."
        )
    if start is None:
        own_recipe = RECIPES[name]
        return {**own_recipe.arguments, "n_factors": own_recipe.n_factors, **stated}
    other = {one: value for one, value in stated.items() if start.arguments.get(one) != value}
    if other:
        raise ValueError(
            f"fine-tuning must keep the network as it is, got {other} for one of "
            f"{start.arguments}. Leave it out, or train anew."
        )
    return start.arguments


def _network(
    name: str, table: Prepared, arguments: dict[str, Any], start: Recommender | None, seed: int
) -> Any:
    """The network for all users and items, with their histories and features."""
    with seeded(seed):
        network: Any = build(name, table.spec, arguments)
    if start is not None:
        take_rows(network, start.members[0])
    network.set_rated_items(table.rated_items)
    for side, features in table.features.items():
        network.set_features(side, features)
    if start is None and predicts_ratings(name):
        recipe.start(network, table.train, table.spec)
    return network


def _data(table: Prepared, batch_size: int, run: Run, length: int | None) -> Data[Spec]:
    """Ratings as batches of their own, or as sequences of so many items where order counts."""
    device = run.torch_device()
    valid: Any = None
    if length is not None:
        windows = partial(Sequences, length=length, batch_size=batch_size, seed=run.seed)
        train: Any = windows(table.rated_items, table.train, shuffle=True)
        if table.valid is not None:
            of_valid = table.valid.rated_items(len(table.spec.users))
            known = table.rated_items if table.in_order is None else table.in_order
            after = known.with_others(of_valid, len(table.spec.users))
            valid = windows(after, table.valid, shuffle=False)
        return Data(train, valid, table.spec, origin=table.origin)
    if table.valid is not None:
        valid = table.valid.to(device).batches(max(VALID_BATCH, batch_size), shuffle=False)
    train = table.train.to(device).batches(batch_size, shuffle=True, seed=run.seed)
    return Data(train, valid, table.spec, origin=table.origin)
