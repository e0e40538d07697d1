"""The verbs of the domain: `train`, `finetune` and `learner`."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, Unpack

import pandas as pd
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from zoo.collab.data.batches import VALID_BATCH
from zoo.collab.data.columns import Columns
from zoo.collab.data.prepared import Prepared, prepare
from zoo.collab.data.ratings import SplitName, Table
from zoo.collab.data.validation import Known
from zoo.collab.model import Recommender
from zoo.collab.models.catalogue import (
    RECIPES,
    ModelName,
    build,
    check_name,
    predicts_ratings,
    takes_features,
    task,
)
from zoo.collab.options import Options
from zoo.collab.spec import Spec
from zoo.collab.stored import load
from zoo.core.batches import Data
from zoo.core.model import finished, made, source
from zoo.core.run import Run, seeded
from zoo.core.training.learner import Learner
from zoo.core.training.options import OptimizerName
from zoo.hub.find import find

Pretrained = str | os.PathLike[str] | Recommender


def train(
    ratings: Table,
    *,
    model: ModelName = "dot_bias",
    epochs: int | None = None,
    lr: float | None = None,
    **options: Unpack[Options],
) -> Recommender:
    """A model trained on your ratings.

    Args:
        ratings: a CSV, TSV or Parquet file or DataFrame; a user, an item and a rating a row. Ids
            are text or numbers; those of a CSV file are numbers if all spell whole ones.
        model: "dot_bias" (quick and good), "svdpp" (better: uses who has met what), "embedding_net"
            (a multilayer net), or "softmax", which ranks what might be chosen next and looks at no
            rating.
        epochs: passes over the ratings; None takes the model's own (`catalogue.RECIPES`).
        lr: highest rate; likewise.
        **options: see `zoo.collab.options.Options`.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: columns are missing, there is too little to learn from, or a setting is out of
            range.

    Example:
        zoo.collab.train("ratings.csv").recommend(42, k=10)
    """
    learn = learner(ratings, model=model, **options)
    recipe = RECIPES[model]
    learn.fit_one_cycle(
        recipe.epochs if epochs is None else epochs, recipe.lr if lr is None else lr
    )
    trained: Recommender = finished(learn)
    return trained


def finetune(
    pretrained: Pretrained,
    ratings: Table,
    *,
    epochs: int | None = None,
    lr: float | None = None,
    **options: Unpack[Options],
) -> Recommender:
    """A trained model taken further on new ratings: new users and items get rows of their own.

    Known ones keep theirs, and move only where the new ratings speak of them; new ones begin at the
    mean. Weights do not decay unless you say so, since that would move those who have no new
    rating. Ratings that the model was trained on before are not validated on; if there are no
    others, its metrics are NaN.

    Args:
        pretrained: a model, its directory, or its name on the hub.
        ratings: the new ones, as for `train`.
        epochs: passes over them; None takes the model's own.
        lr: highest rate; None takes a quarter of the model's own.
        **options: see `zoo.collab.options.Options`; the network stays what it is.

    Raises:
        FileNotFoundError: the model or file does not exist.
        ValueError: as for `train`.
    """
    model = pretrained if isinstance(pretrained, Recommender) else load(find(pretrained))
    learn = learner(ratings, pretrained=model, **options)
    recipe = RECIPES[model.name]
    learn.fit_one_cycle(
        recipe.epochs if epochs is None else epochs, recipe.lr / 4 if lr is None else lr
    )
    trained: Recommender = finished(learn)
    if learn.data.valid is None and options.get("valid_fraction") != 0:
        trained.metrics = dict.fromkeys(("loss", *learn.task.metrics()), math.nan)
    return trained


def learner(  # noqa: D417 - `Options` describes the others
    ratings: Table,
    *,
    model: ModelName = "dot_bias",
    pretrained: Recommender | None = None,
    user: str | None = None,
    item: str | None = None,
    rating: str | None = None,
    time: str | None = None,
    valid: Table | None = None,
    valid_fraction: float = 0.2,
    split: SplitName = "random",
    scale: tuple[float, float] | None = None,
    titles: Mapping[Hashable, str] | pd.Series | None = None,
    user_features: pd.DataFrame | None = None,
    item_features: pd.DataFrame | None = None,
    n_factors: int | None = None,
    batch_size: int | None = None,
    arguments: Mapping[str, Any] | None = None,
    optimizer: OptimizerName | Callable[[list[dict[str, Any]]], Optimizer] = "adamw",
    weight_decay: float | None = None,
    clip: float | None = None,
    accumulate: int = 1,
    callbacks: Sequence[Any] = (),
    run: Run | None = None,
) -> Learner[Any, Any]:
    """The learner for the step-by-step way: find a rate, fit, look, fit again.

    `learner.as_model()` gives what `train` returns, `learner.save(directory)` its artifact.

    Args:
        ratings: see `train`.
        model: see `train`.
        pretrained: the model to go on from, which `model` and `n_factors` then follow.
        The others: see `zoo.collab.options.Options`.
    """
    run = run or Run()
    name = pretrained.name if pretrained else model
    check_name(name)
    recipe = RECIPES[name]
    prepared = prepare(
        ratings,
        columns=Columns(user, item, rating, time),
        valid=valid,
        valid_fraction=valid_fraction,
        split_by=split,
        seed=run.seed,
        titles=titles,
        predicts_ratings=predicts_ratings(name),
        scale=scale,
        features=_features(name, user_features, item_features, pretrained),
        known=Known(pretrained.spec, pretrained.seen, pretrained.held_out) if pretrained else None,
    )
    if pretrained:
        built = _settings(pretrained, n_factors, arguments)
    else:
        built = {
            **recipe.arguments,
            **_plain(arguments or {}),
            "n_factors": recipe.n_factors if n_factors is None else n_factors,
        }
    _check(name, prepared.spec, built, batch_size)
    with seeded(run.seed):
        network: Any = build(name, prepared.spec, built)
    if pretrained:
        _take_rows(network, pretrained.members[0])
    network.set_seen(prepared.seen)
    for side, features in prepared.features.items():
        network.set_features(side, features)
    decay = weight_decay if weight_decay is not None else 0.0 if pretrained else recipe.weight_decay
    told = {
        "pretrained": pretrained.name if pretrained else "",
        "ratings": len(prepared.train),
        "users": len(prepared.spec.users),
        "items": len(prepared.spec.items),
        "valid_fraction": valid_fraction,
        "batch_size": batch_size or recipe.batch_size,
    }
    return Learner(
        network,
        _data(prepared, batch_size or recipe.batch_size, run),
        task(name),
        optimizer=optimizer,
        weight_decay=decay,
        clip=clip,
        accumulate=accumulate,
        callbacks=callbacks,
        as_model=partial(
            made,
            kind=partial(
                Recommender,
                name=name,
                seen=prepared.seen,
                held_out=prepared.held_out,
                arguments=built,
            ),
            data=source(ratings),
            told=told,
        ),
        run=run,
    )


def _features(
    name: str,
    users: pd.DataFrame | None,
    items: pd.DataFrame | None,
    pretrained: Recommender | None,
) -> dict[str, pd.DataFrame]:
    """Tables of features by side, refused where the model has no use for them."""
    tables = {side: t for side, t in (("user", users), ("item", items)) if t is not None}
    unused = set(tables) - set(pretrained.spec.features if pretrained else tables)
    if (tables and not takes_features(name)) or unused:
        raise ValueError(
            f"features are for 'dot_bias' and 'svdpp' trained with them, however {name!r} does not "
            f"use those of {sorted(unused or tables)}; leave them out, or train another model"
        )
    return tables


def _check(name: str, spec: Spec, arguments: dict[str, Any], batch_size: int | None) -> None:
    """Refuse a network that cannot be built, before it takes memory.

    Raises:
        ValueError: an argument is unknown or out of range.
    """
    n_factors = arguments["n_factors"]
    if not n_factors >= 1 or not (batch_size is None or batch_size >= 1):
        raise ValueError(f"widths and batches must be 1 or more, got {n_factors=}, {batch_size=}.")
    try:
        with torch.device("meta"):
            build(name, spec, arguments)
    except (TypeError, ValueError, RuntimeError, LookupError, ArithmeticError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0].replace("__init__()", name)
        raise ValueError(
            f"arguments must be ones that {name!r} takes, got {arguments} ({said:.200}). Its own "
            f"are {RECIPES[name].arguments}."
        ) from error


def _plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """As config.json keeps them: lists for tuples."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in arguments.items()}


