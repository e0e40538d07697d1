"""How a classifier on a pretrained encoder is fine-tuned: a probe, the upper layers, a probe again.

The encoder knows far more than a few texts can tell: logistic regression on its vectors is where
training starts. The upper two thirds of its blocks are then trained for some dozens of steps, by
cross entropy and a contrast of all texts of a batch (`zoo.text.models.contrast`); a logistic
regression on the vectors that come of it is better than the head that was trained with them (so
does SetFit: Tunstall et al. 2022, sec. 3). The end lies between both regressions and their
encoders, where texts held out find it best.
"""

from __future__ import annotations

import math
from typing import Any, Final

from zoo.core.training.from_probe import ProbeStart, fit_between
from zoo.core.training.learner import Learner
from zoo.core.training.shares import ShareChoice, Sums
from zoo.core.trust.fine_tuning import FineTuning
from zoo.text.classification.features import looks
from zoo.text.classification.recipe import fit_gradually

LR: Final = 1e-4  # of all layers that train
MOST: Final = 20  # epochs, of a single step each
FALL: Final = 0.6  # power of the steps of an epoch with which there are fewer epochs
FROZEN: Final = 2  # layer groups: the embeddings, and the first third of the blocks
TRUSTED: Final = 1.0  # usual share of the tuned weights: they are better from 8 texts a class on
PENALTIES: Final = (1.0, 0.03, 0.1, 0.3, 3.0, 10.0)  # of the regressions, the first the likeliest

START: Final = ProbeStart(
    looks,
    last=lambda network: network.head,
    is_trained=lambda network: network.head_trained,
    penalties=PENALTIES,
)


def fine_tuning(epochs: int | None, lr: float | None, *, gradual: bool = False) -> FineTuning:
    """How one call of `finetune` trains its learners, and what it compares them with.

    Args:
        epochs: passes over the texts; None: see `usual_epochs`; 0 keeps the probe.
        lr: highest rate of the head; None takes `LR`.
        gradual: whether the layer groups thaw one after another, see `fit_gradually`; the end is at
            the last weights then.
    """

    def fit(learn: Learner[Any, Any], earlier: Sums | None) -> ShareChoice | None:
        n = usual_epochs(learn.data.train.steps(0)) if epochs is None else epochs
        if not gradual:
            refit = None if START.is_trained(learn.model) else START
            how: Any = {"rule": TRUSTED, "frozen": FROZEN, "refit": refit}
            return fit_between(learn, n, lr or LR, 1.0, earlier, **how)
        fit_gradually(learn, n, lr or LR)
        return None

    return FineTuning(START, None if epochs == 0 else fit)


def usual_epochs(steps: int) -> int:
    """How often to read texts that are read in so many steps: more often the fewer they are.

    >>> [usual_epochs(steps) for steps in (1, 4, 8, 32, 400)]
    [20, 9, 6, 3, 1]
    """
    return max(round(MOST / math.pow(steps, FALL)), 1)
