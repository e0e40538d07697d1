"""Exact resume: what the state of a learner in mid-training consists of.

Promise: on the same machine, with the same versions, threads and number of processes, a run that
was killed at any moment and called again ends with bit-identical weights (on CUDA with
`Run(deterministic=True)`). A user's own torch Dataset may break it.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from zoo.core import state_file
from zoo.core.artifacts import artifact
from zoo.core.batches import Batches
from zoo.core.config import FINISHED, TRAINING_STATE
from zoo.core.fingerprint import differences, digest, plain_or_digest
from zoo.core.lock import FolderLock
from zoo.core.output_places import output_folder
from zoo.core.run import Run, rank_and_world, versions
from zoo.core.training import checkpoint
from zoo.core.training.fit import Fit, Progress

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
        self.path = Path(run.out) / TRAINING_STATE if run.out is not None else None
        self.every = run.save_every
        self.saved_at = time.perf_counter()
        self.is_finished = False
        self._tree: dict[str, Any] | None = None
        self._seed = run.seed
        self._lock: FolderLock | None = None
        self._digests: tuple[Batches, Batches | None, dict[str, str]] | None = None
        if self.path is None:
            return
        folder = self.path.parent
        if rank_and_world()[0] == 0:
            self._lock = _writable(folder)
        if self.path.exists():
            tree = state_file.load(self.path)
            if run.resume:
                self._tree = tree
                return
        elif run.resume and (record := _finished_record(folder)) is not None:
            self._tree, self.is_finished = record, True
            return
        artifact.require_replaceable(folder)  # before hours of training

    def release(self) -> None:
        """Let other processes use the folder, once the finished model is saved."""
        self._lock = None

    def skips(self, fit: Fit) -> bool:
        """Whether an earlier call had finished this fit.

        Then model and progress have the state of the latest finished fit, after the first and after
        the latest itself: a recipe may have given the model other weights in between.

        Raises:
            ValueError: that call was another one.
        """
        if self._tree is None:
            return False
        number = len(fit.progress.closed)
        calls = [*self._tree["closed"], *filter(None, [self._tree["open"]])]
        if number < len(calls) and calls[number]["call"] != fit.call:
            different = differences(calls[number]["call"], fit.call)
            raise ValueError(
                f"resuming must repeat the same call, got a fit {number + 1} that differs in "
                f"{', '.join(different)}. Give the same data and settings, or another folder."
            )
        if number >= len(self._tree["closed"]):
            return False
        if number in (0, len(self._tree["closed"]) - 1):
            if self.is_finished:
                self._load_finished(fit.model, fit.progress)
            else:
                _load_progress(fit.model, fit.progress, self._tree)
        closed = self._tree["closed"][number]
        fit.progress.epoch, fit.made = closed["epoch"], closed.get("made", 1.0)
        return True

    def is_ahead(self, progress: Progress) -> bool:
        """Whether an earlier call had gone beyond the fits that are finished so far."""
        tree = self._tree
        is_beyond = tree is not None and len(tree["closed"]) > len(progress.closed)
        return is_beyond or (tree is not None and tree["open"] is not None)

    def restore(self, fit: Fit) -> None:
        """Put an open fit's state into the fit and its callbacks; then forget it."""
        tree, self._tree = self._tree, None
        self.is_finished = False
        if tree is None or tree["open"] is None:
            return
        _load_progress(fit.model, fit.progress, tree)
        state = tree["open"]
        fit.epoch, fit.step, fit.seconds = state["epoch"], state["step"], state["seconds"]
        fit.parts = state.get("parts", fit.parts)
        if fit.pace is not None:
            fit.pace.position = state.get("position", fit.step)
        checkpoint.load_optimizer_state(fit.optimizer, state["optimizer"])
        fit.scaler.load_state_dict(state["scaler"])
        for callback, saved in zip(_stateful(fit.callbacks), state["callbacks"], strict=True):
            callback.load_state(saved)
        checkpoint.load_generator_states(state["generators"], fit.device)

    def due(self) -> bool:
        """Whether it is time to save within an epoch."""
        waited = time.perf_counter() - self.saved_at
        return self.path is not None and waited >= self.every and rank_and_world()[1] == 1

    def save(self, fit: Fit, *, is_closed: bool = False) -> None:
        """Write the learner's state, and that of the fit unless it is closed."""
        if self.path is None or rank_and_world()[0] != 0:
            return
        progress = fit.progress
        tree = {
            "model": checkpoint.model_state(fit.model),
            "epoch": progress.epoch,
            "rows": progress.history.rows,
            "losses": torch.tensor(progress.history.losses, dtype=torch.float64),
            "lrs": torch.tensor(progress.history.lrs, dtype=torch.float64),
            "snapshots": progress.snapshots,
            "closed": progress.closed,
            "open": None,
        }
        if not is_closed:
            tree["open"] = {
                "call": fit.call,
                "epoch": fit.epoch,
                "step": fit.step,
                "seconds": fit.seconds,
                "position": fit.position,
                "parts": fit.parts,
                "optimizer": checkpoint.optimizer_state(fit.optimizer),
                "scaler": fit.scaler.state_dict(),
                "callbacks": [callback.state() for callback in _stateful(fit.callbacks)],
                "generators": checkpoint.generator_states(fit.device),
            }
        state_file.save(self.path, tree)
        self.saved_at = time.perf_counter()

    def call(self, fit: Fit, settings: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What makes two fits the same call, by name; empty without a folder.

        Data, spec and network are digests; settings are told as they are.

        Args:
            fit: the fit that is about to begin.
            settings: gives what the fit does not know: the model's record, the optimizer.
        """
        if self.path is None:
            return {}
        if self._digests is None or self._digests[0] is not fit.train:
            data = {"training data": digest(fit.train), "validation data": digest(fit.valid)}
            self._digests = fit.train, fit.valid, data
        hooked = [c for c in fit.callbacks if hasattr(c, "load_state") or hasattr(c, "batch")]
        call = settings() | {
            "versions": versions(),
            "seed": self._seed,
            "device": fit.device.type,
            "precision": str(fit.dtype),
            "clip": fit.clip,
            "accumulate": fit.accumulate,
            "batchnorm": fit.batchnorm,
            "task": digest(fit.task),
            "callbacks": [type(callback).__name__ for callback in hooked],
            "network": digest(repr(fit.model)),
        }
        if not fit.progress.closed:
            call["initial weights"] = digest(dict(fit.model.state_dict()))
            call["callbacks"] = digest(hooked)  # before they remember anything
        return plain_or_digest(call | self._digests[2] | describe(fit))

    def run_files(
        self, directory: Path | str, model: nn.Module | None, progress: Progress
    ) -> dict[str, Any]:
        """Keyword arguments of `artifact.write` for a model of this run.

        Args:
            directory: where the model is saved.
            model: the network if it is what the finished run ended with, else None.
            progress: the run's progress.
        """
        if self.path is None or Path(directory).resolve() != self.path.parent.resolve():
            return {}
        if model is None:
            return {"own_run": True}
        weights = digest(dict(model.state_dict()))
        record = json.dumps({"closed": progress.closed, "open": None, "weights": weights}) + "\n"
        return {"own_run": True, "run_files": {FINISHED: record}}

    def _load_finished(self, model: nn.Module, progress: Progress) -> None:
        """Take the weights and history of the finished model in the folder.

        Raises:
            ValueError: the weights are not those that the run ended with.
        """
        assert self.path is not None
        assert self._tree is not None
        stored = artifact.read(self.path.parent)
        own = model.state_dict()
        tensors = {name: t for name, t in stored.weights[0].items() if name in own}
        artifact.load_weights(model, tensors)
        if digest(dict(model.state_dict())) != self._tree["weights"]:
            raise ValueError(
                f"a finished run is told by its own model, got other weights in "
                f"{str(self.path.parent)!r}. Delete {FINISHED} to train anew."
            )
        progress.history.rows[:] = stored.history.rows


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
        output_folder(folder)
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
    path = folder / FINISHED
    if not path.is_file():
        return None
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        if all(isinstance(c["call"], dict) and type(c["epoch"]) is int for c in tree["closed"]):
            return {"closed": tree["closed"], "open": None, "weights": tree["weights"]}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ValueError(
            f"{FINISHED} must be a record of finished calls, got {error}. Delete it to train anew."
        ) from error
    return None


def _stateful(callbacks: Sequence[Any]) -> list[Any]:
    return [callback for callback in callbacks if hasattr(callback, "load_state")]


def _load_progress(model: nn.Module, progress: Progress, tree: dict[str, Any]) -> None:
    """Take the weights and the record of a learner in mid-training."""
    checkpoint.load_model_state(model, tree["model"])
    progress.epoch = tree["epoch"]
    progress.history.rows[:] = tree["rows"]
    progress.history.losses[:] = tree["losses"].tolist()
    progress.history.lrs[:] = tree["lrs"].tolist()
    progress.snapshots[:] = tree["snapshots"]
