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
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from zoo.vision.models.bodies import Body

_SIDE = 256  # px of the image that is watched, where the body takes it
_HOOKING = threading.Lock()
_OWN = threading.local()  # `maps`: those of a thread's forward under way


class Tap(NamedTuple):
    """A module whose output is a feature map.

    Attributes:
        path: of the module in the body.
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
            f"pictures are drawn from feature maps, however {body.name} pools its features; take a "
            "convolutional backbone such as 'efficientnet_lite0'"
        )
    seen = _watch(body, body.sizes.nearest(_SIDE))
    deepest = seen[-1].tap.level  # the trunk finishes last
    whole = {one.tap.path for one in seen if one.tap.level - one.before <= 1}
    steps = [one.tap for one in seen if not any(above in whole for above in _above(one.tap.path))]
    taps = {tap.level: tap for tap in steps}
    return [taps[level] for level in sorted(taps) if 0 < level < deepest]


@contextlib.contextmanager
def tapped(body: nn.Module, taps: Sequence[Tap]) -> Iterator[dict[int, Tensor]]:
    """The maps of this thread's forward inside the context, by level.

    The modules are hooked once and stay so: threads that share a body would else change what it is
    hooked with while the others pass through it.
    """
    with _HOOKING:
        for tap in taps:
            module = body.get_submodule(tap.path)
            if not any(hook == _Keep(tap) for hook in module._forward_hooks.values()):
                module.register_forward_hook(_Keep(tap))
    outer = getattr(_OWN, "maps", None)
    maps: dict[int, Tensor] = {}
    _OWN.maps = maps
    try:
        yield maps
    finally:
        _OWN.maps = outer


@dataclass(frozen=True)
class _Keep:
    """A forward hook that keeps the map of a tap, if this thread wants any."""

    tap: Tap

    def __call__(self, module: nn.Module, inputs: Any, output: Tensor) -> None:
        maps: dict[int, Tensor] | None = getattr(_OWN, "maps", None)
        if maps is not None:
            maps[self.tap.level] = self.tap.arrange(output)


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
