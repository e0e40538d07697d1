"""The head of an image classifier: pooling, then one or two dense layers.

Source: fastai 2.8, ``vision/learner.py`` (``create_head``): both poolings, batch norm before each
dense layer, half of the dropout before the first.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo.vision.option_names import Pool


class Head(nn.Module):
    """New last layers on top of a body.

    Args:
        n_features: Channels of the body's features.
        n_out: Number of outputs.
        dropout: Probability before the last layer; half of it before the hidden one.
        hidden: Width of the hidden layer; None for dropout and one dense layer alone.
        pool: Mean over the map, or mean and maximum side by side (twice the channels).
        spatial: Whether features are a map; pooled ones are taken as they are, whatever ``pool``.

    Shape:
        - input: ``(B, n_features, h, w)``, ``(B, n_features)`` where not ``spatial``, or pooled
          before, ``(B, width)``
        - output: ``(B, n_out)``

    Example:
        >>> Head(8, 3)(torch.zeros(2, 8, 7, 7)).shape
        torch.Size([2, 3])
    """

    def __init__(
        self,
        n_features: int,
        n_out: int,
        *,
        dropout: float = 0.5,
        hidden: int | None = 512,
        pool: Pool = "avgmax",
        spatial: bool = True,
    ) -> None:
        super().__init__()
        self.n_out, self.dropout, self.hidden = n_out, dropout, hidden
        self.pool: Pool = pool
        self.spatial = spatial
        self.width = 2 * n_features if spatial and pool == "avgmax" else n_features
        self.layers = dense_layers(self.width, n_out, dropout=dropout, hidden=hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs from features; such as are pooled already stay as they are."""
        if x.dim() == 4:
            x = pooled(x, self.pool)
        logits: Tensor = self.layers(x)
        return logits


def pooled(x: Tensor, pool: Pool) -> Tensor:
    """A vector from a feature map.

    Reductions instead of torch's adaptive poolings, whose backward has no deterministic form on
    CUDA.

    Shape:
        - input: ``(B, C, h, w)``
        - output: ``(B, C)`` for the mean, ``(B, 2C)`` for mean, then maximum
    """
    mean = x.mean((2, 3))
    return mean if pool == "avg" else torch.cat([mean, x.amax((2, 3))], 1)


def dense_layers(width: int, n_out: int, *, dropout: float, hidden: int | None) -> nn.Sequential:
    """The layers after the pooling, Kaiming normal (He et al. 2015), biases zero."""
    parts: list[nn.Module] = []
    if hidden is not None:
        dense = nn.Linear(width, hidden, bias=False)
        parts = [nn.BatchNorm1d(width), nn.Dropout(dropout / 2), dense]
        parts += [nn.ReLU(inplace=True), nn.BatchNorm1d(hidden)]
        width = hidden
    last = nn.Linear(width, n_out)
    layers = nn.Sequential(*parts, nn.Dropout(dropout), last)
    for layer in layers:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
    nn.init.zeros_(last.bias)
    return layers
