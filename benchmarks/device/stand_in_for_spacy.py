"""What the library asks of spaCy, cutting texts into words and marks alone.

For a machine without spaCy, in what does not depend on how texts are cut.
"""

from __future__ import annotations

import re
from pathlib import Path
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


def install(folder: Path) -> None:
    """Write a module `spacy` into a folder, to be searched where there is no other.

    Args:
        folder: is made; processes find the module if `PYTHONPATH` ends with it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spacy.py").write_text(Path(__file__).read_text(encoding="utf-8"), encoding="utf-8")
