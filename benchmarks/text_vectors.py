"""Vectors of texts beside sentence-transformers: the same numbers, and how many texts a second.

Both read all-MiniLM-L6-v2 as it is published, in one process, on one thread, by turns: a thousand
texts, 500 sentences of film reviews, 300 titles of questions and 200 reviews of food, shuffled; so
a few are longer than the 256 word pieces that the encoder reads at once, and are left out of the
comparison of numbers, for windows are ours alone. `pip install sentence-transformers` first, which
the extra `minilm` has brought already. Cost: three minutes on one core.

    python -m benchmarks.text_vectors          # writes results/text_vectors.csv
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

import zoo
from benchmarks.arena.sets import texts
from scripts.lib.record import append
from zoo.text.encoder_files import encoder_of

try:
    from sentence_transformers import SentenceTransformer
except ModuleNotFoundError as error:
    raise SystemExit(
        f"this program compares with sentence-transformers, and {error.name!r} is not installed: "
        "pip install 'transfer-zoo[minilm]'"
    ) from None

MIX: Final = {"rotten_tomatoes": 500, "stackoverflow20": 300, "fine_foods": 200}
Vectors = NDArray[np.float32]
Side = Callable[[Sequence[str]], Vectors]


def main() -> None:
    """Time both sides by turns and append a row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    some, sides = mixed(), {"ours": ours(), "sentence_transformers": theirs()}
    rates: dict[str, list[float]] = {name: [] for name in sides}
    found: dict[str, Vectors] = {}
    for pair in range(options.pairs):
        for name in sorted(sides, reverse=bool(pair % 2)):
            began = time.process_time()
            found[name] = sides[name](some)
            rates[name].append(len(some) / (time.process_time() - began))
    numbers = [len(one) for one in encoder_of("minilm").spec.numbered(some)]
    whole = np.flatnonzero(np.array(numbers) <= 254)
    ratios = [ours / theirs for ours, theirs in zip(*rates.values(), strict=True)]
    append(
        "text_vectors.csv",
        texts=len(some),
        pieces=statistics.mean(numbers),
        pairs=options.pairs,
        ours=statistics.median(rates["ours"]),
        sentence_transformers=statistics.median(rates["sentence_transformers"]),
        ratio=statistics.median(ratios),
        lowest=min(ratios),
        highest=max(ratios),
        compared=len(whole),
        largest_difference=float(np.abs(np.subtract(*found.values()))[whole].max()),
    )


def mixed() -> list[str]:
    """The texts, shuffled."""
    parts = [texts.WHOLE[name](0)[0].sample(n, random_state=0) for name, n in MIX.items()]
    return pd.concat(parts)["text"].sample(frac=1, random_state=0).astype(str).tolist()


def ours() -> Side:
    """`embed` of a model on the encoder as it is published."""
    some = pd.DataFrame({"text": ["a", "b"] * 4, "label": [0, 1] * 4})
    return zoo.text.learner(some, pretrained="minilm", valid_fraction=0).as_model().embed


def theirs() -> Side:
    """`encode` with its defaults."""
    model: Any = SentenceTransformer(str(encoder_of("minilm").folder), device="cpu")
    return lambda some: np.asarray(model.encode(list(some), show_progress_bar=False))


if __name__ == "__main__":
    main()
