"""How far to go from a fit's first weights to its last ones: found on the held-out rows.

The straight line between what training started from and what it ended with holds better weights
than either end (WiSE-FT: Wortsman et al. 2022, "Robust Fine-Tuning of Zero-Shot Models", sec. 3);
where on it the best lie differs from one data set to the next. A few points are scored. A rule says
which to take where they are alike, and a point far from it must be better by more.

The rows that chose a point cannot tell how good it is. So each half of them is scored at the point
that the other half would have chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from zoo.core.batches import Batch
from zoo.core.history import History
from zoo.core.run import rank_and_world
from zoo.core.task import Task
from zoo.core.training.evaluation import evaluate, predict_batches
from zoo.core.training.fit import Fit

SHARES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the last weights, beside the rule's
SPREAD: Final = 0.25  # of shares around the rule's, as a deviation: half a share off costs 2 nats


_NO_METRICS: Final = {"epoch", "step", "train_loss", "valid_loss", "lr", "seconds", "share"}


class Choice(NamedTuple):
    """A point between the first and the last weights.

    Attributes:
        share: of the last weights, chosen on all held-out rows.
        losses: mean loss of the held-out rows at each share.
        predictions: decoded predictions of the held-out rows in their order, at the share that the
            other half of them chose. Shape: (n, ...), on the CPU.
        scores: loss and metrics of these predictions.
    """

    share: float
    losses: dict[float, float]
    predictions: Tensor
    scores: dict[str, float]


@torch.no_grad()
def choice_of(fit: Fit, go_to: Callable[[float], None], rule: float) -> Choice | None:
    """The share with the least loss on the held-out rows, shrunk to a rule's.

    Where the loss is the logarithm of a probability, what is minimised is the posterior's, with a
    normal prior around the rule; other losses are shrunk by the same sum.

    Args:
        fit: the fit, at its end.
        go_to: gives the fit's model the weights at a share.
        rule: share to take where all are alike.

    Returns:
        The choice, or None where no rows are held out or predictions have no loss.
    """
    if fit.valid is None or fit.task.score is None:
        return None
    shares = sorted({*SHARES, rule})
    said: list[Tensor] = []
    for share in shares:
        go_to(share)
        batches = fit.valid.epoch(0)
        outputs = list(predict_batches([fit.model], batches, fit.task, fit.device, fit.dtype))
        said.append(torch.cat([one.mean for one in outputs]))
    target = torch.cat([one.target for one in outputs])
    halves = [
        _totals(fit.task, [rows[half::2] for rows in said], target[half::2]) for half in (0, 1)
    ]
    totals = torch.stack(halves)  # (2, shares, 2): sum of losses, and how many
    if rank_and_world()[1] > 1:
        torch.distributed.all_reduce(totals)
    away = (torch.tensor(shares, device=totals.device) - rule) / SPREAD
    best = [int((sums + away**2 / 2).argmin()) for sums in totals[..., 0]]
    crossed = said[best[1]].clone()
    crossed[1::2] = said[best[0]][1::2]
    whole = totals.sum(0)
    losses = (whole[:, 0] / whole[:, 1].clamp(min=1)).tolist()
    return Choice(
        shares[int((whole[:, 0] + away**2 / 2).argmin())],
        dict(zip(shares, losses, strict=True)),
        crossed.cpu(),
        scores_of(fit.task, crossed, target),
    )


def scores_of(task: Task, predictions: Tensor, target: Tensor) -> dict[str, float]:
    """Loss and metrics of decoded predictions, as `evaluate` gives them of a model.

    Args:
        task: one whose predictions have a loss.
        predictions: on the device. Shape: (n, ...)
        target: likewise.
    """
    assert task.score is not None
    of_decoded = Task(task.score, nn.Identity(), task.metrics)
    return evaluate([nn.Identity()], [Batch((predictions,), target)], of_decoded, target.device)


def scores_in(history: History) -> dict[str, float]:
    """Scores of a choice that ended the last fit, as the history keeps them; nothing without one.

    They are not flattered by the choice, as those of the weights at the chosen share would be.
    """
    row = dict(history.rows[-1]) if history.rows else {}
    if "share" not in row:
        return {}
    return {"loss": row["valid_loss"]} | {k: v for k, v in row.items() if k not in _NO_METRICS}


def _totals(task: Task, said: list[Tensor], target: Tensor) -> Tensor:
    """Sum of losses and their number at each share. Shape: (shares, 2)"""
    assert task.score is not None
    pairs = [task.score(rows, target) for rows in said]
    sums = [torch.stack([loss * count, torch.ones_like(loss) * count]) for loss, count in pairs]
    return torch.stack(sums)
