"""How a network for tables is trained: for as long as rows that are held out tell.

The rate goes up and down in cycles, each twice as long as the one before. Training ends when a
cycle, the fourth epoch or more, has made the validation loss no better, with the weights of the
best one. On all rows it then lasts for as many cycles as were best: the same passes, in which the
larger part has more steps.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial
from statistics import mean
from typing import Any, Final

from torch import Tensor

from zoo.core.training.averaging import Snapshots
from zoo.core.training.callbacks import EarlyStopping
from zoo.core.training.choice import choose
from zoo.core.training.learner import Learner
from zoo.core.training.schedules import log_cycles, sgdr_epochs

CYCLES: Final = 4  # at most; more of tables between few rows and many
MOST_EPOCHS: Final = 63  # that further cycles may end with
MOST_ROWS: Final = 4_000_000  # that pass until then
UNSEEN_EPOCHS: Final = 7  # at least, where nothing is held out
FIRST_CYCLE: Final = 4  # epochs of the first cycle of a table of few rows
EPOCH_ROWS: Final = 64_000  # that the first cycle passes, if it has several epochs
LOSS: Final = "valid_loss"

AnyLearner = Learner[Any, Any]


def fit(
    learn: AnyLearner, epochs: int | None, lr: float, like: Sequence[AnyLearner] = ()
) -> Tensor | None:
    """Train for some epochs, by one cycle, or for as long as it helps.

    Args:
        learn: what is trained.
        epochs: passes over the training rows; None finds how many.
        lr: highest rate.
        like: learners that were trained so on parts of the same rows and validated on the others;
            training lasts as long as was best for them.

    Returns:
        Where held-out rows have chosen the cycle, predictions of them that this does not flatter
        (see `zoo.core.training.choice`).
    """
    if epochs is not None:
        if epochs:
            learn.fit_one_cycle(epochs, lr)
        return None
    train: Any = (like[0] if like else learn).data.train
    lengths = cycle_lengths(len(train))
    callbacks: list[Any] = []
    if like:
        lengths = lengths[: round(mean(best_cycle(one, lengths) for one in like))]
    elif learn.data.valid is None:
        lengths = lengths[: 1 + sum(end < UNSEEN_EPOCHS for end in itertools.accumulate(lengths))]
    else:
        ends = [end for end in itertools.accumulate(lengths) if end >= FIRST_CYCLE]
        stop = EarlyStopping(LOSS, patience=0, at=ends)  # of one or two epochs chance decides
        callbacks = [Snapshots(learn.snapshots, lengths), stop]
    schedule = partial(log_cycles, cycles=len(lengths))
    with learn.time(passes=len(lengths) if callbacks else 0):
        learn.fit(sum(lengths), lr, schedule, callbacks=callbacks)
    kept = learn.snapshots if callbacks else []

    def go_to(number: int) -> None:
        learn.model.load_state_dict(kept[number])

    choice = choose(learn, go_to, [0.0] * len(kept)) if kept else None
    if choice is None:
        return None
    from zoo.core.training.display import say_line  # slow to import

    end = sum(lengths[: choice.number + 1])
    note = f"weights of epoch {end}, the end of the cycle that the validation part chose"
    say_line(learn.run.progress, note)
    return choice.predictions


def first_cycle(n_rows: int) -> int:
    """Epochs of the first cycle for a training part; large ones have steps enough in one.

    >>> [first_cycle(n) for n in (500, 20_000, 200_000)]
    [4, 3, 1]
    """
    return min(max(EPOCH_ROWS // n_rows, 1), FIRST_CYCLE)


def cycle_lengths(n_rows: int) -> list[int]:
    """Epochs of each cycle that a training part may take, if it goes on getting better.

    >>> [len(cycle_lengths(n)) for n in (500, 20_000, 40_000, 200_000)]
    [4, 4, 6, 4]
    """
    first, most = first_cycle(n_rows), min(MOST_EPOCHS, MOST_ROWS // n_rows)
    cycles = (
        most // first + 1
    ).bit_length() - 1  # of which the last ends with `most` at the latest
    return sgdr_epochs(max(cycles, CYCLES), first, 2)


def best_cycle(learn: AnyLearner, lengths: Sequence[int]) -> int:
    """The number of cycles after which a learner was best, from 1, by its history."""
    rows = learn.history.rows
    losses = [rows[end - 1][LOSS] for end in itertools.accumulate(lengths) if end <= len(rows)]
    return losses.index(min(losses)) + 1 if losses else 1
