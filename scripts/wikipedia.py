"""Articles of WikiText-2 and of long Wikipedia articles of 2014, to train language models on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final, Literal

import zoo.data

_TITLE: Final = re.compile(r"^ = ([^=].*?) = $", re.MULTILINE)
_ESCAPED: Final = ((" @,@ ", ","), (" @-@ ", "-"), (" @.@ ", "."))


def wikitext(part: Literal["train", "valid", "test"]) -> str:
    """A part of WikiText-2 as it is: words apart, rare ones replaced, an article after another."""
    path = zoo.data.get("wikitext-2") / f"wiki.{part}.tokens"
    return path.read_text(encoding="utf-8")


def wikitext_articles(part: Literal["train", "valid", "test"]) -> Iterator[str]:
    """Its articles one by one, numbers and compounds in one piece as others write them."""
    text = wikitext(part)
    starts = [match.start() for match in _TITLE.finditer(text)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        article = text[start:end]
        for escaped, meant in _ESCAPED:
            article = article.replace(escaped, meant)
        yield article


def long_articles(share: float) -> Iterator[str]:
    """This share of them, spread evenly; none that WikiText-2 validates or tests on."""
    parts = (wikitext("valid"), wikitext("test"))
    held = {_plain(title) for part in parts for title in _TITLE.findall(part)}
    taken = 0.0
    path = zoo.data.get("wiki-long-2014") / "wiki-long-2014.jsonl"
    with path.open(encoding="utf-8") as file:
        for line in file:
            article = json.loads(line)
            taken += share
            if taken < 1:
                continue
            taken -= 1
            if _plain(article["title"]) not in held:
                yield article["text"]


def _plain(title: str) -> str:
    return re.sub(r"\W|@.@", "", title).lower()
