"""Pretrained backbones by name: EfficientNet-Lite0, torchvision's, timm's, other packages'.

>>> backbone = build("resnet18", pretrained=False, size=64)
>>> backbone.body.n_features, backbone.preprocessing.size, backbone.licence
(512, 64, 'BSD-3-Clause')
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from zoo.core.messages import nearest
from zoo.vision.data.preprocessing import Preprocessing
from zoo.vision.models import declared_bodies, lite, torchvision_bodies
from zoo.vision.models.bodies import Body, Sizes

ENLARGED = 1.2  # times a usual photo's short side that the input may have
ENLARGED_TO_OWN = 1.4  # likewise, where that is the size which the weights were trained at
SMALLEST_FITTING = 96  # pixels
BF16_ON_CPU: Final = frozenset(
    {
        *("resnet18", "resnet34", "resnet50", "efficientnet_lite0", "efficientnet_b0"),
        *("mobilenet_v2", "mobilenet_v3_large", "convnext_tiny"),
    }
)
"""Names of backbones whose classifiers train faster in bf16 on a CPU with instructions for it.

By the record, `results/vision_bf16.csv`; any other backbone needs a row of its own first."""


class Source(Protocol):
    """A publisher of backbones, each a module of functions; names are those within the source."""

    def names(self) -> list[str]:
        """All names."""

    def is_known(self, name: str) -> bool:
        """Whether there is a backbone of this name; asks no network."""

    def preprocessing(self, name: str, size: int | None = None) -> Preprocessing:
        """What the weights were trained with, at `size` or at their own."""

    def sizes(self, name: str) -> Sizes:
        """The sizes that a body can be built for."""

    def licence(self, name: str) -> str:
        """The licence of the weights."""

    def build_body(self, name: str, *, pretrained: bool, size: int) -> Body:
        """The body, with published weights or random ones."""


@dataclass(frozen=True)
class Backbone:
    """A body with what travels with its weights."""

    name: str
    body: Body
    preprocessing: Preprocessing
    licence: str


def build(name: str, *, pretrained: bool, size: int | None = None) -> Backbone:
    """A backbone by its name, looked up in order: embedded, torchvision, declared, `timm/NAME`.

    Args:
        name: a name such as `efficientnet_lite0`, `resnet34` or `timm/resnet50.a1_in1k`, or one
            that an installed package declares (`zoo.vision.models.declared_bodies`).
        pretrained: published weights, or random ones.
        size: side of the square input in pixels; None takes the one of the weights' training.

    Raises:
        ValueError: an unknown name, or a size that the backbone does not take.
        ConnectionError: the weights are neither at hand nor reachable.
        ModuleNotFoundError: the package with the embedded weights is not installed.
    """
    source, inner = _source(name)
    shown = source.preprocessing(inner, size)
    body = source.build_body(inner, pretrained=pretrained, size=shown.size)
    return Backbone(name, body, shown, source.licence(inner))


def preprocessing(name: str, size: int | None = None) -> Preprocessing:
    """What the weights were trained with, at another size if one is given.

    Raises:
        ValueError: an unknown name.
    """
    source, inner = _source(name)
    return source.preprocessing(inner, size)


def sizes(name: str) -> Sizes:
    """The sizes that a backbone can be built for."""
    source, inner = _source(name)
    return source.sizes(inner)


def fitting_size(name: str, short_side: int | None) -> int:
    """The backbone's own size, or for small photos one that enlarges them by at most a fifth.

    Larger inputs cost time and show no more; below `SMALLEST_FITTING` pixels features suffer. To
    reach the own size photos may be enlarged more, up to `ENLARGED_TO_OWN`: features suffer at
    any other.

    Args:
        name: name of the backbone.
        short_side: shorter side of a usual photo in pixels; None if unknown.
    """
    own = preprocessing(name).size
    if short_side is None or own <= ENLARGED_TO_OWN * short_side:
        return own
    step = 32
    fitting = max(int(ENLARGED * short_side) // step * step, SMALLEST_FITTING)
    return own if fitting >= own else sizes(name).nearest(fitting)


def is_known(name: str) -> bool:
    """Whether `build` knows the name; asks no network."""
    sources, inner = _sources(name)
    return any(source.is_known(inner) for source in sources)


def check_name(name: str) -> None:
    """Refuse an unknown name.

    Raises:
        ValueError: the message names the nearest known ones.
    """
    _source(name)


def _sources(name: str) -> tuple[tuple[Source, ...], str]:
    """The publishers that may know a name, and the name within them."""
    if name.startswith("timm/"):
        from zoo.vision.models import timm_bodies  # slow to import

        return (timm_bodies,), name.removeprefix("timm/")
    return (lite, torchvision_bodies, declared_bodies), name


def _source(name: str) -> tuple[Source, str]:
    """The publisher of a backbone, and the backbone's name within it.

    Raises:
        ValueError: an unknown name.
    """
    sources, inner = _sources(name)
    for source in sources:
        if source.is_known(inner):
            return source, inner
    prefix = name.removesuffix(inner)
    choices = [prefix + other for source in sources for other in source.names()]
    near = nearest(name, choices, cutoff=0.5)
    hint = "See zoo.vision.backbones()." if near is None else f"Did you mean {near!r}?"
    raise ValueError(
        "a backbone must be 'efficientnet_lite0', a torchvision classifier, 'timm/NAME' or what an "
        f"installed package declares, got {name=}. {hint}"
    )
