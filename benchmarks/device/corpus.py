"""Wikipedia and IMDB as numbers of words, as many of them as a file may hold.

All labelled reviews and WikiText-2's validation part are taken, then equal shares of the rest: long
Wikipedia articles, with WikiText-2's training part, and the unlabelled reviews. Cost: 10 minutes of
one core, most of it spaCy's and LZMA's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.device import token_file
from scripts.lib.imdb import reviews, unlabelled
from scripts.lib.wikipedia import long_articles
from zoo.published.wikitext import articles
from zoo.text.data.stream import Stream, cache_folder, most_frequent, renumbered, with_own_numbers
from zoo.text.data.tokenizer import Tokenizer

WORDS: Final = 30_000
SHARED: Final = ("wiki", "imdb unlabelled")  # of which a share may do
KNOWN: Final = ("wiki", "imdb train", "imdb unlabelled")  # whose words are in the vocabulary
SLACK: Final = 0.94  # of what would fit if a share were as small as its part of the whole
OVERHEAD: Final = 20_000  # bytes of the file beside what is packed


def gather(path: Path, room: int) -> None:
    """Write the texts in at most so many bytes.

    Raises:
        SystemExit: the labelled reviews alone take more.
    """
    sources = {
        "imdb train": reviews("train").texts,
        "imdb test": reviews("test").texts,
        "wiki valid": [*articles("valid")],
        "wiki": [*articles("train"), *long_articles(1.0)],
        "imdb unlabelled": [*unlabelled(1.0)],
    }
    write(path, sources, room)


def write(path: Path, sources: Mapping[str, list[str]], room: int) -> None:
    """Write texts by the names of their parts, see `gather`."""
    whole, words = with_own_numbers(
        (text for texts in sources.values() for text in texts), Tokenizer("en"), cache_folder()
    )
    ends = np.cumsum([len(texts) for texts in sources.values()])
    places = dict(zip(sources, np.split(np.arange(ends[-1]), ends[:-1]), strict=True))
    known = whole.take(np.concatenate([places[name] for name in KNOWN]))
    vocabulary = most_frequent(known, words, most=WORDS)
    renumbered(whole, words, vocabulary)
    parts = {name: whole.take(documents) for name, documents in places.items()}
    token_file.write(
        path,
        vocabulary.words,
        fitting(parts, room - OVERHEAD - len(token_file.packed_words(vocabulary.words))),
    )


def fitting(parts: Mapping[str, Stream], room: int) -> dict[str, token_file.Arrays]:
    """The packed parts, of some a share that is spread evenly.

    Raises:
        SystemExit: there is no room for the others.
    """
    packed = {name: token_file.packed_part(stream) for name, stream in parts.items()}
    needed = sum(token_file.size_of(packed[name]) for name in parts if name not in SHARED)
    shared = sum(token_file.size_of(packed[name]) for name in SHARED)
    if needed >= room:
        raise SystemExit(f"labelled reviews must fit, got {needed:,} bytes for {room:,}.")
    share = (room - needed) / shared
    while needed + shared > room:  # less of a text is a little larger than its share of the whole
        share *= SLACK
        for name in SHARED:
            n = max(round(share * parts[name].n_documents), 1)
            spread = np.arange(n) * parts[name].n_documents // n
            packed[name] = token_file.packed_part(parts[name].take(spread))
        shared = sum(token_file.size_of(packed[name]) for name in SHARED)
    print(f"{min(share, 1):.0%} of Wikipedia and of the unlabelled reviews")
    return packed
