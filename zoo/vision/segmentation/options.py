"""The options of segmentation, stated once; see `zoo.core.options`. It imports no torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated, Final

from zoo.core.options import Option, OptionTable
from zoo.core.training.options import BatchNorm, TrainingOptions
from zoo.core.trust.options import InFolds, Measured
from zoo.vision.option_names import Augmentation

EPOCHS: Final = 10  # of fine-tuning, after one with the body frozen
TRAIN_EPOCHS: Final = 20
LR: Final = 3e-3


class Options(TrainingOptions, BatchNorm, InFolds, total=False):
    """What every verb takes beside the model, the photos and their masks."""

    root: Annotated[
        str | os.PathLike[str] | None,
        Option(
            cli=str,
            needs="a table or lists of paths",
            help="Folder that a table's paths start from; by default that of its file.",
        ),
    ]
    columns: Annotated[
        tuple[str, str] | None,
        Option(
            needs="a table of paths",
            help="A table's columns of photos and masks; by default its first two.",
        ),
    ]
    classes: Annotated[
        Sequence[str | int] | None,
        Option(
            cli=list[str],
            fewest=2,
            most=256,
            distinct=True,
            help="Names of the numbers in the masks, from 0; by default the numbers. Masks of "
            "other values, such as 0 and 255, take one name for each value, in order.",
        ),
    ]
    ignore: Annotated[
        int | None,
        Option(
            low=0,
            high=255,
            help="Value of mask pixels that count for nothing ('void'); by default 255 beside "
            "numbers from 0, with a warning.",
        ),
    ]
    size: Annotated[
        int | tuple[int, int] | None,
        Option(
            cli=tuple[int, int],
            low=1,
            high=4096,
            help="Height and width that photos are stretched to, or one number for both; by "
            "default the shape of a usual photo, its short side at most the backbone's own size.",
        ),
    ]
    augment: Annotated[
        Augmentation,
        Option(
            default="side_on",
            cli=str,
            help="How photos vary in training: 'side_on', 'top_down' or 'none'; photo and mask "
            "move together.",
            python="An `Augment` is taken as well.",
        ),
    ]


OPTIONS = OptionTable(Options, batch_size=8, clip=1.0)


class FitOptions(Options, Measured, total=False):
    """What `train` and `finetune` take beside the model, the photos and their masks."""


FIT_OPTIONS = OPTIONS.extended(FitOptions)
