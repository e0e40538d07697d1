"""Exact resume: what the state of a learner in mid-training consists of.

Promise: on the same machine, with the same versions, threads and number of processes, a run that
was killed at any moment and called again ends with bit-identical weights (on CUDA with
`Run(deterministic=True)`). A user's own torch Dataset may break it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from zoo.core import checkpoint
from zoo.core.artifact import may_replace
from zoo.core.loop import Fit
from zoo.core.run import Run, rank_and_world

if TYPE_CHECKING:
    from zoo.core.learner import Learner


class TrainingState:
    """The file in `Run.out` that a killed run continues from; nothing without a folder.

    Several processes save at the ends of epochs alone, since all would have to agree on a moment.

    Raises:
        FileExistsError: the folder holds other files, or an unfinished run and `resume` was not
            asked for.
    """

    def __init__(self, run: Run) -> None:
        self.path = Path(run.out) / checkpoint.FILE if run.out is not None else None
        self.every = run.save_every
        self.saved_at = time.perf_counter()
        self._tree: dict[str, Any] | None = None
        if self.path is None:
            return
        if not self.path.exists():
            may_replace(self.path.parent)  # before hours of training, and before our file is there
            return
        tree = checkpoint.load(self.path)
        if run.resume:
            self._tree = tree
        elif tree["open"] is not None:
            raise FileExistsError(
                f"a folder holds one run, however {self.path.parent.name!r} has an unfinished one; "
                f"Run(resume=True) continues it, or delete {checkpoint.FILE} there"
            )

    def finished(self, learner: Learner, fit: Fit, number: int) -> bool:
        """Whether an earlier call had finished the learner's fit of this number.

        Then the learner has the state of the latest finished fit.

        Raises:
            ValueError: that call was another one.
        """
        if self._tree is None:
            return False
        calls = [*self._tree["closed"], *filter(None, [self._tree["open"]])]
        if number < len(calls) and calls[number]["call"] != describe(fit):
            raise ValueError(
                f"resuming repeats the same call, however fit {number + 1} was "
                f"{calls[number]['call']} and is {describe(fit)}; give the same data and settings, "
                "or another folder"
            )
        if number >= len(self._tree["closed"]):
            return False
        if number == 0:
            self._load_learner(learner, self._tree)
        learner.epoch = self._tree["closed"][number]["epoch"]
        return True

    def restore(self, learner: Learner, fit: Fit, callbacks: Sequence[Any]) -> None:
        """Put an open fit's state into the learner, the fit and its callbacks; then forget it."""
        tree, self._tree = self._tree, None
        if tree is None or tree["open"] is None:
            return
        self._load_learner(learner, tree)
        state = tree["open"]
        fit.epoch, fit.step, fit.seconds = state["epoch"], state["step"], state["seconds"]
        checkpoint.load_optimizer_state(fit.optimizer, state["optimizer"])
        fit.scaler.load_state_dict(state["scaler"])
        for callback, saved in zip(_stateful(callbacks), state["callbacks"], strict=True):
            callback.load_state(saved)
        checkpoint.load_generator_states(state["generators"], fit.device)

    def due(self) -> bool:
        """Whether it is time to save within an epoch."""
        waited = time.perf_counter() - self.saved_at
        return self.path is not None and waited >= self.every and rank_and_world()[1] == 1

    def save(self, learner: Learner, fit: Fit | None, callbacks: Sequence[Any] = ()) -> None:
        """Write the learner's state, and that of the open fit if there is one."""
        if self.path is None or rank_and_world()[0] != 0:
            return
        tree = {
            "model": checkpoint.model_state(learner.model),
            "epoch": learner.epoch,
            "rows": learner.history.rows,
            "losses": torch.tensor(learner.history.losses, dtype=torch.float64),
            "lrs": torch.tensor(learner.history.lrs, dtype=torch.float64),
            "snapshots": learner.snapshots,
            "closed": learner.closed,
            "open": None,
        }
        if fit is not None:
            tree["open"] = {
                "call": describe(fit),
                "epoch": fit.epoch,
                "step": fit.step,
                "seconds": fit.seconds,
                "optimizer": checkpoint.optimizer_state(fit.optimizer),
                "scaler": fit.scaler.state_dict(),
                "callbacks": [callback.state() for callback in _stateful(callbacks)],
                "generators": checkpoint.generator_states(fit.device),
            }
        checkpoint.save(self.path, tree)
        self.saved_at = time.perf_counter()

    @staticmethod
    def _load_learner(learner: Learner, tree: dict[str, Any]) -> None:
        checkpoint.load_model_state(learner.model, tree["model"])
        learner.epoch = tree["epoch"]
        learner.history.rows[:] = tree["rows"]
        learner.history.losses[:] = tree["losses"].tolist()
        learner.history.lrs[:] = tree["lrs"].tolist()
        learner.snapshots[:] = tree["snapshots"]


def describe(fit: Fit) -> dict[str, Any]:
    """What makes two fits the same call: schedule, steps, highest rates, trained parameters."""
    schedule = fit.schedule
    bound = schedule.keywords if isinstance(schedule, partial) else {}
    function = schedule.func if isinstance(schedule, partial) else schedule
    return {
        "schedule": getattr(function, "__name__", "schedule"),
        "bound": {name: list(v) if isinstance(v, tuple) else v for name, v in bound.items()},
        "steps": list(fit.steps),
        "rates": [group["max_lr"] for group in fit.optimizer.param_groups],
        "parameters": [len(group["params"]) for group in fit.optimizer.param_groups],
    }


def _stateful(callbacks: Sequence[Any]) -> list[Any]:
    return [callback for callback in callbacks if hasattr(callback, "load_state")]
