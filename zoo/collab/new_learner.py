"""From a verb's ratings and options to the learner of a recommender."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

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
from zoo.collab.options import OPTIONS, ModelName, Options, SplitName
from zoo.collab.spec import Spec
from zoo.collab.task import is_computed, needs_order, predicts_ratings, task_of
from zoo.core.batches import Data
from zoo.core.messages import few
from zoo.core.model import learner_of, source
from zoo.core.run import Run, in_fp32, seeded
from zoo.core.training.learner import Learner


def new_learner(
    data: Table, start: Recommender | None, name: ModelName, options: Options
) -> Learner[Spec, Recommender]:
    """The learner of a model on ratings.

    Args:
        data: the ratings.
        start: the model to go on with; None for random weights.
        name: its name, or that of the model of random weights.
        options: the given ones.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: columns are missing, there is too little to learn from, or options do not suit
            the model.
    """
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
        arguments=arguments,
        **table.histories._asdict(),
    )


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
    network.set_rated_items(table.histories.rated_items)
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
        train: Any = windows(table.histories.rated_items, table.train, shuffle=True)
        if table.valid is not None:
            of_valid = table.valid.rated_items(len(table.spec.users))
            known = table.histories.in_order or table.histories.rated_items
            after = known.with_others(of_valid, len(table.spec.users))
            valid = windows(after, table.valid, shuffle=False)
        return Data(train, valid, table.spec, origin=table.origin)
    if table.valid is not None:
        valid = table.valid.to(device).batches(max(VALID_BATCH, batch_size), shuffle=False)
    train = table.train.to(device).batches(batch_size, shuffle=True, seed=run.seed)
    return Data(train, valid, table.spec, origin=table.origin)


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
    return Choices(table.histories.rated_items, len(table.spec.items), lists, seed)


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
