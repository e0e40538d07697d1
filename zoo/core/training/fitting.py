"""A fit from its first epoch to its last: resumed, shown, validated, saved."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from zoo.core.batches import seed_of
from zoo.core.run import rank_and_world
from zoo.core.training import checkpoint, loop
from zoo.core.training.display import Display
from zoo.core.training.interrupt import interruptible
from zoo.core.training.loop import Fit

if TYPE_CHECKING:
    from zoo.core.training.learner import Learner


def fit_through(learner: Learner, fit: Fit, callbacks: Sequence[Any]) -> None:
    """Train until the fit's epochs, a callback or Ctrl-C ends it; skip it if it is finished.

    However it ends, callbacks turn its weights into the result (`fit_end`). After Ctrl-C the state
    on disk stays that of before, in mid-training: what is resumed goes on from there.

    Raises:
        FloatingPointError: the loss is not finite.
    """
    if not learner.closed:
        learner.require_storable()
    fit.call = learner.state.call(learner, fit, callbacks)
    if learner.state.finished(learner, fit, len(learner.closed)):
        _close(learner, fit)
        return
    for hook in fit.hooks["fit_start"]:
        hook(fit)
    learner.state.restore(learner, fit, callbacks)
    rank = rank_and_world()[0]
    progress = learner.run.progress if rank == 0 else False
    with interruptible(fit), Display(progress, sum(fit.steps), fit.step) as display:

        def flushed() -> None:
            fit.seconds = time.perf_counter() - fit.began
            display.step(fit.step, learner.epoch, learner.history.losses[-1])
            if learner.state.due():
                learner.state.save(learner, fit, callbacks)

        fit.on_flush = flushed
        while fit.epoch < len(fit.steps) and not (fit.stop or fit.interrupted):
            if fit.step_in_epoch == 0:
                torch.manual_seed(seed_of(learner.run.seed, len(learner.closed), fit.epoch, rank))
            _train_epoch(learner, fit, display)
            learner.state.save(learner, fit, callbacks)
    learner.interrupted = fit.interrupted
    if fit.interrupted:
        learner.cut_short = f"after {fit.epoch} of {len(fit.steps)} epochs"
    for hook in fit.hooks["fit_end"]:
        hook(fit)
    learner.model.eval()
    if not fit.interrupted:
        _close(learner, fit)
        learner.state.save(learner, None)


def _train_epoch(learner: Learner, fit: Fit, display: Display) -> None:
    """Train and evaluate for an epoch; a loss that is not finite loses this epoch alone."""
    safe = checkpoint.model_state(learner.model)
    fit.began = time.perf_counter() - fit.seconds
    learner.train_mode()
    try:
        loop.train_epoch(fit, fit.train.epoch(learner.epoch, fit.step_in_epoch))
    except FloatingPointError:
        checkpoint.load_model_state(learner.model, safe)
        raise
    if fit.step_in_epoch < fit.steps[fit.epoch]:  # stopped or interrupted on the way
        return
    history = learner.history
    losses = history.losses[-fit.steps[fit.epoch] :]
    fit.row = {"epoch": learner.epoch, "step": len(history.losses)}
    fit.row["train_loss"] = sum(losses) / len(losses)
    if learner.data.valid is not None:
        scores = learner.evaluate()
        fit.row |= {"valid_loss": scores.pop("loss"), **scores}
    fit.row |= {"lr": history.lrs[-1], "seconds": time.perf_counter() - fit.began}
    history.rows.append(fit.row)
    fit.epoch, learner.epoch, fit.seconds = fit.epoch + 1, learner.epoch + 1, 0.0
    display.row(fit.row)
    for hook in fit.hooks["epoch_end"]:
        hook(fit)


def _close(learner: Learner, fit: Fit) -> None:
    learner.closed.append({"call": fit.call, "epoch": learner.epoch})
