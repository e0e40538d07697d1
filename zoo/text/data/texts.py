"""Where texts come from: folders and files, tables, data sets, iterators; one at a time.

Nothing here holds a whole corpus, so that it may be larger than memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from zoo.core.contents import Hashes, content_hashes
from zoo.core.frames import arrow_frame
from zoo.data.table import TABLES, pieces_of, require_columns
from zoo.text.data import huggingface, torchtext
from zoo.text.data.files import parts_in, path_of, text_of, visible
from zoo.text.data.normalisation import normal_form
from zoo.text.data.pairs import Text, sides
from zoo.text.spec import Column

Texts = str | os.PathLike[str] | pd.DataFrame | Iterable[Any]
"""A folder of text files, a file (text, JSON, JSON lines, CSV, TSV, Parquet), a DataFrame, columns
by name, a data set of Hugging Face or torchtext, or any iterable of texts."""

PIECE = 100_000  # characters: a longer file is so many documents
_KINDS = (".txt", ".text", ".tokens", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")


def each(texts: Texts, column: Column | None = None, usual: Any = None) -> Iterator[str]:
    """The texts one by one; missing and empty ones are left out.

    Args:
        texts: see `Texts`.
        column: name of the column of texts in a table or data set.
        usual: the column where none is named; without it, "text", or the only column.

    Raises:
        FileNotFoundError: there is no such file or folder, or no text file in it.
        ValueError: there is no such column, or what should be a text is none.
    """
    return (text for text in every(texts, column, usual) if text.strip())


def every(texts: Texts, column: Column | None = None, usual: Any = None) -> Iterator[str]:
    """As `each`, with an empty text where one is missing: row by row of a table."""
    for text in _values(texts, column, usual):
        if is_missing(text):
            yield ""
        elif isinstance(text, str):
            yield text
        else:
            raise ValueError(
                f"a text must be a str, got {text!r:.60}, a {type(text).__name__}. Name the column "
                "of texts, or convert it."
            )


def parts(texts: Texts) -> tuple[Texts, Texts | None]:
    """Texts to train on, and those to validate on where the data say it.

    They do so by a folder or file of the name "train" beside one named "valid" or "test", or as a
    `DatasetDict`.
    """
    if isinstance(texts, (str, os.PathLike)) and path_of(texts).is_dir():
        train, valid = parts_in(Path(texts), _KINDS)
        return (texts, None) if train is None else (train, valid)
    return huggingface.parts_of(texts) or (texts, None)


def files_in(folder: Path) -> list[Path]:
    """The text files of a folder and of those in it, sorted; hidden ones do not count.

    Raises:
        FileNotFoundError: there are none.
    """
    files = [path for path in visible(folder, "**/*") if path.suffix.lower() in _KINDS]
    if not files:
        raise FileNotFoundError(
            f"a folder of texts must have files that end in {', '.join(_KINDS)}, got "
            f"{str(folder)!r} without any. Name another folder."
        )
    return files


def pieces(text: str, size: int = PIECE) -> Iterator[str]:
    r"""A text in pieces that end with a line, or with a word where a line is endless.

    >>> list(pieces("one two\nthree four five", 9))
    ['one two\n', 'three ', 'four five']
    """
    start = 0
    while len(text) - start > size:
        window = text[start : start + size]
        cut = window.rfind("\n") + 1 or window.rfind(" ") + 1 or size
        yield text[start : start + cut]
        start += cut
    yield text[start:]


def table_of(data: Any) -> pd.DataFrame | None:
    """A table, columns by name, a list of rows or a torchtext data set; None of anything else.

    Raises:
        ValueError: the columns differ in length.
    """
    data = arrow_frame(data)
    if isinstance(data, pd.DataFrame):
        return data
    if torchtext.is_dataset(data):
        return torchtext.table(data)
    first = data[0] if isinstance(data, list) and data else data
    if huggingface.is_rows(data) or not isinstance(first, Mapping):
        return None
    try:
        return pd.DataFrame(data, dtype=object)
    except ValueError as error:
        raise ValueError(
            f"columns by name must be lists of one length, got others ({error}). Give as many "
            "labels as texts."
        ) from None


def column_of(
    columns: Iterable[Any],
    wanted: Any = None,
    usual: Any = None,
    *,
    default: str = "text",
    what: str = "texts",
) -> Any:
    """The column of texts, or another one that is needed.

    Args:
        columns: names of all columns.
        wanted: name that the user states, or None.
        usual: what it was when the model was trained.
        default: the name where there is no other.
        what: what the column holds, for messages.

    Raises:
        ValueError: there is no such column, several have its name, or none is named and several
            might be meant.
    """
    there = list(columns)
    candidates = (usual, default) if wanted is None else (wanted,)
    name = next((one for one in candidates if one is not None and one in there), None)
    if name is None and wanted is None and what == "texts" and len(there) == 1:
        name = there[0]
    if name is None:
        missing = default if wanted is None else wanted
        require_columns(there, [missing], f"the column of {what} ({default}=...)")
    if there.count(name) > 1:
        raise ValueError(
            f"names of columns must differ, got {there.count(name)} columns named {name!r}. "
            "Rename or drop all but one."
        )
    return name


def columns_of(columns: Iterable[Any], wanted: Any = None, usual: Any = None, *, n: int = 1) -> Any:
    """The columns of texts: one, or several that are read together.

    Args:
        columns: names of all columns.
        wanted: a name, or a list or tuple of them; or None.
        usual: those where none are named.
        n: how many are needed where no names are known: all columns of a table of so many.

    Raises:
        ValueError: see `column_of`; or there are more than two.
    """
    there = list(columns)
    names = usual if wanted is None else wanted
    if names is None and n > 1 and len(there) == n:
        names = tuple(there)
    if n > 1 and not isinstance(names, (list, tuple)):
        raise ValueError(
            f"columns of pairs must be known, got {there[:10]}. Name them at training, such as "
            "text=('question', 'answer'), or give a table of these two columns."
        )
    if not isinstance(names, (list, tuple)):
        return [column_of(there, wanted, usual)]
    if not 1 <= len(names) <= 2:
        raise ValueError(f"texts must be in one column or two, got {list(names)}. Join others.")
    return [column_of(there, name) for name in names]


def key_of(text: Text) -> str:
    r"""The same for all copies of a text: spaces, capitals, quotes and escapes make no other text.

    >>> key_of("Isn\u2019t it  Good\r\n") == key_of("isn&#39;t it good")
    True
    """
    keys = [" ".join(normal_form(one).split()).casefold() for one in sides(text)]
    return "\n".join(keys) if any(keys) else ""


def hashes_of(texts: Iterable[Text]) -> Hashes:
    """Content hashes of the texts that are not empty. Shape: (n,)"""
    return content_hashes(filter(None, map(key_of, texts)))


def is_missing(value: object) -> bool:
    """Whether a cell is a gap: None, NaN, NaT or pandas' NA."""
    if isinstance(value, (float, np.floating)):
        return bool(np.isnan(value))
    return value is None or value is pd.NA or value is pd.NaT


def _values(texts: Texts, column: Column | None, usual: Any) -> Iterator[Any]:
    if isinstance(texts, (str, os.PathLike)):
        yield from _from_path(path_of(texts), column, usual)
        return
    if huggingface.parts_of(texts):
        raise ValueError(
            f"texts must be of one part, got parts named {list(map(str, texts))[:10]}. Give one of "
            "them, such as data['train']."
        )
    if (table := table_of(texts)) is not None:
        yield from table[column_of(table.columns, column, usual)]
    elif huggingface.is_rows(texts):
        rows: Any = texts
        name = column_of(huggingface.columns_of(rows), column, usual)
        yield from (row[name] for row in rows)
    else:
        yield from texts


def _from_path(path: Path, column: Column | None, usual: Any) -> Iterator[Any]:
    if path.is_dir():
        for file in files_in(path):
            yield from _from_path(file, column, usual)
    elif path.suffix.lower() in TABLES:
        for table in pieces_of(path):
            yield from table[column_of(table.columns, column, usual)]
    else:
        yield from pieces(text_of(path))