def _data(prepared: Prepared, batch_size: int, run: Run) -> Data[Any]:
    device = run.torch_device()
    train = prepared.train.to(device).batches(batch_size, shuffle=True, seed=run.seed)
    valid = prepared.valid
    held = valid.to(device).batches(VALID_BATCH, shuffle=False) if valid is not None else None
    return Data(train, held, prepared.spec)


def _settings(
    pretrained: Recommender, n_factors: int | None, arguments: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The network's arguments; another network than the pretrained one is refused."""
    wished = {**_plain(arguments or {}), **({"n_factors": n_factors} if n_factors else {})}
    other = {name: v for name, v in wished.items() if pretrained.arguments.get(name) != v}
    if other:
        raise ValueError(
            f"fine-tuning keeps the network as it is, however {other} differs from "
            f"{pretrained.arguments}; leave it out, or train anew"
        )
    return pretrained.arguments


@torch.no_grad()
def _take_rows(network: nn.Module, pretrained: nn.Module) -> None:
    """Known rows keep their values; new ones begin at the mean of the known ones."""
    old: dict[str, Tensor] = dict(pretrained.state_dict())
    for name, tensor in network.state_dict().items():
        before = old[name].to(tensor.device)
        if before.shape == tensor.shape:
            tensor.copy_(before)
        else:
            tensor[: len(before)] = before
            tensor[len(before) :] = before[1:].mean(0)
