"""How a classifier is fine-tuned: the phases, their rates and lengths.

Howard & Ruder 2018, sec. 3.3, thaw the layers one after another, each group of layers at 2.6 times
the rate of the one below, and the rates fall. Networks of a CPU's size learn more at rates that lie
closer and do not fall; it then makes no difference whether all layers thaw at once
(`scripts/searches/text_recipe.py`). So that is the usual way here, theirs another.
"""

from __future__ import annotations

from typing import Any, Final

from zoo.core.training.learner import Learner
from zoo.text.recipe import CYCLE

STEPS: Final = 600  # that the usual number of epochs makes, within its limits
FEWEST, MOST = 2, 8  # epochs
LR, FURTHER_LR = 1e-2, 2e-3  # of a new head; of one that knows the classes
RATIO: Final = 4.0  # of the head's rate to that of the words
GRADUAL_RATIO: Final = 2.6  # of a layer group's rate to that of the one below it
THAWED: Final = 2  # groups that thaw on their own after the head, for one epoch each


def fit_finetune(
    learn: Learner[Any, Any], epochs: int | None = None, lr: float | None = None
) -> None:
    """Train the head for an epoch, unless it knows the classes already; then everything.

    Args:
        learn: learner of a classifier.
        epochs: epochs of the second phase; None: see `zoo.text.finetune`.
        lr: highest rate of the head; None: see `zoo.text.finetune`.
    """
    epochs, lr = _usual(learn, epochs, lr)
    if not learn.model.head_trained:
        learn.freeze()
        with learn.time(1 / (1 + epochs)):
            learn.fit(1, lr, CYCLE)
    learn.unfreeze()
    if epochs and not learn.interrupted:
        learn.fit(epochs, (lr / RATIO, lr), CYCLE)


def fit_gradually(
    learn: Learner[Any, Any], epochs: int | None = None, lr: float | None = None
) -> None:
    """Train the head, then with each of the last layers, then everything (Howard & Ruder 2018).

    Args:
        learn: learner of a classifier.
        epochs: epochs of the last phase; None: see `zoo.text.finetune`.
        lr: highest rate of the first phase, halved for each of the next, a fifth of the last of
            these in the last phase; None: see `zoo.text.finetune`.
    """
    epochs, lr = _usual(learn, epochs, lr)
    n = len(learn.groups)
    n_alone = 0 if learn.model.head_trained else min(THAWED, n - 2) + 1
    phases = [(n - 1 - i, 1, lr / 2**i) for i in range(n_alone)]
    for i, (first, length, rate) in enumerate([*phases, (0, epochs, lr / 2**THAWED / 5)]):
        if length and not learn.interrupted:
            learn.freeze_to(first)
            with learn.time(length / (n_alone - i + epochs) if i < n_alone else 1.0):
                learn.fit(length, gradual_rates(rate, n), CYCLE)


def usual_epochs(steps: int) -> int:
    """How often to read texts that are read in so many steps: more often the fewer they are.

    >>> [usual_epochs(steps) for steps in (1, 150, 400, 5000)]
    [8, 4, 2, 2]
    """
    return min(max(round(STEPS / steps), FEWEST), MOST)


def gradual_rates(lr: float, n_groups: int) -> list[float]:
    """One rate for each layer group, the head's last: each 2.6 times that of the one below.

    >>> [round(rate, 3) for rate in gradual_rates(2.6, 3)]
    [0.385, 1.0, 2.6]
    """
    return [lr / GRADUAL_RATIO ** (n_groups - 1 - i) for i in range(n_groups)]


def _usual(learn: Learner[Any, Any], epochs: int | None, lr: float | None) -> tuple[int, float]:
    """Epochs and rate, the usual ones in place of None."""
    if epochs is None:
        epochs = usual_epochs(learn.data.train.steps(0))
    if lr is None:
        lr = FURTHER_LR if learn.model.head_trained else LR
    return epochs, lr
