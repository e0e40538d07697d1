"""Exact resume: what the state of a learner in mid-training consists of.

Promise: on the same machine, with the same versions, threads and number of processes, a run that
was killed at any moment and called again ends with bit-identical weights (on CUDA with
`Run(deterministic=True)`). A user's own torch Dataset may break it.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch

from zoo.core.artifacts import artifact
from zoo.core.fingerprint import differences, digest, plain_or_digest
from zoo.core.run import Run, rank_and_world, versions
from zoo.core.training import checkpoint
from zoo.core.training.lock import FolderLock
from zoo.core.training.loop import Fit

if TYPE_CHECKING:
    from zoo.core.batches import Data
    from zoo.core.training.learner import Learner

_TRY: Final = ".zoo-try-"  # how folders begin that tell whether a run's folder can be written to


class TrainingState:
    """The file in `Run.out` that a killed run continues from; nothing without a folder.

    Several processes save at the ends of epochs alone, since all would have to agree on a moment.
    A finished run whose model is saved in the folder has no such file, but a record of its calls.

    Attributes:
        is_finished: whether the model in the folder is that of this very run, as an earlier call
            left it.

    Raises:
        FileExistsError: the folder holds other files, another process's run, or an unfinished one
            and `resume` was not asked for.
        OSError: the folder cannot be written to.
    """

    def __init__(self, run: Run) -> None:
        self.path = Path(run.out) / checkpoint.FILE if run.out is not None else None
        self.every = run.save_every
        self.saved_at = time.perf_counter()
        self.is_finished = False
        self._tree: dict[str, Any] | None = None
        self._digests: tuple[Data, dict[str, str]] | None = None
        if self.path is None:
            return
        folder = self.path.parent
        self._lock = _writable(folder) if rank_and_world()[0] == 0 else None
        if self.path.exists():
            tree = checkpoint.load(self.path)
            if run.resume:
                self._tree = tree
                return
        elif run.resume and (record := _finished_record(folder)) is not None:
            self._tree, self.is_finished = record, True
            return
        artifact.require_replaceable(folder)  # before hours of training

    def finished(self, learner: Learner, fit: Fit, number: int) -> bool:
        """Whether an earlier call had finished the learner's fit of this number.

        Then the learner has the state of the latest finished fit.

        Raises:
            ValueError: that call was another one.
        """
        if self._tree is None:
            return False
        calls = [*self._tree["closed"], *filter(None, [self._tree["open"]])]
        if number < len(calls) and calls[number]["call"] != fit.call:
            different = differences(calls[number]["call"], fit.call)
            raise ValueError(
                f"resuming repeats the same call, however fit {number + 1} differs in "
                f"{', '.join(different)}; give the same data and settings, or another folder"
            )
        if number >= len(self._tree["closed"]):
            return False
        if number == 0:
            if self.is_finished:
                self._load_model(learner)
            else:
                self._load_learner(learner, self._tree)
        learner.epoch = self._tree["closed"][number]["epoch"]
        return True

    def restore(self, learner: Learner, fit: Fit, callbacks: Sequence[Any]) -> None:
        """Put an open fit's state into the learner, the fit and its callbacks; then forget it."""
        tree, self._tree = self._tree, None
        self.is_finished = False
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
                "call": fit.call,
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

    def call(self, learner: Learner, fit: Fit, callbacks: Sequence[Any]) -> dict[str, Any]:
        """What makes two fits the same call, by name; empty without a folder.

        Data, spec and network are digests; settings are told as they are.
        """
        if self.path is None:
            return {}
        data = learner.data
        if self._digests is None or self._digests[0] is not data:
            self._digests = (
                data,
                {"training data": digest(data.train), "validation data": digest(data.valid)},
            )
        hooked = [c for c in callbacks if hasattr(c, "load_state") or hasattr(c, "batch")]
        settings = {
            "versions": versions(),
            "seed": learner.run.seed,
            "device": learner.device.type,
            "precision": str(learner.dtype),
            "optimizer": learner.optimizer,
            "weight_decay": learner.weight_decay,
            "clip": learner.clip,
            "accumulate": learner.accumulate,
            "batchnorm": learner.batchnorm,
            "task": digest(learner.task),
            "callbacks": [type(callback).__name__ for callback in hooked],
            "network": digest(repr(learner.model)),
        }
        if not learner.closed:
            settings["initial weights"] = digest(dict(learner.model.state_dict()))
            settings["callbacks"] = digest(hooked)  # before they remember anything
        return plain_or_digest(learner.record() | settings | self._digests[1] | describe(fit))

    def run_files(
        self, directory: Path | str, *, is_final: bool, learner: Learner
    ) -> dict[str, Any]:
        """Keyword arguments of `artifact.write` for a model of this run.

        Args:
            directory: where the model is saved.
            is_final: whether its weights are the learner's own.
            learner: whose run this is.
        """
        if self.path is None or Path(directory).resolve() != self.path.parent.resolve():
            return {}
        if learner.interrupted or not is_final:
            return {"own_run": True}
        weights = digest(dict(learner.model.state_dict()))
        record = json.dumps({"closed": learner.closed, "open": None, "weights": weights}) + "\n"
        return {"own_run": True, "run_files": {artifact.FINISHED: record}}

    def _load_model(self, learner: Learner) -> None:
        """Give the learner the weights and history of the finished model in the folder.

        Raises:
            ValueError: the weights are not those that the run ended with.
        """
        assert self.path is not None
        assert self._tree is not None
        stored = artifact.read(self.path.parent)
        own = learner.model.state_dict()
        tensors = {name: t for name, t in stored.weights[0].items() if name in own}
        artifact.load_weights(learner.model, tensors)
        if digest(dict(learner.model.state_dict())) != self._tree["weights"]:
            raise ValueError(
                f"a finished run is told by its own model, got other weights in "
                f"{str(self.path.parent)!r}. Delete {artifact.FINISHED} to train anew."
            )
        learner.history.rows[:] = stored.history.rows

    @staticmethod
    def _load_learner(learner: Learner, tree: dict[str, Any]) -> None:
        checkpoint.load_model_state(learner.model, tree["model"])
        learner.epoch = tree["epoch"]
        learner.history.rows[:] = tree["rows"]
        learner.history.losses[:] = tree["losses"].tolist()
        learner.history.lrs[:] = tree["lrs"].tolist()
        learner.snapshots[:] = tree["snapshots"]


