"""Depthwise convolutions that train in bf16 on a CPU as fast as their forward pass promises.

oneDNN, which computes torch's convolutions there, has no kernels for two of their gradients in
bf16, and takes up to a hundred times as long without (`benchmarks/vision_bf16.py`): that by the
input where the stride is above 1, and that by the weight where the kernel is larger than 3 x 3. The
first is computed in fp32 here, the second in overlapping parts of 3 x 3.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

_SIDE: Final = 3  # pixels of the largest kernel whose gradient is fast
_WHOLE: Final = (1, 1)  # no dilation


def fast_gradients(x: Tensor) -> contextlib.AbstractContextManager[Any]:
    """A context in which depthwise convolutions have fast gradients, if in bf16 and any at all."""
    in_bf16 = (
        x.device.type == "cpu"
        and torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") is torch.bfloat16
    )
    if in_bf16 and torch.is_grad_enabled() and not torch.compiler.is_compiling():
        return _FastGradients()
    return contextlib.nullcontext()


class _FastGradients(TorchFunctionMode):
    """Has slow convolutions computed by `_Depthwise`, whatever module calls them."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is torch.conv2d and not kwargs and len(args) == 7 and _is_slow(*args):
            x, weight, bias, *form, _ = args
            tensors = [None if t is None else t.bfloat16() for t in (x, weight, bias)]
            return _Depthwise.apply(*tensors, *form)
        return func(*args, **(kwargs or {}))


def _is_slow(
    x: Tensor, weight: Tensor, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> bool:
    """Whether a depthwise convolution has a slow gradient that is computed faster here."""
    sides = weight.shape[2:]
    depthwise = groups == len(weight) == x.shape[1] > 1 and x.dim() == 4
    if not depthwise or dilation != _WHOLE or isinstance(padding, str) or min(sides) < _SIDE:
        return False
    return max(stride) > 1 or max(sides) > _SIDE


class _Depthwise(torch.autograd.Function):
    """A depthwise convolution.

    Shape: x: (B, C, H, W). weight: (C, 1, h, w). bias: (C,) or None. All of them, and their
    gradients, are bf16.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: tuple[int, int],
        padding: tuple[int, int],
        dilation: tuple[int, int],
    ) -> Tensor:
        """As torch does it."""
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(x, weight, bias, stride, padding, dilation, len(weight))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients by input, weight and bias; none by the rest."""
        (x, weight), stride, padding = ctx.saved_tensors, ctx.stride, ctx.padding
        by_x, by_weight, by_bias, *_ = ctx.needs_input_grad
        grad = grad.contiguous(memory_format=torch.channels_last)
        return (
            _by_input(grad, x, weight, stride, padding) if by_x else None,
            _by_weight(grad, x, weight, stride, padding) if by_weight else None,
            grad.sum((0, 2, 3)) if by_bias else None,
            *[None] * 3,
        )


def _by_input(grad: Tensor, x: Tensor, weight: Tensor, stride: Any, padding: Any) -> Tensor:
    tensors = (grad, x, weight)
    if max(stride) > 1:
        tensors = (grad.float(), x.float(), weight.float())
    gradient: Tensor = _native(*tensors, stride, padding, [True, False, False])[0]
    return gradient.to(x.dtype)


def _by_weight(grad: Tensor, x: Tensor, weight: Tensor, stride: Any, padding: Any) -> Tensor:
    """By parts of 3 x 3: each is the gradient of a smaller kernel on a shifted input."""
    (top, left), mask = padding, [False, True, False]
    x = F.pad(x, (left, left, top, top)) if top or left else x
    height, width = ((n - 1) * s + _SIDE for n, s in zip(grad.shape[2:], stride, strict=True))
    result, corner = torch.empty_like(weight), weight[..., :_SIDE, :_SIDE]
    for i in _starts(weight.shape[2]):
        for j in _starts(weight.shape[3]):
            part = x[..., i : i + height, j : j + width]
            part = part.contiguous(memory_format=torch.channels_last)
            of_part = _native(grad, part, corner, stride, (0, 0), mask)[1]
            result[..., i : i + _SIDE, j : j + _SIDE] = of_part
    return result


def _starts(side: int) -> list[int]:
    """Where parts of 3 begin that cover a side.

    >>> _starts(3), _starts(5), _starts(7)
    ([0], [0, 2], [0, 3, 4])
    """
    return [*range(0, side - _SIDE, _SIDE), side - _SIDE]


def _native(
    grad: Tensor, x: Tensor, weight: Tensor, stride: Any, padding: Any, mask: list[bool]
) -> Any:
    """Torch's own gradients by input and weight, as far as the mask asks for them."""
    form = (stride, padding, _WHOLE, False, (0, 0), len(weight))
    return torch.ops.aten.convolution_backward(grad, x, weight, None, *form, mask)
