"""Where to tap a backbone for its feature maps: one at each resolution, found by watching it.

One image passes through the body while every module tells what went in and what came out. A module
that halves the resolution more than once is looked into; the others are the steps of the network.
The last step at a resolution is tapped, as fastai's `DynamicUnet` and timm's `feature_info` do it,
for whatever network was published, with its own weights and layer groups.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

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


class _Seen(NamedTuple):
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
    seen = _watch(body, body.sizes.nearest(_SIDE))
    deepest = seen[-1].tap.level  # the trunk finishes last
    whole = {one.tap.path for one in seen if one.tap.level - one.before <= 1}
    steps = [one.tap for one in seen if not any(above in whole for above in _above(one.tap.path))]
    taps = {tap.level: tap for tap in steps}
    return [taps[level] for level in sorted(taps) if 0 < level < deepest]


class _Keep:
    """A forward hook that stays on a module and keeps its map for the `tapped` of its thread."""

    def __init__(self, tap: Tap) -> None:
        self.tap = tap

    def __call__(self, module: nn.Module, given: Any, output: Any) -> None:
        maps = getattr(_tapping, "maps", None)
        if maps is not None:
            maps[self.tap.level] = self.tap.arrange(output)


def install(body: nn.Module, taps: Sequence[Tap]) -> None:
    """Prepare a body for `tapped`, once: threads that share it never change its hooks."""
    for tap in taps:
        body.get_submodule(tap.path).register_forward_hook(_Keep(tap))


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
def _watch(body: Body, side: int) -> list[_Seen]:
    """Every module with an image-like input and output, in the order in which they finish."""
    seen: list[_Seen] = []
    modes = {module: module.training for module in body.modules()}

    def see(path: str) -> Any:
        def hook(module: nn.Module, given: Any, output: Any) -> None:
            before, after = (_level(x, side) for x in (given[0] if given else None, output))
            if before is not None and after is not None:
                level, last = after
                n_features = output.shape[3 if last else 1]
                seen.append(_Seen(before[0], Tap(path, level, n_features, last)))

        return hook

    with contextlib.ExitStack() as stack:
        for path, module in body.named_modules():
            if path:
                stack.enter_context(module.register_forward_hook(see(path)))
        body.eval()(torch.zeros(1, 3, side, side, device=next(body.parameters()).device))
    for module, mode in modes.items():
        module.training = mode
    return seen


def _level(x: Any, side: int) -> tuple[int, bool] | None:
    """How many halvings lie between a square image and a map, and if its channels come last."""
    if not isinstance(x, Tensor) or x.ndim != 4 or len(x) != 1:
        return None
    for (height, width), last in ((x.shape[2:], False), (x.shape[1:3], True)):
        if height == width <= side:
            return round(math.log2(side / height)), last
    return None


def _above(path: str) -> list[str]:
    """The modules that a module lies in.

    >>> _above("trunk.layer1.0")
    ['trunk', 'trunk.layer1']
    """
    parts = path.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts))]
