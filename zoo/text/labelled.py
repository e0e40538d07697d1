"""Labelled texts: tables, folders with a folder a class, or a pair of texts and labels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.text.spec import Label
from zoo.text.texts import JSON_LINES, TABLES, column_of, decoded


@dataclass(frozen=True)
class Labelled:
    """Texts and the class of each."""

    texts: list[str]
    labels: list[Label]

    def classes(self) -> tuple[Label, ...]:
        """The classes there are, sorted.

        Raises:
            ValueError: there are fewer than two.
        """
        found = sorted(set(self.labels), key=lambda one: (str(type(one)), one))
        if len(found) < 2:
            raise ValueError(
                f"telling classes apart takes at least two, however {found=}; give texts of others"
            )
        return tuple(found)

    def numbers(self, classes: Sequence[Label]) -> NDArray[np.int64]:
        """The number of each text's class.

        Raises:
            ValueError: a class is not known.
        """
        known = {label: number for number, label in enumerate(classes)}
        unknown = [label for label in self.labels if label not in known]
        if unknown:
            raise ValueError(
                f"classes are those of training, however {unknown[0]!r} is not one of "
                f"{list(classes)[:10]} ({len(unknown)} such texts in all); leave them out"
            )
        return np.array([known[label] for label in self.labels], dtype=np.int64)

    def take(self, rows: NDArray[np.int64]) -> Labelled:
        """Some of them."""
        return Labelled([self.texts[i] for i in rows], [self.labels[i] for i in rows])


def read(data: Any, text: str | None = None, label: str | None = None) -> Labelled:
    """Labelled texts of any form.

    Args:
        data: a DataFrame, a CSV, TSV, Parquet or JSON-lines file, a folder with a folder of text
            files for each class, or a pair (texts, labels).
        text: the column of texts; None takes "text".
        label: the column of classes; None takes "label".

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: a column is missing, a text is none, or a label is missing or no plain value.
    """
    if isinstance(data, (str, os.PathLike)):
        path = Path(data)
        data = _folder(path) if path.is_dir() else _table(path)
    if isinstance(data, pd.DataFrame):
        data = (data[column_of(data.columns, text)], data[_label_of(data, label)])
    if not isinstance(data, (tuple, list)) or len(data) != 2 or isinstance(data[0], str):
        raise ValueError(
            "labelled texts are a table, a folder with a folder a class, or a pair of texts and "
            f"labels, however data is a {type(data).__name__}; give one of these"
        )
    return _checked(list(data[0]), list(data[1]))


def split(found: Labelled, fraction: float, seed: int) -> tuple[Labelled, Labelled]:
    """Two parts at random, of each class this fraction in the second (at least one is left).

    Raises:
        ValueError: the classes are too small for it.
    """
    rng = np.random.default_rng(seed)
    numbers = found.numbers(found.classes())
    held: list[int] = []
    for number in np.unique(numbers).tolist():
        rows = rng.permutation(np.flatnonzero(numbers == number))
        held += rows[: min(max(round(fraction * len(rows)), 1), len(rows) - 1)].tolist()
    if not held:
        raise ValueError(
            f"validation takes some texts of a class, however each of the {len(found.texts)} texts "
            "is the only one of its class; give valid=, or valid_fraction=0"
        )
    mask = np.zeros(len(numbers), dtype=bool)
    mask[held] = True
    return found.take(np.flatnonzero(~mask)), found.take(np.flatnonzero(mask))


def _checked(texts: list[Any], labels: list[Any]) -> Labelled:
    n_texts, n_labels = len(texts), len(labels)
    if n_texts != n_labels or not texts:
        raise ValueError(
            f"each text has a label, however {n_texts=}, {n_labels=}; give as many of both"
        )
    texts = ["" if _is_missing(text) else text for text in texts]
    labels = [one.item() if isinstance(one, np.generic) else one for one in labels]
    labels = [int(one) if isinstance(one, float) and one.is_integer() else one for one in labels]
    for name, values, kinds in (("text", texts, str), ("label", labels, (str, int, bool))):
        odd = [value for value in values if not isinstance(value, kinds)]
        if odd:
            raise ValueError(
                f"a {name} is plain {'text' if name == 'text' else 'text or a whole number'}, "
                f"however {odd[0]!r:.60} is not ({len(odd)} such in all); leave these rows out"
            )
    return Labelled(texts, labels)


def _label_of(table: pd.DataFrame, wanted: str | None) -> Any:
    name = "label" if wanted is None else wanted
    if name not in table.columns:
        raise ValueError(
            f"the column of classes must be there, however {name!r} is not in "
            f"{list(table.columns)[:10]}; name it with label=..."
        )
    return name


def _folder(path: Path) -> tuple[list[str], list[str]]:
    files = sorted(file for file in path.glob("*/*") if file.is_file())
    if not files:
        raise FileNotFoundError(
            f"a folder of labelled texts has a folder of text files for each class, however "
            f"{str(path)[:100]!r} has none; name another folder"
        )
    return [decoded(file.read_bytes()) for file in files], [file.parent.name for file in files]


def _table(path: Path) -> pd.DataFrame:
    kind = path.suffix.lower()
    if not path.is_file():
        raise FileNotFoundError(
            f"labelled texts come from a file or folder, however {str(path)[:100]!r} does not exist"
        )
    if kind not in (*TABLES, *JSON_LINES):
        raise ValueError(
            f"a file of labelled texts ends in {', '.join((*TABLES, *JSON_LINES))}, however "
            f"{path.name!r} does not; make it a table"
        )
    try:
        if kind == ".parquet":
            return pd.read_parquet(path)
        if kind in JSON_LINES:
            return pd.read_json(path, lines=True)
        separator = "\t" if kind == ".tsv" else ","
        return pd.read_csv(path, sep=separator, encoding_errors="replace")
    except ValueError as error:  # of pandas: empty, ragged, no JSON
        raise ValueError(
            f"a table has a row of names and rows of cells, however {path.name!r} has not "
            f"({str(error).splitlines()[0]:.100})"
        ) from None


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)
