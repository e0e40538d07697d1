"""Trackio, the tracker of Hugging Face: runs in a database on this machine, or in a Space."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.trackers.packages import package

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Trackio:
    """A run of Trackio; `trackio show --project zoo` opens its page.

    Args:
        project: the project that runs belong to.
        name: the run's name; None takes that of the run's folder, else one of Trackio's.
        **settings: keyword arguments of `trackio.init`, such as `space_id`.

    Raises:
        ModuleNotFoundError: trackio is not installed.
    """

    def __init__(self, project: str = "zoo", name: str | None = None, **settings: Any) -> None:
        self._trackio = package("trackio")
        self.project, self.name, self.settings = project, name, {"embed": False} | settings
        self._run: Any = None

    def start(self, name: str | None, options: Mapping[str, Any], earlier: str | None) -> str:
        """See `Tracker`; a run is found again by its name."""
        self._run = self._trackio.init(
            self.project,
            name=earlier or self.name or name,
            config=dict(options),
            resume="allow" if earlier else "never",
            **self.settings,
        )
        return str(self._run.name)

    def log(self, row: Mapping[str, float], epoch: int) -> None:
        """See `Tracker`; "step" is Trackio's own word."""
        self._run.log({"steps" if name == "step" else name: row[name] for name in row})

    def finish(
        self, metrics: Mapping[str, float], training: Mapping[str, Any], figure: Figure | None
    ) -> None:
        """See `Tracker`."""
        final: dict[str, Any] = {f"final/{name}": value for name, value in metrics.items()}
        final |= {f"training/{name}": value for name, value in training.items()}
        if figure is not None:
            final["history"] = self._trackio.Image(_picture(figure), caption="losses")
        self._run.log(final)

    def close(self, *, failed: bool) -> None:
        """See `Tracker`; Trackio tells nothing of failures."""
        self._trackio.finish()  # of the run itself, it would finish once more at exit


def _picture(figure: Figure) -> Any:
    """A figure as an image of Pillow."""
    from PIL import Image

    content = io.BytesIO()
    figure.savefig(content, format="png")
    return Image.open(content)
