"""From the weights of an artifact to the network that they belong to."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from zoo.core.artifacts import artifact
from zoo.core.trust.blend import Blend

Network = TypeVar("Network", bound=nn.Module)


def rebuilt(build: Callable[[], Network], tensors: dict[str, Tensor]) -> Network:
    """A network with its weights, still in training mode.

    It is built without memory first, so that a description which the weights do not fit is refused
    before it takes any.

    Args:
        build: makes the network with random weights.
        tensors: its weights by name.

    Raises:
        ArtifactError: names or shapes differ from the network's, or a weight is no finite number.
    """
    with contextlib.suppress(NotImplementedError):
        artifact.check_weights(_outline(build), tensors)
    network = build()
    artifact.load_weights(network, tensors)
    return network


def blend_of(
    stored: artifact.Artifact, kinds: Mapping[str, Callable[..., nn.Module]]
) -> Blend | None:
    """The blend that an artifact's config describes, with its weights; None if it has none.

    Args:
        stored: the artifact, whose last members are the partners.
        kinds: classes of the domain's partners, by name.

    Raises:
        ValueError: a name, an argument or a share is none of a blend.
    """
    stated, first = stored.config.blend, len(stored.networks)
    temperature = stored.config.temperature
    if not stated and temperature is None:
        return None
    if temperature is not None and not 0 < temperature < math.inf:
        raise ValueError(f"a temperature must be a positive number, got {temperature=!r:.200}")
    shares: list[Any] = [one.get("share") for one in stated]
    sound = all(isinstance(share, float) and 0 < share <= 1 for share in shares)
    unknown = [one.get("name") for one in stated if one.get("name") not in kinds]
    if not sound or unknown or not first or sum(shares) > 1 + 1e-6:
        raise ValueError(f"shares of {', '.join(kinds)} must be 0..1, got blend={stated!r:.200}")
    builds = [partial(kinds[one["name"]], **one["args"]) for one in stated]
    partners = [
        rebuilt(build, tensors).eval()
        for build, tensors in zip(builds, stored.weights[first:], strict=True)
    ]
    return Blend(tuple(partners), tuple(shares), temperature)


def _outline(build: Callable[[], Network]) -> Network:
    """The network, of which names and shapes take no memory."""
    with torch.device("meta"):
        try:
            return build()
        except NotImplementedError:
            with _Numbers():
                return build()


class _Numbers(TorchFunctionMode):
    """Keep small tensors of numbers on the CPU: RegNets of torchvision compute widths by them."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call the function, which makes its numbers on the CPU."""
        more = {"device": "cpu"} if func in (torch.arange, torch.tensor) else {}
        return func(*args, **more | (kwargs or {}))
