"""A layer of LSTM for training in bfloat16 on a CPU, where torch's own spends its gains again.

torch's fused layer (oneDNN) is as fast as the processor's matrix products in float32, and forward
in bfloat16; its backward pass in bfloat16 stays at half of that. Here a step of either direction is
one product `weight @ batch`: the weight, many times larger, stands first, where it need not be laid
out anew for every step, and a batch is a column, so that gates are blocks of memory. Gradients of
the weight are one product for all words. Products are in the type of the input, gates and cells in
float32.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

_ATEN = torch.ops.aten


def lstm(
    x: Tensor, state: tuple[Tensor, Tensor], weight: Tensor, bias: Tensor
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Outputs and last state, as of `torch.nn.LSTM` with one layer.

    Shape: x (B, T, d_in); state 2 x (1, B, d); weight (4 d, d_in + d), of the input and of the
    output before, gates in torch's order; bias (4 d,) -> (B, T, d), 2 x (1, B, d), of which the
    cells are in float32.
    """
    h, c = (part[0].t() for part in state)
    y, c = _Recurrence.apply(x.permute(1, 2, 0), h, c, weight.to(x.dtype), bias.float())
    return y.permute(2, 0, 1), (y[-1].t()[None], c.t()[None])


class _Recurrence(torch.autograd.Function):
    """Shape: x (T, d_in, B), h and c (d, B) -> (T, d, B), (d, B)."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, x: Tensor, h: Tensor, c: Tensor, weight: Tensor, bias: Tensor
    ) -> tuple[Tensor, Tensor]:
        (n_steps, d_in, n_rows), d = x.shape, len(h)
        inputs = x.new_empty(n_steps + 1, d_in + d, n_rows)  # of each step: x, then h
        inputs[:-1, :d_in], inputs[0, d_in:] = x, h
        cells = x.new_empty(n_steps + 1, d, n_rows, dtype=torch.float32)
        cells[0] = c
        gates = x.new_empty(n_steps, 4 * d, n_rows, dtype=torch.float32)
        for step, sums in enumerate(gates):
            torch.add(weight @ inputs[step], bias[:, None], out=sums)
            enter, forget, new, leave = sums.chunk(4)
            sums[: 2 * d].sigmoid_()
            new.tanh_()
            leave.sigmoid_()
            cell = torch.mul(forget, cells[step], out=cells[step + 1]).addcmul_(enter, new)
            inputs[step + 1, d_in:] = cell.tanh().mul_(leave)
        ctx.save_for_backward(inputs, gates, cells, weight)
        return inputs[1:, d_in:], cells[-1].clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        inputs, gates, cells, weight = ctx.saved_tensors
        d_y, d_c = gradients
        (n_steps, _, n_rows), d = gates.shape, cells.shape[1]
        d_in = inputs.shape[1] - d
        turned = weight.t().contiguous()
        d_sums, d_x = inputs.new_empty(gates.shape), inputs.new_empty(n_steps, d_in, n_rows)
        d_h, d_c, d_gates = torch.zeros_like(d_c), d_c.clone(), torch.empty_like(gates[0])
        d_enter, d_forget, d_new, d_leave = d_gates.chunk(4)
        for step in reversed(range(n_steps)):
            enter, forget, new, leave = gates[step].chunk(4)
            shown = cells[step + 1].tanh()
            d_h = d_h + d_y[step]
            torch.mul(d_h, shown, out=d_leave)
            d_c += _ATEN.tanh_backward(d_h.mul_(leave), shown)
            torch.mul(d_c, new, out=d_enter)
            torch.mul(d_c, cells[step], out=d_forget)
            torch.mul(d_c, enter, out=d_new)
            _through(_ATEN.sigmoid_backward, d_gates[: 2 * d], gates[step, : 2 * d])
            _through(_ATEN.tanh_backward, d_new, new)
            _through(_ATEN.sigmoid_backward, d_leave, leave)
            d_c *= forget
            d_sums[step] = d_gates
            d_inputs = turned @ d_sums[step]
            d_x[step], d_h = d_inputs[:d_in], d_inputs[d_in:].float()
        columns = d_sums.transpose(0, 1).flatten(1)  # (4 d, T B)
        d_weight = columns @ inputs[:-1].transpose(0, 1).flatten(1).t()
        return d_x, d_h, d_c, d_weight, columns.sum(1, dtype=torch.float32)


def _through(derivative: Any, gradient: Tensor, output: Tensor) -> None:
    """Multiply a gradient, in place, by the derivative of a function that gave an output."""
    derivative.grad_input(gradient, output, grad_input=gradient)
