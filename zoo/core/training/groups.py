"""Layer groups: the parts of a model from input to head, for rates, freezing and weight decay.

A group names modules and bare parameters (class tokens, position embeddings). Together the groups
of a model own every parameter exactly once; a tied weight belongs to one of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from zoo.core.training.options import BatchNormMode

Rates = float | Sequence[float] | slice
"""One for all, a list with one for each group, or (low, high) / slice(low, high): geometric."""

_NORMS = (_BatchNorm, nn.LayerNorm, nn.GroupNorm, nn.modules.instancenorm._InstanceNorm)


@dataclass(frozen=True)
class LayerGroup:
    """One part of a model: its modules and the parameters that belong to no module of the group."""

    name: str
    modules: tuple[nn.Module, ...] = ()
    bare: tuple[nn.Parameter, ...] = ()

    def parameters(self) -> list[nn.Parameter]:
        """All parameters of the group, each once, frozen or not."""
        owned = [p for module in self.modules for p in module.parameters()]
        return list(dict.fromkeys([*owned, *self.bare]))

    def batchnorms(self) -> Iterator[nn.Module]:
        """The group's batch-normalisation modules, whose running statistics are state."""
        for module in self.modules:
            yield from (m for m in module.modules() if isinstance(m, _BatchNorm))


def layer_groups(model: nn.Module) -> list[LayerGroup]:
    """The model's own groups by its `layers()`, checked; a model without them is one group.

    Raises:
        ValueError: a parameter is in no group or in several.
    """
    layers = getattr(model, "layers", None)
    if not callable(layers):
        return [LayerGroup("model", (model,))]
    groups: list[LayerGroup] = layers()
    owners = Counter(p for group in groups for p in group.parameters())
    wrong = {name: owners[p] for name, p in model.named_parameters() if owners[p] != 1}
    if wrong:
        name, n = next(iter(wrong.items()))
        raise ValueError(
            f"every parameter must be in exactly one layer group, got {name!r} in {n} "
            f"({len(wrong)} such in all). List it in the group that owns it."
        )
    return groups


def group_rates(lr: Rates, n_groups: int) -> list[float]:
    """One highest learning rate for each group, input first.

    Args:
        lr: a float for all; (low, high) or slice(low, high), spread geometrically from the first
            group to the head; slice(high) gives high to the head and high / 10 to the others; or
            a list with one rate for each group.
        n_groups: the number of layer groups.

    Raises:
        ValueError: a rate is not positive, or the list has another length than the model groups.

    >>> [round(rate, 6) for rate in group_rates((1e-4, 1e-2), 3)]
    [0.0001, 0.001, 0.01]
    >>> group_rates(slice(1e-2), 3)
    [0.001, 0.001, 0.01]
    """
    rates: list[float]
    if isinstance(lr, str):  # type: ignore[unreachable]
        raise ValueError(f"learning rates must be numbers, got {lr=}. Try 1e-3.")
    if isinstance(lr, slice):
        low, high = lr.start, lr.stop
        rates = (
            [high / 10] * (n_groups - 1) + [high] if low is None else _spread(low, high, n_groups)
        )
    elif isinstance(lr, (int, float, np.number)):
        rates = [float(lr)] * n_groups
    elif len(lr) == n_groups:
        rates = [float(rate) for rate in lr]
    elif len(lr) == 2:
        rates = _spread(lr[0], lr[1], n_groups)
    else:
        raise ValueError(
            f"a list of rates needs one for each of the {n_groups} layer groups, got {len(lr)}. "
            "Give (low, high) to spread them."
        )
    if not all(0 < rate < float("inf") for rate in rates):
        raise ValueError(f"learning rates must be positive and finite, got {lr=}. Try 1e-3.")
    return rates


def parameter_groups(
    groups: Sequence[LayerGroup], rates: Sequence[float], weight_decay: float
) -> list[dict[str, Any]]:
    """Optimizer parameter groups with `max_lr`: no weight decay on norms, biases and bias tables.

    Trainable parameters with the same rate and decay share a group, since each costs time.
    """
    merged: dict[tuple[float, float], list[nn.Parameter]] = {}
    for group, rate in zip(groups, rates, strict=True):
        exempt = _undecayed(group)
        for p in group.parameters():
            if p.requires_grad:
                decay = 0.0 if p in exempt else weight_decay
                merged.setdefault((rate, decay), []).append(p)
    return [
        {"params": params, "lr": rate, "max_lr": rate, "weight_decay": decay}
        for (rate, decay), params in merged.items()
    ]


def freeze_to(groups: Sequence[LayerGroup], n: int) -> None:
    """Freeze the first n groups and thaw the others; n < 0 counts from the head.

    Raises:
        ValueError: nothing would be left to train, or the model has fewer groups.
    """
    first = n if n >= 0 else len(groups) + n
    if not 0 <= first < len(groups):
        raise ValueError(
            f"freezing must leave at least the head to train, got {n=} of {len(groups)} layer "
            f"groups. Try 0 to {len(groups) - 1}, or -1 for all but the head."
        )
    for i, group in enumerate(groups):
        for p in group.parameters():
            p.requires_grad_(i >= first)


def has_vector_norms(model: nn.Module) -> bool:
    """Whether batch norms of vectors learn, each of which needs two rows of a batch or more."""
    return any(isinstance(m, nn.BatchNorm1d) and m.training for m in model.modules())


def require_rows(model: nn.Module, batch_size: int) -> None:
    """Refuse batches of a single row for a head whose batch norms cannot learn from one.

    Raises:
        ValueError: they are such.
    """
    norms = layer_groups(model)[-1].batchnorms()
    if batch_size == 1 and any(isinstance(norm, nn.BatchNorm1d) for norm in norms):
        raise ValueError(
            f"batch_size must be 2 or more for a head with batch norms, got {batch_size=}. Try "
            "batch_size=2, or 16 if memory allows."
        )


def train_mode(model: nn.Module, groups: Sequence[LayerGroup], batchnorm: BatchNormMode) -> None:
    """Training mode, but for batch norms whose statistics stay.

    The last of several groups is the head: no other model's statistics are in it, so its own learn.
    """
    model.train()
    bodies = groups[:-1] if len(groups) > 1 else groups
    for group in bodies:
        frozen = not any(p.requires_grad for p in group.parameters())
        if batchnorm == "fixed" or (batchnorm == "thawed" and frozen):
            for norm in group.batchnorms():
                norm.eval()


def _spread(low: float, high: float, n: int) -> list[float]:
    if n == 1 or low <= 0 or high <= 0:
        return [high] * n if low > 0 else [low] * n
    return [low * (high / low) ** (i / (n - 1)) for i in range(n)]


def _undecayed(group: LayerGroup) -> set[nn.Parameter]:
    """Parameters of norms, those called bias, and embeddings of width one (bias tables)."""
    exempt: set[nn.Parameter] = set()
    for root in group.modules:
        for module in root.modules():
            alone = isinstance(module, _NORMS) or (
                isinstance(module, nn.Embedding) and module.embedding_dim == 1
            )
            own = module.named_parameters(recurse=False)
            exempt.update(p for name, p in own if alone or name.startswith("bias"))
    return exempt