def describe(fit: Fit) -> dict[str, Any]:
    """Schedule, steps, highest rates and number of trained parameters of a fit."""
    schedule = fit.schedule
    bound = schedule.keywords if isinstance(schedule, partial) else {}
    function = schedule.func if isinstance(schedule, partial) else schedule
    return {
        "schedule": getattr(function, "__name__", "schedule"),
        **{f"schedule's {name}": str(value) for name, value in bound.items()},
        "epochs": len(fit.steps),
        "steps of each epoch": str(list(fit.steps)),
        "lr": str([group["max_lr"] for group in fit.optimizer.param_groups]),
        "trained parameters": str([len(group["params"]) for group in fit.optimizer.param_groups]),
    }


def _writable(folder: Path) -> FolderLock | None:
    """The lock of a folder in which the end of a training can write.

    Raises:
        FileExistsError: another process holds it, or it is a file.
        OSError: it cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FolderLock.of(folder)
        for left in folder.glob(f"{_TRY}*"):  # of a process that was killed
            left.rmdir()
        with tempfile.TemporaryDirectory(prefix=_TRY, dir=folder):
            return lock
    except FileExistsError:
        raise
    except OSError as error:
        raise OSError(
            f"Run(out=...) must be a folder that can be written to, got {str(folder)!r} ({error}). "
            "Choose another folder, or give yourself the permission."
        ) from error


def _finished_record(folder: Path) -> dict[str, Any] | None:
    """What a finished run left beside its model.

    Raises:
        ValueError: the record is damaged.
    """
    path = folder / artifact.FINISHED
    if not path.is_file():
        return None
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        if all(isinstance(c["call"], dict) and type(c["epoch"]) is int for c in tree["closed"]):
            return {"closed": tree["closed"], "open": None, "weights": tree["weights"]}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ValueError(
            f"{artifact.FINISHED} must be a record of finished calls, got {error}. Delete it to "
            "train anew."
        ) from error
    return None


def _stateful(callbacks: Sequence[Any]) -> list[Any]:
    return [callback for callback in callbacks if hasattr(callback, "load_state")]
