"""Long Wikipedia articles of 2014, to train language models on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import zoo.data
from zoo.published.wikitext import TITLE, text


def long_articles(share: float) -> Iterator[str]:
    """This share of them, spread evenly; none that WikiText-2 validates or tests on."""
    parts = (text("valid"), text("test"))
    held = {_plain(title) for part in parts for title in TITLE.findall(part)}
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
