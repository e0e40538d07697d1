"""Optimizers by name, with the settings that the recipes take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.optim import Optimizer

from zoo.core.training.options import OptimizerName


def make(
    kind: OptimizerName | Callable[[list[dict[str, Any]]], Optimizer],
    params: list[dict[str, Any]],
) -> Optimizer:
    """The optimizer of these parameter groups: fused, or what the user's function makes.

    Raises:
        ValueError: an unknown name.
    """
    if callable(kind):
        return kind(params)
    if kind == "adamw":
        return torch.optim.AdamW(params, betas=(0.9, 0.99), eps=1e-5, fused=True)
    if kind == "sgd":
        return torch.optim.SGD(params, momentum=0.9, fused=True)
    raise ValueError(
        f"optimizer must be 'adamw', 'sgd' or a function, got optimizer={kind!r}. Try 'adamw'."
    )
