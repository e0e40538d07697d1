"""The options of the verbs for tables, stated once; see `zoo.core.options`.

It imports neither torch nor pandas, so that the command line reads it at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from zoo.core.options import Chosen, Option, OptionTable
from zoo.core.training.options import LabelSmoothing, TrainingOptions
from zoo.core.trust.options import InFolds, Judged, Kept, Mended

Name = str | int
"""A column's name; a DataFrame that is made of an array numbers its columns."""

TRAIN_EPOCHS: Final = 10  # where none are found; see `zoo.tabular.recipe`
TRAIN_LR: Final = 3e-3
FINETUNE_EPOCHS: Final = 5
FINETUNE_LR: Final = 1e-3
CATEGORY_DECAY: Final = 100.0  # times the learning rate: a third of the way at .003

TaskName = Literal["classification", "regression"]
DROPOUT: Final[dict[TaskName, float]] = {"classification": 0.3, "regression": 0.1}
"""Of a network of random weights. The log loss of classes suffers more from what is learnt by heart
than the squared error of numbers, and numbers that follow from the others lose by it."""
MANY_ROWS: Final = 10_000  # that no network learns by heart: numbers are then told without dropout
ModelName = Literal["mlp", "tabm"]
Join = Literal["input", "inside", "ensemble"]

Architecture = Annotated[
    ModelName, Option(help="'mlp', the entity-embedding network, or 'tabm', stronger and slower.")
]


class Options(TrainingOptions, LabelSmoothing, InFolds, Mended, total=False):
    """What every verb takes beside the table and its target."""

    task: Annotated[
        TaskName | None,
        Option(
            help="'classification' or 'regression'; by default as the target's values suggest: "
            "text, truth values, pandas categories and whole numbers of at most 20 kinds are "
            "classes."
        ),
    ]
    categories: Annotated[
        Sequence[Name],
        Option(default=(), cli=list, help="Columns that are categories whatever they look like."),
    ]
    numbers: Annotated[
        Sequence[Name],
        Option(default=(), cli=list, help="Columns that are numbers whatever they look like."),
    ]
    ignore: Annotated[
        Sequence[Name],
        Option(
            default=(),
            cli=list,
            help="Columns that are no inputs; further training ignores them too.",
        ),
    ]
    log_target: Annotated[
        bool,
        Option(
            default=False,
            help="Learn the logarithm of a positive target; then RMSPE is a metric too.",
        ),
    ]
    time: Annotated[
        Name | None,
        Option(
            cli=str,
            help="Column of times: the latest rows are validated on. It is no input unless it is "
            "named in categories or numbers.",
        ),
    ]
    group: Annotated[
        Name | None,
        Option(
            cli=str,
            help="Column whose groups of rows stay together, on one side of the split. It is no "
            "input unless it is named in categories or numbers.",
        ),
    ]
    weights: Annotated[
        Name | None,
        Option(
            cli=str,
            help="Column of weights: how much each training row counts, 0 as if it were not there. "
            "It is no input unless it is named in categories or numbers. Scores weigh all rows "
            "alike.",
        ),
    ]
    class_weights: Annotated[
        Literal["balanced"] | Mapping[Any, float] | None,
        Option(
            cli=str,
            needs="classes",
            help="How much each class counts in the loss: 'balanced', by the inverse of its "
            "frequency, or by class; the others count 1.",
        ),
    ]
    layers: Annotated[
        Sequence[int] | None,
        Option(low=1, fewest=1, help="Widths of the hidden layers; by default the model's own."),
    ]
    dropout: Annotated[
        float | None,
        Option(
            low=0,
            high=0.999,
            help="Dropout probability after each hidden layer; by default the model's own, for "
            "'mlp' 0.3 of classes, 0.1 of numbers, 0 of numbers in 10,000 rows or more.",
        ),
    ]
    embedding_dropout: Annotated[
        float | None,
        Option(
            low=0,
            high=0.999,
            help="Dropout probability on the embeddings; by default the model's own.",
        ),
    ]
    sizes: Annotated[
        dict[Name, int] | None,
        Option(
            low=1,
            cli=False,
            help="Widths of embeddings, by column; the others grow with the number of categories, "
            "up to 8.",
        ),
    ]
    category_decay: Annotated[
        float,
        Option(
            default=CATEGORY_DECAY,
            low=0,
            help="How strongly vectors of categories that tell little are drawn back to where they "
            "started; 0 leaves them free to learn rare categories by heart.",
        ),
    ]
    join: Annotated[
        Join | None,
        Option(
            help="How categories and numbers come together: in the 'input', 'inside' the network "
            "behind a layer of their own, or as an 'ensemble' of two networks; by default "
            "the model's own way.",
        ),
    ]
    bins: Annotated[
        int | None,
        Option(
            low=0,
            help="Bins of the piecewise-linear embeddings of numbers; 0 takes numbers as they "
            "are; by default the model's own.",
        ),
    ]
    d_number: Annotated[
        int | None,
        Option(low=1, help="Width of a number's embedding; by default the model's own."),
    ]
    k: Annotated[
        int | None,
        Option(
            low=0,
            help="Ensemble members that share their weights; 0 makes a plain network; by default "
            "the model's own.",
        ),
    ]
    members: Annotated[
        int | None,
        Option(
            low=1,
            high=100,
            help="Networks with hidden layers of their own that are trained side by side, and "
            "whose mean is the prediction; by default the model's own number.",
        ),
    ]
    y_range: Annotated[
        tuple[float, float] | Sequence[tuple[float, float]] | None,
        Option(
            cli=False,
            help="Lowest and highest prediction of a regression, or one such pair per target.",
        ),
    ]


BY_ROWS: Final = Chosen("a twentieth of the training rows, from 16 to 256")
OPTIONS: Final = OptionTable(Options, batch_size=BY_ROWS, weight_decay=0.1)


class FitOptions(Options, Judged, Kept, total=False):
    """What `train` and `finetune` take beside the table and its target."""


FEW_ROWS: Final = 1_000  # up to which a held-out fifth tells too little
FIT_OPTIONS: Final = OPTIONS.extended(
    FitOptions, folds=Chosen(f"5 of at most {FEW_ROWS:,} rows that need no other split")
)
