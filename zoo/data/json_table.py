"""Tables in JSON: one object per line, a list of rows, or columns by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from zoo.data.encoding import encoding_of, opened_text


def from_lines(path: Path, n: int) -> Iterator[pd.DataFrame]:
    """Yield a table of JSON lines, n rows at a time.

    Raises:
        ValueError: a line is no object.
    """
    rows = _rows(path)
    while piece := list(islice(rows, n)):
        yield pd.DataFrame(piece, dtype=object)


def from_json(path: Path, n: int) -> Iterator[pd.DataFrame]:
    """Yield a list of rows or texts, columns by name, or rows under a single name, as one table.

    A file of JSON lines under another name is yielded n rows at a time.

    Raises:
        ValueError: the file holds none of these.
    """
    try:
        with opened_text(path, encoding_of(path)) as file:
            tree = json.load(file)
    except json.JSONDecodeError:
        yield from from_lines(path, n)
        return
    if isinstance(tree, dict) and len(tree) == 1:
        (only,) = tree.values()
        tree = only if _is_list(only, dict) else tree
    tree = {"text": tree} if tree and _is_list(tree, str) else tree
    try:
        if not tree or not (isinstance(tree, dict) or _is_list(tree, dict)):
            raise TypeError
        yield pd.DataFrame(tree, dtype=object)
    except (ValueError, TypeError):
        raise ValueError(
            f"a JSON file must hold a list of rows, such as "
            f'[{{"text": "so good", "label": "yes"}}], got {path.name!r} with another form. '
            "Write the rows in this form."
        ) from None


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with opened_text(path, encoding_of(path)) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise ValueError(
                    f"a line of JSON lines must be an object with the columns as names, got "
                    f"{line.strip()!r:.60} in line {number} of {path.name!r}. Correct this line."
                )
            yield row


def _is_list(value: Any, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(one, kind) for one in value)
