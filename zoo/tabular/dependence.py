"""How a model's answer depends on one column: a curve for each of some rows, and their mean.

Partial dependence (Friedman 2001, "Greedy function approximation", sec. 8.2) over individual curves
(Goldstein et al. 2015, "Peeking inside the black box", sec. 3), which show what a mean would hide.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zoo.core.pictures import GREY, ORANGE, embedded, figure_of, new_axes, save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Dependence:
    """What a model says of rows if one of their columns is changed.

    Attributes:
        column: the column.
        answer: what is shown: the probability of a class, or a target.
        values: what the column is changed to.
        curves: what the model says of each row. Shape: (n_rows, n_values)
    """

    column: str
    answer: str
    values: list[Any]
    curves: NDArray[np.float64] = field(repr=False)

    @property
    def mean(self) -> NDArray[np.float64]:
        """The partial dependence, the mean of the curves. Shape: (n_values,)"""
        means: NDArray[np.float64] = self.curves.mean(axis=0)
        return means

    def figure(self) -> Figure:
        """The curves, faint, and their mean; categories stand side by side."""
        axes = new_axes(figsize=(7, 4.5))
        named = any(isinstance(value, (str, bool)) for value in self.values)
        x: Any = range(len(self.values)) if named else self.values
        marker = "o" if named else None
        axes.plot(x, self.curves.T, color=GREY, alpha=0.2, linewidth=0.8)
        axes.plot([], [], color=GREY, linewidth=0.8, label=f"each of {len(self.curves)} rows")
        axes.plot(x, self.mean, color=ORANGE, linewidth=2.5, marker=marker, label="their mean")
        axes.set_title(f"What {self.column} does to the answer", parse_math=False)
        if named:
            texts = [str(value) for value in self.values]
            axes.set_xticks(x, texts, rotation=45, ha="right", parse_math=False)
        axes.set_xlabel(self.column, parse_math=False)
        axes.set_ylabel(self.answer, parse_math=False)
        axes.legend()
        return figure_of(axes)

    def _repr_html_(self) -> str:
        return embedded(self.figure())

    def show(self) -> None:
        """Show the figure: in the notebook, or in a window."""
        from matplotlib import pyplot as plt

        self.figure()
        plt.show()

    def save(self, path: str | Path) -> Path:
        """Write the figure as a picture."""
        return save_figure(self.figure(), path, usual="dependence.png")
