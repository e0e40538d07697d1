"""The lowest and highest prediction that a user allows, as the network sees them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from zoo.tabular.data.targets import still_std
from zoo.tabular.spec import Spec, Target

Range = tuple[float, float]


def scaled_range(y_range: Range | Sequence[Range] | None, spec: Spec) -> list[list[float]] | None:
    """A scaled (low, high) for each target; None if there are no limits.

    Args:
        y_range: in the target's units: one pair for all targets, or one a target.
        spec: says how targets are scaled.

    Raises:
        ValueError: limits of classes, or pairs that do not rise or lack.
    """
    if y_range is None:
        return None
    given: Any = y_range
    pairs = [given] * len(spec.targets) if _is_pair(given) else list(given)
    sound = (
        spec.task == "regression"
        and len(pairs) == len(spec.targets)
        and all(_is_pair(pair) and pair[0] < pair[1] for pair in pairs)
        and not (spec.log_target and any(pair[0] <= 0 for pair in pairs))
    )
    if not sound:
        raise ValueError(
            "limits of a regression are (low, high) in the target's units, positive where its "
            f"logarithm is learnt, one pair or one a target, however {y_range=} for "
            f"{len(spec.targets)} targets of task={spec.task!r}; leave y_range out to have none"
        )
    if spec.log_target:
        pairs = [[math.log(limit) for limit in pair] for pair in pairs]
    return [_scaled(pair, target) for pair, target in zip(pairs, spec.targets, strict=True)]


def moved_range(limits: Any, old: Spec, new: Spec) -> list[list[float]] | None:
    """The scaled limits of a pretrained network in the scale of the new table's targets.

    Args:
        limits: scaled (low, high) for each target of the old spec; None if there are none.
        old: says how the pretrained network's targets are scaled.
        new: says how the new ones are.

    Raises:
        ValueError: a limit has no logarithm where that is what is learnt now.
    """
    scales = [(spec.log_target, [(t.mean, t.std) for t in spec.targets]) for spec in (old, new)]
    if limits is None or scales[0] == scales[1]:
        return limits  # type: ignore[no-any-return]
    pairs = [
        [limit * target.std + target.mean for limit in pair]
        for pair, target in zip(limits, old.targets, strict=True)
    ]
    if old.log_target:
        pairs = [[math.exp(limit) for limit in pair] for pair in pairs]
    if new.log_target and any(low <= 0 for low, _ in pairs):
        raise ValueError(
            "limits must be positive where the logarithm is learnt, got y_range="
            f"{[tuple(float(f'{limit:.6g}') for limit in pair) for pair in pairs]} of the "
            "pretrained model. Pass a y_range above 0, such as y_range=(1, 10)."
        )
    return scaled_range([(low, high) for low, high in pairs], new)


def _scaled(pair: Any, target: Target) -> list[float]:
    """One target's limits; around a target that never varies, those of any still network."""
    low, high = ((float(limit) - target.mean) / target.std for limit in pair)
    if target.std <= still_std(target.mean) and low <= 0 <= high:
        return [-1.0, 1.0]
    return [low, high]


def _is_pair(value: Any) -> bool:
    try:
        return len(value) == 2 and all(math.isfinite(limit) for limit in value)
    except TypeError:
        return False
