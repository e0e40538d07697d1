"""A U-Net on any backbone whose features are a map: from pictures to pictures.

The body's maps, found by `zoo.vision.models.taps`, are joined on the way back up to the size of the
image (Ronneberger et al. 2015, fig. 1): each step enlarges by the nearest pixel, which leaves no
checkerboard (Odena et al. 2016), joins the map of that size and convolves twice.

>>> model = build_unet("resnet18", 11, pretrained=False, shape=(64, 96))
>>> model(torch.zeros(1, 3, 64, 96)).shape
torch.Size([1, 11, 64, 96])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, TypedDict, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.annotations import Option
from zoo.core.checked import arguments_of
from zoo.core.config import Config
from zoo.core.training.groups import LayerGroup
from zoo.vision.data.preprocessing import Side
from zoo.vision.models.backbones import Backbone, build
from zoo.vision.models.taps import find_taps, install, tapped

WIDTHS = (256, 128, 96, 64, 32, 16)  # channels of the steps up, the last at the image's size
Shape = tuple[int, int]


class Arguments(TypedDict):
    """What `build_unet` needs to build a network again; fit for JSON."""

    name: str
    n_out: Annotated[int, Option(low=1)]
    shape: Annotated[list[Side], Option(fewest=2, most=2)]
    residual: bool


class UNet(nn.Module):
    """A body, and a decoder that joins its maps.

    Args:
        backbone: The body, and what travels with its weights.
        n_out: Channels of the output.
        shape: Height and width of the images in training.
        residual: Add the input, in 0..1, to the output: the network learns what to change.

    Shape:
        - input: ``(B, 3, H, W)``, normalised as ``preprocessing`` says
        - output: ``(B, n_out, H, W)``
    """

    def __init__(
        self, backbone: Backbone, n_out: int, *, shape: Shape, residual: bool = False
    ) -> None:
        super().__init__()
        self.body = backbone.body
        self.taps = find_taps(self.body)
        install(self.body, self.taps)
        self.decoder = Decoder(self.body.n_features, [tap.n_features for tap in self.taps], n_out)
        self.name, self.preprocessing = backbone.name, backbone.preprocessing
        self.n_out, self.shape, self.residual = n_out, shape, residual
        self.licence = backbone.licence
        if residual:  # what is drawn begins as what was given
            nn.init.zeros_(self.decoder.last.weight)
            nn.init.zeros_(cast("Tensor", self.decoder.last.bias))
        for name in ("mean", "std"):
            values = torch.tensor(getattr(backbone.preprocessing, name)).view(3, 1, 1)
            self.register_buffer(name, values, persistent=False)

    mean: Tensor
    std: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Outputs of every pixel of a batch of images, before any softmax."""
        with tapped() as maps:
            features = self.body(x)
        skips = [x, *(maps[tap.level] for tap in self.taps)]
        output: Tensor = self.decoder(features, skips)
        if self.residual:
            output = output + (x * self.std + self.mean)
        return output

    def layers(self) -> list[LayerGroup]:
        """The layer groups, input side first, the decoder last."""
        return [*self.body.layers(), LayerGroup("decoder", (self.decoder,))]

    def arguments(self) -> Arguments:
        """What builds the same architecture again."""
        return Arguments(
            name=self.name, n_out=self.n_out, shape=list(self.shape), residual=self.residual
        )


class Decoder(nn.Module):
    """Steps from the deepest map up to the size of the image.

    Args:
        n_features: Channels of the deepest map.
        n_skips: Channels of the other maps, largest first, without the image itself.
        n_out: Channels of the output.

    Shape:
        - input: ``(B, n_features, h, w)`` and the skips, the image ``(B, 3, H, W)`` first
        - output: ``(B, n_out, H, W)``
    """

    def __init__(self, n_features: int, n_skips: Sequence[int], n_out: int) -> None:
        super().__init__()
        joined = [*reversed(n_skips), 3]
        widths = WIDTHS[-len(joined) :]
        before = [n_features, *widths[:-1]]
        self.steps = nn.ModuleList(map(Up, before, joined, widths))
        self.last = nn.Conv2d(widths[-1], n_out, 1)

    def forward(self, x: Tensor, skips: Sequence[Tensor]) -> Tensor:
        """Outputs at the size of the first skip."""
        for step, skip in zip(self.steps, reversed(skips), strict=True):
            x = step(x, skip)
        output: Tensor = self.last(x)
        return output


class Up(nn.Module):
    """Enlarge to the size of a skip, join it, convolve twice.

    Shape:
        - input: ``(B, n_in, h, w)`` and ``(B, n_skip, H, W)``
        - output: ``(B, n_out, H, W)``
    """

    def __init__(self, n_in: int, n_skip: int, n_out: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_convolution(n_in + n_skip, n_out), *_convolution(n_out, n_out)
        )

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """The joined map."""
        x = F.interpolate(x, size=skip.shape[-2:], mode="nearest")
        joined: Tensor = self.layers(torch.cat([x, skip], 1))
        return joined


def build_unet(
    name: str,
    n_out: int,
    *,
    pretrained: bool,
    shape: Sequence[int],
    residual: bool = False,
    licence: str = "unknown",
) -> UNet:
    """A U-Net on the backbone ``name``; the decoder's weights are always new.

    Args:
        name: See ``backbones.build``.
        n_out: Channels of the output.
        pretrained: Published weights for the body, or random ones.
        shape: Height and width of the images.
        residual: See ``UNet``.
        licence: Licence of weights that random ones make room for; published ones have their own.

    Raises:
        ValueError: An unknown name, one without feature maps, or a size that it does not take.
        ConnectionError: The weights are neither at hand nor reachable.
    """
    height, width = shape
    backbone = build(name, pretrained=pretrained, size=height)
    backbone.body.check_size(height, width)
    backbone = backbone if pretrained else replace(backbone, licence=licence)
    return UNet(backbone, n_out, shape=(height, width), residual=residual)


def unet_of(config: Config, spec_class: Any) -> tuple[Any, Arguments]:
    """The spec of a model that draws pictures, and what builds its network.

    Args:
        config: content of config.json.
        spec_class: class of the spec, which has `from_json` and `network`.

    Raises:
        ValueError: either makes no sense, or they do not fit each other.
    """
    spec = spec_class.from_json(config.spec)
    return spec, arguments_of(config.model, Arguments, **spec.network())


def _convolution(n_in: int, n_out: int) -> list[nn.Module]:
    convolution = nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    return [convolution, nn.BatchNorm2d(n_out), nn.ReLU(inplace=True)]
