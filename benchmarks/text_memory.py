"""Memory that a corpus takes: at 100 million words within 200 MB of that at 1 million.

Each measurement has a process of its own; memory is the largest resident size that
it had beyond that after its imports. Row `tokens`: Wikipedia's long articles from text to numbers
(the rules, spaCy, the vocabulary, numbers in its order), a million words of them and ten million.
Row `stream`: a million words of them as often as needed, which leaves spaCy out, written to the
file, counted, numbered anew and read once as batches of 64 rows. Cost: two minutes on one core.

    python -m benchmarks.text_memory           # writes results/text_memory.csv
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from scripts.lib.record import append
from scripts.lib.wikipedia import long_articles
from zoo.text.data.batches import StreamBatches
from zoo.text.data.stream import most_frequent, renumbered, with_own_numbers, written
from zoo.text.data.tokenizer import Numberer, Numbers, Tokenizer

MILLION: Final = 1_000_000
SIZES: Final = {"tokens": (1, 10), "stream": (1, 100)}
GOAL_MB: Final = 200


def main() -> None:
    """Both kinds in both sizes, a row each."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    flags.add_argument("--smoke", action="store_true", help="a tenth of it, no record")
    flags.add_argument("--child", nargs=2, help="kind and words")
    chosen = flags.parse_args()
    if chosen.child:
        print(json.dumps(alone(chosen.child[0], int(chosen.child[1]))))
        return
    for kind, sizes in SIZES.items():
        found = []
        for size in sizes:
            n = size * MILLION // (10 if chosen.smoke else 1)
            row = {"kind": kind, **in_process(kind, n)}
            found.append(row["peak_mb"])
            print(row) if chosen.smoke else append("text_memory.csv", **row)
        print(f"{kind}: {found[1] - found[0]:.0f} MB more (target <= {GOAL_MB})")


def in_process(kind: str, n: int) -> dict[str, float]:
    """What a fresh process finds."""
    command = [sys.executable, "-m", "benchmarks.text_memory", "--child", kind, str(n)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    return found


def alone(kind: str, n: int) -> dict[str, float]:
    """Words, megabytes and seconds of one corpus in this process."""
    tokenizer = Tokenizer("en")
    tokenizer("A word or two.")
    started, began = resident(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        if kind == "tokens":
            stream, words = with_own_numbers(some(n), tokenizer, Path(folder))
        else:
            numbers, words = a_million(tokenizer, min(n, MILLION))
            stream = written(repeated(numbers, n), Path(folder))
        renumbered(stream, words, most_frequent(stream, words))
        if kind == "stream":
            for _ in StreamBatches(stream).epoch(0):
                pass
        found = {"words": len(stream), "documents": stream.n_documents, "kinds": len(words)}
    peak = resident() - started
    return {**found, "peak_mb": peak, "cpu_seconds": time.process_time() - began}


def some(n: int) -> Iterator[str]:
    """About n words' worth of articles, some five characters a word."""
    left = 5 * n
    for text in long_articles(1.0):
        yield text
        left -= len(text)
        if left < 0:
            return


def a_million(tokenizer: Tokenizer, n: int) -> tuple[list[Numbers], list[str]]:
    """Numbers of some articles, and the words."""
    known: dict[str, int] = {}
    numberer = Numberer(tokenizer, lambda word: known.setdefault(word, len(known)))
    return [numberer(text) for text in some(n)], list(known)


def repeated(documents: list[Numbers], n: int) -> Iterator[Numbers]:
    """The same documents until there are n words."""
    left = n
    while left > 0:
        for numbers in documents:
            part = numbers[: max(left, 0)]
            if len(part):
                yield np.asarray(part)
            left -= len(part)


def resident() -> float:
    """The largest size this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    main()
