"""The states of a model, an optimizer and the generators, as trees to store and put back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


def model_state(model: nn.Module) -> dict[str, Any]:
    """Parameters, all buffers (also those that an artifact leaves out) and the carried state."""
    tensors = dict(model.named_parameters()) | dict(model.named_buffers())
    return {
        "tensors": {name: tensor.detach().clone() for name, tensor in tensors.items()},
        "carried": [tensor.detach().clone() for tensor in getattr(model, "carried", ())],
    }


@torch.no_grad()
def load_model_state(model: nn.Module, state: dict[str, Any]) -> None:
    """Put `model_state` back, in place.

    Raises:
        ValueError: the model has other parameters or shapes.
    """
    own = dict(model.named_parameters()) | dict(model.named_buffers())
    saved = state["tensors"]
    wrong = [
        name
        for name in own.keys() | saved.keys()
        if name not in own or name not in saved or own[name].shape != saved[name].shape
    ]
    if wrong:
        raise ValueError(
            f"a training state must fit the model, got another {sorted(wrong)[0]!r} "
            f"({len(wrong)} such in all). Resume with the same call, or use another folder."
        )
    for name, tensor in own.items():
        tensor.copy_(saved[name])
    if hasattr(model, "carried"):
        device = next((p.device for p in model.parameters()), None)
        model.carried = tuple(t.to(device) for t in state["carried"])  # type: ignore[assignment]


def optimizer_state(optimizer: Optimizer) -> list[dict[str, Any]]:
    """The state of every parameter, in the order of the groups."""
    params = (p for group in optimizer.param_groups for p in group["params"])
    return [dict(optimizer.state.get(p, {})) for p in params]


def load_optimizer_state(optimizer: Optimizer, states: list[dict[str, Any]]) -> None:
    """Put `optimizer_state` back; moments take their parameter's device and strides.

    A fused AdamW walks a parameter and its moments in memory order: a contiguous moment beside a
    channels-last weight would train wrongly, without a word.
    """
    params = [p for group in optimizer.param_groups for p in group["params"]]
    for p, state in zip(params, states, strict=True):
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == p.shape:
                state[name] = torch.empty_like(p, dtype=value.dtype).copy_(value)
            elif isinstance(value, Tensor) and p.device.type == "cuda" and _on_device(optimizer):
                state[name] = value.to(p.device)
        if state:
            optimizer.state[p] = state


def generator_states(device: torch.device) -> dict[str, Tensor]:
    """Torch's global generators: the CPU's and the device's."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def load_generator_states(states: dict[str, Tensor], device: torch.device) -> None:
    """Put `generator_states` back."""
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)


def _on_device(optimizer: Optimizer) -> bool:
    """Whether the optimizer keeps its step counts beside the parameters."""
    return bool(optimizer.defaults.get("fused") or optimizer.defaults.get("capturable"))
