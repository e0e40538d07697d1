"""How a classifier on a pretrained encoder is fine-tuned: the head first, then everything.

The encoder knows far more than a few texts can tell, so its rates are low, and lower the nearer a
layer is to the word pieces (Howard & Ruder 2018, sec. 3.2, discriminative fine-tuning).
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from zoo.core.training.learner import Learner
from zoo.core.training.schedules import one_cycle
from zoo.text.classification.recipe import fit_gradually

HEAD_LR: Final = 1e-2  # of a new head alone, on a frozen encoder
LR, FURTHER_LR = 2e-4, 1e-4  # of the head after that; of one that knows the classes
RATIO: Final = 10.0  # of the head's rate to that of the embeddings
STEPS: Final = 200  # that the usual number of epochs makes, within its limits
FEWEST, MOST = 1, 8  # epochs


def fit_encoder(
    learn: Learner[Any, Any],
    epochs: int | None = None,
    lr: float | None = None,
    *,
    gradual: bool = False,
) -> None:
    """Train the head on the frozen encoder, unless it knows the classes already; then everything.

    Args:
        learn: learner of a classifier on an encoder.
        epochs: epochs of the second phase; None: see `zoo.text.finetune`.
        lr: highest rate of the head in it; None: see `zoo.text.finetune`.
        gradual: whether the layer groups thaw one after another, see `fit_gradually`.
    """
    if lr is None:
        lr = FURTHER_LR if learn.model.head_trained else LR
    if epochs is None:
        epochs = usual_epochs(learn.data.train.steps(0))
    schedule = partial(one_cycle, pct_start=0.3)
    if not learn.model.head_trained:
        learn.freeze()
        learn.fit(1, HEAD_LR, schedule)
    learn.unfreeze()
    if not epochs or learn.interrupted:
        return
    if gradual:
        fit_gradually(learn, epochs, lr)
    else:
        learn.fit(epochs, (lr / RATIO, lr), schedule)


def usual_epochs(steps: int) -> int:
    """How often to read texts that are read in so many steps: more often the fewer they are.

    >>> [usual_epochs(steps) for steps in (1, 50, 400)]
    [8, 4, 1]
    """
    return min(max(round(STEPS / steps), FEWEST), MOST)
