"""Constants of ULMFiT's recipe that language models and classifiers share; it imports no torch.

Howard & Ruder 2018, "Universal Language Model Fine-tuning for Text Classification", after Merity et
al. 2017, "Regularizing and Optimizing LSTM Language Models".
"""

from __future__ import annotations

from functools import partial
from typing import Final

from zoo.core.training.schedules import one_cycle

MOST_WORDS: Final = 60_000  # of a vocabulary
AT_LEAST: Final = 3  # occurrences of a word that gets a number
BPTT: Final = 72  # words that pass at a time, on average
MAX_LEN: Final = 1440  # words of a document that gradients reach
AR: Final = 2.0  # weight of the penalty on large activations
TAR: Final = 1.0  # weight of the penalty on activations that change quickly
MOMENTUMS: Final = (0.8, 0.7)  # Adam's first beta, down and up again

CYCLE: Final = partial(one_cycle, momentums=MOMENTUMS)
"""The schedule of every phase."""
