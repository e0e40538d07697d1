"""Which of several ways to a model suits some rows: each cross-validated on the same folds.

A candidate may be anything that learns from some rows and predicts others: a probe on the features
of a frozen body, a bag of words, a network that trains. A probe costs one pass of the rows, which
is kept, and tells most of what fine-tuning would: the order of pretrained bodies on a new task is
nearly that of their probes (Kornblith et al. 2019, "Do Better ImageNet Models Transfer Better?",
sec. 4).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from zoo.core.batches import Batch
from zoo.core.split import Rows
from zoo.core.task import Task
from zoo.core.training import probe
from zoo.core.training.evaluation import set_aside, to_device
from zoo.core.training.features import features_of
from zoo.core.training.from_probe import ProbeStart
from zoo.core.training.learner import Learner
from zoo.core.trust.contest import scores
from zoo.core.trust.folds import Fold, rows_of_fold
from zoo.core.trust.mixing import cross_fitted

FOLDS: Final = 5
SCORES: Final = ("accuracy", "average_precision", "rmse")  # of classes, of labels, of numbers


@dataclass(frozen=True, eq=False)
class Candidate:
    """A way to a model of some rows.

    Attributes:
        task: decoding and metrics, the same for all that are compared.
        targets: of all rows. Shape: (n, ...), on the CPU.
        predict: (rows to learn from, rows to predict) -> decoded predictions (k, ...), on the CPU.
        seconds: that it takes to predict a row.
        MB: megabytes of what has to be kept.
        licence: that of its weights.
        groups: a key for each row; rows of one key, such as copies, share a fold. Shape: (n,)
        seed: the folds are a function of it.
    """

    task: Task
    targets: Tensor
    predict: Callable[[Rows, Rows], Tensor]
    seconds: float
    MB: float
    licence: str
    groups: Rows | None = None
    seed: int = 0

    def out_of_fold(self) -> list[tuple[Rows, Tensor]]:
        """The rows of each fold, and what it predicts of them when it has not seen them.

        Raises:
            ValueError: there are fewer groups than folds.
        """
        targets = self.targets.numpy()
        strata = targets if probe.are_classes(targets) else None
        each = []
        for number in range(FOLDS):
            fold, n = Fold(number, FOLDS), len(targets)
            rows = rows_of_fold(fold, n, self.seed, groups=self.groups, strata=strata)
            each.append((rows[1], self.predict(*rows)))
        return each


Candidates = Iterable[tuple[str, Callable[[], Candidate]]]
"""Names, and what makes each candidate: one is held in memory at a time."""


class Speed(NamedTuple):
    """How a table tells the speed.

    Attributes:
        column: its name.
        of: seconds per row -> what the column holds.
    """

    column: str
    of: Callable[[float], float]


def milliseconds(row: str) -> Speed:
    """Milliseconds per row, which is called such as "photo"."""
    return Speed(f"ms_per_{row}", lambda seconds: round(1000 * seconds, 2))


def per_second(rows: str) -> Speed:
    """Rows per second, which are called such as "texts", to three digits."""
    return Speed(f"{rows}_per_second", lambda seconds: float(f"{1 / seconds:.3g}"))


def require_enough(n: int, rows: str) -> None:
    """Refuse rows of which there are too few to compare anything, before it is read.

    Args:
        n: number of rows that are no copies of each other.
        rows: what they are called, such as "texts".

    Raises:
        ValueError: there are fewer than folds.
    """
    if n < FOLDS:
        raise ValueError(
            f"a comparison must have {FOLDS} different {rows} or more, one for each fold, got {n}. "
            f"Add labelled {rows}, or call finetune with a start that you name."
        )


def comparison(
    candidates: Candidates, speed: Speed, blends: Sequence[tuple[str, ...]] = ()
) -> pd.DataFrame:
    """Candidates compared, the best score first.

    Index: the name. Columns: its score over folds (accuracy, average precision or RMSE) and the
    deviation over them as `spread`; the log loss or squared error as `loss`; the speed; `MB`; the
    `licence`; and `auto`, whether this is the one that "auto" stands for: the smallest whose score
    is within a standard error of the best one's, so that a larger one is taken for what it brings
    alone.

    Args:
        candidates: those to compare.
        speed: how the speed is told.
        blends: names of candidates whose weighted means are compared too, named "a + b"; the
            weights behind a prediction are fitted on the other folds.
    """
    measured = {}
    for name, make in candidates:
        one = make()
        measured[name] = _Measured.of(one)
    for names in blends:
        measured[" + ".join(names)] = _blended([measured[name] for name in names])
    return ranked([one.row(name, speed) for name, one in measured.items()])


def ranked(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """The table of `comparison`.

    Args:
        rows: `name`, the score under its own name, `spread`, `MB` and what else there is to tell.
    """
    table = pd.DataFrame(rows).set_index("name")
    score = table.columns[0]
    sign = -1.0 if score == "rmse" else 1.0
    table = table.sort_values(score, ascending=sign < 0, kind="stable")
    error = table["spread"].iloc[0] / math.sqrt(FOLDS)
    as_good = table[sign * table[score] >= sign * table[score].iloc[0] - error]
    return table.assign(auto=table.index == as_good["MB"].idxmin())


def best_of(table: pd.DataFrame) -> str:
    """The candidate that "auto" stands for, by `comparison`."""
    return str(table.index[table["auto"]][0])


def probe_of(
    learn: Learner[Any, Any],
    start: ProbeStart,
    *,
    seconds: float,
    licence: str,
    groups: Rows | None = None,
    seed: int = 0,
) -> Candidate:
    """The probe on the features of a learner's body; what it learns from it sees in every way.

    Args:
        learn: a learner on all rows that may choose.
        start: how learners of the domain start from a probe.
        seconds: see `Candidate`.
        licence: see `Candidate`.
        groups: see `Candidate`.
        seed: see `Candidate`.
    """
    looks, task, n_out = start.looks(learn), learn.task, start.last(learn.model).out_features
    features = [features_of(learn, look).numpy() for look in looks]
    targets = looks[0].targets.numpy()

    def predict(train: Rows, valid: Rows) -> Tensor:
        seen = np.concatenate([rows[train] for rows in features])
        truth = np.concatenate([targets[train]] * len(looks))
        line = probe.fit(seen, truth, task, n_out, start.penalties)
        return probe.decoded(features[0][valid], *line, task)

    size = megabytes(learn.model)
    return Candidate(task, looks[0].targets, predict, seconds, size, licence, groups, seed)


def megabytes(model: nn.Module) -> float:
    """Size of a network's weights and buffers, to 0.1."""
    weights = model.state_dict().values()
    return float(round(sum(t.numel() * t.element_size() for t in weights) / 1e6, 1))


