"""From the weights of an artifact to the network that they belong to."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from zoo.core.artifacts import artifact

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
