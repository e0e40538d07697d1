"""What `predict` and its like are called with, as texts: anything else is refused in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.table import TABLES
from zoo.text.data.files import text_of
from zoo.text.data.texts import column_of, every


def texts_of(query: Any, column: Any = None) -> tuple[list[str], bool]:
    """The texts of a query in their order, and whether it was one text alone.

    Args:
        query: a text; a list, Series, array or iterator of texts; a table with a column of them.
        column: the name of a table's column of texts, as in training; None takes "text", or the
            only one.

    Raises:
        ValueError: something is no text, or the table has no such column.

    >>> texts_of("So good!"), texts_of(iter(["So good!", "So bad."]))
    ((['So good!'], True), (['So good!', 'So bad.'], False))
    """
    if isinstance(query, np.ndarray) and query.ndim == 0:
        query = query.item()
    if isinstance(query, str):
        return [str(query)], True
    if isinstance(query, (bytes, bytearray, memoryview)):
        raise ValueError(
            f"a text must be a str, got {bytes(query)[:40]!r}. Try text.decode('utf-8')."
        )
    if isinstance(query, (Mapping, set, frozenset)):
        raise ValueError(
            "texts must come in an order, in a list, a Series or a table, "
            f"got a {type(query).__name__}. Try a list of them."
        )
    rows = _rows(query, column)
    odd = [(row, text) for row, text in enumerate(rows) if not isinstance(text, str)]
    if odd:
        row, text = odd[0]
        raise ValueError(
            f"a text must be a str, got {text!r:.60}, a {type(text).__name__}, in place {row} "
            f"({len(odd)} such in all). Try str(text), or '' for a missing one."
        )
    return [str(text) for text in rows], False


def one_text(query: Any) -> str:
    """The text that a query is.

    Raises:
        ValueError: it is no text, or several.
    """
    texts, alone = texts_of(query)
    if not alone:
        raise ValueError(
            f"this takes one text, a str, got a {type(query).__name__} of {len(texts)}. Try each."
        )
    return texts[0]


def texts_in(
    files: Sequence[Path], column: Any = None
) -> Iterator[tuple[list[dict[str, Any]], list[str]]]:
    """Yield the texts of each file beside where each is from, as a record says it.

    Args:
        files: tables, of which missing texts are empty ones; another file is one text.
        column: see `texts_of`.

    Raises:
        FileNotFoundError: one is no file.
        ValueError: a table has no such column.
    """
    for file in files:
        if not file.is_file():
            raise FileNotFoundError(
                f"texts to predict must be in files, got '{file}', which is none. Write the text "
                "into a .txt file, or several into a table with a column 'text'."
            )
        if file.suffix.lower() in TABLES:
            texts = list(every(file, usual=column))
            yield [{"file": str(file), "row": row} for row in range(len(texts))], texts
        else:
            yield [{"file": str(file)}], [text_of(file)]


def _rows(query: Any, column: Any) -> list[Any]:
    names = getattr(query, "columns", getattr(query, "column_names", None))  # of Hugging Face too
    if names is not None:
        query = query[column_of(names, usual=column)]
    try:
        return list(query)
    except TypeError:
        raise ValueError(
            f"a text must be a str, got {query!r:.60}, a {type(query).__name__}. Try str(text)."
        ) from None
