"""From what a user names as pretrained to the U-Net that trains."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.core.run import seeded
from zoo.vision.models.backbones import preprocessing, sizes
from zoo.vision.unet.network import Shape, UNet, build_unet


def start_unet(start: Any, seed: int, *, published: bool, whole: bool, **arguments: Any) -> UNet:
    """A U-Net on a backbone, on the body of a saved model, or a saved U-Net as it is.

    Args:
        start: a backbone's name or a saved model, as `look_up` gives them.
        seed: seed of the random weights.
        published: whether a backbone gets its published weights, or random ones.
        whole: whether the decoder of a saved model fits, too.
        **arguments: further ones of `build_unet`.

    Raises:
        ValueError: a backbone without feature maps, or one of another size.
        ConnectionError: weights are neither at hand nor reachable.
    """
    with seeded(seed):
        if isinstance(start, str):
            network = build_unet(start, pretrained=published, **arguments)
        else:
            saved = start.members[0]
            network = build_unet(saved.name, pretrained=False, licence=start.licence, **arguments)
            old, new = (saved, network) if whole else (saved.body, network.body)
            new.load_state_dict(old.state_dict())
    return network.to(memory_format=torch.channels_last)


def body_name(start: Any) -> str:
    """The name of the backbone that is meant."""
    return start if isinstance(start, str) else str(start.members[0].name)


def fitting_shape(name: str, sides: NDArray[np.int64]) -> Shape:
    """The shape of a usual photo, its short side at most the backbone's own size.

    Shape: sides: (n, 2), heights and widths.
    """
    height, width = np.median(sides, axis=0)
    scale = min(1.0, preprocessing(name).size / min(height, width))
    allowed = sizes(name)
    return allowed.nearest(round(height * scale)), allowed.nearest(round(width * scale))
