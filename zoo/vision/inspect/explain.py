"""Grad-CAM: where in the photo is what the model goes by? A heat map over it.

Each channel of the last feature map is weighed by the mean gradient of the class's logit over the
map; what is positive of the sum is the heat (Selvaraju et al. 2017, "Grad-CAM", sec. 3, eq. 1
and 2). torch gives the gradient with respect to the map; the weights need none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from zoo.core.pictures import embedded
from zoo.core.training.evaluation import set_aside
from zoo.vision.data.pixel_file import Pixels
from zoo.vision.inspect import figures
from zoo.vision.inspect.figures import Shown
from zoo.vision.models.classifier import Classifier

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class HeatMap:
    """Where in a photo the model saw what it says.

    Attributes:
        label: the output that is explained.
        heat: how much each pixel counts, 0..1. Shape: (size, size).
        photo: what the model saw. Shape: (size, size, 3), uint8.
    """

    label: str
    heat: NDArray[np.float32] = field(repr=False)
    photo: Pixels = field(repr=False)

    def figure(self) -> Figure:
        """The photo, and the heat over it."""
        shown = [
            Shown(self.photo, "photo"),
            Shown(self.photo, "heat: light counts most", self.heat),
        ]
        return figures.grid(shown, 2, f"Why {self.label}?")

    def html(self) -> str:
        """The same for a notebook."""
        return embedded(self.figure())


def grad_cam(model: Classifier, x: Tensor, output: int) -> Tensor:
    """Where the body's map speaks for an output, 0..1; the model stays as it was.

    Shape: x: (1, 3, H, W), normalised. Result: (H, W), on the CPU.

    Raises:
        ValueError: the body pools its features, so there is no map.
    """
    if not model.body.spatial:
        raise ValueError(
            f"a heat map must come from a feature map, got {model.name}, which pools its features. "
            "Use a backbone such as 'efficientnet_lite0'."
        )
    with set_aside(model):
        with torch.no_grad():
            features = model.body(x)
        with torch.enable_grad():
            features.requires_grad_()
            (gradient,) = torch.autograd.grad(model.head(features)[0, output], features)
    weights = gradient.mean((2, 3), keepdim=True)
    heat = (weights * features.detach()).sum(1, keepdim=True).relu()
    heat = F.interpolate(heat, x.shape[2:], mode="bilinear", align_corners=False)[0, 0]
    return (heat / heat.max().clamp(min=1e-12)).float().cpu()
