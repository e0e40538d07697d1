"""An image classifier: a pretrained body and a new head.

>>> model = build_classifier("resnet18", 3, pretrained=False, size=64)
>>> twin = build_classifier(**model.arguments(), pretrained=False)
>>> len(model.layers()), twin.arguments() == model.arguments()
(6, True)
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, TypedDict, Unpack, cast

import torch
from torch import Tensor, nn

from zoo.core.annotations import Option
from zoo.core.training.groups import LayerGroup
from zoo.vision.data.preprocessing import Side
from zoo.vision.models.backbones import BF16_ON_CPU, Backbone, build
from zoo.vision.models.head import Head, pooled
from zoo.vision.option_names import Pool


class HeadArguments(TypedDict):
    """What is to say of a head; see ``Head``."""

    n_out: Annotated[int, Option(low=1)]
    dropout: Annotated[float, Option(low=0, below=1)]
    hidden: Annotated[int | None, Option(low=1)]
    pool: Pool


class Arguments(HeadArguments):
    """What ``build_classifier`` needs to build a classifier again; fit for JSON."""

    name: str
    size: Side


class Classifier(nn.Module):
    """A body and a head.

    Args:
        backbone: The body, and what travels with its weights.
        head: From the body's features to the outputs.
        trained: Whether the head knows its classes, as that of a saved model does.

    Shape:
        - input: ``(B, 3, H, W)``, normalised as ``preprocessing`` says; or ``(B, head.width)``,
          features of a frozen body that were computed before
        - output: ``(B, n_out)``
    """

    def __init__(self, backbone: Backbone, head: Head, *, trained: bool = False) -> None:
        super().__init__()
        self.body, self.head, self.trained = backbone.body, head, trained
        self.name, self.licence = backbone.name, backbone.licence
        self.preprocessing = backbone.preprocessing
        self.bf16_on_cpu = backbone.name in BF16_ON_CPU

    def forward(self, x: Tensor) -> Tensor:
        """Outputs of a batch of images, before any softmax."""
        if x.dim() == 2 and self.training and any(p.requires_grad for p in self.body.parameters()):
            raise ValueError(
                "the body of precomputed features must stay as it is, got one that is unfrozen. "
                "Call zoo.vision.on_photos(learner) first."
            )
        features: Tensor = x if x.dim() == 2 else self.body(x)
        device = x.device.type
        if not torch.is_autocast_enabled(device):
            logits: Tensor = self.head(features)
            return logits
        with torch.autocast(device, enabled=False):  # the last layers compute in fp32
            return cast(Tensor, self.head(features.float()))

    def features(self, x: Tensor) -> Tensor:
        """The body's features: a map ``(B, C, h, w)``, or ``(B, C)`` where it is not spatial."""
        features: Tensor = self.body(x)
        return features

    def pooled(self, x: Tensor) -> Tensor:
        """The body's features as the head pools them. Shape: (B, 3, H, W) -> (B, d)"""
        features = self.features(x)
        return pooled(features, self.head.pool) if self.head.spatial else features

    def layers(self) -> list[LayerGroup]:
        """The layer groups, input side first, the head last."""
        return [*self.body.layers(), LayerGroup("head", (self.head,))]

    def arguments(self) -> Arguments:
        """What builds the same architecture again."""
        return Arguments(
            name=self.name,
            n_out=self.head.n_out,
            size=self.preprocessing.size,
            dropout=self.head.dropout,
            hidden=self.head.hidden,
            pool=self.head.pool,
        )


def build_classifier(
    name: str,
    n_out: int,
    *,
    pretrained: bool,
    size: int | None = None,
    dropout: float = 0.5,
    hidden: int | None = 512,
    pool: Pool = "avgmax",
    licence: str = "unknown",
) -> Classifier:
    """A classifier on the backbone ``name``; the head's weights are always new.

    Args:
        name: See ``backbones.build``.
        n_out: Number of outputs.
        pretrained: Published weights for the body, or random ones.
        size: Side of the square input in pixels; the one the weights were trained with if None.
        dropout: See ``Head``.
        hidden: See ``Head``.
        pool: See ``Head``.
        licence: Licence of weights that random ones make room for; published ones have their own.

    Raises:
        ValueError: An unknown name or a value that is not allowed.
        ConnectionError: The weights are neither at hand nor reachable.
    """
    backbone = build(name, pretrained=pretrained, size=size)
    backbone = backbone if pretrained else replace(backbone, licence=licence)
    return on_backbone(backbone, n_out=n_out, dropout=dropout, hidden=hidden, pool=pool)


def on_backbone(
    backbone: Backbone, *, trained: bool = False, **arguments: Unpack[HeadArguments]
) -> Classifier:
    """A classifier with a new head; see ``build_classifier`` and ``Classifier``."""
    head = Head(backbone.body.n_features, spatial=backbone.body.spatial, **arguments)
    return Classifier(backbone, head, trained=trained)
