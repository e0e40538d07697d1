"""Where to tap a backbone for its feature maps: one at each resolution, found by watching it.

One image passes through the body while every module tells what went in and what came out. A module
that halves the resolution more than once is looked into; the others are the steps of the network.
The last step at a resolution is tapped, as fastai's `DynamicUnet` and timm's `feature_info` do it,
for whatever network was published, with its own weights and layer groups.
"""

from __future__ import annotations

import contextlib
import functools
import math
import threading
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from zoo.core.training.evaluation import set_aside
from zoo.vision.models.bodies import Body

_SIDE = 256  # px of the image that is watched, where the body takes it
_tapping = threading.local()  # its `maps` are those of the forward that this thread is in


class Tap(NamedTuple):
    """A module whose output is a feature map.

    Attributes:
        path: the module's name in the body.
        level: how many times the resolution has been halved.
        n_features: channels of the map.
        last: whether the channels are its last dimension.
    """

    path: str
    level: int
    n_features: int
    last: bool

    def arrange(self, features: Tensor) -> Tensor:
        """The map with channels first."""
        return features.permute(0, 3, 1, 2) if self.last else features


class _Passage(NamedTuple):
    before: int  # level of the input
    tap: Tap


def find_taps(body: Body) -> list[Tap]:
    """The last map of each level above that of the body's features, largest first.

    Raises:
        ValueError: the body pools its features, so there is no map.

    >>> from zoo.vision.models.backbones import build
    >>> [tap.path for tap in find_taps(build("resnet18", pretrained=False).body)]
    ['trunk.relu', 'trunk.layer1', 'trunk.layer2', 'trunk.layer3']
    """
    if not body.spatial:
        raise ValueError(
            f"a U-Net must have a body with feature maps, got {body.name}, which pools them. "
            "Use a convolutional backbone such as 'efficientnet_lite0'."
        )
    passages = _watch(body, body.sizes.nearest(_SIDE))
    deepest = passages[-1].tap.level  # the trunk finishes last
    whole = tuple(f"{one.tap.path}." for one in passages if one.tap.level - one.before <= 1)
    taps = {tap.level: tap for _, tap in passages if not tap.path.startswith(whole)}
    return [taps[level] for level in sorted(taps) if 0 < level < deepest]


def install(body: nn.Module, taps: Sequence[Tap]) -> None:
    """Prepare a body for `tapped`, once: threads that share it never change its hooks."""
    for tap in taps:
        body.get_submodule(tap.path).register_forward_hook(functools.partial(_keep, tap))


def _keep(tap: Tap, module: nn.Module, inputs: Any, output: Any) -> None:
    """Keep the map of a forward hook's module for the `tapped` of its thread."""
    maps = getattr(_tapping, "maps", None)
    if maps is not None:
        maps[tap.level] = tap.arrange(output)


@contextlib.contextmanager
def tapped() -> Iterator[dict[int, Tensor]]:
    """The maps, by level, of this thread's forward inside the context, of an `install`ed body."""
    before = getattr(_tapping, "maps", None)
    _tapping.maps = maps = dict[int, Tensor]()
    try:
        yield maps
    finally:
        _tapping.maps = before


@torch.no_grad()
def _watch(body: Body, side: int) -> list[_Passage]:
    """Every module with an image-like input and output, in the order in which they finish."""
    passages: list[_Passage] = []

    def hook(path: str, module: nn.Module, inputs: Any, output: Any) -> None:
        before, after = (_level(x, side) for x in (inputs[0] if inputs else None, output))
        if before is not None and after is not None:
            level, last = after
            tap = Tap(path, level, output.shape[3 if last else 1], last)
            passages.append(_Passage(before[0], tap))

    with contextlib.ExitStack() as stack:
        stack.enter_context(set_aside(body))
        for path, module in body.trunk.named_modules(prefix="trunk"):
            stack.enter_context(module.register_forward_hook(functools.partial(hook, path)))
        body(torch.zeros(1, 3, side, side, device=next(body.parameters()).device))
    return passages


def _level(x: Any, side: int) -> tuple[int, bool] | None:
    """How many halvings lie between a square image and a map, and if its channels come last."""
    if not isinstance(x, Tensor) or x.ndim != 4 or len(x) != 1:
        return None
    for (height, width), last in ((x.shape[2:], False), (x.shape[1:3], True)):
        if height == width <= side:
            return round(math.log2(side / height)), last
    return None
