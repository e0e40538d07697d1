"""The models by name: how each is built, and its default recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, TypedDict, get_args

from torch import nn

from zoo.collab.data.features import width
from zoo.collab.models.embedding_net import EmbeddingNet
from zoo.collab.models.factors import Factors
from zoo.collab.models.list_arguments import (
    Count,
    ListArguments,
    SasRecArguments,
    Share,
    SoftmaxArguments,
)
from zoo.collab.models.list_blend import ListBlend
from zoo.collab.models.sasrec import SasRec
from zoo.collab.models.softmax import Softmax
from zoo.collab.options import ComputedName
from zoo.collab.spec import Spec
from zoo.collab.task import is_computed, predicts_ratings
from zoo.core.annotations import Option
from zoo.core.checked import checked
from zoo.core.config import Config


class FactorArguments(TypedDict, total=False):
    """Arguments of a network of "dot_bias" or "svdpp", as JSON holds them."""

    n_factors: Count
    members: Count


class EmbeddingArguments(TypedDict, total=False):
    """Arguments of a network of "embedding_net", as JSON holds them."""

    n_factors: Count
    hidden: Annotated[list[Count], Option(fewest=1)]
    dropout: Share


ARGUMENTS: Final[dict[str, type[Any]]] = {
    "dot_bias": FactorArguments,
    "embedding_net": EmbeddingArguments,
    "svdpp": FactorArguments,
    "softmax": SoftmaxArguments,
    "sasrec": SasRecArguments,
    **dict.fromkeys(get_args(ComputedName), ListArguments),
}


@dataclass(frozen=True)
class Recipe:
    """Defaults of a model, chosen on training parts of MovieLens-100k.

    Attributes:
        epochs: passes over the ratings, in one cycle.
        lr: highest learning rate.
        further_lr: that of a network that was trained before.
        batch_size: ratings per step, of sequences with what pads them; the most where there are
            `steps`; 0 takes as many as make these.
        steps: of an epoch.
        weight_decay: decay of vectors; biases have none.
        n_factors: width of a vector.
        arguments: further arguments of the network.
    """

    epochs: int
    lr: float
    further_lr: float
    batch_size: int
    steps: int
    weight_decay: float
    n_factors: int
    arguments: dict[str, Any]


RECIPES: Final[dict[str, Recipe]] = {
    "dot_bias": Recipe(5, 8e-3, 5e-3, 0, 160, 0.7, 50, {}),
    "embedding_net": Recipe(
        5, 5e-3, 1.25e-3, 0, 160, 0.1, 50, {"hidden": [100, 50], "dropout": 0.25}
    ),
    "svdpp": Recipe(10, 8e-3, 5e-3, 0, 80, 2.0, 50, {"members": 4}),
    "softmax": Recipe(16, 3e-2, 7.5e-3, 4096, 0, 1.0, 64, {"negatives": 2048, "dropout": 0.8}),
    "sasrec": Recipe(10, 3e-3, 1e-3, 4096, 230, 0.01, 64, {"length": 200, "dropout": 0.2}),
    **dict.fromkeys(get_args(ComputedName), Recipe(0, 1.0, 1.0, 4096, 0, 0.0, 0, {})),  # no steps
}


def check_config(config: Config) -> None:
    """Refuse a config of no recommender; before training as well as when one is read.

    Raises:
        ValueError: the model has no name or arguments that it can be built from, or the task is
            that of another one.
    """
    name, arguments = config.model.get("name"), config.model.get("args")
    if not isinstance(name, str) or name not in ARGUMENTS or not isinstance(arguments, dict):
        raise ValueError(
            f"model must be one of {', '.join(ARGUMENTS)} with arguments, got {config.model!r:.80}"
        )
    if config.task != ("rating" if predicts_ratings(name) else "ranking"):
        raise ValueError(f"task must be that of {name}, got task={config.task!r:.40}")
    checked(ARGUMENTS[name], arguments, ignore_unknown=False)


def build(name: str, spec: Spec, arguments: dict[str, Any]) -> nn.Module:
    """The network for the users and items of a spec, with random weights."""
    sizes: dict[str, Any] = {"n_users": len(spec.users), "n_items": len(spec.items)}
    scale: dict[str, Any] = {"low": spec.low, "high": spec.high}
    if is_computed(name):
        return ListBlend.built(len(spec.items), arguments)
    if name == "embedding_net":
        return EmbeddingNet(**sizes, **scale, mean=spec.mean, **arguments)
    if name == "softmax":
        return Softmax(**sizes, **arguments)
    if name == "sasrec":
        return SasRec(n_items=len(spec.items), **arguments)
    return Factors(
        **sizes,
        **scale,
        **arguments,
        histories=name == "svdpp",
        user_features=width(spec.features.get("user", {})),
        item_features=width(spec.features.get("item", {})),
    )


def takes_features(name: str) -> bool:
    """Whether the model uses features of users and items."""
    return name in ("dot_bias", "svdpp")
