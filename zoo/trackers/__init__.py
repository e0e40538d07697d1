"""Trackers of experiments: `zoo.vision.finetune(..., track="trackio")`, or "wandb", or "mlflow".

    track = zoo.trackers.WandB(project="pets", tags=["first try"])
    zoo.vision.finetune("efficientnet_lite0", "photos/", track=track)

Logged are the options, a row per epoch, the final scores and the figure of the losses; never data.
What a tracker sends, and where, is its own affair and set by its own variables, such as
`WANDB_MODE=offline` or `MLFLOW_TRACKING_URI`. The packages come with the extra `trackers`. An
object with the four methods of `Tracker` is a tracker, too. Beside them stand the callbacks
`TensorBoardLog` and `CSVLog` of `zoo.core.training.callbacks`.
"""

from typing import TYPE_CHECKING, get_args

from zoo.core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from zoo.core.training.tracker import Tracker as Tracker
    from zoo.core.training.tracker import TrackerName as TrackerName
    from zoo.trackers.mlflow import MLflow as MLflow
    from zoo.trackers.trackio import Trackio as Trackio
    from zoo.trackers.wandb import WandB as WandB

__getattr__, __dir__ = lazy_exports(__name__)
__all__ = list(__dir__())


def by_name(name: str) -> "Tracker":
    """A tracker with its usual settings.

    Args:
        name: "trackio", "wandb" or "mlflow".

    Raises:
        ValueError: there is none of that name.
        ModuleNotFoundError: its package is not installed.
    """
    from zoo.core.training.tracker import TrackerName

    kinds = dict(zip(get_args(TrackerName), ("Trackio", "WandB", "MLflow"), strict=True))
    if name not in kinds:
        raise ValueError(f"track must be one of {', '.join(kinds)}, got track={name!r}.")
    tracker: Tracker = __getattr__(kinds[name])()
    return tracker
