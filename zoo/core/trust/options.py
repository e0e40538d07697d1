"""How the call of a verb is judged, stated once.

It imports no torch, so that the command line reads it at once.
"""

from __future__ import annotations

import os
from typing import Annotated, Final, Literal, TypedDict

from zoo.core.options import Option

_GROUP: Final = "Validation"


class InFolds(TypedDict, total=False):
    """What a learner takes whose data can be held out in folds."""

    fold: Annotated[
        tuple[int, int] | None,
        Option(
            group=_GROUP,
            cli=False,
            help="Hold out one of several parts instead: (0, 5) is the first of five.",
        ),
    ]


FIX: Final = Option(
    cli=str,
    record=True,
    help="Table of what mends the data, as `zoo check --fix` writes it: rows to leave out, labels "
    "to change.",
)


class Mended(TypedDict, total=False):
    """What a learner takes whose data `zoo.check` examines."""

    fix: Annotated[str | os.PathLike[str] | None, FIX]


class Measured(TypedDict, total=False):
    """What `train` and `finetune` take beside the options of a learner."""

    folds: Annotated[
        int | None,
        Option(
            group=_GROUP,
            low=2,
            help="Number of parts that are held out one after another: each metric is the mean of "
            "its values on them, also where that is not its value on all rows together (RMSE, mean "
            "precision), which the table of rivals tells; and the model keeps a prediction for "
            "each row by one that has not seen it.",
        ),
    ]
    minutes: Annotated[
        float | None,
        Option(
            above=0,
            help="Minutes that the call may take: it ends by then with the best model so far. "
            "Epochs, the held-out part, folds and the training on all rows are cut down as far as "
            "it takes, and how far depends on the machine. A resumed call has its own minutes.",
        ),
    ]
    refit: Annotated[
        bool | None,
        Option(
            group=_GROUP,
            help="Train on all rows in the end; the metrics are those measured before. By default "
            "after folds, and where training is cheap and the held-out part was drawn.",
        ),
    ]


class Judged(Measured, total=False):
    """What they take in domains whose models have cheap rivals."""

    rivals: Annotated[
        bool | Literal["all"],
        Option(
            group=_GROUP,
            default=True,
            help="Compare with the cheap models that one would try first, on the same rows, and "
            "let those that help take a share in the prediction.",
            python="'all' compares with the slower ones in short calls too.",
        ),
    ]


class Kept(TypedDict, total=False):
    """What they take in domains whose explanations show training examples as evidence."""

    keep_examples: Annotated[
        bool,
        Option(
            default=False,
            help="Keep the training examples (rows, texts, names of photos) and their vectors in "
            "the artifact: explanations show those most alike. They are never published.",
        ),
    ]


JUDGED: Final = tuple(name for one in (Measured, Judged, Kept) for name in one.__annotations__)
REPEATED: Final = tuple(name for name in JUDGED if name != "minutes")
