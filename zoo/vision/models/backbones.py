"""Pretrained backbones by name: EfficientNet-Lite0, all of torchvision's classifiers, all of timm.

>>> backbone = build("resnet18", pretrained=False, size=64)
>>> backbone.body.n_features, backbone.preprocessing.size, backbone.licence
(512, 64, 'BSD-3-Clause')
"""

from __future__ import annotations

from dataclasses import dataclass

from zoo.core.messages import did_you_mean
from zoo.vision.models import lite0, timm_bodies, torchvision_bodies
from zoo.vision.models.bodies import Body, Preprocessing, Sizes

ENLARGED = 1.2  # times a usual photo's short side that the input may have
ENLARGED_TO_OWN = 1.4  # likewise, where that is the size which the weights were trained at
SMALLEST_FITTING = 96  # pixels
BF16_ON_CPU: frozenset[str] = frozenset()
"""Names that `benchmarks/vision_speed.py` found faster in bf16 on a CPU with instructions for it.

The machine of the results has no such instructions, so nothing is claimed yet."""


@dataclass(frozen=True)
class Backbone:
    """A body with what travels with its weights."""

    name: str
    body: Body
    preprocessing: Preprocessing
    licence: str


def build(name: str, *, pretrained: bool, size: int | None = None) -> Backbone:
    """A backbone by its name, looked up in order: embedded, torchvision, ``timm/NAME``.

    Args:
        name: Such as ``efficientnet_lite0``, ``resnet34`` or ``timm/resnet50.a1_in1k``.
        pretrained: Published weights, or random ones.
        size: Side of the square input in pixels; the one the weights were trained with if None.

    Raises:
        ValueError: An unknown name, or a size that the backbone does not take.
        ConnectionError: The weights are neither at hand nor reachable.
        ModuleNotFoundError: The package with the embedded weights is not installed.
    """
    shown = preprocessing(name, size)
    if name == lite0.NAME:
        body = lite0.build_body(pretrained=pretrained, size=shown.size)
        return Backbone(name, body, shown, lite0.LICENCE)
    if name.startswith("timm/"):
        inner = name.removeprefix("timm/")
        body = timm_bodies.build_body(inner, pretrained=pretrained, size=shown.size)
        return Backbone(name, body, shown, timm_bodies.licence(inner))
    body = torchvision_bodies.build_body(name, pretrained=pretrained, size=shown.size)
    return Backbone(name, body, shown, torchvision_bodies.licence(name))


def preprocessing(name: str, size: int | None = None) -> Preprocessing:
    """What the weights were trained with, at another size if one is given.

    Raises:
        ValueError: An unknown name.
    """
    check_name(name)
    if name == lite0.NAME:
        return lite0.preprocessing(size)
    if name.startswith("timm/"):
        return timm_bodies.preprocessing(name.removeprefix("timm/"), size)
    return torchvision_bodies.preprocessing(name, size)


def fitting_size(name: str, short_side: int | None) -> int:
    """The backbone's own size, or for small photos one that enlarges them by at most a fifth.

    Larger inputs cost time and show no more; below ``SMALLEST_FITTING`` pixels features suffer. To
    reach the own size photos may be enlarged more, up to ``ENLARGED_TO_OWN``: features suffer at
    any other.

    Args:
        name: Of the backbone.
        short_side: Of a usual photo, in pixels; None if unknown.
    """
    own = preprocessing(name).size
    if short_side is None:
        return own
    if own <= ENLARGED_TO_OWN * short_side:
        return own
    step = 32
    fitting = max(int(ENLARGED * short_side) // step * step, SMALLEST_FITTING)
    return own if fitting >= own else sizes(name).nearest(fitting)


def is_known(name: str) -> bool:
    """Whether ``build`` knows the name; asks no network."""
    if name.startswith("timm/"):
        return timm_bodies.known(name.removeprefix("timm/"))
    return name == lite0.NAME or name in torchvision_bodies.names()


def check_name(name: str) -> None:
    """Refuse an unknown name.

    Raises:
        ValueError: The message names the nearest known ones.
    """
    if is_known(name):
        return
    if name.startswith("timm/"):
        choices = [f"timm/{inner}" for inner in timm_bodies.names()]
    else:
        choices = [lite0.NAME, *torchvision_bodies.names()]
    raise ValueError(
        "a backbone must be 'efficientnet_lite0', a torchvision classifier or 'timm/NAME', got "
        f"{name=}. {did_you_mean(name, choices, cutoff=0.5)}"
    )


def sizes(name: str) -> Sizes:
    """The sizes that a backbone can be built for."""
    check_name(name)
    if name == lite0.NAME:
        return lite0.SIZES
    if name.startswith("timm/"):
        return timm_bodies.sizes(name.removeprefix("timm/"))
    return torchvision_bodies.sizes(name)


def check_size(name: str, size: int) -> None:
    """Refuse a size that a backbone cannot be built for; raises a ValueError that names others."""
    sizes(name).check(name, size)
