"""What the library asks of spaCy, cutting texts into words and marks alone.

For a machine without spaCy, in what does not depend on how texts are cut. It is a plugin of pytest
too: `-p benchmarks.device.stand_in_for_spacy`.
"""

from __future__ import annotations

import importlib
import re
import sys
from types import SimpleNamespace
from typing import Any

WORD = re.compile(r"\n|\w+|[^\w\s]")


class Tokenizer:
    """The tokenizer of a blank pipeline."""

    def __init__(self) -> None:
        self.rules: dict[str, Any] = {}
        self.vocab = SimpleNamespace(lex_attr_getters={})

    def __call__(self, text: str) -> list[SimpleNamespace]:
        """Tokens, of which the library reads `text`."""
        return [SimpleNamespace(text=word) for word in WORD.findall(text)]

    def add_special_case(self, token: str, parts: Any) -> None:
        """Leave a token whole, as words are anyway."""


def blank(language: str) -> SimpleNamespace:
    """A pipeline with a tokenizer, for whatever may be the code of a language."""
    if len(language) > 3:
        raise ValueError(f"language must be a code, got {language=}.")
    return SimpleNamespace(tokenizer=Tokenizer())


def take_its_place() -> None:
    """Be what `import spacy` gives, if there is none."""
    try:
        importlib.import_module("spacy")
    except ImportError:
        sys.modules["spacy"] = sys.modules[__name__]


def pytest_configure() -> None:
    """Do so before tests are collected."""
    take_its_place()
