"""The record of a run: one row per epoch, a loss and a rate per step; CSV and plots."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.core.pictures import save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = dict[str, float]


@dataclass(repr=False)
class History:
    """What happened, over all fits of a learner.

    Attributes:
        rows: one dict per epoch: epoch, train_loss, valid_loss, the metrics, lr, seconds.
        losses: training loss of every step.
        lrs: rate of the head at every step.
    """

    rows: list[Row] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    lrs: list[float] = field(default_factory=list)

    def __repr__(self) -> str:
        last = {} if not self.rows else self.rows[-1]
        loss = ", ".join(f"{k} {last[k]:.4g}" for k in ("train_loss", "valid_loss") if k in last)
        return f"<History of {len(self.rows)} epochs; {loss or 'no losses'}>"

    def columns(self) -> list[str]:
        """Names over all rows, in order of appearance."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def to_csv(self) -> str:
        """The rows as CSV text with a header; empty cells where a row has no such value."""
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return text.getvalue()

    @classmethod
    def from_csv(cls, text: str) -> History:
        """Rows read back; the steps' losses and rates are not in the CSV.

        Raises:
            ValueError: it is no table of numbers.
        """
        try:
            rows = list(csv.DictReader(io.StringIO(text)))
            return cls([{k: _number(v) for k, v in row.items() if v} for row in rows])
        except (TypeError, csv.Error) as error:  # more cells than columns, endless cells
            raise ValueError(str(error)) from error

    def plot_lr(self, ax: Axes | None = None) -> Axes:
        """Rate against step."""
        ax = ax or new_axes()
        ax.plot(self.lrs)
        ax.set(xlabel="step", ylabel="learning rate of the head")
        return ax

    def plot_loss(self, ax: Axes | None = None) -> Axes:
        """Training loss against step (faint; smoothed in full) and validation loss by epoch."""
        import pandas as pd

        ax = ax or new_axes()
        ax.plot(self.losses, alpha=0.3, color="C0")
        smoothed = pd.Series(self.losses, dtype=float).ewm(alpha=0.02).mean()
        ax.plot(smoothed.tolist(), color="C0", label="training")
        valid = [(row["step"], row["valid_loss"]) for row in self.rows if "valid_loss" in row]
        if valid:
            ax.plot(*zip(*valid, strict=True), "o-", color="C1", label="validation")
        ax.set(xlabel="step", ylabel="loss")
        ax.legend()
        return ax

    def _repr_html_(self) -> str:
        import pandas as pd

        return str(pd.DataFrame(self.rows).to_html(index=False, float_format="{:.4f}".format))


def new_axes(**figure: Any) -> Axes:
    """Axes of a new figure."""
    from matplotlib import pyplot as plt

    axes: Axes = plt.subplots(**figure)[1]
    return axes


def save_picture(axes: Axes, path: Path) -> None:
    """Write the figure of these axes to a file, and close it."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    save_figure(figure, path, usual="curve.png")


def _number(text: str) -> float:
    number = float(text)
    return int(text) if text.isdecimal() else number
