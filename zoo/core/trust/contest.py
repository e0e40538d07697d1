"""A contest: what a network and its rivals say of the same held-out rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.core.mixture import Mixture
from zoo.core.task import Task, rescaled
from zoo.core.trust.conformal import ClassErrors, Errors, NumberErrors
from zoo.core.trust.mixing import cross_fitted, fitted_mixture, random_parts

NETWORK, RETURNED = "network", "returned"
CHUNKS: Final = 20  # of rows, whose differences tell a standard error
BETTER: Final = "is clearly better on these rows"
CLEARLY: Final = 2.0  # standard errors by which a better model is called better


@dataclass
class Contest:
    """What a network and its rivals say of rows that none of them was trained on.

    Attributes:
        task: loss, decoding and metrics.
        target: what was to be predicted. Shape: (n, ...)
        predictions: decoded ones by name, the network's first. Shape: (n, ...) each.
        part_of: the part of each row for cross-fitting, such as its fold. Shape: (n,)
        partners: names of those that a blend may take.
        seconds: that each took.
        rows: on how many rows each was fitted; 0 stands for all.
        difficulty: how hard each row is to predict; None if the domain does not say. Shape: (n,)
    """

    task: Task
    target: Tensor
    predictions: dict[str, Tensor]
    part_of: NDArray[np.int64]
    partners: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    difficulty: NDArray[np.float64] | None = None

    @classmethod
    def joined(cls, contests: Sequence[Contest]) -> Contest:
        """Those of several folds as one, whose parts are the folds; a single one as it is."""
        if len(contests) == 1:
            return contests[0]
        hard: Any = [one.difficulty for one in contests]
        first, sizes = contests[0], [len(one.target) for one in contests]
        names = [name for name in first.predictions if all(name in c.predictions for c in contests)]
        return cls(
            first.task,
            torch.cat([one.target for one in contests]),
            {name: torch.cat([one.predictions[name] for one in contests]) for name in names},
            np.repeat(np.arange(len(contests)), sizes),
            [name for name in first.partners if name in names],
            {name: sum(one.seconds.get(name, 0.0) for one in contests) for name in names},
            {name: min(one.rows.get(name, 0) for one in contests) for name in names},
            None if any(one is None for one in hard) else np.concatenate(hard),
        )

    @cached_property
    def mixture(self) -> Mixture | None:
        """How the network and its partners are mixed, fitted on all rows; None: not at all."""
        if self.task.score is None:
            return None
        mixture = fitted_mixture(self.task, self._mixed, self.target)
        both = (self._crossed, self.predictions[NETWORK])
        crossed, own = (scores(self.task, one, self.target)["loss"] for one in both)
        return mixture if crossed < own else None  # else weights do not carry over to other rows

    @property
    def shares(self) -> dict[str, float]:
        """The share of each partner in the mixture; none of 0."""
        weights = self.mixture and self.mixture.weights
        shares = zip(self.partners, (weights or (1.0,))[1:], strict=False)
        return {name: share for name, share in shares if share > 0}

    @property
    def returned(self) -> Tensor:
        """Predictions of what the call returns, each by weights fitted on other rows."""
        return self._crossed if self.mixture else self.predictions[NETWORK]

    @cached_property
    def _crossed(self) -> Tensor:
        return cross_fitted(self.task, self._mixed, self.target, self.part_of)

    def errors(self, task: Task) -> Errors | None:
        """How wrong what is returned is of these rows; None where a row has several answers.

        Args:
            task: that of the model that predicts, whose numbers may be scaled by other rows.
        """
        said, truth = (rescaled(one, self.task, task) for one in (self.returned, self.target))
        if task.is_squared:
            is_single = said[0].numel() == truth[0].numel() == 1
            flat, own = (one.double().flatten().numpy() for one in (said, truth))
            return NumberErrors.of(flat, own, self.difficulty) if is_single else None
        is_class = said.ndim == 2 and truth.ndim == 1
        return ClassErrors.of(said.double().numpy(), truth.numpy()) if is_class else None

    def metrics(self, predictions: Tensor) -> dict[str, float]:
        """Loss and metrics of predictions."""
        return scores(self.task, predictions, self.target)

    def by_part(self, predictions: Tensor) -> list[dict[str, float]]:
        """Loss and metrics of each part."""
        parts = [np.flatnonzero(self.part_of == part) for part in np.unique(self.part_of)]
        return [scores(self.task, predictions[i], self.target[i]) for i in parts]

    def standings(self) -> list[dict[str, Any]]:
        """Name, share, loss, metrics, rows and seconds of each, and of what is returned."""
        rest = max(round(1 - sum(self.shares.values()), 6), 0.0)
        shares = {NETWORK: rest} | self.shares
        rows: list[dict[str, Any]] = []
        for name, predictions in self.predictions.items():
            row = {"name": name, "share": shares.get(name, 0.0), **self.metrics(predictions)}
            row["seconds"] = self.seconds.get(name, 0.0)
            rows.append(row | ({"rows": self.rows[name]} if self.rows.get(name) else {}))
        if self.mixture:
            rows.append({"name": RETURNED, "share": 1.0, **self.metrics(self.returned)})
        return [
            {k: v if isinstance(v, str) else float(f"{v:.6g}") for k, v in r.items()} for r in rows
        ]

    def better(self) -> str:
        """The rival that is clearly better than what is returned, in a sentence; empty if none.

        Partners are none: the blend could have been theirs alone. Clearly: by more than two
        standard errors of the difference of losses, over chunks of rows.
        """
        chunk_of = random_parts(len(self.target), 0, CHUNKS)
        if len(np.unique(chunk_of)) < CHUNKS:
            return ""
        own = self._losses(self.returned, chunk_of)
        gains = {}
        for name, predictions in self.predictions.items():
            if name == NETWORK or name in self.partners:
                continue
            gain = own - self._losses(predictions, chunk_of)
            if gain.mean() > CLEARLY * gain.std(ddof=1) / CHUNKS**0.5:
                gains[name] = gain.mean()
        if not gains:
            return ""
        best = max(gains, key=gains.__getitem__)
        theirs, ours = (self.metrics(p)["loss"] for p in (self.predictions[best], self.returned))
        return f"{best} {BETTER}: loss {theirs:.4g} against {ours:.4g}"

    @property
    def _mixed(self) -> list[Tensor]:
        return [self.predictions[name] for name in (NETWORK, *self.partners)]

    def _losses(self, predictions: Tensor, chunk_of: NDArray[np.int64]) -> NDArray[np.float64]:
        """The loss of each chunk of rows."""
        assert self.task.score is not None
        chunks = [torch.from_numpy(np.flatnonzero(chunk_of == i)) for i in range(CHUNKS)]
        losses = [self.task.score(predictions[rows], self.target[rows])[0] for rows in chunks]
        return np.array([float(loss) for loss in losses])


def scores(task: Task, predictions: Tensor, target: Tensor) -> dict[str, float]:
    """Loss and metrics of decoded predictions.

    Args:
        task: it must have a `score`.
        predictions: decoded ones. Shape: (n, ...)
        target: what they should be.
    """
    assert task.score is not None
    values: Mapping[str, Any] = task.metrics()
    for metric in values.values():
        metric.update(predictions, target)
    loss = float(task.score(predictions, target)[0])
    return {"loss": loss, **{name: float(metric.compute()) for name, metric in values.items()}}
