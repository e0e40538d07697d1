"""Why a model answers as it does: the parts of an input, how much each counts, and a picture.

`Model.explain` returns an `Explanation` in every domain. What differs is the parts (words, columns,
rated items), the unit of their scores, and the picture: a photo under a heat map, a text with
coloured words, or bars, which every list of parts has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from zoo.core.messages import did_you_mean
from zoo.core.pictures import BLUE, GREY, ORANGE, embedded, figure_of, new_axes, save_figure
from zoo.core.predictions import Labels, Prediction

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor

FOR: Final = tuple(bytes.fromhex(BLUE[1:]))  # what speaks for an answer: red, green, blue
AGAINST: Final = tuple(bytes.fromhex(ORANGE[1:]))
BARS: Final = 15  # parts that the bars show
LOG_ODDS: Final = "log odds"
LEAST: Final = 1e-12  # probability of a class, and of all others, that log odds are of


class Picture(Protocol):
    """What draws an explanation otherwise than by bars."""

    def figure(self) -> Figure:
        """The picture as a figure."""

    def html(self) -> str:
        """The picture for a notebook."""


P = TypeVar("P", bound=Picture)


@dataclass(frozen=True, eq=False)
class Explanation(Generic[P]):
    """What spoke for an answer, and what against it.

    Attributes:
        label: the class, target or item that is explained; a number in a few digits.
        prediction: what the model says of the input.
        names: the parts of the input; none where the picture alone tells.
        scores: how much each part counts, above 0 for what speaks for the class or raises the
            number.
        unit: what the scores are in.
        base: what the scores are added to: their sum and the base are the value that is explained;
            None where they do not add up.
        values: what each part is in this input, where its name does not say it.
        errors: standard error of each score where they are estimated; none where they are exact.
        picture: what draws it; None for bars.
        alike: what is most alike the input, as evidence; None where nothing is known of that.
    """

    label: Any
    prediction: Prediction[Any] | Labels[Any] | float
    names: tuple[str, ...] = field(default=(), repr=False)
    scores: tuple[float, ...] = field(default=(), repr=False)
    unit: str = LOG_ODDS
    base: float | None = None
    errors: tuple[float, ...] = field(default=(), repr=False)
    values: tuple[str, ...] = field(default=(), repr=False)
    picture: P | None = field(default=None, repr=False)
    alike: pd.DataFrame | None = field(default=None, repr=False)

    def top(self, k: int = 5) -> list[tuple[str, float]]:
        """The k parts that mattered most, for or against, and their scores."""
        pairs = zip(self.names, self.scores, strict=True)
        return sorted(pairs, key=lambda one: -abs(one[1]))[:k]

    def record(self, k: int = 5) -> dict[str, Any]:
        """What is explained and the k parts that mattered most, as plain values.

        A class has `label` and `probability`, a number `value`; `parts` and `base` are there where
        there are any.
        """
        if isinstance(self.prediction, float):
            facts: dict[str, Any] = {"value": self.prediction}
        else:
            probability = self.prediction.probabilities[self.label]
            facts = {"label": self.label, "probability": probability}
        facts |= {"parts": self.top(k)} if self.names else {}
        return facts if self.base is None else facts | {"base": self.base}

    def figure(self) -> Figure:
        """A picture of it."""
        return _bars(self) if self.picture is None else self.picture.figure()

    def html(self) -> str:
        """The same for a notebook."""
        return embedded(_bars(self)) if self.picture is None else self.picture.html()

    _repr_html_ = html  # notebooks show it

    def show(self) -> None:
        """Show the figure: in the notebook, or in a window."""
        from matplotlib import pyplot as plt

        self.figure()
        plt.show()

    def save(self, path: str | Path) -> Path:
        """Write the figure as a picture."""
        return save_figure(self.figure(), path, usual="explanation.png")


def label_among(label: Any, known: Sequence[Any], what: str = "label") -> Any:
    """A class, target or other name as the model spells it.

    Args:
        label: the name.
        known: names that the model knows.
        what: what the name is called in a call.

    Raises:
        ValueError: the model does not know it; the nearest is named.

    >>> label_among("5", [4, 5])
    5
    """
    spelt = {str(name): name for name in known}
    if label not in known and str(label) not in spelt:
        way_out = did_you_mean(label, known) if known else "Leave it out."
        raise ValueError(
            f"{what} must be one that the model knows, got {what}={label!r}. {way_out}"
        )
    return label if label in known else spelt[str(label)]


def log_odds(probabilities: Tensor, output: int) -> Tensor:
    """The log odds of a class, from probabilities of all. Shape: (..., n_classes) -> (...)."""
    return probabilities[..., output].logit(LEAST)


def _bars(one: Explanation[Any]) -> Figure:
    """Bars of the parts that mattered most, the longest above."""
    order = sorted(range(len(one.scores)), key=lambda i: abs(one.scores[i]))[-BARS:]
    values = one.values or [""] * len(one.names)
    names = [f"{one.names[i]} = {values[i]}" if values[i] else one.names[i] for i in order]
    axes = new_axes(figsize=(7, 1.6 + 0.3 * len(order)))
    is_number = isinstance(one.prediction, float)
    looks = [
        (True, BLUE, "", "raises it" if is_number else "speaks for it"),
        (False, ORANGE, "///", "lowers it" if is_number else "speaks against it"),
    ]
    for speaks_for, color, hatch, label in looks:
        rows = [y for y, i in enumerate(order) if (one.scores[i] > 0) == speaks_for]
        if not rows:
            continue
        scores = [one.scores[order[y]] for y in rows]
        errors = [one.errors[order[y]] for y in rows] if one.errors else None
        style: Any = {"color": color, "hatch": hatch, "edgecolor": "white", "linewidth": 0}
        axes.barh(rows, scores, xerr=errors, ecolor=GREY, label=label, **style)
    axes.set_yticks(range(len(order)), names, parse_math=False)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.set_title(f"Why {one.label}?", parse_math=False)
    start = "" if one.base is None else f", added to {round(one.base, 6):.4g}"
    axes.set_xlabel(f"{one.unit}{start}", parse_math=False)
    axes.legend()
    return figure_of(axes)
