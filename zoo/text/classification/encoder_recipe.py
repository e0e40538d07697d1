"""How a classifier on a pretrained encoder is fine-tuned: a probe, then everything at low rates.

The encoder knows far more than a few texts can tell: logistic regression on its vectors is where
training starts, rates are lower the nearer a layer is to the word pieces (Howard & Ruder 2018, sec.
3.2), and the end lies between the probe and the last weights.
"""

from __future__ import annotations

from typing import Any, Final

from zoo.core.training.from_probe import ProbeStart, fit_between
from zoo.core.training.learner import Learner
from zoo.core.training.shares import ShareChoice
from zoo.core.trust.fine_tuning import FineTuning
from zoo.text.classification.features import looks
from zoo.text.classification.recipe import fit_gradually

LR: Final = 2e-4  # of the head
RATIO: Final = 10.0  # of the head's rate to that of the embeddings
STEPS: Final = 200  # that the usual number of epochs makes, within its limits
FEWEST, MOST = 1, 8  # epochs

START: Final = ProbeStart(
    looks,
    last=lambda network: network.head,
    is_trained=lambda network: network.head_trained,
)


def fine_tuning(epochs: int | None, lr: float | None, *, gradual: bool = False) -> FineTuning:
    """How one call of `finetune` trains its learners, and what it compares them with.

    Args:
        epochs: passes over the texts; None: see `usual_epochs`; 0 keeps the probe.
        lr: highest rate of the head; None takes `LR`.
        gradual: whether the layer groups thaw one after another, see `fit_gradually`; the end is at
            the last weights then.
    """

    def fit(learn: Learner[Any, Any], share: float | None) -> ShareChoice | None:
        n = usual_epochs(learn.data.train.steps(0)) if epochs is None else epochs
        if not gradual:
            return fit_between(learn, n, lr or LR, RATIO, share)
        fit_gradually(learn, n, lr or LR)
        return None

    return FineTuning(START, None if epochs == 0 else fit)


def usual_epochs(steps: int) -> int:
    """How often to read texts that are read in so many steps: more often the fewer they are.

    >>> [usual_epochs(steps) for steps in (1, 50, 400)]
    [8, 4, 1]
    """
    return min(max(round(STEPS / steps), FEWEST), MOST)
