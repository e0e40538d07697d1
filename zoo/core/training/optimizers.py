"""Optimizers by name, with the settings that the recipes take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch.optim import Optimizer

OptimizerName = Literal["adamw", "sgd"]


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
    raise ValueError(f"an optimizer is 'adamw', 'sgd' or a function, however optimizer={kind!r}")
