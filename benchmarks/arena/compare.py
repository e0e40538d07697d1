"""What the rows say: who is below whom, and who is on the front of score and CPU seconds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.arena import rows
from benchmarks.arena.methods import METHODS, OURS
from benchmarks.arena.scoring import IS_LOSS

MARGIN, RMSE_MARGIN = 0.005, 0.01  # of a score; share of a rival's RMSE
IS_OURS: Final = {entry.name for entry in METHODS if entry.is_ours}
CELL: Final = ["domain", "set", "budget_s"]


@dataclass(frozen=True)
class Difference:
    """Our default call beside one rival on one set, over the seeds that both have done.

    Attributes:
        set: name of the set.
        rival: name of the method.
        n: number of seeds.
        mean: mean difference, positive where ours is better; of an RMSE a share of the rival's.
        error: standard error of the mean; 0 for one seed.
        margin: what ours may be below by and still not count as below.
    """

    set: str
    rival: str
    n: int
    mean: float
    error: float
    margin: float

    @property
    def is_below(self) -> bool:
        """Whether ours is below: by more than two standard errors and by more than a little."""
        return self.mean < -self.margin

    @property
    def is_above(self) -> bool:
        """Whether ours is above, by the same rule."""
        return self.mean > self.margin


def read(path: Path = rows.FILE) -> pd.DataFrame:
    """The newest row of each cell and seed; numbers as numbers."""
    frame = pd.DataFrame(rows.newest(path).values(), columns=list(rows.COLUMNS))
    for name in ("budget_s", "score", "cpu_s", "wall_s", "peak_mb"):
        frame[name] = pd.to_numeric(frame[name])
    return frame


def difference(ours: pd.Series, theirs: pd.Series, metric: str) -> tuple[float, float, float]:
    """Mean paired difference, its standard error, and the margin of "not below".

    Args:
        ours: scores by seed.
        theirs: scores by seed; at least one seed is of both.
        metric: name of the metric that the scores are of.

    >>> index = [0, 1]
    >>> mean, error, margin = difference(
    ...     pd.Series([0.9, 0.8], index), pd.Series([0.89, 0.83], index), "accuracy"
    ... )
    >>> round(mean, 3), round(error, 3), round(margin, 3)
    (-0.01, 0.02, 0.04)
    """
    apart = (ours - theirs).dropna()
    least = MARGIN
    if metric in IS_LOSS:
        apart, least = -apart / theirs[apart.index].mean(), RMSE_MARGIN
    error = float(apart.std() / np.sqrt(len(apart))) if len(apart) > 1 else 0.0
    return float(apart.mean()), error, max(2 * error, least)


def differences(frame: pd.DataFrame) -> list[Difference]:
    """Our default call beside every rival on every set, at the largest budget both kept within."""
    done = frame[frame["status"] == rows.DONE].sort_values("budget_s")
    latest = done.drop_duplicates(["set", "method", "seed"], keep="last")
    result = []
    for (name, metric), group in latest.groupby(["set", "metric"], sort=False):
        scores = group.pivot(index="seed", columns="method", values="score")
        for rival in scores.columns.difference(list(IS_OURS)):
            if OURS in scores and len(both := scores[[OURS, rival]].dropna()):
                gap = difference(both[OURS], both[rival], str(metric))
                result.append(Difference(str(name), str(rival), len(both), *gap))
    return result


def means(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean score and CPU seconds by cell and method, of those that kept within with every seed."""
    grouped = frame.groupby([*CELL, "metric", "method"], sort=False)
    whole = grouped["status"].agg(lambda status: bool((status == rows.DONE).all()))
    table = grouped[["score", "cpu_s"]].mean()
    return table[whole].reset_index()


def front(frame: pd.DataFrame) -> pd.DataFrame:
    """Cells with a column `ours`: whether a method of ours is on the front of score and seconds.

    A method is on the front if no rival is at least as good and as cheap, and better in one.
    """
    cells = []
    table = means(frame)
    for cell, _ in frame.groupby(CELL, sort=False):
        own = table[(table[CELL] == list(cell)).all(axis=1)]
        is_ours = own["method"].isin(IS_OURS)
        sign = -1 if own["metric"].isin(IS_LOSS).any() else 1
        points = np.column_stack([sign * own["score"], -own["cpu_s"]])
        rivals = points[~is_ours]
        stands = [not _is_dominated(point, rivals) for point in points[is_ours]]
        cells.append([*cell, any(stands)])
    return pd.DataFrame(cells, columns=[*CELL, "ours"])


def _is_dominated(point: np.ndarray, others: np.ndarray) -> bool:
    """Whether another point is at least as high in all and higher in one. Shape: (2,), (n, 2)"""
    return bool(((others >= point).all(1) & (others > point).any(1)).any())
