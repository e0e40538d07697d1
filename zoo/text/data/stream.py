"""A corpus as one stream of numbers: documents end to end, in a file that is mapped into memory.

A stream of 100 million words is a file of 400 MB, of which the system keeps in memory what it has
room for; a small one never leaves it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import mmap
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from zoo.core.cache_folder import default_cache, expanded
from zoo.text.data.tokenizer import Numberer, Numbers, Tokenizer
from zoo.text.data.vocabulary import Vocabulary, chosen

BLOCK = 1_000_000  # words that are counted or renumbered at a time
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # what a disk without room says
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Stream:
    """Documents, of which each is a slice of `numbers`; taking some copies none.

    Shape: numbers: (n,), int32; starts and ends: (n_documents,), int64.
    """

    numbers: Numbers
    starts: Places
    ends: Places

    @classmethod
    def of(cls, numbers: Numbers, lengths: Sequence[int]) -> Stream:
        """The stream of documents that lie end to end."""
        ends = np.cumsum(lengths, dtype=np.int64)
        return cls(numbers, ends - np.array(lengths), ends)

    def __len__(self) -> int:
        return int((self.ends - self.starts).sum())

    @property
    def n_documents(self) -> int:
        """How many documents."""
        return len(self.starts)

    def document(self, i: int) -> Numbers:
        """The numbers of a document."""
        return self.numbers[self.starts[i] : self.ends[i]]

    def take(self, documents: Places) -> Stream:
        """The documents of these numbers, in their order."""
        return Stream(self.numbers, self.starts[documents], self.ends[documents])

    def counts(self, n: int) -> Places:
        """How often each of n numbers occurs. Shape: (n,)."""
        total = np.zeros(n, dtype=np.int64)
        blocks = np.cumsum(self.ends - self.starts) // BLOCK
        for documents in np.split(np.arange(self.n_documents), np.flatnonzero(np.diff(blocks)) + 1):
            words = np.concatenate([self.document(i) for i in documents.tolist()])
            total += np.bincount(words, minlength=n)
            self.release()
        return total

    def fingerprint(self) -> str:
        """A digest of the documents in their order, wherever their file lies."""
        digest = hashlib.blake2b(digest_size=16)
        digest.update(self.starts.tobytes() + self.ends.tobytes())
        for start in range(0, len(self.numbers), BLOCK):
            digest.update(self.numbers[start : start + BLOCK].tobytes())
            self.release()
        return digest.hexdigest()

    def release(self) -> None:
        """Give back the memory in which the system keeps what was read or written; all stays."""
        mapped: mmap.mmap | None = getattr(self.numbers, "_mmap", None)
        if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)


def cache_folder(chosen_folder: Path | str | None = None) -> Path:
    """Where streams lie while they are used: the run's folder, `ZOO_CACHE`, or the user's cache."""
    if chosen_folder is None:
        return default_cache("text", "ZOO_CACHE")
    return expanded(chosen_folder, "cache")


def written(documents: Iterable[Numbers], folder: Path) -> Stream:
    """The stream of documents, in a file without a name that goes when nobody uses it any more.

    Raises:
        ValueError: there is no text.
        OSError: there is no room for it.
    """
    lengths: list[int] = []
    with _file_without_name(folder) as file:
        for numbers in documents:
            file.write(numbers.tobytes())  # numpy's tofile tells of no full disk
            lengths.append(len(numbers))
        if not lengths:
            raise ValueError("a corpus must have at least one text, got none. Give some.")
        file.flush()
        return Stream.of(np.memmap(file, dtype=np.int32, mode="r+"), lengths)


def in_memory(documents: Iterable[Numbers]) -> Stream:
    """The stream of documents, at least one, without a file."""
    parts = list(documents)
    return Stream.of(np.concatenate(parts), [len(part) for part in parts])


def with_own_numbers(
    texts: Iterable[str], tokenizer: Tokenizer, folder: Path
) -> tuple[Stream, list[str]]:
    """The stream with a number for every word there is, in the order of their coming; the words."""
    numbers: defaultdict[str, int] = defaultdict(lambda: len(numbers))
    stream = written(map(Numberer(tokenizer, numbers.__getitem__), texts), folder)
    return stream, list(numbers)


def renumbered(stream: Stream, words: list[str], vocabulary: Vocabulary) -> Stream:
    """The stream in the numbers of a vocabulary; the old one must not be used any more."""
    table = np.array([vocabulary.number(word) for word in words], dtype=np.int32)
    for start in range(0, len(stream.numbers), BLOCK):
        block = stream.numbers[start : start + BLOCK]
        block[:] = table[block]
        stream.release()
    return stream


def most_frequent(stream: Stream, words: list[str], **limits: int) -> Vocabulary:
    """The vocabulary of a stream's words."""
    return chosen(words, stream.counts(len(words)), **limits)


@contextlib.contextmanager
def _file_without_name(folder: Path) -> Iterator[IO[bytes]]:
    """A file to write to; a folder that has no room for it, or takes none, is one sentence."""
    is_open = False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            is_open = True
            yield file
    except OSError as error:
        if is_open and error.errno not in FULL:  # of the texts that are read meanwhile
            raise
        raise OSError(
            "texts in use need room in a folder that can be written to, got "
            f"{str(folder)!r} ({error.strerror}). Free space there, or set ZOO_CACHE to another."
        ) from error
