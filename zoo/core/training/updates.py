"""An optimizer's updates in the loop: those of torch, without what torch puts around the kernel.

On a small network `step` and `zero_grad` of torch's fused AdamW take longer than the kernel that
they end in: they gather lists, group tensors by device, count the steps of every parameter and
label themselves for profilers. `Updates` keeps the lists and calls the kernel; the numbers, and
the optimizer's state, are torch's own.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim import optimizer as torch_optimizer


class Updates:
    """`zero_grad` and `step` of an optimizer.

    Any other optimizer than torch's fused AdamW makes its steps itself. So does that one where
    somebody listens to its steps, and where a parameter has its first gradient: torch then makes
    the parameter's state.

    Args:
        optimizer: its groups, their rates, betas and decay, and its state may change at any time.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self._params: list[nn.Parameter] = []  # of all groups that the lists below were made of
        self._sizes: list[int] = []  # of these groups
        self._lists: list[_Lists] = []
        self._stateless: list[nn.Parameter] = []

    def zero_grad(self) -> None:
        """Forget the gradients."""
        if type(self.optimizer).zero_grad is not Optimizer.zero_grad:
            self.optimizer.zero_grad()
            return
        for group in self.optimizer.param_groups:
            for p in group["params"]:
                p.grad = None

    def step(self) -> None:
        """Update the parameters that have a gradient."""
        if not _is_direct(self.optimizer):
            self.optimizer.step()
            return
        if not self._is_current():
            self._make_lists()
        if any(p.grad is not None for p in self._stateless):
            self.optimizer.step()
            self._sizes = []
            return
        with torch.no_grad():
            for lists in self._lists:
                lists.update()

    def _is_current(self) -> bool:
        """Whether groups and state are still those that the lists were made of."""
        groups, state = self.optimizer.param_groups, self.optimizer.state
        params = itertools.chain.from_iterable(group["params"] for group in groups)
        return (
            self._sizes == [len(group["params"]) for group in groups]
            and all(map(operator.is_, self._params, params))
            and all(lists.are_of(state) for lists in self._lists)
        )

    def _make_lists(self) -> None:
        """Lists of the parameters that have a state, for each group, device and type."""
        groups, state = self.optimizer.param_groups, self.optimizer.state
        self._sizes = [len(group["params"]) for group in groups]
        self._params = [p for group in groups for p in group["params"]]
        self._stateless = [p for group in groups for p in group["params"] if not state.get(p)]
        self._lists = []
        for group in groups:
            kinds: dict[tuple[torch.device, torch.dtype], list[nn.Parameter]] = {}
            for p in group["params"]:
                if state.get(p):
                    kinds.setdefault((p.device, p.dtype), []).append(p)
            self._lists += [_Lists.of(group, params, state) for params in kinds.values()]


@dataclass(frozen=True)
class _Lists:
    """Tensors of a parameter group, of one device and type, in lists as the kernel takes them.

    Attributes:
        group: the optimizer's own dict, with the rate of the moment.
        means: running means of the gradients; `squares` are those of their squares.
        counts: number of steps of each parameter, the elements of `steps`.
    """

    group: dict[str, Any]
    params: list[nn.Parameter]
    means: list[Tensor]
    squares: list[Tensor]
    counts: list[Tensor]
    steps: Tensor

    @classmethod
    def of(
        cls, group: dict[str, Any], params: list[nn.Parameter], state: Mapping[Tensor, Any]
    ) -> _Lists:
        """The lists of parameters that have a state, whose counts become elements of one tensor."""
        states = [state[p] for p in params]
        steps = torch.stack([one["step"] for one in states])
        for i, one in enumerate(states):
            one["step"] = steps[i]
        means, squares, counts = (
            [one[name] for one in states] for name in ("exp_avg", "exp_avg_sq", "step")
        )
        return cls(group, params, means, squares, counts, steps)

    def are_of(self, state: Mapping[Tensor, Any]) -> bool:
        """Whether the tensors are still those of an optimizer's state."""
        for p, *tensors in zip(self.params, self.means, self.squares, self.counts, strict=True):
            own = state.get(p, {})
            if not all(map(operator.is_, tensors, map(own.get, ("exp_avg", "exp_avg_sq", "step")))):
                return False
        return True

    def update(self) -> None:
        """One step of the parameters that have a gradient."""
        gradients = [p.grad for p in self.params]
        lists: list[list[Any]] = [self.params, gradients, self.means, self.squares, self.counts]
        has_gradient = [gradient is not None for gradient in gradients]
        if all(has_gradient):
            self.steps.add_(1)
        else:
            lists = [list(itertools.compress(tensors, has_gradient)) for tensors in lists]
            for count in lists[-1]:
                count.add_(1)
        if not any(has_gradient):
            return
        params, given, means, squares, counts = lists
        group = self.group
        beta1, beta2 = group["betas"]
        torch._fused_adamw_(
            params,
            given,
            means,
            squares,
            [],
            counts,
            lr=group["lr"],
            beta1=beta1,
            beta2=beta2,
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
        )


def _is_direct(optimizer: Optimizer) -> bool:
    """Whether a step is nothing but the kernel of a fused AdamW."""
    groups = optimizer.param_groups
    return (
        type(optimizer) is torch.optim.AdamW
        and all(g["fused"] and not g["amsgrad"] and not g["maximize"] for g in groups)
        and "step" not in vars(optimizer)  # as a scheduler of torch's replaces it
        and not optimizer._optimizer_step_pre_hooks
        and not optimizer._optimizer_step_post_hooks
        and not torch_optimizer._global_optimizer_pre_hooks
        and not torch_optimizer._global_optimizer_post_hooks
    )
