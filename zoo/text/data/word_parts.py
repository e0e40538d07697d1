"""Parts of words: three to five letters in a row, which words of one stem or ending share."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.text.data.rules import SPECIAL
from zoo.text.data.stream import Places, Stream
from zoo.text.data.tokenizer import Numbers

LENGTHS: Final = (3, 4, 5)  # letters of a part; a word's beginning and end count as one each
NO_PART: Final = -1  # what fills up texts of fewer parts


@dataclass(frozen=True)
class WordParts:
    """The parts of each word of a stream.

    Shape: numbers: (n,), sorted, of the words; ends: (n + 1,), of each word's parts, from 0;
    parts: (ends[-1],), see `parts_of`.
    """

    numbers: Places
    ends: Places
    parts: Places

    @classmethod
    def of(cls, stream: Stream, word: Callable[[int], str]) -> WordParts:
        """Those of all words of a stream, by a function from a number to the word."""
        numbers = np.unique(np.asarray(stream.numbers)).astype(np.int64)
        numbers = numbers[numbers >= len(SPECIAL)]
        each = [parts_of(word(number)) for number in numbers.tolist()]
        ends = np.cumsum([0, *map(len, each)])
        return cls(numbers, ends, np.array([part for own in each for part in own], dtype=np.int64))

    def __call__(self, documents: Sequence[Numbers]) -> Tensor:
        """The different parts of the words of each document. Shape: (B, P), int64."""
        each = [self._of(document[document >= len(SPECIAL)]) for document in documents]
        table = np.full((len(each), max(map(len, each), default=0)), NO_PART, dtype=np.int64)
        for row, own in zip(table, each, strict=True):
            row[: len(own)] = own
        return torch.from_numpy(table)

    def _of(self, words: NDArray[np.int32]) -> Places:
        places = np.searchsorted(self.numbers, np.unique(words))
        slices = [slice(*self.ends[place : place + 2]) for place in places.tolist()]
        parts = [self.parts[one] for one in slices]
        return np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)


def parts_of(word: str) -> list[int]:
    """The numbers of a word's different parts, 0..2^31 - 1, which are checksums of the letters.

    >>> len(parts_of("film")), len(parts_of("a")), parts_of("films")[:2] == parts_of("film")[:2]
    (9, 1, True)
    """
    whole = f"<{word}>" if word else ""
    parts = (whole[i : i + n] for n in LENGTHS for i in range(len(whole) - n + 1))
    return [zlib.crc32(part.encode("utf-8", "surrogatepass")) >> 1 for part in dict.fromkeys(parts)]
