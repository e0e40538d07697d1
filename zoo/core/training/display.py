"""The table and the progress bar of a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from zoo.core.history import Row
from zoo.core.run import rank_and_world

_WIDTH = 11
_HIDDEN = ("step",)
_OURS = ("epoch", "train_loss", "lr", "seconds")  # columns that are not of the validation part


class _Terminal(Console):
    """A console whose reader may leave: `zoo ... | head` trains on in silence."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


class Display:
    """One line of the table per epoch, and a bar where someone looks.

    Args:
        progress: True shows the bar anywhere, False shows nothing, None shows the bar on
            terminals and in notebooks and the table everywhere.
        total: steps of the whole fit.
        done: steps that an earlier call had finished.
    """

    def __init__(self, progress: bool | None, total: int, done: int = 0) -> None:
        self._console = _Terminal(quiet=progress is False, soft_wrap=True, highlight=False)
        shown = progress or (
            progress is None and (self._console.is_terminal or self._console.is_jupyter)
        )
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("loss {task.fields[loss]}"),
            console=self._console,
            transient=True,
            disable=not shown,
        )
        self._task = self._bar.add_task("", total=total, completed=done, epoch="", loss="")
        self._columns: list[str] = []

    def __enter__(self) -> Display:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def step(self, done: int, epoch: int, loss: float) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=done, epoch=epoch, loss=f"{loss:.4f}")

    def row(self, row: Row, epoch: int, epochs: int) -> None:
        """Print an epoch's line, and the header before the first.

        Args:
            row: the line of the history.
            epoch: epochs of the fit that are done.
            epochs: epochs of the fit in all.
        """
        columns = [name for name in row if name not in _HIDDEN]
        if columns != self._columns:
            self._columns = columns
            self._header()
        cells = {name: _cell(name, row[name]) for name in columns} | {"epoch": f"{epoch}/{epochs}"}
        self._console.print("".join(f"{cells[name]:>{_width(name)}}" for name in columns))

    def _header(self) -> None:
        """Print the names of the columns; above them which are of the validation part."""
        valid = [name for name in self._columns if name not in _OURS]
        if valid:
            gap = _width(valid[0]) - len(valid[0])
            before = sum(_width(name) for name in self._columns[: self._columns.index(valid[0])])
            over = sum(map(_width, valid)) - gap
            self._console.print(" " * (before + gap) + f"{' validation ':-^{over}}")
        self._console.print("".join(f"{name:>{_width(name)}}" for name in self._columns))

    def line(self, text: str) -> None:
        """Print a line beside the table."""
        self._console.print(text, markup=False)


def say_line(progress: bool | None, text: str) -> None:
    """Print a line beside the table of a training, once for all processes.

    Args:
        progress: see `Display`.
        text: the line; an empty one is not printed.
    """
    is_quiet = progress is False or not text or rank_and_world()[0] != 0
    _Terminal(quiet=is_quiet, soft_wrap=True, highlight=False).print(text, markup=False)


def say_table(progress: bool | None, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows where the table of a training is printed; their first cells are names.

    Args:
        progress: see `Display`.
        rows: a line each; gaps stay empty.
    """
    console = _Terminal(quiet=progress is False, soft_wrap=True, highlight=False)
    first, *names = dict.fromkeys(name for row in rows for name in row)
    width = max(_WIDTH, *(len(str(row[first])) + 2 for row in rows))
    widths = [max(_WIDTH, len(name) + 2) for name in names]
    heads = (f"{name:>{w}}" for name, w in zip(names, widths, strict=True))
    console.print(f"{'':{width}}" + "".join(heads))
    for row in rows:
        cells = [f"{row[n]:.4g}" if n in row else "" for n in names]
        line = "".join(f"{cell:>{w}}" for cell, w in zip(cells, widths, strict=True))
        console.print(f"{row[first]:{width}}" + line, markup=False)


def _width(name: str) -> int:
    return max(_WIDTH, len(name) + 2)


def _cell(name: str, value: float) -> str:
    if name == "lr":
        return f"{value:.1e}"
    return f"{value:.1f}" if name == "seconds" else f"{value:.4f}"
