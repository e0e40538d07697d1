"""A fit from its first epoch to its last: resumed, shown, validated, saved."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch

from zoo.core import budget
from zoo.core.batches import seed_of
from zoo.core.run import Run, rank_and_world
from zoo.core.training import checkpoint, loop
from zoo.core.training.fit import Fit
from zoo.core.training.interrupt import interruptible
from zoo.core.training.resume import TrainingState

if TYPE_CHECKING:
    from zoo.core.training.display import Display


def fit_through(fit: Fit, run: Run, state: TrainingState) -> None:
    """Train until the fit's epochs, a callback or Ctrl-C ends it; skip it if it is finished.

    However it ends, callbacks turn its weights into the result (`fit_end`). After Ctrl-C the state
    on disk stays that of before, in mid-training: what is resumed goes on from there.

    Raises:
        FloatingPointError: the loss is not finite.
        ValueError: another call is resumed.
    """
    from zoo.core.training.display import Display  # slow to import

    progress = fit.progress
    if state.skips(fit):
        progress.closed.append(_record(fit))
        return
    for hook in fit.hooks["fit_start"]:
        hook(fit)
    state.restore(fit)
    rank = rank_and_world()[0]
    shown = run.progress if rank == 0 else False
    with interruptible(fit), Display(shown, sum(fit.steps), fit.step) as display:

        def flushed() -> None:
            fit.seconds = time.perf_counter() - fit.began
            display.step(fit.position, progress.epoch, fit.history.losses[-1])
            if state.due():
                state.save(fit)

        fit.on_flush = flushed
        while fit.epoch < len(fit.steps) and not (fit.stop or fit.interrupted or fit.is_over):
            if fit.step_in_epoch == 0:
                torch.manual_seed(seed_of(run.seed, len(progress.closed), fit.epoch, rank))
            _train_epoch(fit, display)
            state.save(fit)
        if fit.interrupted:
            display.line(f"interrupted after {fit.epoch} of {len(fit.steps)} epochs")
    for hook in fit.hooks["fit_end"]:
        hook(fit)
    for note in fit.notes:
        display.line(note)
    fit.model.eval()
    if fit.is_over:
        fit.made = fit.step / sum(fit.steps)
    if not fit.interrupted:
        progress.closed.append(_record(fit))
        state.save(fit, is_closed=True)


def _record(fit: Fit) -> dict[str, Any]:
    """What is remembered of a finished fit, see `Progress`."""
    made = {"made": fit.made} if fit.made < 1 else {}
    return {"call": fit.call, "epoch": fit.progress.epoch, **made}


def _train_epoch(fit: Fit, display: Display) -> None:
    """Train and evaluate for an epoch; a loss that is not finite loses this epoch alone."""
    safe = checkpoint.model_state(fit.model)
    fit.began = time.perf_counter() - fit.seconds
    fit.train_mode()
    if fit.pace is not None:
        fit.pace.begin()
    try:
        loop.train_epoch(fit, fit.train.epoch(fit.progress.epoch, fit.step_in_epoch))
    except FloatingPointError:
        checkpoint.load_model_state(fit.model, safe)
        raise
    is_cut = fit.stop or fit.interrupted or not fit.is_over
    if fit.step_in_epoch < fit.steps[fit.epoch] and is_cut:
        return
    history = fit.history
    losses = history.losses[-fit.step_in_epoch :]
    fit.row = {"epoch": fit.progress.epoch, "step": len(history.losses)}
    fit.row["train_loss"] = sum(losses) / len(losses)
    began = budget.clock()
    if scores := fit.evaluate():
        if fit.pace is not None:
            fit.pace.time.book.pass_seconds = budget.clock() - began
        fit.row |= {"valid_loss": scores.pop("loss"), **scores}
    fit.row |= {"lr": history.lrs[-1], "seconds": time.perf_counter() - fit.began}
    history.rows.append(fit.row)
    fit.epoch, fit.progress.epoch, fit.seconds = fit.epoch + 1, fit.progress.epoch + 1, 0.0
    display.row(fit.row, fit.epoch, len(fit.steps))
    for hook in fit.hooks["epoch_end"]:
        hook(fit)
