"""The options of the verbs of classifiers of texts; each is stated here alone.

It imports no torch, so that the command line reads it at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from zoo.core.options import Chosen, Option, OptionTable
from zoo.core.training.options import LabelSmoothing, TrainingOptions
from zoo.core.trust.options import InFolds, Judged, Kept, Mended
from zoo.text.language_model.options import LANGUAGE
from zoo.text.recipe import BPTT, MAX_LEN

TRAIN_EPOCHS: Final = 10
TRAIN_LR: Final = 5e-3
FEW_LETTERS: Final = 60_000  # up to which a held-out tenth tells too little: 500 sentences
TaskName = Literal["classification", "multi-label", "regression"]
CHEAP_LETTERS: Final = 1_000_000  # up to which all texts are trained on again
LSTM: Final = "a model that reads words"  # what some options mean nothing without
ENCODER: Final = "one class per text, on an encoder"
BATCH_SIZE, ENCODER_BATCH_SIZE = 64, 16  # texts

Gradual = Annotated[bool, Option(help="Thaw the last layers one after another first, as ULMFiT.")]


class Options(TrainingOptions, LabelSmoothing, InFolds, Mended, total=False):
    """What `learner` takes beside the model and the texts."""

    text: Annotated[
        str | int | Sequence[str | int] | None,
        Option(
            cli=list,
            help="Column of texts, or two of pairs that are read together, such as questions and "
            "answers; without one, that of the pretrained model, else 'text', or the only column.",
        ),
    ]
    label: Annotated[
        str | int | Sequence[str | int] | None,
        Option(
            cli=list,
            help="Column of classes; without one, that of the pretrained model, else 'label'. "
            "Several columns are one class each, in which 1 says that a text has it.",
        ),
    ]
    group: Annotated[
        str | int | None,
        Option(
            cli=str,
            help="Column of groups, such as the question of pairs or an author, whose texts stay "
            "together: on one side of the split, in one fold.",
        ),
    ]
    task: Annotated[
        TaskName | None,
        Option(
            help="What is asked of a text; by default the labels decide between one class and "
            "several, and a pretrained model of numbers goes on with numbers."
        ),
    ]
    y_range: Annotated[
        tuple[float, float] | None,
        Option(help="Lowest and highest number to predict; the answer is a sigmoid of the range."),
    ]
    language: Annotated[str, replace(LANGUAGE, needs=LSTM)]
    class_weights: Annotated[
        Literal["balanced"] | Mapping[Any, float] | None,
        Option(
            cli=str,
            needs="classes",
            help="How much each class counts in the loss: 'balanced', or by class.",
        ),
    ]
    drop_mult: Annotated[
        float,
        Option(
            default=0.5, low=0, high=10, record=True, needs=LSTM, help="Factor for all dropouts."
        ),
    ]
    max_len: Annotated[
        int,
        Option(
            default=MAX_LEN,
            low=1,
            record=True,
            needs=LSTM,
            help="Last words that gradients reach.",
        ),
    ]
    contrast: Annotated[
        float,
        Option(
            default=1.0,
            low=0,
            high=100,
            record=True,
            needs=ENCODER,
            help="Weight, beside cross entropy, of drawing texts of one class together.",
        ),
    ]
    bptt: Annotated[
        int,
        Option(default=BPTT, low=1, record=True, needs=LSTM, help="Words that are read at a time."),
    ]


class FitOptions(Options, Judged, Kept, total=False):
    """What `train` and `finetune` take beside the model and the texts."""


OPTIONS = OptionTable(
    Options,
    valid_fraction=0.1,
    batch_size=Chosen(f"{BATCH_SIZE}, or {ENCODER_BATCH_SIZE} and fewer long ones on an encoder"),
)
FIT_OPTIONS: Final = OPTIONS.extended(
    FitOptions,
    folds=Chosen(f"5 of texts of at most {FEW_LETTERS:,} letters"),
    refit=Chosen(f"of texts of at most {CHEAP_LETTERS:,} letters"),
)
