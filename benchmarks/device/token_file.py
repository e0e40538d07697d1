"""Texts as numbers of words in one small file, for a machine that has neither texts nor spaCy.

A NumPy archive of bytes: the words, and of each part the numbers and the documents' lengths, each
compressed by LZMA with the settings for 16-bit numbers, which takes about a byte per word.
"""

from __future__ import annotations

import lzma
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zoo.text.data.stream import Stream

FILE: Final = "texts.npz"
MOST_WORDS: Final = 2**16
WORDS: Final = "words"
FOR_16_BITS: Final = {"lc": 0, "lp": 1, "pb": 1}  # in place of settings for text
FARTHEST: Final = 2**27  # bytes back to which repeats are looked for
Arrays = dict[str, NDArray[np.uint8]]
"""The packed documents of a part: their numbers end to end, and their lengths."""


def write(path: Path, words: Sequence[str], parts: Mapping[str, Arrays]) -> None:
    """Write words and the packed documents of each part.

    Raises:
        ValueError: there are more words than 16 bits can number.
    """
    if len(words) > MOST_WORDS:
        raise ValueError(f"words must be {MOST_WORDS} at most, got {len(words)}. Take fewer.")
    arrays = {f"{part} {name}": data for part, own in parts.items() for name, data in own.items()}
    np.savez(path, **{WORDS: packed_words(words)}, **arrays)


def read(path: Path) -> tuple[tuple[str, ...], dict[str, Stream]]:
    """The words, and the documents of each part."""
    with np.load(path) as arrays:
        data = {name: lzma.decompress(arrays[name].tobytes()) for name in arrays.files}
    words = tuple(data.pop(WORDS).decode().split("\0"))
    streams = {}
    for part in dict.fromkeys(name.rpartition(" ")[0] for name in data):
        numbers = np.frombuffer(data[f"{part} numbers"], "<u2").astype(np.int32)
        lengths = np.frombuffer(data[f"{part} lengths"], "<u4").astype(np.int64)
        streams[part] = Stream.of(numbers, lengths.tolist())
    return words, streams


def packed_part(stream: Stream) -> Arrays:
    """The documents of a stream, compressed."""
    numbers = [stream.document(i).astype("<u2") for i in range(stream.n_documents)]
    lengths = (stream.ends - stream.starts).astype("<u4")
    return {
        "numbers": packed(np.concatenate(numbers).tobytes()),
        "lengths": packed(lengths.tobytes()),
    }


def packed_words(words: Sequence[str]) -> NDArray[np.uint8]:
    """The words, compressed. Shape: (n,)"""
    return packed("\0".join(words).encode())


def size_of(part: Arrays) -> int:
    """Bytes of a packed part."""
    return sum(map(len, part.values()))


def packed(data: bytes) -> NDArray[np.uint8]:
    """Compressed bytes. Shape: (n,)"""
    reach = min(max(len(data), 2**12), FARTHEST)
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9, **FOR_16_BITS, "dict_size": reach}]
    return np.frombuffer(lzma.compress(data, lzma.FORMAT_XZ, filters=filters), np.uint8)
