"""Which texts are nearly the same: groups, in memory linear in the texts.

A text is the set of its runs of three words; two are nearly the same where most runs are in both
(Jaccard similarity). MinHash estimates it from 64 numbers per text, and only texts that share a
band of four of them are compared (Broder 1997; Leskovec, Rajaraman & Ullman 2020, ch. 3). Short
texts are nearly the same where all words are, in their order.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zoo.core.contents import Hashes, content_hashes
from zoo.core.trust.likeness import Numbers, joined

RUN: Final = 3  # words
SHORT: Final = 10  # words, below which all must be the same
ALIKE: Final = 0.7  # similarity from which on two are one: a word in twenty is another
HASHES, BAND = 64, 4  # numbers of a text, and of a band
_WORD: Final = re.compile(r"[\w#+]+")  # C# and C++ are words


def near_copies(keys: Sequence[str], copies: Numbers) -> Numbers:
    """The group of each text: the smallest number of a row that is nearly the same.

    Args:
        keys: texts without what makes no other text of them, such as capitals.
        copies: smaller or same number of a row that is known to be the same. Shape: (n,)

    Returns:
        Numbers of rows. Shape: (n,)

    >>> texts = ["is it good", "is it good?", "it is good"]
    >>> near_copies(texts, np.arange(3)).tolist()
    [0, 0, 2]
    """
    n = len(keys)
    group_of = joined(np.arange(n), np.arange(n), copies)
    runs, starts, rows = _runs(keys)
    if len(rows) < 2:
        return group_of
    signs = _signatures(runs, starts)
    for low in range(0, HASHES, BAND):
        band = np.ascontiguousarray(signs[:, low : low + BAND]).view(f"V{4 * BAND}").ravel()
        order = np.argsort(band, kind="stable")
        a, b = order[:-1], order[1:]
        same = band[a] == band[b]
        a, b = a[same], b[same]
        alike = (signs[a] == signs[b]).mean(1) >= ALIKE
        group_of = joined(group_of, rows[a[alike]], rows[b[alike]])
    return group_of


def _runs(keys: Sequence[str]) -> tuple[Hashes, Numbers, Numbers]:
    """Hashes of all runs of words, where those of a text begin, and the rows that have any."""
    found, starts, rows, at = [], [], [], 0
    for row, key in enumerate(keys):
        words = _WORD.findall(key)
        if not words:
            continue
        if len(words) < SHORT:
            own = content_hashes([" ".join(words)])
        else:
            codes = np.array(
                [zlib.crc32(word.encode("utf-8", "replace")) for word in words], np.uint64
            )
            parts = [codes[i : len(codes) - RUN + 1 + i] for i in range(RUN)]
            own = parts[0]
            for part in parts[1:]:
                own = own * np.uint64(0x9E3779B97F4A7C15) + part
        found.append(own)
        starts.append(at)
        rows.append(row)
        at += len(own)
    runs = np.concatenate(found) if found else np.zeros(0, np.uint64)
    return runs, np.array(starts, np.int64), np.array(rows, np.int64)


def _signatures(runs: Hashes, starts: Numbers) -> NDArray[np.uint32]:
    """The least of each text's runs under each of many hashes. Shape: (n, HASHES)"""
    rng = np.random.default_rng(0)
    signs = np.empty((len(starts), HASHES), np.uint32)
    for i in range(HASHES):
        factor, shift = rng.integers(0, 2**63, 2, dtype=np.uint64)
        hashed = (runs * (factor | np.uint64(1)) + shift) >> np.uint64(32)
        signs[:, i] = np.minimum.reduceat(hashed, starts).astype(np.uint32)
    return signs
