"""The lowest and highest prediction that a user allows, as the network sees them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from zoo.tabular.spec import Spec

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
    return [
        [(limit - target.mean) / target.std for limit in pair]
        for pair, target in zip(pairs, spec.targets, strict=True)
    ]


def _is_pair(value: Any) -> bool:
    try:
        return len(value) == 2 and all(math.isfinite(limit) for limit in value)
    except TypeError:
        return False
