"""What users are told of their texts: those without words, and words that a model does not know."""

from __future__ import annotations

from typing import Final

import numpy as np

from zoo.core.messages import warn
from zoo.text.data.rules import SPECIAL
from zoo.text.data.stream import Stream

MOST_UNKNOWN: Final = 0.5  # share of unknown words that passes without a word


def warn_of_empty(stream: Stream) -> None:
    """Warn of texts without words: what a model says of one is the same for all."""
    short = np.flatnonzero(stream.ends - stream.starts <= 2)  # marks alone, or a word or two
    n = sum(not (stream.document(i) >= len(SPECIAL)).any() for i in short.tolist())
    if n:
        warn(
            f"{n} of {stream.n_documents} texts are empty, and all of them are read alike; leave "
            "them out if that is not meant"
        )


def warn_of_unknown(stream: Stream, n_words: int) -> None:
    """Warn if a pretrained model does not know many of the words of the training texts.

    Args:
        stream: the texts; numbers of unknown words are `n_words` or more, see `Spec.numbers`.
        n_words: size of the vocabulary.
    """
    numbers = np.asarray(stream.numbers)
    words = numbers[numbers >= len(SPECIAL)]
    share = float((words >= n_words).mean()) if len(words) else 0.0
    if share > MOST_UNKNOWN:
        warn(
            f"{share:.0%} of the words of the training texts are unknown to the pretrained model, "
            "which reads all of them as one; fine-tune its language model on such texts first "
            "(zoo.text.finetune_lm), or take one of their language"
        )


def warn_of_long_pairs(stream: Stream, most: int) -> None:
    """Warn of pairs that an encoder does not read to their end.

    Args:
        stream: the pairs.
        most: numbers of a pair that is read, the mark between its texts among them.
    """
    if n := int((stream.ends - stream.starts > most).sum()):
        warn(
            f"{n} of {stream.n_documents} pairs are longer than the encoder reads at once "
            f"({most - 1} word pieces): of each, the end of the longer text is left out"
        )
