"""What a call with a budget leaves out, so that it ends in time with a model that was measured.

A budget is a ceiling: a call that has time for everything does everything, as without one. Where it
has not, all of the time goes to one training beside one held-out part; folds and the training on
all rows come after it if they fit, by the time that this one took.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

import torch

from zoo.core import budget
from zoo.core.budget import Budget
from zoo.core.messages import warn
from zoo.core.run import Run, rank_and_world
from zoo.core.training.evaluation import predict_batches
from zoo.core.training.learner import Learner
from zoo.core.trust.rivals import SHARE

PASSES: Final = 3.0  # over the held-out part, after training: scores, predictions, the model's own
ALL_PASSES: Final = 10.0  # those between which a recipe chooses among them
MOST_PASSES: Final = 0.3  # of the time that is left, for all of them
FEWEST: Final = 32  # rows that are held out in any case
MEASURED: Final = 3  # batches, or as many as take
ENOUGH: Final = 1.0  # seconds
OF_TRIAL: Final = 0.85  # of a trial's time, in which as many rows are trained on without scores

AnyLearner = Learner[Any, Any]


def load_libraries() -> None:
    """Import what training needs at some point: the seconds that it takes once are no trial's."""
    for name in ("torchmetrics", "sklearn.linear_model"):
        importlib.import_module(name)
    torch.optim.AdamW([torch.zeros(1)])  # the first optimizer imports a compiler


def pass_seconds(learn: AnyLearner) -> float:
    """How long a pass over the held-out part takes, by its first batches."""
    valid, at = learn.data.valid, [budget.clock()]
    assert valid is not None
    batches = itertools.islice(valid.epoch(0), MEASURED)
    for one in predict_batches([learn.model], batches, learn.task, learn.device):
        one.mean.cpu()
        at.append(budget.clock())
        if at[-1] - at[0] > ENOUGH:
            break
    own = at[1:] if len(at) > 2 else at  # the first takes longer than others
    seconds = (own[-1] - own[0]) / (len(own) - 1)
    if learn.budget is not None:
        learn.budget.book.batch_seconds = seconds
    return seconds * valid.steps(0)


def remembered_share(run: Run, name: str, share: Callable[[], float]) -> float:
    """What part of some rows there is time for; a run that goes on keeps to that of its first call.

    Args:
        run: the call's.
        name: of the rows, for a file in the run's folder.
        share: finds it: 1 or more stands for all.
    """
    place = None if run.out is None else Path(run.out) / f".share-of-{name}"
    if place is not None and run.resume and place.exists():
        return float(place.read_text(encoding="utf-8"))
    part = share()
    if place is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"{part!r}\n", encoding="utf-8")
    return part


def hold_out_in_time(learn: AnyLearner) -> None:
    """Leave out rows of the held-out part where passes over all of it would take too long."""
    time, valid = learn.budget, cast(Any, learn.data.valid)
    if time is None or not hasattr(valid, "part") or hasattr(learn.model, "is_computed"):
        return

    def share() -> float:
        time.book.pass_seconds = pass_seconds(learn)
        most = MOST_PASSES * max(time.left, 0.0)
        return most / max(ALL_PASSES * time.book.pass_seconds, 1e-9)

    part = remembered_share(learn.run, "held-out-rows", share)
    if part < 1:
        valid = valid.part(part, FEWEST)
        time.book.pass_seconds *= part
        n = f"{len(valid)}" if hasattr(valid, "__len__") else "some"
        time.say(f"{n} of the held-out rows were scored")
        learn.data = learn.data._replace(valid=valid, origin=None)


@contextmanager
def time_to_train(learn: AnyLearner, *, has_rivals: bool) -> Iterator[None]:
    """Within this context a learner's budget is that of its training, before it is scored."""
    keep = 0.0
    if learn.budget is not None and has_rivals:
        keep = learn.budget.left * SHARE / (1 + SHARE)
    with learn.time(passes=PASSES, keep=keep):
        yield


def has_time(time: Budget | None, seconds: float) -> bool:
    """Whether there is time for something of so many seconds; always without a budget."""
    return time is None or time.left >= seconds


def require_alone() -> None:
    """Refuse a budget for several processes, whose clocks differ.

    Raises:
        ValueError: there are several.
    """
    if (n := rank_and_world()[1]) > 1:
        raise ValueError(
            f"minutes must be those of a single process, got {n} processes. Leave them out, or "
            "train in one."
        )


def warn_of_haste(time: Budget | None, minutes: float | None) -> None:
    """Tell what was left out for want of time."""
    if time is not None and time.book.notes:
        warn(
            f"minutes must suffice for the whole call, got {minutes:g}, and so "
            f"{'; '.join(time.book.notes)}. Give more for all of it."
        )
