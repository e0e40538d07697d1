"""The models by name: how each is built, what it is trained on, and its default recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, TypedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.collab.data.features import width
from zoo.collab.models.embedding_net import EmbeddingNet
from zoo.collab.models.factors import Factors
from zoo.collab.models.softmax import Softmax
from zoo.collab.options import ModelName as ModelName
from zoo.collab.spec import Spec
from zoo.core.annotations import Option
from zoo.core.checked import checked
from zoo.core.config import Config
from zoo.core.messages import did_you_mean
from zoo.core.task import Task

Count = Annotated[int, Option(low=1)]
Share = Annotated[float, Option(low=0, high=1)]


class FactorArguments(TypedDict, total=False):
    """What chooses a network of "dot_bias" or "svdpp"; fit for JSON."""

    n_factors: Count
    members: Count


class EmbeddingArguments(TypedDict, total=False):
    """What chooses a network of "embedding_net"; fit for JSON."""

    n_factors: Count
    hidden: Annotated[list[Count], Option(fewest=1)]
    dropout: Share


class SoftmaxArguments(TypedDict, total=False):
    """What chooses a network of "softmax"; fit for JSON."""

    n_factors: Count
    negatives: Annotated[int, Option(low=0)]
    dropout: Share


ARGUMENTS: Final[dict[str, type[Any]]] = {
    "dot_bias": FactorArguments,
    "embedding_net": EmbeddingArguments,
    "svdpp": FactorArguments,
    "softmax": SoftmaxArguments,
}


@dataclass(frozen=True)
class Recipe:
    """Defaults of a model, chosen on training parts of MovieLens-100k (`scripts/collab_recipe.py`).

    Attributes:
        epochs: passes over the ratings, by one cycle.
        lr: highest rate.
        batch_size: ratings a step.
        weight_decay: of vectors; biases have none.
        n_factors: width of a vector.
        arguments: further ones of the network.
    """

    epochs: int
    lr: float
    batch_size: int
    weight_decay: float
    n_factors: int
    arguments: dict[str, Any]


RECIPES: Final[dict[str, Recipe]] = {
    "dot_bias": Recipe(5, 2e-2, 512, 0.7, 50, {}),
    "embedding_net": Recipe(5, 5e-3, 512, 0.1, 50, {"hidden": [100, 50], "dropout": 0.25}),
    "svdpp": Recipe(10, 2e-2, 1024, 2.0, 50, {"members": 4}),
    "softmax": Recipe(16, 3e-2, 4096, 1.0, 64, {"negatives": 2048, "dropout": 0.8}),
}


def check_name(name: str) -> None:
    """Refuse an unknown model.

    Raises:
        ValueError: it is.
    """
    if name not in RECIPES:
        raise ValueError(
            f"model must be one of {', '.join(RECIPES)}, got model={name!r}. "
            f"{did_you_mean(name, list(RECIPES))}"
        )


def check_config(config: Config) -> None:
    """Refuse a config of no recommender; before training as well as when one is read.

    Raises:
        ValueError: the model has no name, arguments or scale that it can be built from, or the
            task is another's.
    """
    name, arguments = config.model.get("name"), config.model.get("args")
    if not isinstance(name, str) or not isinstance(arguments, dict):
        raise ValueError("a model has a name and arguments")
    check_name(name)
    if config.task != ("rating" if predicts_ratings(name) else "ranking"):
        raise ValueError(f"{name} is for another task than {config.task!r:.40}")
    checked(ARGUMENTS[name], arguments, ignore_unknown=False)


def predicts_ratings(name: str) -> bool:
    """Whether the model predicts ratings; otherwise it ranks what might be chosen."""
    return name != "softmax"


def build(name: str, spec: Spec, arguments: dict[str, Any]) -> nn.Module:
    """The network for the users and items of a spec, with random weights."""
    known: dict[str, Any] = {"n_users": len(spec.users), "n_items": len(spec.items)}
    scale: dict[str, Any] = {"low": spec.low, "high": spec.high}
    if name == "embedding_net":
        return EmbeddingNet(**known, **scale, mean=spec.mean, **arguments)
    if name == "softmax":
        return Softmax(**known, **arguments)
    return Factors(
        **known,
        **scale,
        **arguments,
        histories=name == "svdpp",
        user_features=width(spec.features.get("user", {})),
        item_features=width(spec.features.get("item", {})),
    )


def takes_features(name: str) -> bool:
    """Whether the model uses features of users and items."""
    return name in ("dot_bias", "svdpp")


def task(name: str) -> Task:
    """Loss, decoding and metrics of a model."""
    if predicts_ratings(name):
        return Task(_squared_error, _mean_of_members, _rating_metrics)
    return Task(_choice, _chosen)


def _squared_error(output: Tensor, target: Tensor) -> tuple[Tensor, int]:
    """Each member learns on its own. Shape: output (B, members); target (B,)."""
    wide = target[:, None].expand_as(output)
    return F.mse_loss(output, wide) if len(target) else output.sum() * 0.0, len(target)


def _choice(output: Tensor, target: Tensor) -> tuple[Tensor, int]:
    """Cross entropy of the first column. Shape: output (B, 1 + negatives)."""
    if not len(target):
        return output.sum() * 0.0, 0
    return (output.logsumexp(1) - output[:, 0]).mean(), len(target)


def _mean_of_members(output: Tensor) -> Tensor:
    return output.mean(1)


def _chosen(output: Tensor) -> Tensor:
    return torch.softmax(output, dim=1)[:, 0]


def _rating_metrics() -> dict[str, Any]:
    from torchmetrics.regression import MeanAbsoluteError, MeanSquaredError  # seconds to import

    return {"rmse": MeanSquaredError(squared=False), "mae": MeanAbsoluteError()}
