"""The vocabulary: which words have a number, and how weights go from one vocabulary to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.text.data.rules import SPECIAL, UNK_ID
from zoo.text.recipe import AT_LEAST, MOST_WORDS


@dataclass(frozen=True)
class Vocabulary:
    """Words by number, the special tokens first; whatever is not in it has number 0, `xxunk`.

    Raises:
        ValueError: the special tokens do not come first, or a word is there twice.
    """

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        first, twice = self.words[: len(SPECIAL)], len(self.words) - len(set(self.words))
        if first != SPECIAL or twice:
            raise ValueError(
                f"a vocabulary begins with {', '.join(SPECIAL)} and has each word once, however "
                f"first={list(first)}, {twice=}; take one that zoo.text has made"
            )

    def __len__(self) -> int:
        return len(self.words)

    def number(self, word: str) -> int:
        """Of a word; 0 if it is not known."""
        return self._numbers.get(word, UNK_ID)

    def rows_in(self, other: Vocabulary) -> Tensor:
        """For each word its number in another vocabulary, -1 where it is not known there.

        Shape: (n_words,), int64.
        """
        found = [other._numbers.get(word, -1) for word in self.words]
        return torch.tensor(found, dtype=torch.int64)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words)}


def chosen(
    words: Sequence[str],
    counts: NDArray[Any],
    *,
    most: int = MOST_WORDS,
    at_least: int = AT_LEAST,
) -> Vocabulary:
    """The vocabulary of the most frequent words, most frequent first, then by the alphabet.

    The number of words is a multiple of eight, which matrix products like: the rarest few are left
    out for that where there are hundreds.

    Args:
        words: all that there are.
        counts: of each, in training texts.
        most: at most so many, the special tokens among them.
        at_least: occurrences of a word that is taken.

    >>> chosen(["b", "a", "c"], np.array([5, 9, 1])).words[9:]
    ('a', 'b')
    """
    special = set(SPECIAL)
    found = [(-int(counts[i]), words[i]) for i in np.flatnonzero(counts >= at_least).tolist()]
    frequent = [word for _, word in sorted(found)]
    kept = [*SPECIAL, *(word for word in frequent if word not in special)][:most]
    if len(kept) >= 256:
        kept = kept[: len(kept) // 8 * 8]
    return Vocabulary(tuple(kept))


def carried_over(table: Tensor, rows: Tensor) -> Tensor:
    """Rows of a table for other words: known ones keep theirs, new ones get the mean.

    Howard & Ruder 2018, sec. 3.2, in fastai's form.

    Args:
        table: vectors or biases by number in the old vocabulary. Shape: (n_old, ...).
        rows: number of each new word there, -1 where it is not known. Shape: (n_new,).

    >>> carried_over(torch.tensor([1.0, 3.0]), torch.tensor([1, -1]))
    tensor([3., 2.])
    """
    known = rows >= 0
    mean = table.mean(0, keepdim=True).expand(len(rows), *table.shape[1:]).clone()
    mean[known] = table[rows[known]]
    return mean
