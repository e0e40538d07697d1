"""From a linear probe to fine-tuned weights: the head first, then everything, the end between both.

What differs between domains is how rows become features, and where the head is: `ProbeStart`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch
from numpy.typing import NDArray
from torch import nn

from zoo.core import state_file
from zoo.core.run import rank_and_world
from zoo.core.training import probe
from zoo.core.training.features import Look, features_in_time
from zoo.core.training.learner import Learner
from zoo.core.training.schedules import one_cycle
from zoo.core.training.shares import (
    SHARES,
    ShareChoice,
    Sums,
    choose_share,
    trusted_share,
    weights_of,
)

STARTED: Final = ".started.safetensors"  # file of a run's folder: weights that a head's epoch made
HEAD_LR: Final = 2e-3  # of a head alone, on a frozen body
HEAD_SHARE: Final = 0.3  # of a budget, for this head
COMPARED: Final = 0.2  # of a budget, to compare penalties
REFIT_PASSES: Final = 4.0  # over the validation part, in which all rows of training pass once
RISE: Final = 0.3  # share of the steps in which the rate rises


@dataclass(frozen=True)
class ProbeStart:
    """How the networks of a domain start from a linear probe.

    Args:
        looks: a learner -> its training rows as the frozen body sees them: as they are, then in
            other ways that training shows them too, such as mirrored.
        last: a network -> the last linear layer of its head.
        is_trained: a network -> whether its head knows the classes already.
        is_linear: a network -> whether the last layer is the whole head.
        penalties: of the probe, see `zoo.core.training.probe.fit`. Several are compared on rows, so
            that they suit a domain where a row is looked at in one way alone.
    """

    looks: Callable[[Learner[Any, Any]], Sequence[Look]]
    last: Callable[[Any], nn.Linear]
    is_trained: Callable[[Any], bool]
    is_linear: Callable[[Any], bool] = lambda network: True
    penalties: Sequence[float] = (probe.PENALTY,)

    def apply(self, learn: Learner[Any, Any]) -> None:
        """Fit the head to the frozen body's features, if it is one linear layer.

        A head with a hidden layer is trained for an epoch instead, the body frozen; one that knows
        the classes already stays as it is.
        """
        if self.is_trained(learn.model):
            return
        if not self.is_linear(learn.model):
            _train_head(learn)
            return
        self.fit_head(learn)

    def fit_head(self, learn: Learner[Any, Any], penalty: float | None = None) -> None:
        """Fit the last layer to the features that the body gives now.

        Args:
            learn: the learner.
            penalty: the regression's; None compares `penalties`.
        """
        last, features, targets = self._rows(learn)
        penalties = self.penalties if penalty is None else (penalty,)
        with learn.time(COMPARED):
            line = probe.fit(
                features, targets, learn.task, last.out_features, penalties, learn.budget
            )
        probe.start_head(last, *line)

    def penalty(self, learn: Learner[Any, Any]) -> float:
        """The best of `penalties` for the features that the body gives now."""
        last, features, targets = self._rows(learn)
        n_out = last.out_features
        with learn.time(COMPARED):
            return probe.best_penalty(
                features, targets, learn.task, n_out, self.penalties, learn.budget
            )

    def _rows(self, learn: Learner[Any, Any]) -> tuple[nn.Linear, probe.Floats, NDArray[Any]]:
        """The last layer; the training rows' features and targets."""
        features, targets = features_in_time(learn, self.looks(learn))
        return self.last(learn.model), features.numpy(), targets.numpy()

    def name(self, network: nn.Module) -> str:
        """What a network that has started is called, beside the one that has trained."""
        is_probe = self.is_linear(network) and not self.is_trained(network)
        return "linear probe" if is_probe else "before fine-tuning"


def _train_head(learn: Learner[Any, Any]) -> None:
    """Train the head for an epoch, the body frozen.

    What it has made is kept in a run's folder, for a resumed run that is beyond it.
    """
    before = weights_of(learn.model)
    learn.freeze()
    with learn.time(HEAD_SHARE):
        learn.fit_one_cycle(1, HEAD_LR, pct_start=0.99)
    if learn.run.out is None or learn.interrupted:
        return
    place = Path(learn.run.out) / STARTED
    if not learn.state.is_ahead(learn.progress):
        if rank_and_world()[0] == 0:
            own = learn.model.state_dict().items()
            changed = {name: t for name, t in own if not torch.equal(t, before[name])}
            state_file.save(place, {"weights": changed})
    elif place.exists():
        learn.model.load_state_dict({**before, **state_file.load(place)["weights"]})


def fit_between(
    learn: Learner[Any, Any],
    epochs: int,
    lr: float,
    ratio: float,
    earlier: Sums | None = None,
    *,
    rule: float | None = None,
    frozen: int = 0,
    refit: ProbeStart | None = None,
) -> ShareChoice | None:
    """Train everything by one cycle, and end between the first and the last weights.

    How far from the first the validation part decides, with a rule that it is shrunk to (see
    `zoo.core.training.shares`); the first themselves are among the choices.

    Args:
        learn: a learner that has started, see `ProbeStart`.
        epochs: in all.
        lr: highest rate of the head.
        ratio: of the head's rate to that of the first layer group.
        earlier: see `zoo.core.training.shares.choose_share`.
        rule: the usual share of the last weights; None takes `trusted_share`.
        frozen: layer groups that stay as they are, from the input on.
        refit: fits the head anew to the features that training has made, as SetFit does (Tunstall
            et al. 2022, sec. 3), with the penalty that suits the first features: the others know
            the rows. None keeps the trained head.

    Returns:
        What the validation part chose, if it did.
    """
    first = weights_of(learn.model)
    penalty = None if refit is None else refit.penalty(learn)
    passes = len(SHARES) + (0.0 if refit is None else REFIT_PASSES)
    with learn.time(passes=passes):
        train_all(learn, epochs, lr, ratio, frozen)
    if learn.state.is_finished:  # the weights are those of the end already
        return None
    if refit is not None and not learn.interrupted:
        refit.fit_head(learn, penalty)
    n: int = len(learn.data.train)  # type: ignore[arg-type]
    return choose_share(learn, first, trusted_share(n) if rule is None else rule, earlier)


def train_all(
    learn: Learner[Any, Any], epochs: int, lr: float, ratio: float, frozen: int = 0
) -> None:
    """Train every layer group that is not frozen by one cycle, see `fit_between`."""
    learn.freeze_to(frozen)
    learn.fit(epochs, (lr / ratio, lr), partial(one_cycle, pct_start=RISE))


def fit_head(learn: Learner[Any, Any], epochs: int, lr: float) -> None:
    """Train the head alone, by one cycle."""
    learn.freeze()
    learn.fit_one_cycle(epochs, lr, pct_start=RISE)
