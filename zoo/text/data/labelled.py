"""Labelled texts: read from any form of data, and split into parts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeGuard

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.core.contents import Hashes, content_hashes
from zoo.core.split import numbered, warn_of_marked_parts
from zoo.core.trust.fixes import corrections
from zoo.data.table import keeps_types
from zoo.text.data import labels, sources
from zoo.text.data.labelled_texts import Labelled
from zoo.text.data.pairs import Text, is_pair
from zoo.text.data.texts import column_of, columns_of, is_missing
from zoo.text.spec import Asked, Column

Columns = Column | Sequence[Column] | None


def read(
    data: Any,
    text: Columns = None,
    label: Columns = None,
    *,
    usual: tuple[Any, Any] = (None, None),
    task: Asked | None = None,
    group: Column | None = None,
    fix: str | os.PathLike[str] | None = None,
) -> Labelled:
    """Labelled texts in any form.

    Args:
        data: a DataFrame, a table of polars or Arrow, columns by name or a list of rows; a CSV,
            TSV, Parquet, JSON or JSON-lines file; a data set of Hugging Face or torchtext; a folder
            with one folder of text files per class; or a pair (texts, labels). Rows to validate on
            stay apart where the data set them apart: by folders train/ and valid/, by the parts of
            a `DatasetDict`, or by a column "is_valid".
        text: the column of texts, or both columns of pairs; None takes "text".
        label: the column of classes; None takes "label"; several columns are one class each, in
            which 1 says that a text has it.
        usual: columns of texts and of classes where none are named.
        task: what is asked of a text; None leaves it to the labels.
        group: the column of groups whose rows are held out together; None if there are none.
        fix: table of what mends the texts to train on, see `zoo.core.trust.fixes`.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: a column is missing, a text is none, groups are named where nothing is drawn, a
            label is missing, no plain value or of another kind than the task's; or fixes are those
            of other data.
    """
    if parts := sources.parts_of(data):
        if group is not None:
            _refuse_group(group, "parts")
        again = partial(read, text=text, label=label, usual=usual, task=task)
        others = [again(part) for part in parts[1:] if part is not None]
        return _joined([again(parts[0], fix=fix), *others])
    rows = rows_of(data, text, label, usual=usual, task=task, group=group)
    return labelled_of(rows if fix is None else _mended(rows, fix), task)


class Rows(NamedTuple):
    """Texts and labels as the data have them, yet unchecked.

    Attributes:
        texts: one per row, or a pair.
        values: as many labels, or columns of classes.
        is_valid: rows that the data set apart to validate on; None if they set none apart.
        names: what the user calls each row; None counts them from 0.
        groups: numbers of groups whose rows are held out together; None if there are none.
    """

    texts: list[Any]
    values: list[Any] | pd.DataFrame
    is_valid: NDArray[np.bool_] | None
    names: list[Any] | None
    groups: NDArray[np.int64] | None = None

    def take(self, rows: NDArray[np.int64]) -> Rows:
        """Some of them, in that order."""
        chosen, values = rows.tolist(), self.values
        return Rows(
            [self.texts[row] for row in chosen],
            values.iloc[chosen] if _is_table(values) else [values[row] for row in chosen],
            None if self.is_valid is None else self.is_valid[rows],
            [*(chosen if self.names is None else (self.names[row] for row in chosen))],
            None if self.groups is None else self.groups[rows],
        )

    def hashes(self) -> Hashes:
        """Content hashes of the rows, labels included. Shape: (n,)"""
        values = self.values
        own = [*values.itertuples(index=False, name=None)] if _is_table(values) else values
        return content_hashes(
            (text, str(label)) for text, label in zip(self.texts, own, strict=True)
        )


def rows_of(
    data: Any,
    text: Columns = None,
    label: Columns = None,
    *,
    usual: tuple[Any, Any] = (None, None),
    task: Asked | None = None,
    group: Column | None = None,
) -> Rows:
    """The rows of data without parts; arguments as for `read`."""
    table, is_valid, values, names = sources.table_of(data), None, None, None
    groups = None
    if group is not None and table is None:
        _refuse_group(group, "no table")
    if table is None:
        texts, values = sources.pair_of(data)
    else:
        text_names = columns_of(table.columns, text, usual[0])
        label_names = _label_names(table.columns, label, usual[1])
        used = [*text_names, *label_names]
        if group is not None:
            used.append(column_of(table.columns, group, what="groups"))
            groups = numbered(table[used[-1]].tolist())
        is_valid = sources.is_valid_of(table, used)
        if group is not None and is_valid is not None:
            _refuse_group(group, "parts")
        if is_valid is None:
            warn_of_marked_parts(table, used)
        values, names = table[label_names], table.index.tolist()
        texts = _texts(table[text_names])
        if len(label_names) == 1 and not isinstance(label, (list, tuple)):
            values = values.iloc[:, 0].tolist()
            if isinstance(data, (str, os.PathLike)) and not keeps_types(Path(data)):
                values = labels.from_csv(values, task)
    return Rows(texts, values, is_valid, names, groups)


def _refuse_group(group: Column, data: str) -> NoReturn:
    raise ValueError(
        "group must be a column of a table of which a part is drawn to validate on, got "
        f"{group=!r:.60} for {data}. Leave it out."
    )


def labelled_of(rows: Rows, task: Asked | None = None) -> Labelled:
    """Rows as labelled texts.

    Raises:
        ValueError: see `read`.
    """
    plain = _plain(rows.texts, len(rows.values))
    own, named = labels.checked(rows.values, task=task)
    labelled = Labelled(plain, own, named, rows.is_valid, rows.names, groups=rows.groups)
    if task is not None:
        labelled.check_kind(task)
    return labelled


def _mended(rows: Rows, fix: str | os.PathLike[str]) -> Rows:
    """The rows that fixes leave, with the labels that they correct.

    Raises:
        ValueError: they are fixes of other data, or change labels that are columns of 0 and 1.
    """
    keys = [*map(str, range(len(rows.texts)))]
    mends = corrections(fix, keys, lambda some: rows.take(some).hashes())
    if mends.labels and isinstance(rows.values, pd.DataFrame):
        raise ValueError(
            f"labels in several columns must be changed there, got {len(mends.labels)} to change "
            "in a table of fixes. Leave only lines without a suggested label in it."
        )
    values: Any = rows.values
    if mends.labels:
        values = mends.relabelled(values)
    return rows._replace(values=values).take(mends.rows)


def _is_table(values: Any) -> TypeGuard[pd.DataFrame]:
    return isinstance(values, pd.DataFrame)


def _joined(parts: list[Labelled]) -> Labelled:
    """The training part, then the validation part, if there is one."""
    if len(parts) == 1:
        return parts[0]
    train, valid = parts
    valid.check_kind(train.task)
    valid.check_pairs(train.n_texts)
    sizes = [len(train.texts), len(valid.texts)]
    own: Any = [*train.labels, *valid.labels]
    named = tuple(dict.fromkeys([*train.named, *valid.named]))
    return Labelled([*train.texts, *valid.texts], own, named, np.repeat([False, True], sizes))


def _label_names(columns: Any, wanted: Columns, usual: Any) -> list[Any]:
    """The names of the columns of labels."""
    there = list(columns)
    if wanted is None and isinstance(usual, (list, tuple)):
        wanted = usual if all(name in there for name in usual) else None
    elif wanted is None:
        return [column_of(there, None, usual, default="label", what="classes")]
    names = list(wanted) if isinstance(wanted, (list, tuple)) else [wanted]
    return [column_of(there, name, default="label", what="classes") for name in names]


def _texts(table: pd.DataFrame) -> list[Any]:
    """The texts of one column, or the pairs of two; a gap is an empty text of a pair."""
    columns = [table[name].tolist() for name in table]
    if len(columns) == 1:
        return columns[0]
    filled = (["" if is_missing(one) else one for one in column] for column in columns)
    return list(zip(*filled, strict=True))


def _plain(texts: list[Any], n_labels: int) -> list[Text]:
    """The texts, empty where one is missing, or the pairs.

    Raises:
        ValueError: they are not as many as labels, or something is no text.
    """
    n_texts = len(texts)
    if n_texts != n_labels or not texts:
        raise ValueError(
            f"each text must have a label, got {n_texts=}, {n_labels=}. Give as many of both."
        )
    if is_pair(texts[0]):
        what, odd = "pair of two str", [text for text in texts if not is_pair(text)]
    else:
        what, odd = (
            "str",
            [one for one in texts if not isinstance(one, str) and not is_missing(one)],
        )
    if odd:
        raise ValueError(
            f"a text must be a {what}, got {odd[0]!r:.60} ({len(odd)} in all). Leave these rows "
            "out."
        )
    return [tuple(one) if is_pair(one) else "" if is_missing(one) else one for one in texts]
