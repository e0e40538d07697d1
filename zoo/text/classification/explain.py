"""Which words made the model say what it says? Those without which it would say something else.

A word's score is by how much the log odds of the class, or the number, fall when the word is left
out (Li, Monroe & Jurafsky 2016, "Understanding Neural Networks through Representation Erasure",
sec. 3).
"""

from __future__ import annotations

import html
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zoo.core.explanation import AGAINST, FOR
from zoo.core.pictures import GREY
from zoo.text.data.readable import Reading
from zoo.text.data.rules import FIELD_ID
from zoo.text.data.tokenizer import Numbers
from zoo.text.spec import Label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST: Final = 256  # parts that a text is left without, one after another: words, or runs of them
_WIDTH: Final = 76  # characters of a line of the figure
_SIZE: Final = 9  # points of a character
_LETTER: Final = 0.602 * _SIZE / 72  # inches that it takes (DejaVu Sans Mono)
_LEGEND: Final = "blue: for it    orange, underlined: against it"


@dataclass(frozen=True, eq=False)
class MarkedText:
    """A text whose words are coloured by their scores.

    Blue speaks for the answer; orange, underlined, against it.

    Attributes:
        label: the class that is explained; the number in a few digits.
        words: the words as they stood in the text; runs of words where it is long.
        scores: how much each word speaks for it.
    """

    label: Label
    words: tuple[str, ...] = field(repr=False)
    scores: tuple[float, ...] = field(repr=False)

    def html(self) -> str:
        """The text for a notebook."""
        spans = [
            f'<span style="background:rgba({",".join(map(str, colour))},{share:.2f})'
            f'{";border-bottom:2px dashed" if score < 0 else ""}" '
            f'title="{score:+.2f}">{html.escape(word)}</span>'
            for word, score, colour, share in self._coloured()
        ]
        return f"<p><b>{html.escape(str(self.label))}</b>: {' '.join(spans)}</p>"

    def figure(self) -> Figure:
        """The text as a picture."""
        from matplotlib import pyplot as plt

        lines = list(_lines(self._coloured()))
        figure = plt.figure(figsize=(_LETTER * (_WIDTH + 2), 0.5 + 0.24 * len(lines)))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(-1, _WIDTH + 1), ylim=(len(lines) + 0.5, -1.2))
        axes.axis("off")
        axes.text(0, -0.5, f"Why {self.label}?", weight="bold", parse_math=False)
        axes.text(_WIDTH, -0.5, _LEGEND, color=GREY, size=_SIZE - 1, ha="right")
        for row, line in enumerate(lines):
            column = 0
            for word, score, colour, share in line:
                paint = (*(part / 255 for part in colour), share)
                box = {"facecolor": paint, "edgecolor": "none", "pad": 1.5}
                style: Any = {
                    "family": "monospace",
                    "size": _SIZE,
                    "bbox": box,
                    "parse_math": False,
                }
                axes.text(column, row + 0.5, word, **style)
                if score < 0:
                    under: Any = {"color": (*paint[:3], 1.0), "linewidth": 1.2, "linestyle": ":"}
                    axes.plot([column, column + len(word)], [row + 0.72] * 2, **under)
                column += len(word) + 1
        return figure

    def _coloured(self) -> list[tuple[str, float, tuple[int, ...], float]]:
        """Words with score, colour, and how strong it is, 0..1."""
        most = max(map(abs, self.scores), default=0.0) or 1.0
        return [
            (word, score, FOR if score > 0 else AGAINST, 0.6 * abs(score) / most)
            for word, score in zip(self.words, self.scores, strict=True)
        ]


def parts_of(reading: Reading, most: int = MOST) -> Iterator[tuple[slice, str]]:
    """Yield where each word is among the numbers of a text, and the word as people write it.

    A text of more words than `most` comes in runs of several words.
    """
    starts = reading.starts[:: -(-len(reading.starts) // most) or 1]
    for start, end in itertools.pairwise([*starts, len(reading.numbers)]):
        yield slice(start, end), reading.shown(start, end)


def without(numbers: Numbers, parts: Sequence[slice]) -> list[Numbers]:
    """The text itself, then the text without each of the parts; pairs stay pairs.

    >>> text = np.array([2, 5, 6], dtype=np.int32)
    >>> [variant.tolist() for variant in without(text, [slice(1, 2)])]
    [[2, 5, 6], [2, 6]]
    """
    kept = [np.isin(np.arange(len(numbers)), np.r_[part], invert=True) for part in parts]
    return [numbers, *(numbers[one | (numbers == FIELD_ID)] for one in kept)]


def _lines(words: Sequence[Any]) -> Iterator[list[Any]]:
    line: list[Any] = []
    left = _WIDTH
    for one in words:
        if len(one[0]) > left and line:
            yield line
            line, left = [], _WIDTH
        line.append(one)
        left -= len(one[0]) + 1
    yield line
