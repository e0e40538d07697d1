"""What a tracker of experiments is to a training: four methods, which any object may have.

It imports no torch, so that the command line reads it at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TrackerName = Literal["trackio", "wandb", "mlflow"]
"""Trackers that `zoo.trackers` has."""


@runtime_checkable
class Tracker(Protocol):
    """One run of a tracker: started, told of each epoch, finished, closed."""

    def start(self, name: str | None, options: Mapping[str, Any], earlier: str | None) -> str:
        """Open a run, and return what it is found again by.

        Args:
            name: what it is to be called; None leaves that to the tracker.
            options: the call's options, plain values.
            earlier: what an earlier call returned whose training is resumed, or None.
        """
        ...

    def log(self, row: Mapping[str, float], epoch: int) -> None:
        """Take a line of the history's table.

        Args:
            row: values by column.
            epoch: the learner's epoch, from 0; a fold's, or that on all rows, begins anew.
        """
        ...

    def finish(
        self, metrics: Mapping[str, float], training: Mapping[str, Any], figure: Figure | None
    ) -> None:
        """Take what is known in the end.

        Args:
            metrics: the model's scores.
            training: how it was trained, as its card tells it.
            figure: losses by step and epoch; None if nothing was trained by steps.
        """
        ...

    def close(self, *, failed: bool) -> None:
        """Close the run."""
        ...
