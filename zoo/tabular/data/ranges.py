"""The lowest and highest prediction that a user allows, as the network sees them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from zoo.core.messages import warn
from zoo.tabular.data.targets import is_still, unscaled
from zoo.tabular.spec import Spec, Target

Range = tuple[float, float]
ROUNDING = 1e-5  # of scaled targets in float32
Limits = Sequence[Sequence[float]]
"""A scaled (low, high) for each target."""


def scaled_range(y_range: Range | Sequence[Range] | None, spec: Spec) -> Limits | None:
    """The limits of each target in the network's scale; None if there are none.

    Args:
        y_range: limits in the target's units: one pair for all targets, or a list of a pair for
            each.
        spec: says how targets are scaled.

    Raises:
        ValueError: they are limits of classes, fall, have no logarithm where that is learnt, or
            are not as many as the targets.
    """
    if y_range is None:
        return None
    pairs = [y_range] * len(spec.targets) if isinstance(y_range, tuple) else list(y_range)
    sound = (
        spec.task == "regression"
        and len(pairs) == len(spec.targets)
        and all(low < high for low, high in pairs)
        and not (spec.log_target and any(low <= 0 for low, _ in pairs))
    )
    if not sound:
        raise ValueError(
            "y_range must be (low, high) in a regression's units, or one such pair per target, and "
            f"above 0 where the logarithm is learnt, got {y_range=} for {len(spec.targets)} "
            f"targets of task={spec.task!r}. Leave it out to have no limits."
        )
    if spec.log_target:
        pairs = [(math.log(low), math.log(high)) for low, high in pairs]
    return [_scaled(pair, target) for pair, target in zip(pairs, spec.targets, strict=True)]


def moved_range(limits: Limits | None, old: Spec, new: Spec) -> Limits | None:
    """The scaled limits of a pretrained network in the scale of the new table's targets.

    Args:
        limits: limits of each target in the pretrained network's scale; None if there are none.
            Those around a target that never varied are forgotten.
        old: says how the pretrained network's targets are scaled.
        new: says how the new ones are.

    Raises:
        ValueError: a limit has no logarithm where that is what is learnt now.
    """
    scales = [(spec.log_target, [(t.mean, t.std) for t in spec.targets]) for spec in (old, new)]
    if limits is None or scales[0] == scales[1]:
        return limits
    if any(map(is_still, old.targets)):
        return None
    pairs = unscaled(torch.tensor(limits, dtype=torch.float64).T, old).T.tolist()
    if new.log_target and any(low <= 0 for low, _ in pairs):
        raise ValueError(
            "limits must be positive where the logarithm is learnt, got y_range="
            f"{[tuple(float(f'{limit:.6g}') for limit in pair) for pair in pairs]} of the "
            "pretrained model. Pass a y_range above 0, such as y_range=(1, 10)."
        )
    return scaled_range(pairs, new)


def warn_of_targets_beyond(limits: Limits | None, targets: Tensor, spec: Spec) -> None:
    """Warn where limits leave out training rows' targets, which can then never be predicted.

    Args:
        limits: limits of each target as scaled; None if there are none.
        targets: the training rows', as scaled. Shape: (N, n_targets).
        spec: says how targets are scaled.
    """
    if limits is None:
        return
    low, high = torch.tensor(limits).T
    beyond = ((targets < low - ROUNDING) | (targets > high + ROUNDING)).sum(0).tolist()
    extremes = unscaled(torch.stack([low, high, targets.amin(0), targets.amax(0)]), spec).T.tolist()
    for target, n, ends in zip(spec.targets, beyond, extremes, strict=True):
        if n:
            warn(
                f"y_range should hold all targets, got ({ends[0]:.6g}, {ends[1]:.6g}) for those of "
                f"{target.name!r} from {ends[2]:.6g} to {ends[3]:.6g}: {n} of {len(targets)} are "
                "beyond it and can never be predicted. Widen it."
            )


def _scaled(pair: Range, target: Target) -> list[float]:
    """One target's limits; around a target that never varies, those of any still network."""
    low, high = ((limit - target.mean) / target.std for limit in pair)
    if is_still(target) and low <= 0 <= high:
        return [-1.0, 1.0]
    return [low, high]
