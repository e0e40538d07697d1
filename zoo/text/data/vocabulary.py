"""The vocabulary: which words have a number, and how weights go from one vocabulary to another."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
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
                f"a vocabulary must begin with {', '.join(SPECIAL)} and have each word once, got "
                f"first={list(first)}, {twice=}. Take one from zoo.text."
            )

    def __len__(self) -> int:
        return len(self.words)

    def number(self, word: str) -> int:
        """The number of a word, or 0 for an unknown word."""
        return self._numbers.get(word, UNK_ID)

    def own_number(self, word: str) -> int:
        """The number of a word, or for an unknown one a number of its own beyond the vocabulary.

        It is made of a checksum of the word: of 30,000 unknown words about one in 70,000 shares its
        number with another one.

        >>> Vocabulary((*SPECIAL, "film")).own_number("zoo")
        424623945
        """
        number = self._numbers.get(word)
        if number is None:
            n = len(self.words)
            number = n + zlib.crc32(word.encode("utf-8", "surrogatepass")) % (2**31 - n)
            self._others[number] = word
        return number

    def word(self, number: int) -> str:
        """The word of a number that `number` or `own_number` gave here; "" for any other."""
        return self.words[number] if number < len(self.words) else self._others.get(number, "")

    def filled_up(self, words: Iterable[str], most: int) -> Vocabulary:
        """These words, and of others the first, until there are `most`.

        >>> Vocabulary((*SPECIAL, "film")).filled_up(["the", "film", "of"], 11).words[9:]
        ('film', 'the')
        """
        others = [word for word in words if word not in self._numbers]
        return Vocabulary((*self.words, *others[: max(most - len(self), 0)]))

    def rows_in(self, other: Vocabulary) -> Tensor:
        """The number of each word in another vocabulary, -1 for a word that is not there.

        Shape: (n_words,), int64.
        """
        numbers = [other._numbers.get(word, -1) for word in self.words]
        return torch.tensor(numbers, dtype=torch.int64)

    @cached_property
    def _others(self) -> dict[int, str]:
        """Words beyond the vocabulary that were met, by their numbers."""
        return {}

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words)}


def chosen(
    words: Sequence[str], counts: NDArray[Any], *, most: int = MOST_WORDS, at_least: int = AT_LEAST
) -> Vocabulary:
    """The vocabulary of the most frequent words, most frequent first, then by the alphabet.

    The number of words is a multiple of eight, which matrix products like: the rarest few are left
    out for that where there are hundreds.

    Args:
        words: all that there are.
        counts: occurrences of each word in the training texts.
        most: at most so many, the special tokens among them.
        at_least: occurrences of a word that is taken.

    >>> chosen(["b", "a", "c"], np.array([5, 9, 1])).words[9:]
    ('a', 'b')
    """
    ranked = [(-int(counts[i]), words[i]) for i in np.flatnonzero(counts >= at_least).tolist()]
    kept = list(dict.fromkeys([*SPECIAL, *(word for _, word in sorted(ranked))]))[:most]
    if len(kept) >= 256:
        kept = kept[: len(kept) // 8 * 8]
    return Vocabulary(tuple(kept))


def carried_over(table: Tensor, rows: Tensor) -> Tensor:
    """Rows of a table for other words: words of both tables keep theirs, new ones get the mean.

    Howard & Ruder 2018, sec. 3.2, in fastai's form.

    Args:
        table: vectors or biases by number in the old vocabulary. Shape: (n_old, ...).
        rows: number of each new word there, -1 for one that is not there. Shape: (n_new,).

    >>> carried_over(torch.tensor([1.0, 3.0]), torch.tensor([1, -1]))
    tensor([3., 2.])
    """
    is_old = rows >= 0
    mean = table.mean(0, keepdim=True).expand(len(rows), *table.shape[1:]).clone()
    mean[is_old] = table[rows[is_old]]
    return mean
