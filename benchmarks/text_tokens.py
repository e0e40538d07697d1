"""Words a second and core beside fastai 2.8's own rules and spaCy pipeline, from text to numbers.

Each pair takes other texts: reviews of IMDB's training part. Both begin cold, with nothing
remembered of earlier texts, in one process; texts whose tokens differ are counted. Ours leaves out
its normalisation of quotes and entities, which fastai has not.
Ours grows faster with the size of the corpus, since it asks spaCy about each distinct span once.
fastai's part is the tokens as strings alone, numbers would come on top. `pip install fastai spacy`
first; fastai is no dependency of the project. Cost: about two minutes on one core.

    python -m benchmarks.text_tokens           # writes results/text_tokens.csv
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import zoo.data
from scripts.lib.record import append
from zoo.text.data.tokenizer import Numberer, Tokenizer

try:
    from fastai.text.core import SpacyTokenizer, TokenizeWithRules
except ModuleNotFoundError as error:
    raise SystemExit(
        f"this program compares with fastai 2.8, and {error.name!r} is not installed: "
        "pip install fastai"
    ) from None

Tokens = list[list[str]]


def main() -> None:
    """Time both sides by turns and append a row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reviews", type=int, default=5000, help="of a pair")
    parser.add_argument("--pairs", type=int, default=3)
    options = parser.parse_args()
    rates: dict[str, list[float]] = {"ours": [], "fastai": []}
    differ = 0
    for pair, texts in enumerate(parts(options.reviews, options.pairs)):
        found: dict[str, Tokens] = {}
        for name in sorted(rates, reverse=bool(pair % 2)):
            seconds, found[name] = timed(SIDES[name], texts)
            rates[name].append(sum(map(len, found[name])) / seconds)
        differ += sum(a != b for a, b in zip(found["ours"], found["fastai"], strict=True))
    ratios = [ours / theirs for ours, theirs in zip(rates["ours"], rates["fastai"], strict=True)]
    append(
        "text_tokens.csv",
        reviews=options.reviews,
        pairs=options.pairs,
        ours=round(statistics.median(rates["ours"])),
        fastai=round(statistics.median(rates["fastai"])),
        ratio=statistics.median(ratios),
        lowest=min(ratios),
        highest=max(ratios),
        texts_that_differ=differ,
    )


def parts(n: int, pairs: int) -> Iterator[list[str]]:
    """Reviews of each pair, all read before any is timed."""
    files = sorted((zoo.data.get("imdb") / "train").glob("[np]*/*.txt"))
    for pair in range(pairs):
        chosen: Sequence[Path] = files[pair :: max(len(files) // n, pairs)][:n]
        yield [path.read_text(encoding="utf-8") for path in chosen]


def timed(
    side: Callable[[Sequence[str]], Callable[[], Tokens]], texts: Sequence[str]
) -> tuple[float, Tokens]:
    """CPU seconds of one side, and its tokens, made after the clock has stopped."""
    began = time.process_time()
    tokens = side(texts)
    return time.process_time() - began, tokens()


def ours(texts: Sequence[str]) -> Callable[[], Tokens]:
    """Numbers of all words."""
    known: dict[str, int] = {}
    numberer = Numberer(Tokenizer("en", "none"), lambda word: known.setdefault(word, len(known)))
    numbers = [numberer(text) for text in texts]
    words = list(known)
    return lambda: [[words[i] for i in one] for one in numbers]


def fastai(texts: Sequence[str]) -> Callable[[], Tokens]:
    """Tokens of all words."""
    found = [list(tokens) for tokens in TokenizeWithRules(SpacyTokenizer("en"))(texts)]
    return lambda: found


SIDES = {"ours": ours, "fastai": fastai}

if __name__ == "__main__":
    main()
