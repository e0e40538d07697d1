"""Inputs unlike those of the training, told at a stated rate of false alarms.

A domain's gauge measures how strange inputs are to what it stores of the training rows: statistics
of all of them together. How strange rows are that had no part in the training decides where the
limit lies: by its rank among theirs (`zoo.core.trust.conformal`) an ordinary new row lies beyond it
at most as often as was stated, as long as new rows are drawn as these were.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

import torch
from torch import Tensor

from zoo.core.predictions import Estimate, Interval, Labels, Prediction, Unknown
from zoo.core.trust.conformal import Ranks

if TYPE_CHECKING:
    import pandas as pd

RATE: Final = 0.01  # of false alarms, if nothing is said
HELD_OUT, N = "held_out", "n"  # names of tensors that every domain stores

Statistics = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class Familiar:
    """What a model knows of ordinary inputs.

    Args:
        statistics: those of a domain's gauge.
        ranks: how strange held-out rows were.
    """

    statistics: Statistics
    ranks: Ranks

    def limit(self, rate: bool | float) -> float:
        """The strangeness from which on inputs are called unknown, at a rate of false alarms.

        Args:
            rate: 0..1; True stands for .01, or for the least that so few held-out rows tell.

        Raises:
            ValueError: the rate is none, or is less than they tell.
        """
        least = 1 / (self.ranks.n + 1)
        rate = max(RATE, least) if rate is True else rate
        check_rate(rate)
        if rate < least - 1e-12:
            way_out = f"Try {math.ceil(least * 1000) / 1000:g}, or train with folds=5."
            raise ValueError(
                f"a rate of false alarms must be one that the {self.ranks.n} held-out rows can "
                f"tell, got unknown={rate}. {way_out}"
            )
        return self.ranks.quantile(1 - rate)

    def tensors(self) -> dict[str, Tensor]:
        """For the artifact."""
        kept = torch.tensor(self.ranks.errors, dtype=torch.float32)
        return {**self.statistics, HELD_OUT: kept, N: torch.tensor(self.ranks.n)}

    @classmethod
    def from_tensors(cls, tensors: Statistics) -> Self:
        """What `tensors` gave.

        Raises:
            ValueError: it is something else.
        """
        own = dict(tensors)
        try:
            kept, n = own.pop(HELD_OUT), own.pop(N)
            ranks = Ranks(int(n), tuple(kept.double().flatten().tolist()))
        except (KeyError, TypeError, RuntimeError) as error:
            raise ValueError(f"they lack {HELD_OUT!r} or {N!r}") from error
        if not 0 < len(ranks.errors) <= ranks.n or not all(map(_is_finite, own.values())):
            raise ValueError("numbers must be finite, and not more than there were rows")
        return cls(own, ranks)


def check_rate(rate: bool | float) -> None:
    """Refuse a rate of false alarms that is no share.

    Raises:
        ValueError: it is none.
    """
    is_number = isinstance(rate, (int, float)) and not isinstance(rate, bool)
    if not is_number or not 0 < rate < 1:
        raise ValueError(
            f"a rate of false alarms must be above 0 and below 1, got unknown={rate}. Try "
            "unknown=True, which stands for 0.01."
        )


def marked(answers: Sequence[Any], verdicts: Sequence[Unknown]) -> list[Any]:
    """Predictions that say how strange their inputs are."""
    return [_marked(*pair) for pair in zip(answers, verdicts, strict=True)]


def verdict_table(verdicts: Sequence[Unknown], names: Any) -> pd.DataFrame:
    """Verdicts as columns: unknown, strangeness, reason.

    Args:
        verdicts: one for each row.
        names: what the rows are called.
    """
    import pandas as pd

    kinds = {"is_unknown": bool, "strangeness": float, "reason": object}
    columns = {
        name: pd.Series([getattr(one, name) for one in verdicts], names, kind)
        for name, kind in kinds.items()
    }
    return pd.DataFrame(columns).rename(columns={"is_unknown": "unknown"})


def _marked(answer: Any, verdict: Unknown) -> Any:
    if isinstance(answer, (Prediction, Labels)):
        return replace(answer, unknown=verdict)
    if isinstance(answer, Interval):
        return Interval(float(answer), answer.low, answer.high, verdict)
    return Estimate(answer, verdict)


def _is_finite(tensor: Tensor) -> bool:
    return bool(tensor.isfinite().all())
