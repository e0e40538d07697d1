"""Bodies that other installed packages declare, by the name of an entry point.

A package declares one in its pyproject.toml and says in Python what travels with its weights:

    [project.entry-points."zoo.backbones"]
    sparrow = "birds.backbone:SPARROW"

    SPARROW = zoo.vision.DeclaredBackbone(
        trunk=sparrow,
        preprocessing=zoo.vision.Preprocessing(96, (0.5,) * 3, (0.5,) * 3, "bilinear", 1.0),
        licence="MIT",
    )

Then `zoo.vision.finetune("sparrow", "photos/")` finds it, and so does `zoo.load` for what was
trained on it. A name of torchvision or of this library stays theirs. Only the package that declares
the name that a user states is imported; what an artifact names beyond that imports nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import EntryPoint, entry_points

import torch
from torch import nn

from zoo.vision.data.preprocessing import Preprocessing
from zoo.vision.models.bodies import Body, Sizes

GROUP = "zoo.backbones"


@dataclass(frozen=True)
class DeclaredBackbone:
    """What a package says of its backbone.

    Attributes:
        trunk: function that is called with `pretrained=True` or False and returns the network
            without its classifier, with published weights or random ones. Each of its children is
            a layer group, input side first; bare parameters of its own belong to the first.
        preprocessing: what the weights were trained with, the size among it.
        licence: licence of the weights, as SPDX writes it.
        sizes: sides of an image that the network takes.

    Shape:
        - input of the network: ``(B, 3, H, W)``
        - output: ``(B, C, h, w)``, a map of features; or ``(B, C)``, pooled ones
    """

    trunk: Callable[..., nn.Module]
    preprocessing: Preprocessing
    licence: str = "unknown"
    sizes: Sizes = field(default_factory=partial(Sizes, minimum=32))


def names() -> list[str]:
    """The names that installed packages declare."""
    return sorted(name for name in entry_points(group=GROUP).names if "/" not in name)


def is_known(name: str) -> bool:
    """Whether an installed package declares the name; imports none.

    A slash stands for the hub or a publisher, so no name with one counts.
    """
    return "/" not in name and bool(entry_points(group=GROUP, name=name))


def preprocessing(name: str, size: int | None = None) -> Preprocessing:
    """What the weights were trained with, at `size` or at their own."""
    own = declared(name).preprocessing
    return own if size is None else replace(own, size=size)


def sizes(name: str) -> Sizes:
    """The sizes that the body can be built for."""
    return declared(name).sizes


def licence(name: str) -> str:
    """The licence of the weights."""
    return declared(name).licence


def build_body(name: str, *, pretrained: bool, size: int) -> Body:
    """The body that a package declares.

    Raises:
        ValueError: the backbone does not take `size`, or its features are neither map nor vector.
    """
    backbone = declared(name)
    backbone.sizes.check(name, size)
    trunk = backbone.trunk(pretrained=pretrained)
    trunk.eval()
    with torch.no_grad():
        features = trunk(torch.zeros(1, 3, size, size))
    if features.ndim not in (2, 4):
        raise ValueError(
            "a backbone must give a map (B, C, h, w) or a vector (B, C), got features of shape "
            f"{tuple(features.shape)} from {name!r}. Change what {_entry(name).value!r} returns."
        )
    body = Body(
        trunk,
        _ordinals(trunk),
        n_features=features.shape[1],
        spatial=features.ndim == 4,
        sizes=backbone.sizes,
        name=name,
    )
    return body.train()


def declared(name: str) -> DeclaredBackbone:
    """What a package says of its backbone.

    Raises:
        ValueError: the package cannot be imported, or declares something else.
    """
    entry = _entry(name)
    try:
        backbone = entry.load()
    except Exception as error:  # of somebody else's code
        raise ValueError(
            f"a declared backbone must be one that can be imported, got {name!r}, of which "
            f"{entry.value!r} says: {error}. Install its package anew, or without it."
        ) from error
    if not isinstance(backbone, DeclaredBackbone):
        raise ValueError(
            f"a declared backbone must be a zoo.vision.DeclaredBackbone, got {name!r}, where "
            f"{entry.value!r} is a {type(backbone).__name__}. Ask its package's author."
        )
    return backbone


def _entry(name: str) -> EntryPoint:
    return next(iter(entry_points(group=GROUP, name=name)))


def _ordinals(trunk: nn.Module) -> dict[str, int]:
    """The layer group of every parameter: the place of the child that it lies in."""
    children = {name: place for place, (name, _) in enumerate(trunk.named_children())}
    return {path: children.get(path.split(".")[0], 0) for path, _ in trunk.named_parameters()}
