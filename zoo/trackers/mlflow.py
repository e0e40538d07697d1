"""MLflow: runs in a database on this machine, or on a server named by `MLFLOW_TRACKING_URI`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from zoo.trackers.packages import package

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST: Final = 500  # characters of a parameter that every version takes


class MLflow:
    """A run of MLflow, beside any that is active.

    Args:
        experiment: the experiment that runs belong to; None takes `MLFLOW_EXPERIMENT_NAME`, else
            "zoo".
        name: the run's name; None takes that of the run's folder, else one of MLflow's.
        uri: where runs are kept; None takes `MLFLOW_TRACKING_URI`, else MLflow's usual place.

    Raises:
        ModuleNotFoundError: mlflow is not installed.
    """

    def __init__(
        self, experiment: str | None = None, name: str | None = None, uri: str | None = None
    ) -> None:
        self._client: Any = package("mlflow").MlflowClient(tracking_uri=uri)
        self.experiment, self.name = experiment, name
        self._run = ""

    def start(self, name: str | None, options: Mapping[str, Any], earlier: str | None) -> str:
        """See `Tracker`."""
        if earlier is not None:
            self._run = earlier
            self._client.update_run(earlier, status="RUNNING")
            return earlier
        experiment = self.experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME") or "zoo"
        known = self._client.get_experiment_by_name(experiment)
        number = (
            self._client.create_experiment(experiment) if known is None else known.experiment_id
        )
        self._run = str(self._client.create_run(number, run_name=self.name or name).info.run_id)
        self._params(options)
        return self._run

    def log(self, row: Mapping[str, float], epoch: int) -> None:
        """See `Tracker`."""
        for column, value in row.items():
            self._client.log_metric(self._run, column, value, step=epoch)

    def finish(
        self, metrics: Mapping[str, float], training: Mapping[str, Any], figure: Figure | None
    ) -> None:
        """See `Tracker`."""
        self._params({f"training/{name}": value for name, value in training.items()})
        for name, value in metrics.items():
            self._client.log_metric(self._run, f"final/{name}", value)
        if figure is not None:
            self._client.log_figure(self._run, figure, "history.png")

    def close(self, *, failed: bool) -> None:
        """See `Tracker`."""
        self._client.set_terminated(self._run, "FAILED" if failed else "FINISHED")

    def _params(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            self._client.log_param(self._run, name, str(value)[:LONGEST])
