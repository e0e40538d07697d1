"""What `predict` and its like are called with where a model reads pairs of texts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.core.names import is_file
from zoo.data.table import TABLES, read_texts
from zoo.text.data.files import path_of
from zoo.text.data.pairs import SIDES, Text, is_pair
from zoo.text.data.texts import columns_of, is_missing


def pairs_of(query: Any, columns: Any = None) -> tuple[list[Text], bool]:
    """The pairs of a query in their order, and whether it was one alone.

    Args:
        query: a tuple of two str; a list, array or iterator of them; a table with a column for
            each, or the `Path` of one, whose missing texts are empty.
        columns: names of a table's columns, as in training; None takes those of a table of two.

    Raises:
        ValueError: something is no pair, or the table has no such columns.
        FileNotFoundError: there is no file at a path.

    >>> pairs_of(("So good?", "Yes.")), pairs_of([["So good?", "Yes."]])
    (([('So good?', 'Yes.')], True), ([('So good?', 'Yes.')], False))
    """
    if is_pair(query):
        return [tuple(query)], True
    rows = list(_rows(query, columns))
    odd = [(place, row) for place, row in enumerate(rows) if not is_pair(row)]
    if odd:
        place, row = odd[0]
        raise ValueError(
            f"a text must be a pair of two str for this model, got {row!r:.60} in place {place} "
            f"({len(odd)} such in all). Give tuples such as ('a question', 'an answer')."
        )
    return [tuple(row) for row in rows], False


def pairs_in(
    files: Sequence[Path | str], columns: Any = None
) -> Iterator[tuple[list[dict[str, Any]], list[Text]]]:
    """Yield the pairs of each table beside where each is from, as a record says it.

    Raises:
        FileNotFoundError: one is no file.
        ValueError: a table has no such columns.
    """
    for file in files:
        if not is_file(Path(file)):
            raise FileNotFoundError(
                f"pairs to predict must be in tables, got {str(file)!r:.100}, which is no file. "
                f"Write them into a {TABLES[0]} file with a column for each text."
            )
        pairs, _ = pairs_of(Path(file), columns)
        yield [{"file": str(file), "row": row} for row in range(len(pairs))], pairs


def _rows(query: Any, columns: Any) -> Iterator[Any]:
    if isinstance(query, os.PathLike):
        path = path_of(query)
        if path.is_dir() or path.suffix.lower() not in TABLES:
            raise ValueError(
                f"a file of pairs must end in {', '.join(TABLES)}, got {path.name!r}. Make it a "
                "table with a column for each text."
            )
        table = read_texts(path)
        names = columns_of(table.columns, usual=columns, n=SIDES)
        cells = zip(*(table[name] for name in names), strict=True)
        return (tuple("" if is_missing(one) else one for one in row) for row in cells)
    names = getattr(query, "columns", getattr(query, "column_names", None))
    if names is not None:
        own = columns_of(names, usual=columns, n=SIDES)
        return zip(*(query[name] for name in own), strict=True)
    query = query.tolist() if isinstance(query, np.ndarray) else query
    is_listing = not isinstance(query, (str, bytes, dict, set)) and hasattr(query, "__iter__")
    return iter(query if is_listing else [query])
