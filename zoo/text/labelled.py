"""Labelled texts: tables, folders with a folder a class, or a pair of texts and labels.

Each text has one class, or any number of them: then its label is a tuple.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.text.spec import Label
from zoo.text.texts import JSON_LINES, TABLES, column_of, decoded
from zoo.text.torchtext import column as torchtext_column
from zoo.text.torchtext import is_dataset


@dataclass(frozen=True)
class Labelled:
    """Texts and the class of each, or the classes."""

    texts: list[str]
    labels: list[Label] | list[tuple[Label, ...]]

    @property
    def multi_label(self) -> bool:
        """Whether a text has any number of classes."""
        return isinstance(self.labels[0], tuple)

    def check_kind(self, *, multi_label: bool) -> None:
        """Refuse several classes a text where a model knows one, and the other way round.

        Raises:
            ValueError: it is so.
        """
        if self.multi_label != multi_label:
            raise ValueError(
                f"this model gives a text {'any number of classes' if multi_label else 'one class'}"
                f", however a label is {self.labels[0]!r:.60}; give labels of its kind"
            )

    def classes(self) -> tuple[Label, ...]:
        """The classes there are, sorted.

        Raises:
            ValueError: there are fewer than two.
        """
        found = sorted(set(self._each()), key=lambda one: (str(type(one)), one))
        if len(found) < 2:
            raise ValueError(
                f"telling classes apart takes at least two, however {found=}; give texts of others"
            )
        return tuple(found)

    def numbers(self, classes: Sequence[Label]) -> NDArray[Any]:
        """The number of each text's class, or for each class whether the text has it.

        Shape: (n,), int64, or (n, n_classes), float32.

        Raises:
            ValueError: a class is not known.
        """
        known = {label: number for number, label in enumerate(classes)}
        unknown = [label for label in self._each() if label not in known]
        if unknown:
            raise ValueError(
                f"classes are those of training, however {unknown[0]!r} is not one of "
                f"{list(classes)[:10]} ({len(unknown)} such texts in all); leave them out"
            )
        if not self.multi_label:
            return np.array([known[label] for label in self._each()], dtype=np.int64)
        table = np.zeros((len(self.labels), len(known)), dtype=np.float32)
        for row, labels in zip(table, self.labels, strict=True):
            row[[known[label] for label in labels]] = 1  # type: ignore[union-attr]
        return table

    def take(self, rows: NDArray[np.int64]) -> Labelled:
        """Some of them."""
        labels: Any = [self.labels[i] for i in rows]
        return Labelled([self.texts[i] for i in rows], labels)

    def _each(self) -> list[Label]:
        labels: Any = self.labels
        return list(chain.from_iterable(labels)) if self.multi_label else labels


def read(data: Any, text: str | None = None, label: str | Sequence[str] | None = None) -> Labelled:
    """Labelled texts of any form.

    Args:
        data: a DataFrame, a CSV, TSV, Parquet or JSON-lines file, a folder with a folder of text
            files for each class, or a pair (texts, labels).
        text: the column of texts; None takes "text".
        label: the column of classes; None takes "label"; several columns are a class each, in which
            1 says that a text has it.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: a column is missing, a text is none, or a label is missing or no plain value.
    """
    if isinstance(data, (str, os.PathLike)):
        path = Path(data)
        data = _folder(path) if path.is_dir() else _table(path)
    if isinstance(data, pd.DataFrame):
        data = (data[column_of(data.columns, text)], _labels_of(data, label))
    if is_dataset(data):
        names = (text or "text", label if isinstance(label, str) else "label")
        data = tuple(list(torchtext_column(data, name)) for name in names)
    if not isinstance(data, (tuple, list)) or len(data) != 2 or isinstance(data[0], str):
        raise ValueError(
            "labelled texts are a table, a folder with a folder a class, or a pair of texts and "
            f"labels, however data is a {type(data).__name__}; give one of these"
        )
    return _checked(list(data[0]), list(data[1]))


def split(found: Labelled, fraction: float, seed: int) -> tuple[Labelled, Labelled]:
    """Two parts at random, of each class this fraction in the second (at least one is left).

    Where a text has any number of classes, of those with the same ones.

    Raises:
        ValueError: the classes are too small for it.
    """
    rng = np.random.default_rng(seed)
    numbers = np.unique(found.numbers(found.classes()), axis=0, return_inverse=True)[1]
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
    several = [isinstance(one, (list, tuple, set, frozenset, np.ndarray)) for one in labels]
    if any(several) and not all(several):
        odd = labels[several.index(False)]
        raise ValueError(
            f"each text has one class or each a list of them, however {odd!r:.60} is no list and "
            f"{labels[several.index(True)]!r:.60} is one; give lists for all"
        )
    found: Any = (
        [tuple(dict.fromkeys(map(_plain, one))) for one in labels]
        if any(several)
        else [_plain(one) for one in labels]
    )
    one_by_one = list(chain.from_iterable(found)) if any(several) else found
    for name, values, kinds in (("text", texts, str), ("label", one_by_one, (str, int, bool))):
        odd = [value for value in values if not isinstance(value, kinds)]
        if odd:
            raise ValueError(
                f"a {name} is plain {'text' if name == 'text' else 'text or a whole number'}, "
                f"however {odd[0]!r:.60} is not ({len(odd)} such in all); leave these rows out"
            )
    return Labelled(texts, found)


def _plain(label: Any) -> Any:
    label = label.item() if isinstance(label, np.generic) else label
    return int(label) if isinstance(label, float) and label.is_integer() else label


def _labels_of(table: pd.DataFrame, wanted: str | Sequence[str] | None) -> Any:
    names = ["label" if wanted is None else wanted] if not isinstance(wanted, list) else wanted
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise ValueError(
            f"the column of classes must be there, however {missing[0]!r} is not in "
            f"{list(table.columns)[:10]}; name it with label=..."
        )
    if not isinstance(wanted, list):
        return table[names[0]]
    if not table[names].isin([0, 1]).all(axis=None):
        raise ValueError(
            f"several columns of classes hold 1 where a text has one and 0 elsewhere, however "
            f"{names[:10]} hold something else; name one column, or change them"
        )
    rows = table[names].to_numpy(dtype=bool)
    return [tuple(name for name, has in zip(names, row, strict=True) if has) for row in rows]


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
