"""Weights & Biases: runs on its servers, or on this machine with `WANDB_MODE=offline`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.trackers.packages import package

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class WandB:
    """A run of Weights & Biases.

    Args:
        project: the project that runs belong to; None takes `WANDB_PROJECT`, else "zoo".
        name: the run's name; None takes that of the run's folder, else one of theirs.
        **settings: keyword arguments of `wandb.init`, such as `tags`.

    Raises:
        ModuleNotFoundError: wandb is not installed.
    """

    def __init__(
        self, project: str | None = None, name: str | None = None, **settings: Any
    ) -> None:
        self._wandb = package("wandb")
        self.project, self.name, self.settings = project, name, settings
        self._run: Any = None

    def start(self, name: str | None, options: Mapping[str, Any], earlier: str | None) -> str:
        """See `Tracker`."""
        import os

        self._run = self._wandb.init(
            project=self.project or os.environ.get("WANDB_PROJECT") or "zoo",
            name=self.name or name,
            id=earlier,
            resume="allow" if earlier else None,
            config=dict(options),
            reinit="create_new",
            **self.settings,
        )
        return str(self._run.id)

    def log(self, row: Mapping[str, float], epoch: int) -> None:
        """See `Tracker`."""
        self._run.log(dict(row))

    def finish(
        self, metrics: Mapping[str, float], training: Mapping[str, Any], figure: Figure | None
    ) -> None:
        """See `Tracker`."""
        self._run.config.update({"training": dict(training)}, allow_val_change=True)
        if figure is not None:
            self._run.log({"history": self._wandb.Image(figure)})
        self._run.summary.update({f"final/{name}": value for name, value in metrics.items()})

    def close(self, *, failed: bool) -> None:
        """See `Tracker`."""
        self._run.finish(exit_code=int(failed))
