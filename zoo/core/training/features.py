"""A frozen body sees each row once: its features, kept on disk.

What a row's features are depends on the body's weights, the row and how it is shown: the name of a
file is a digest of body and look, and in the file a row is found by its content. So the second
experiment on the same rows starts at once, and folds and subsets share one pass. What was killed on
the way begins again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from zoo.core.batches import Batch
from zoo.core.budget import Budget
from zoo.core.cache_folder import expanded
from zoo.core.contents import Hashes
from zoo.core.fingerprint import digest
from zoo.core.split import Rows
from zoo.core.task import Task
from zoo.core.training.evaluation import predict_batches
from zoo.core.training.feature_file import Known, keep, read
from zoo.core.training.learner import Learner

SUFFIX: Final = ".features"
_VERSION: Final = "zoo-features-3"
MOST_SEEN: Final = 0.5  # of a budget, to see rows
FIRST: Final = 32  # rows, whose time tells how many more there may be,
MORE: Final = 4  # times as many at a time


@dataclass(frozen=True, eq=False)
class Look:
    """Rows as a frozen body sees them in one way.

    Attributes:
        targets: what is to be predicted of the rows. Shape: (n, ...), on the CPU.
        names: what the features of each row are found by, such as a hash of its content. (n,)
        width: number of features of a row.
        compute: numbers of rows (k,) -> their features (k, width), float32, on the CPU. Beyond
            rounding, a row's features must not depend on the rows beside it.
        weights: those of the body.
        facts: what else the features depend on, of plain values that have a `repr`: how rows are
            shown and pooled. None if rows cannot be told from others: no file keeps their features.
        folder: where they are kept unless the learner's run names another cache.
    """

    targets: Tensor
    names: Hashes
    width: int
    compute: Callable[[Rows], Tensor]
    weights: Mapping[str, Tensor]
    facts: tuple[Any, ...] | None
    folder: Path


def features_of(learn: Learner[Any, Any], look: Look) -> Tensor:
    """The features of a look: those that the cache has, and the others. (n, width), on the CPU.

    A row that occurs several times is seen once, if its name says so.

    Args:
        learn: the learner of the body; its run says how much is kept, and where.
        look: the rows.
    """
    place = _place(learn, look)
    known = Known.nothing(look.width) if place is None else read(place, look.width)
    lacking = known.lacks(look.names)
    if len(lacking):
        known = known.added(look.names[lacking], look.compute(lacking))
        if place is not None:
            keep(place, known, int(learn.run.cache_gb * 1e9))
    return known.of(look.names)


def features_and_targets(learn: Learner[Any, Any], looks: Sequence[Look]) -> tuple[Tensor, Tensor]:
    """What the looks give, one after the other. Shape: (n, width) and (n, ...), on the CPU."""
    rows = torch.cat([features_of(learn, look) for look in looks])
    return rows, torch.cat([look.targets for look in looks])


def features_in_time(learn: Learner[Any, Any], looks: Sequence[Look]) -> tuple[Tensor, Tensor]:
    """As `features_and_targets`, of as many rows, drawn once, as the learner's budget has time for.

    Half of the time that is left goes to it; at least `FIRST` rows are seen in the first way.
    """
    if learn.budget is None:
        return features_and_targets(learn, looks)
    features, targets, time = [], [], learn.budget.part(MOST_SEEN)
    for i, look in enumerate(looks):
        if i and time.left <= 0:
            break
        known = _known_in_time(learn, look, time.part(1 / (len(looks) - i)))
        has = np.isin(look.names, known.names)
        if not has.all():
            learn.shortened = True
            learn.budget.say(f"the probe was fitted to {has.mean():.2g} of the rows")
        features.append(known.of(look.names[has]))
        targets.append(look.targets[torch.from_numpy(has)])
    return torch.cat(features), torch.cat(targets)


def _known_in_time(learn: Learner[Any, Any], look: Look, time: Budget) -> Known:
    """What the cache has of a look, and what can be computed of the rest within some time."""
    place = _place(learn, look)
    known = Known.nothing(look.width) if place is None else read(place, look.width)
    rest, n = np.random.default_rng(0).permutation(known.lacks(look.names)), FIRST
    if not len(rest):
        return known
    while len(rest) and n > 0:
        left, rows = time.left, np.sort(rest[:n])
        seen = look.compute(rows)
        if len(seen) != len(rows):  # rows that are only seen all together
            rows = rest = np.arange(len(seen))
        known, rest = known.added(look.names[rows], seen), rest[len(rows) :]
        n = min(int(len(rows) * time.left / max(left - time.left, 1e-9)), MORE * n)
    if place is not None:
        keep(place, known, int(learn.run.cache_gb * 1e9))
    return known


def computed(learn: Learner[Any, Any], body: nn.Module, batches: Iterable[Batch]) -> Tensor:
    """What a body says of batches, as the learner computes. (n, width), float32, on the CPU.

    Args:
        learn: its device and precision count.
        body: the inputs of a batch -> features, one row for each target and perhaps more.
        batches: in the order of the rows.
    """
    outputs = predict_batches([body], batches, _AS_IS, learn.device, learn.dtype)
    return torch.cat([batch.mean[: len(batch.target)].cpu() for batch in outputs])


def _place(learn: Learner[Any, Any], look: Look) -> Path | None:
    """The file of a look: its name tells weights and facts; None without any."""
    if look.facts is None:
        return None
    facts = (_VERSION, *look.facts, learn.dtype, learn.device.type)
    folder = look.folder if learn.run.cache is None else expanded(learn.run.cache, "cache")
    return folder / (digest((repr(facts), dict(look.weights))) + SUFFIX)


_AS_IS = Task(loss=lambda output, target: (output.mean(), 1), decode=lambda output: output)
