"""The table and the progress bar of a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from zoo.core.history import Row

_WIDTH = 11
_HIDDEN = ("step",)


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

    def row(self, row: Row) -> None:
        """Print an epoch's line, and the header before the first."""
        columns = [name for name in row if name not in _HIDDEN]
        if columns != self._columns:
            self._columns = columns
            self._console.print(
                "".join(f"{name:>{max(_WIDTH, len(name) + 2)}}" for name in columns)
            )
        cells = (f"{_cell(name, row[name]):>{max(_WIDTH, len(name) + 2)}}" for name in columns)
        self._console.print("".join(cells))

    def line(self, text: str) -> None:
        """Print a line beside the table."""
        self._console.print(text)


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


def _cell(name: str, value: float) -> str:
    if name == "epoch":
        return f"{value:.0f}"
    if name == "lr":
        return f"{value:.1e}"
    return f"{value:.1f}" if name == "seconds" else f"{value:.4f}"
