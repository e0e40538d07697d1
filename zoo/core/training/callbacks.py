"""Callbacks: what may happen between steps and epochs without touching the loop.

A callback is any object with at least one of the methods in `zoo.core.training.fit.HOOKS`; each
gets the `Fit`. Four lines make one:

    class Patience:
        def epoch_end(self, fit):
            if fit.row["train_loss"] < 0.01:
                fit.stop = True

One with `state()` and `load_state(state)` (numbers, strings, lists, dicts, tensors) takes part in
exact resume.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from zoo.core.messages import did_you_mean
from zoo.core.output_places import output_file
from zoo.core.training.fit import Fit


class _Best:
    """The best value of a column so far, of all epochs or of some."""

    def __init__(
        self,
        monitor: str,
        mode: Literal["min", "max"] | None,
        min_delta: float,
        at: Collection[int] | None,
    ) -> None:
        self.at = at
        falls = mode == "min" if mode else monitor.endswith(("loss", "rmse", "mae", "error"))
        self.monitor, self.sign, self.min_delta = monitor, 1.0 if falls else -1.0, min_delta
        self.value, self.epoch = float("inf"), 0

    def improved(self, fit: Fit) -> bool | None:
        """Whether the epoch that has ended is the best; None if it does not count."""
        row = fit.row
        if self.at is not None and fit.epoch not in self.at:
            return None
        if self.monitor not in row:
            raise KeyError(
                f"monitor must be a column of the history, got monitor={self.monitor!r}. "
                f"{did_you_mean(self.monitor, list(row))}"
            )
        value = self.sign * row[self.monitor]
        if value < self.value - self.min_delta:
            self.value, self.epoch = value, fit.epoch
            return True
        return False


class EarlyStopping:
    """Stop when a column of the table has not improved for `patience` epochs.

    Args:
        monitor: the column.
        patience: epochs without improvement that are endured.
        mode: whether the column should fall ("min") or rise; None tells by its name.
        min_delta: smaller changes do not count.
        at: epochs of the fit, counted from 1, after which to look, such as the ends of cycles, in
            place of after each; patience counts these alone.
    """

    def __init__(
        self,
        monitor: str = "valid_loss",
        *,
        patience: int = 2,
        mode: Literal["min", "max"] | None = None,
        min_delta: float = 0.0,
        at: Collection[int] | None = None,
    ) -> None:
        self._best = _Best(monitor, mode, min_delta, at)
        self.patience, self.waited = patience, 0

    def epoch_end(self, fit: Fit) -> None:
        """Count the epochs without improvement."""
        improved = self._best.improved(fit)
        if improved is None:
            return
        self.waited = 0 if improved else self.waited + 1
        if self.waited > self.patience and fit.epoch < len(fit.steps) and not fit.stop:
            fit.stop = True
            fit.notes.append(
                f"stopped after {fit.epoch} of {len(fit.steps)} epochs: {self._best.monitor} was "
                f"best after epoch {self._best.epoch}"
            )

    def state(self) -> dict[str, Any]:
        """The count and the best value."""
        return {"waited": self.waited, "best": self._best.value, "epoch": self._best.epoch}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on counting."""
        self.waited, self._best.value = state["waited"], state["best"]
        self._best.epoch = state.get("epoch", 0)


class BestWeights:
    """Give the model back its weights of the best epoch when the fit ends.

    The column should not be one that you report afterwards: picking the best epoch on the
    validation part flatters the score on it.

    Args:
        monitor: the column.
        mode: whether the column should fall ("min") or rise; None tells by its name.
        at: epochs to choose from, as for `EarlyStopping`.
    """

    def __init__(
        self,
        monitor: str = "valid_loss",
        *,
        mode: Literal["min", "max"] | None = None,
        at: Collection[int] | None = None,
    ) -> None:
        self._best = _Best(monitor, mode, 0.0, at)
        self._weights: dict[str, Tensor] = {}

    def epoch_end(self, fit: Fit) -> None:
        """Keep a copy if this epoch is the best."""
        if self._best.improved(fit):
            self._weights = {k: v.detach().clone() for k, v in fit.model.state_dict().items()}

    def fit_end(self, fit: Fit) -> None:
        """Put the best copy back."""
        if self._weights:
            fit.model.load_state_dict(self._weights)
            best = self._best
            fit.notes.append(
                f"weights of epoch {best.epoch}, whose {best.monitor} was the best: "
                f"{best.sign * best.value:.4f}"
            )

    def state(self) -> dict[str, Any]:
        """The best value and its weights."""
        own = {"best": self._best.value, "epoch": self._best.epoch}
        return own | {"weights": self._weights}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._best.value, self._weights = state["best"], state["weights"]
        self._best.epoch = state.get("epoch", 0)


class CSVLog:
    """Write the table to a file after every epoch."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def epoch_end(self, fit: Fit) -> None:
        """Rewrite the file: it is short, and then never half a line."""
        output_file(self.path, usual="history.csv").write_text(fit.history.to_csv())


class TensorBoardLog:
    """Write losses, rates and the table's columns for TensorBoard (extra `tensorboard`).

    Raises:
        ModuleNotFoundError: the extra is not installed.
    """

    def __init__(self, folder: Path | str) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ModuleNotFoundError(
                "the TensorBoard log needs a package that is not installed: "
                "pip install 'transfer-zoo[tensorboard]'"
            ) from error
        self._writer = SummaryWriter(str(folder))
        self._written = 0

    def epoch_end(self, fit: Fit) -> None:
        """Add the epoch's steps and its row."""
        add = self._writer.add_scalar
        history = fit.history
        for step in range(self._written, len(history.losses)):
            add("train/loss", history.losses[step], step)
            add("train/lr", history.lrs[step], step)
        self._written = len(history.losses)
        for name, value in fit.row.items():
            add(f"epoch/{name}", value, int(fit.row["epoch"]))

    def fit_end(self, fit: Fit) -> None:
        """Have everything on disk."""
        self._writer.flush()
