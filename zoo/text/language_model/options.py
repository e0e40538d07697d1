"""The options of the verbs of language models; each is stated here alone.

It imports no torch, so that the command line reads it at once.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from zoo.core.options import Chosen, Option, OptionTable
from zoo.core.training.options import TrainingOptions
from zoo.core.trust.options import InFolds, Measured
from zoo.text.recipe import AR, AT_LEAST, BPTT, MOST_WORDS, TAR

TRAIN_EPOCHS: Final = 10
TRAIN_LR: Final = 5e-3
FINETUNE_LR: Final = 2e-2

Architecture = Literal["awd_lstm"]
Model = Annotated[Architecture, Option(help="Architecture, with random weights.")]
SomeModel = Annotated[Architecture | None, Option(help="Architecture, with random weights.")]
Column = Annotated[
    str | int | None,
    Option(
        cli=str,
        help="Column of texts; without one, that of the pretrained model, else 'text', or the only "
        "column.",
    ),
]
LANGUAGE: Final = Option(
    default="en",
    help="Language of spaCy's tokenizer, such as 'de', or 'xx' for any; a pretrained model keeps "
    "its own.",
)


class Options(TrainingOptions, InFolds, total=False):
    """What the verbs of language models take beside the model and the texts."""

    text: Column
    language: Annotated[str, LANGUAGE]
    reverse: Annotated[
        bool, Option(default=False, help="Read from the end; a pretrained model keeps its way.")
    ]
    most_words: Annotated[
        int, Option(default=MOST_WORDS, low=16, high=1e7, help="Words of the vocabulary at most.")
    ]
    at_least: Annotated[
        int, Option(default=AT_LEAST, low=1, help="Occurrences of a word in the vocabulary.")
    ]
    words: Annotated[
        Any, Option(cli=False, help="The vocabulary: a list, a torchtext `Vocab` or `Field`.")
    ]
    d_embedding: Annotated[
        int,
        Option(
            default=400, low=1, high=1e5, help="Width of words; a pretrained model keeps its sizes."
        ),
    ]
    d_hidden: Annotated[
        int, Option(default=1152, low=1, high=1e5, help="Width of the layers between.")
    ]
    n_layers: Annotated[int, Option(default=3, low=1, high=64, help="Layers of LSTM.")]
    drop_mult: Annotated[
        float, Option(default=1.0, low=0, high=10, help="Factor for all five dropouts.")
    ]
    ar: Annotated[
        float, Option(default=AR, low=0, record=True, help="Penalty on large activations.")
    ]
    tar: Annotated[
        float, Option(default=TAR, low=0, record=True, help="Penalty on fast changing activations.")
    ]
    sampled: Annotated[
        int,
        Option(
            default=0,
            low=0,
            record=True,
            help="Words that each training step weighs against the next one: so many of the most "
            "frequent and as many drawn from the others; 0 takes all. A few hundred to thousand "
            "make training on a CPU several times faster.",
        ),
    ]
    bptt: Annotated[
        int, Option(default=BPTT, low=1, record=True, help="Words of a row per step, on average.")
    ]


OPTIONS = OptionTable(Options, valid_fraction=0.1, batch_size=Chosen("64, or fewer of few words"))


class FitOptions(Options, Measured, total=False):
    """What `train_lm` and `finetune_lm` take beside the model and the texts."""


FIT_OPTIONS: Final = OPTIONS.extended(FitOptions)
