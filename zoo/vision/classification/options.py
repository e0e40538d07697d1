"""What the verbs for photos take beside the model and the data."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Final, Literal

from zoo.core.options import Option, OptionTable
from zoo.core.training.options import BatchNorm, LabelSmoothing, TrainingOptions
from zoo.core.trust.options import FIX, InFolds, Judged, Kept, Mended
from zoo.vision.option_names import Augmentation, Pool, TaskName

EPOCHS: Final = 4  # of fine-tuning
TRAIN_EPOCHS: Final = 20
TRAIN_LR: Final = 3e-3

Sizes = Annotated[
    Sequence[int] | None,
    Option(
        low=1,
        help="Growing sides of the photos in pixels, such as 96, 128 and 160, which share the "
        "epochs, a cycle each (progressive resizing).",
    ),
]


class Options(TrainingOptions, LabelSmoothing, BatchNorm, InFolds, Mended, total=False):
    """What all verbs take beside the model and the data."""

    fix: Annotated[str | os.PathLike[str] | None, replace(FIX, needs="files of photos")]
    root: Annotated[
        str | os.PathLike[str] | None,
        Option(
            cli=str,
            needs="a table of paths",
            help="Folder that a table's paths start from; by default that of its file.",
        ),
    ]
    columns: Annotated[
        tuple[str, str] | None,
        Option(
            needs="a table",
            help="A table's columns of paths and labels, or a Hugging Face data set's of images "
            "and labels; by default its first two. The model remembers them.",
        ),
    ]
    valid_column: Annotated[
        str | None,
        Option(
            needs="a table of paths",
            help="A table's yes/no column of validation photos. The model remembers it.",
        ),
    ]
    group: Annotated[
        str | None,
        Option(
            needs="a table of paths",
            help="A table's column of groups, such as patients, whose photos stay together: on "
            "one side of the split, in one fold.",
        ),
    ]
    strict: Annotated[
        bool, Option(default=False, help="Stop at unreadable photos instead of leaving them out.")
    ]
    task: Annotated[
        TaskName | None, Option(help="What is asked of a photo; by default the labels decide.")
    ]
    separator: Annotated[
        str | None,
        Option(help="Text between several labels in a cell; by default '|' and ';' are found."),
    ]
    y_range: Annotated[
        tuple[float, float] | None,
        Option(help="Lowest and highest number to estimate; the answer is a sigmoid of the range."),
    ]
    beta: Annotated[
        float | None,
        Option(
            low=0.01,
            high=100,
            needs="several labels per photo",
            help="How many times recall counts as precision in F; 1.",
        ),
    ]
    size: Annotated[
        int | None,
        Option(
            low=1,
            help="Side of the square that the model sees, in pixels; by default the backbone's "
            "own, or less for small photos.",
        ),
    ]
    augment: Annotated[
        Augmentation,
        Option(
            default="side_on",
            cli=str,
            record=True,
            help="How photos vary in training: 'side_on', 'top_down' or 'none'.",
            python="An `Augment` is taken as well.",
        ),
    ]
    mixup: Annotated[
        float,
        Option(default=0.0, low=0, record=True, help="Alpha of blends of two photos, usually .4."),
    ]
    cutmix: Annotated[
        float,
        Option(
            default=0.0,
            low=0,
            record=True,
            help="Alpha of boxes pasted from another photo, usually 1; with mixup, one of both "
            "per step.",
        ),
    ]
    class_weights: Annotated[
        Literal["balanced"] | Mapping[str, float] | None,
        Option(cli=str, help="How much each class counts in the loss: 'balanced', or by class."),
    ]
    oversample: Annotated[
        bool,
        Option(default=False, record=True, help="Repeat photos until all classes are as frequent."),
    ]
    precompute: Annotated[
        bool,
        Option(default=False, help="Train the head alone, on the frozen body's kept features."),
    ]
    versions: Annotated[
        int,
        Option(
            default=0,
            low=0,
            needs="precompute",
            help="Augmented versions of each photo to precompute, beside the photo itself.",
        ),
    ]
    dropout: Annotated[
        float | None,
        Option(low=0, below=1, help="Probability in the head; .2, or a model's own."),
    ]
    hidden: Annotated[
        int | None, Option(low=1, help="Width of a hidden layer in the head; by default none.")
    ]
    pool: Annotated[
        Pool | None,
        Option(help="How the head pools the feature map: its mean, or mean and maximum."),
    ]


class FitOptions(Options, Judged, Kept, total=False):
    """What `train` and `finetune` take beside the model and the data."""


OPTIONS = OptionTable(Options, batch_size=16, batchnorm="fixed")
TRAIN_OPTIONS = OptionTable(Options, batch_size=16, batchnorm="live")
FIT_OPTIONS = OPTIONS.extended(FitOptions)
TRAIN_FIT_OPTIONS = TRAIN_OPTIONS.extended(FitOptions)
