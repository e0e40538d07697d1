"""A training told to a tracker of experiments: options, a row per epoch, final scores, the figure.

A tracker only listens: nothing that it does changes a model, and what it fails at later than its
start is one warning. A run with a folder notes there which run of the tracker it is, so that a
resumed training goes on in the same one. Columns of folds and of the training on all rows are
prefixed: "fold-1/valid_loss", "all-rows/train_loss".
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from zoo.core.history import History
from zoo.core.messages import warn
from zoo.core.names import without_folders
from zoo.core.options import plain
from zoo.core.run import Run, rank_and_world
from zoo.core.training.fit import Fit
from zoo.core.training.tracker import Tracker

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROOM: Final = "zoo.trackers"  # where the trackers of this library are, imported by name alone
NOTE: Final = ".tracked.json"  # in a run's folder
FOLD, ALL_ROWS = "fold-{}/", "all-rows/"
MOST, LONGEST = 50, 200  # items of a list, characters of a text, of a setting that is told
_APART: Final = {"callbacks", "run", "track", "valid"}  # options that are no plain settings


class Tracking:
    """One call of a verb, told to a tracker.

    Args:
        tracker: the tracker, or the name of one of `zoo.trackers`.
        options: all options of the call.

    Raises:
        ModuleNotFoundError: the tracker's package is not installed.
    """

    def __init__(self, tracker: str | Tracker, options: Mapping[str, Any]) -> None:
        named = isinstance(tracker, str)
        self.tracker: Any = importlib.import_module(ROOM).by_name(tracker) if named else tracker
        self.run: Run = options["run"] or Run()
        kept = {name: value for name, value in options.items() if name not in _APART}
        run = {name: getattr(self.run, name) for name in ("seed", "precision", "device")}
        self.options = {k: shown(v) for k, v in (kept | run).items() if v is not None}
        self.started = self.failed = False

    def at(self, stage: str) -> Listener:
        """The callback of a learner.

        Args:
            stage: prefix of its columns.
        """
        return Listener(self, stage)

    def start(self) -> None:
        """Open the run, or the one of the training that is resumed."""
        if self.started:
            return
        with contextlib.redirect_stdout(sys.stderr):  # a command's own output may be JSON
            name = None if self.run.out is None else Path(self.run.out).resolve().name
            own = self.tracker.start(name, self.options, self._earlier())
        self.started = True
        if (path := self._note) is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({type(self.tracker).__name__: own}), encoding="utf-8")

    def tell(self, say: Callable[[], None]) -> None:
        """Have the tracker take something; if it fails, say so once and leave it in peace."""
        if self.failed:
            return
        try:
            with contextlib.redirect_stdout(sys.stderr):
                say()
        except Exception as error:  # of somebody else's code, hours into a training
            self.failed = True
            kind = type(self.tracker).__name__
            warn(f"{kind} takes nothing more of this training, which goes on: {error}")

    @contextlib.contextmanager
    def finishing(self) -> Iterator[None]:
        """Close the run in the end, also if the training fails."""
        try:
            yield
        except BaseException:
            if self.started:
                self.tell(lambda: self.tracker.close(failed=True))
            raise
        if self.started:
            self.tell(lambda: self.tracker.close(failed=False))

    def finish(self, model: Any) -> None:
        """Take the model of the call; of one that an earlier call had finished, nothing."""
        if not self.started and self._earlier() is not None:
            return
        self.start()
        facts = {name: shown(value) for name, value in model.training.items()}
        figure = figure_of(model.history)
        self.tell(lambda: self.tracker.finish(dict(model.metrics), facts, figure))

    @property
    def _note(self) -> Path | None:
        return None if self.run.out is None else Path(self.run.out) / NOTE

    def _earlier(self) -> str | None:
        """The tracker's run of the training that is resumed."""
        path = self._note
        if path is None or not self.run.resume or not path.exists():
            return None
        with contextlib.suppress(ValueError):
            own = json.loads(path.read_text(encoding="utf-8")).get(type(self.tracker).__name__)
            return None if own is None else str(own)
        return None


class Listener:
    """The callback that tells a learner's epochs to a tracker."""

    def __init__(self, tracking: Tracking, stage: str) -> None:
        self.tracking, self.stage = tracking, stage

    def fit_start(self, fit: Fit) -> None:
        """Open the run before the first step."""
        self.tracking.start()

    def epoch_end(self, fit: Fit) -> None:
        """Tell the epoch's row."""
        row = {self.stage + name: value for name, value in fit.row.items()}
        epoch = int(fit.row["epoch"])
        self.tracking.tell(lambda: self.tracking.tracker.log(row, epoch))


def tracking_of(options: Mapping[str, Any]) -> Tracking | None:
    """The tracking of a call; None if none is asked for, and in all processes but the first."""
    tracker = options.get("track")
    return None if tracker is None or rank_and_world()[0] != 0 else Tracking(tracker, options)


def shown(value: Any) -> Any:
    """A setting as a tracker sees it: no folders of this machine, and nothing as large as data.

    >>> shown(0.1), shown(Path("/home/me/fixes.csv")), shown(["a", "b"]), shown({1: "x"} | {2: "y"})
    (0.1, 'fixes.csv', ['a', 'b'], 'a dict')
    >>> shown(list(range(1000)))
    'a list of 1000'
    """
    if isinstance(value, (list, tuple)) and len(value) > MOST:
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, Collection) and not isinstance(value, (str, list, tuple)):
        return f"a {type(value).__name__}"
    own = plain(Path(value).name if isinstance(value, os.PathLike) else value)
    return without_folders(own)[:LONGEST] if isinstance(own, str) else own


def figure_of(history: History) -> Figure | None:
    """Losses by step and epoch; None without any."""
    if not history.losses:
        return None
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    history.plot_loss(figure.subplots())
    return figure