def seconds_per_row(model: nn.Module, batch: Batch, device: torch.device) -> float:
    """Time of a network for a row of a batch on a device, the first call not counted."""
    batch = to_device(batch, device)
    seconds: list[float] = []
    with set_aside(model), torch.inference_mode():
        for _ in range(3):
            began = time.perf_counter()
            model(*batch.inputs).cpu()
            seconds.append(time.perf_counter() - began)
    return float(min(seconds[1:]) / len(batch.target))


@dataclass(frozen=True, eq=False)
class _Measured:
    """What was measured of a candidate: predictions of each fold, and its facts."""

    task: Task
    targets: Tensor
    folds: list[tuple[Rows, Tensor]]
    seconds: float
    MB: float
    licence: str

    @classmethod
    def of(cls, one: Candidate) -> _Measured:
        facts = (one.seconds, one.MB, one.licence)
        return cls(one.task, one.targets, one.out_of_fold(), *facts)

    @cached_property
    def said(self) -> Tensor:
        """The predictions of all folds, one after the other."""
        return torch.cat([said for _, said in self.folds])

    def row(self, name: str, speed: Speed) -> dict[str, Any]:
        """What the table tells of it."""
        each = pd.DataFrame(
            [scores(self.task, said, self.targets[rows]) for rows, said in self.folds]
        )
        score = next(one for one in SCORES if one in each)
        return {
            "name": name,
            score: each[score].mean(),
            "spread": each[score].std(),
            "loss": each["loss"].mean(),
            speed.column: speed.of(self.seconds),
            "MB": self.MB,
            "licence": self.licence,
        }


def _blended(parts: Sequence[_Measured]) -> _Measured:
    """The weighted mean of several, as one."""
    first, sizes = parts[0], [len(rows) for rows, _ in parts[0].folds]
    target = first.targets[np.concatenate([rows for rows, _ in first.folds])]
    part_of = np.repeat(np.arange(len(sizes)), sizes)
    blended = cross_fitted(first.task, [one.said for one in parts], target, part_of)
    rows = [rows for rows, _ in first.folds]
    folds = list(zip(rows, torch.split(blended, sizes), strict=True))
    licences = ", ".join(dict.fromkeys(one.licence for one in parts if one.licence))
    facts = (sum(one.seconds for one in parts), round(sum(one.MB for one in parts), 1), licences)
    return _Measured(first.task, first.targets, folds, *facts)
