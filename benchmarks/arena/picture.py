"""The picture of the arena: how far each method is from the best, against what it spends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter, ScalarFormatter

from benchmarks.arena.compare import IS_OURS, front, means
from benchmarks.arena.scoring import IS_LOSS
from benchmarks.arena.task import DOMAINS
from zoo.core.pictures import GREY, ORANGE, name_points

COLUMNS = 3  # of panels
OURS, THEIRS = (ORANGE, "s"), (GREY, "o")  # colour and marker


def draw(frame: pd.DataFrame, path: Path) -> None:
    """A panel for each domain, and one for the share of cells on the front."""
    figure = Figure(figsize=(13, 7.5), layout="constrained")
    panels = figure.subplots(2, COLUMNS).ravel()
    table = distances(means(frame))
    for panel, domain in zip(panels, DOMAINS, strict=False):
        methods(panel, table[table["domain"] == domain])
        panel.set_title(domain)
    shares(panels[len(DOMAINS)], front(frame))
    figure.suptitle("The default call (squares) beside its rivals: better above, cheaper left")
    figure.savefig(path, dpi=110)


def distances(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a column `short`: hundredths that a score is short of the cell's best.

    Of an RMSE they are hundredths of the best.
    """
    by_cell = table.groupby(["set", "budget_s"])["score"]
    is_loss = table["metric"].isin(IS_LOSS)
    lowest, highest = by_cell.transform("min"), by_cell.transform("max")
    short = np.where(is_loss, table["score"] / lowest - 1, highest - table["score"])
    return table.assign(short=100 * short)


def methods(panel: Any, table: pd.DataFrame) -> None:
    """A point for each method, at the largest budget; hollow if it was stopped on some sets.

    Ours are squares, and named first.
    """
    largest = table[table["budget_s"] == table["budget_s"].max()]
    n_sets = largest["set"].nunique()
    places: dict[str, tuple[float, float]] = {}
    for name, part in sorted(largest.groupby("method"), key=lambda one: one[0] not in IS_OURS):
        places[name] = (float(np.exp(np.log(part["cpu_s"]).mean())), float(part["short"].mean()))
        color, marker = OURS if name in IS_OURS else THEIRS
        is_whole = part["set"].nunique() == n_sets
        look = {"color": color if is_whole else "none", "edgecolors": color, "zorder": 2}
        panel.scatter(*places[name], marker=marker, **look)
    panel.set(xscale="log", xlabel="CPU seconds, geometric mean", ylabel="short of the best, %")
    panel.margins(x=0.2)
    panel.xaxis.set_minor_formatter(NullFormatter())
    low, high = panel.get_xlim()
    if high < 10 * low:  # perhaps no power of ten is there to be named
        panel.xaxis.set_major_locator(MaxNLocator(4))
        panel.xaxis.set_major_formatter(ScalarFormatter())
    panel.invert_yaxis()
    name_points(panel, np.array([*places.values()]), [*places])


def shares(panel: Any, cells: pd.DataFrame) -> None:
    """Share of cells where ours is on the front, by domain."""
    share = cells.groupby("domain")["ours"].mean().reindex(list(DOMAINS)).dropna()
    panel.barh(share.index, share, color=OURS[0])
    panel.axvline(2 / 3, color="black", linewidth=0.8, linestyle="--")
    panel.set(xlim=(0, 1), title="cells where ours is on the front")
    panel.invert_yaxis()
