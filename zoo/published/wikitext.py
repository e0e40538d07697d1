"""WikiText-2 (Merity et al. 2016) as articles; language models are scored on its validation part.

Perplexity is that of the model's own tokens and vocabulary, where words outside count as one, so it
compares with no other model's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

from zoo.data.fetch import get

DATA = "wikitext-2"
TITLE = re.compile(r"^ = ([^=].*?) = $", re.MULTILINE)

_ESCAPED = ((" @,@ ", ","), (" @-@ ", "-"), (" @.@ ", "."))


def score(model: Any) -> dict[str, float]:
    """Perplexity on the articles of the validation part."""
    return {"perplexity": model.evaluate(list(articles("valid")))["perplexity"]}


def text(part: Literal["train", "valid", "test"]) -> str:
    """A part as it is: words apart, rare ones replaced, an article after another."""
    return (get(DATA) / f"wiki.{part}.tokens").read_text(encoding="utf-8")


def articles(part: Literal["train", "valid", "test"]) -> Iterator[str]:
    """Its articles one by one, numbers and compounds in one piece as others write them."""
    whole = text(part)
    starts = [match.start() for match in TITLE.finditer(whole)]
    for start, end in zip(starts, [*starts[1:], len(whole)], strict=True):
        article = whole[start:end]
        for escaped, meant in _ESCAPED:
            article = article.replace(escaped, meant)
        yield article
