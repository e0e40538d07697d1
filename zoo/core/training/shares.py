"""How far to go from a training's first weights to its last ones: found on the held-out rows.

The straight line between what training started from and what it ended with holds better weights
than either end (WiSE-FT: Wortsman et al. 2022, "Robust Fine-Tuning of Zero-Shot Models", sec. 3);
where on it the best lie differs from one data set to the next. A few points are scored. A rule says
which to take where they are alike, and a point far from it must be better by more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn

from zoo.core.training.choice import choose
from zoo.core.training.learner import Learner

SHARES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the last weights, beside the rule's
SPREAD: Final = 0.25  # of shares around the rule's, as a deviation: half a share off costs 2 nats

Weights = Mapping[str, Tensor]
Sums = Mapping[float, float]
"""Sum of losses of held-out rows at each share."""


class ShareChoice(NamedTuple):
    """A point between the first and the last weights.

    Attributes:
        share: of the last weights, chosen on all held-out rows.
        sums: of losses, those of earlier parts among them.
        predictions: decoded predictions of the held-out rows in their order, at the share that the
            earlier parts and the other half of them chose. Shape: (n, ...), on the CPU.
    """

    share: float
    sums: Sums
    predictions: Tensor


def weights_of(model: nn.Module) -> Weights:
    """A copy of a model's weights and buffers, to go back to."""
    return {name: t.detach().clone() for name, t in model.state_dict().items()}


def go_between(model: nn.Module, first: Weights, last: Weights, share: float) -> None:
    """Give a model the weights at a share of the last ones; whole numbers are the last ones.

    Args:
        model: the network.
        first: weights at share 0.
        last: weights at share 1.
        share: 0..1.
    """
    pairs = ((name, first[name], t) for name, t in last.items())
    model.load_state_dict(
        {k: torch.lerp(a, b, share) if b.is_floating_point() else b for k, a, b in pairs}
    )


def choose_share(
    learn: Learner[Any, Any], first: Weights, rule: float, earlier: Sums | None = None
) -> ShareChoice | None:
    """Go to the share with the least loss on the held-out rows, shrunk to a rule's.

    Where the loss is the logarithm of a probability, what is minimised is the posterior's, with a
    normal prior around the rule; other losses are shrunk by the same sum.

    Args:
        learn: a learner that has trained.
        first: weights that it started from, see `weights_of`.
        rule: share to take where all are alike, or nothing can choose.
        earlier: what other parts of the same data say, such as the folds before: they choose too.

    Returns:
        The choice, or None where nothing can choose, see `zoo.core.training.choice.choose`.
    """
    from zoo.core.training.display import say_line  # slow to import

    last, shares = weights_of(learn.model), sorted(earlier or {*SHARES, rule})
    before = dict.fromkeys(shares, 0.0) | dict(earlier or {})
    prices = [((share - rule) / SPREAD) ** 2 / 2 + before[share] for share in shares]

    def go_to(number: int) -> None:
        go_between(learn.model, first, last, shares[number])

    choice = choose(learn, go_to, prices)
    if choice is None:
        go_to(prices.index(min(prices)))
        return None
    say_line(
        learn.run.progress,
        f"weights at {shares[choice.number]:.0%} of the way from the first to the last, as the "
        "validation part chose",
    )
    sums = {s: before[s] + own for s, own in zip(shares, choice.sums, strict=True)}
    return ShareChoice(shares[choice.number], sums, choice.predictions)


def trusted_share(n: int) -> float:
    """Of fine-tuned weights in their mean with those after the probe, for n training rows.

    The more rows, the more was learnt that the probe cannot know: half up to a thousand, all from
    32,000 on (`scripts/searches/vision_recipe.py` compares shares on sets of 195 to 2,763 photos).

    >>> [trusted_share(n) for n in (200, 1000, 4000, 100_000)]
    [0.5, 0.5, 0.7, 1.0]
    """
    return min(max(0.5 + 0.1 * math.log2(n / 1000), 0.5), 1.0)
