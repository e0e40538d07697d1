"""What `predict` and its like are called with, as texts: anything else is refused in a sentence."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from zoo.core.frames import arrow_frame
from zoo.core.messages import warn
from zoo.core.names import is_file
from zoo.data.table import TABLES
from zoo.text.data.files import path_of, text_of
from zoo.text.data.texts import column_of, every

_SPACE: Final = re.compile(r"\s")
_NAME: Final = re.compile(
    r"\S+\.[A-Za-z]\w{0,6}|.*\.(csv|tsv|json|jsonl|parquet|txt)", re.IGNORECASE
)


def texts_of(query: Any, column: Any = None) -> tuple[list[str], bool]:
    """The texts of a query in their order, and whether it was one text alone.

    Args:
        query: a text; a list, Series, array or iterator of texts; a table with a column of them; a
            `Path` of a table or of a text file. A str is a text, whatever it says: a text from a
            stranger opens no file.
        column: the name of a table's column of texts, as in training; None takes "text", or the
            only one.

    Raises:
        ValueError: something is no text, or the table has no such column.
        FileNotFoundError: there is no file at a path.

    >>> texts_of("So good!"), texts_of(iter(["So good!", "So bad."]))
    ((['So good!'], True), (['So good!', 'So bad.'], False))
    """
    if isinstance(query, np.ndarray) and query.ndim == 0:
        query = query.item()
    if isinstance(query, os.PathLike):
        _require_file(query)
        texts = list(_texts_of_file(path_of(query), column))
        return texts, Path(query).suffix.lower() not in TABLES
    if isinstance(query, str):
        if _is_table(query):
            warn(
                f"a str is read as a text, got {query!r:.80}, which a table is named too. Pass "
                "a pathlib.Path to read that."
            )
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
    if isinstance(query, str):
        return str(query)
    texts, alone = texts_of(query)
    if not alone:
        raise ValueError(
            f"this takes one text, a str, got a {type(query).__name__} of {len(texts)}. Try each."
        )
    return texts[0]


def texts_in(
    files: Sequence[Path | str], column: Any = None
) -> Iterator[tuple[list[dict[str, Any]], list[str]]]:
    """Yield the texts of each file beside where each is from, as a record says it.

    Args:
        files: tables, of which missing texts are empty ones; another file is one text, and so is a
            str that names no file and does not look as if it should.
        column: see `texts_of`.

    Raises:
        FileNotFoundError: one is no file.
        ValueError: a table has no such column.
    """
    for file in files:
        if isinstance(file, str) and _is_no_name(file):
            yield [{"text": file}], [file]
            continue
        path = _require_file(file)
        texts = list(_texts_of_file(path, column))
        rows: Any = [{"row": row} for row in range(len(texts))]
        rows = rows if path.suffix.lower() in TABLES else [{}]
        yield [{"file": str(file), **row} for row in rows], texts


def _require_file(file: str | os.PathLike[str]) -> Path:
    if not is_file(path := Path(file)):
        raise FileNotFoundError(
            f"texts to predict must be in files, got {str(file)!r:.100}, which is none. Correct "
            "the name, or write the text into a .txt file."
        )
    return path


def _texts_of_file(path: Path, column: Any) -> Iterable[str]:
    """The texts of a table, or the one of another file."""
    is_table = path.suffix.lower() in TABLES
    return every(path, usual=column) if is_table else [text_of(path)]


def _is_table(text: str) -> bool:
    """Whether a text is the name of a table that is there."""
    path = Path(text)
    return path.suffix.lower() in TABLES and is_file(path)


def _is_no_name(text: str) -> bool:
    """Whether a text neither is the name of a file or folder nor looks like one."""
    if _NAME.fullmatch(text) or (os.sep in text and not _SPACE.search(text)):
        return False
    with contextlib.suppress(OSError, ValueError):  # too long, or odd in another way
        return not Path(text).exists()
    return True


def _rows(query: Any, column: Any) -> list[Any]:
    query = arrow_frame(query)
    names = getattr(query, "columns", getattr(query, "column_names", None))  # of Hugging Face too
    if names is not None:
        query = query[column_of(names, usual=column)]
    try:
        return list(query)
    except TypeError:
        raise ValueError(
            f"a text must be a str, got {query!r:.60}, a {type(query).__name__}. Try str(text)."
        ) from None
