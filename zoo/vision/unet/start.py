"""From what a user names as pretrained to the U-Net that trains."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.vision.models.backbones import preprocessing, sizes
from zoo.vision.unet.network import Shape, UNet, build_unet


def start_unet(
    found: Any,
    n_out: int,
    shape: Shape,
    *,
    residual: bool = False,
    random_weights: bool = False,
    whole: Any = None,
) -> UNet:
    """A U-Net on a backbone, on the body of a saved model, or a saved U-Net as it is.

    Args:
        found: a backbone's name or a saved model, as `look_up` gives them.
        n_out: channels of the output.
        shape: height and width of the images.
        residual: see `UNet`.
        random_weights: use none of the published weights.
        whole: from a saved model to whether its decoder fits, too; None if none does.

    Raises:
        ValueError: a backbone without feature maps, or one of another size.
        ConnectionError: weights are neither at hand nor reachable.
    """
    settings: dict[str, Any] = {"shape": shape, "residual": residual}
    if isinstance(found, str):
        return build_unet(found, n_out, pretrained=not random_weights, **settings)
    first = found.members[0]
    built = build_unet(first.name, n_out, pretrained=False, licence=found.licence, **settings)
    fits = isinstance(first, UNet) and whole is not None and whole(found)
    (built if fits else built.body).load_state_dict((first if fits else first.body).state_dict())
    return built


def body_name(found: Any) -> str:
    """The name of the backbone that is meant."""
    return found if isinstance(found, str) else str(found.members[0].name)


def fitting_shape(name: str, sides: NDArray[np.int64]) -> Shape:
    """The shape of a usual photo, its short side at most the backbone's own size.

    **Shape.** sides: (n, 2), heights and widths.
    """
    height, width = np.median(sides, axis=0)
    scale = min(1.0, preprocessing(name).size / min(height, width))
    allowed = sizes(name)
    return allowed.nearest(round(height * scale)), allowed.nearest(round(width * scale))
