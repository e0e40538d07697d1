"""Fine-tuning that starts from a probe, as `zoo.core.trust.judge` trains and compares it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from zoo.core.batches import Data
from zoo.core.run import rank_and_world
from zoo.core.state_file import replacing
from zoo.core.training import probe
from zoo.core.training.from_probe import ProbeStart
from zoo.core.training.learner import Learner
from zoo.core.training.shares import ShareChoice, Sums, Weights, weights_of
from zoo.core.trust.rivals import Rival

SHARE: Final = ".share"  # file of a run's folder with what its held-out rows chose

Fit = Callable[[Any, Sums | None], ShareChoice | None]
"""(learner, what earlier parts say) -> what the validation part chose, see `fit_between`."""

Settle = Callable[[Any, Sequence[Any]], None]
"""(learner, validated learners of the same call): ends a training."""


class FineTuning:
    """How one call of `finetune` trains its learners, and what it compares them with.

    Args:
        start: how they start from a probe.
        fit: trains everything, such as `zoo.core.training.from_probe.fit_between`; None keeps what
            it starts from.
        settle: what is left to do after training, such as to tune thresholds.
    """

    def __init__(self, start: ProbeStart, fit: Fit | None, settle: Settle | None = None) -> None:
        self.start, self.fit, self.settle = start, fit, settle
        self._earlier: Sums | None = None
        self._first: Weights | None = None

    def train(self, learn: Learner[Any, Any], like: Sequence[Any]) -> Tensor | None:
        """Train a learner, see `zoo.core.trust.trial.Recipe`; all parts so far choose its share."""
        self.start.apply(learn)
        choice = self._first = None
        if self.fit is not None and not learn.interrupted:
            self._first = weights_of(learn.model)
            choice = self.fit(learn, self._earlier)
        if self.settle is not None:
            self.settle(learn, like)
        place = None if learn.run.out is None else Path(learn.run.out) / SHARE
        if choice is None:
            if learn.state.is_finished and place is not None and place.exists():
                self._earlier = dict(json.loads(place.read_text(encoding="utf-8")))
            return None
        self._earlier = choice.sums
        if place is not None and rank_and_world()[0] == 0:  # for a call that is repeated
            with replacing(place) as temporary:
                temporary.write_text(json.dumps([*choice.sums.items()]), encoding="utf-8")
        return choice.predictions

    def rivals(self, learn: Learner[Any, Any]) -> list[Rival[Any]]:
        """The rivals of the learner that was trained last."""
        return rivals_of(learn, self.start, self._first)


class Constant(nn.Module):
    """The same output for every row, whatever the inputs.

    Shape: (B, ...) -> (B, n_out)
    """

    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.register_buffer("value", value)

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        """The constant, once for each row."""
        value: Any = self.value
        return torch.as_tensor(value).expand(len(x), -1)


def rivals_of(
    learn: Learner[Any, Any], start: ProbeStart, first: Weights | None = None
) -> list[Rival[Any]]:
    """Answering always alike, and what a learner started from: they only compare.

    What it started from takes no share in the prediction, for its share is one of weights.

    Args:
        learn: the trained learner.
        start: how learners of the domain start.
        first: weights that it started from, if they could answer already: those of the linear
            probe, or of the pretrained model.
    """
    model = learn.model

    def constant(data: Data[Any], seconds: float) -> nn.Module:
        """Shares of the classes, of rows that have each label, or the mean: a probe of nothing."""
        targets = start.looks(learn)[0].targets.numpy()
        nothing, task = np.zeros((len(targets), 1), np.float32), replace(learn.task, weights=None)
        biases = probe.fit(nothing, targets, task, start.last(model).out_features)[1]
        return Constant(torch.from_numpy(biases))

    def as_it_was(data: Data[Any], seconds: float) -> nn.Module:
        network = copy.deepcopy(model)
        network.load_state_dict(first or {})
        return network.eval()

    rivals = [Rival[Any]("constant", constant, blends=False)]
    if first is not None:
        rivals.append(Rival(start.name(model), as_it_was, blends=False))
    return rivals
