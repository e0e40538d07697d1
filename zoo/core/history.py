"""The record of a run: one row per epoch, a loss and a rate per step; CSV and plots."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zoo.core.pictures import BLUE, GREY, ORANGE, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = dict[str, float]

SMOOTHED = 0.1, 5, 50  # share of all steps that the smoothed curve averages, at least, at most


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
        """Rate of the head against step; of a loaded model, its rate at the end of each epoch.

        Raises:
            ValueError: nothing was trained.
        """
        self._require_rows()
        ax = ax or new_axes()
        if self.lrs:
            ax.plot(self.lrs, color=BLUE)
        else:
            ax.plot(*self._by_epoch("lr"), "o-", color=BLUE)
            ax.locator_params(axis="x", integer=True, min_n_ticks=1)
        unit = "step" if self.lrs else "epoch"
        ax.set(title="Learning rate", xlabel=unit, ylabel="learning rate of the head")
        return ax

    def plot_loss(self, ax: Axes | None = None) -> Axes:
        """Training loss of each step (faint) and smoothed, validation loss after each epoch.

        A loaded model knows the epochs alone: then training losses are their means.

        Raises:
            ValueError: nothing was trained.
        """
        import pandas as pd

        self._require_rows()
        ax = ax or new_axes()
        if self.losses:
            ax.plot(self.losses, color=GREY, alpha=0.5, linewidth=0.8, label="training, each step")
            share, least, most = SMOOTHED
            n = min(max(round(share * len(self.losses)), least), most)
            smoothed = pd.Series(self.losses, dtype=float).ewm(alpha=1 / n).mean()
            about = f"training, smoothed over some {n} steps"
            ax.plot(smoothed.tolist(), color=BLUE, linewidth=2, label=about)
        else:
            ax.plot(
                *self._by_epoch("train_loss"),
                "s-",
                color=BLUE,
                label="training, mean of each epoch",
            )
            ax.locator_params(axis="x", integer=True, min_n_ticks=1)
        epochs, valid = self._by_epoch("valid_loss")
        if valid:
            x = [row["step"] for row in self.rows if "valid_loss" in row] if self.losses else epochs
            ax.plot(x, valid, "o--", color=ORANGE, label="validation, after each epoch")
        ax.set(title="Losses", xlabel="step" if self.losses else "epoch", ylabel="loss")
        ax.legend()
        return ax

    def _by_epoch(self, name: str) -> tuple[list[float], list[float]]:
        """Numbers of the epochs that have a value, counted from 1, and the values."""
        rows = [row for row in self.rows if name in row]
        return [row["epoch"] + 1 for row in rows], [row[name] for row in rows]

    def _require_rows(self) -> None:
        if not (self.rows or self.losses):
            raise ValueError(
                "a plot must show some training, got a history without any. Train for an epoch or "
                "more; what is only loaded or probed has no losses."
            )

    def _repr_html_(self) -> str:
        import pandas as pd

        return str(pd.DataFrame(self.rows).to_html(index=False, float_format="{:.4f}".format))


def _number(text: str) -> float:
    number = float(text)
    return int(text) if text.isdecimal() else number
