"""What the data doctor examines of labelled texts, before a model is trained on them.

report = zoo.text.check("reviews.csv", text="review", label="sentiment")
report.ok, report.findings

Beside what all data may suffer from (`zoo.core.trust.doctor`): texts that are empty, or that were
read in a wrong encoding; texts without a label; texts that are nearly the same
(`zoo.text.near_copies`).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.core.trust.diagnosis import Items, Report
from zoo.core.trust.doctor import Same, balance, copies, equal_rows, rows_finding, wrong_labels
from zoo.text.classification.options import TaskName
from zoo.text.data import sources
from zoo.text.data.labelled import Columns, Rows, labelled_of, rows_of
from zoo.text.data.pairs import Text, as_one, is_pair
from zoo.text.data.texts import is_missing, key_of
from zoo.text.doubts import Labels, doubts_of
from zoo.text.near_copies import near_copies

SAME: Final = Same("the same text", "nearly the same text")
SHOWN: Final = 60  # letters of a text in a report
_DAMAGED: Final = "\ufffd"  # what is read in the place of bytes that are no letters


class _Part(NamedTuple):
    rows: Rows
    side: str
    has_keys: bool


def check(
    data: Any,
    valid: Any = None,
    *,
    text: Columns = None,
    label: Columns = None,
    task: TaskName | None = None,
    labels: Labels = True,
) -> Report:
    """What is wrong with labelled texts.

    Args:
        data: a table, a folder of classes, or a pair (texts, labels), as for `finetune`.
        valid: the validation part in the same form; None takes what `data` says.
        text: the column of texts, or both of pairs.
        label: the column of classes, or several.
        task: what is asked of a text, as in `finetune`.
        labels: whether to look for wrong labels, by logistic regression on TF-IDF, or on the
            vectors of an encoder such as "minilm"; or a model, by its `out_of_fold`.

    Raises:
        FileNotFoundError: the file or folder does not exist.
        ValueError: columns are missing, or no text has a label.
    """
    parts = _parts(data, valid, text, label, task)
    rows = [row for part in parts for row in _each(part)]
    texts: list[Text] = [row[0] for row in rows]
    items = Items(
        "texts",
        [row[1] for row in rows],
        [row[2] for row in rows],
        _labels(parts, task),
        [row[3] for row in rows],
        np.concatenate([part.rows.hashes() for part in parts]),
    )
    keys = [key_of(one) for one in texts]
    empty = [row for row, key in enumerate(keys) if not key]
    damaged = [row for row, key in enumerate(keys) if _DAMAGED in key]
    unlabelled = [row for row, one in enumerate(items.labels) if one is None]
    same = equal_rows([key or ("", row) for row, key in enumerate(keys)])
    group_of = near_copies(keys, same)
    letters = "hold letters that could not be read: give the file's encoding"
    findings = [
        *rows_finding("error", "empty", "are empty", empty, drop=True),
        *rows_finding("warning", "broken", letters, damaged, drop=True),
        *rows_finding("error", "unlabelled", "have no label", unlabelled, drop=True),
        *copies(items, group_of, keys, SAME),
        *balance(items),
    ]
    if labels is not False:
        first = parts[0].rows
        names = range(len(first.texts)) if first.names is None else first.names
        findings += wrong_labels(items, doubts_of(items, labels, texts, group_of, names))
    return Report(items, findings)


def _parts(data: Any, valid: Any, text: Columns, label: Columns, task: Any) -> list[_Part]:
    """The rows of all parts, which are not yet checked."""
    names: Any = {"text": text, "label": label, "task": task}
    stated = sources.parts_of(data) or (data, None)
    others = [one for one in (stated[1], valid) if one is not None]
    return [
        _Part(rows_of(stated[0], **names), "train", True),
        *(_Part(rows_of(one, **names), "valid", False) for one in others),
    ]


def _each(part: _Part) -> list[tuple[Text, str, str | None, str]]:
    """Text, name, key and side of each row."""
    rows, found = part.rows, []
    for i, one in enumerate(rows.texts):
        text: Text = tuple(map(str, one)) if is_pair(one) else "" if is_missing(one) else str(one)
        name = i if rows.names is None else rows.names[i]
        letters = " ".join(as_one(text).split())[:SHOWN]
        side = "valid" if rows.is_valid is not None and rows.is_valid[i] else part.side
        found.append((text, f"{name}: {letters}", str(i) if part.has_keys else None, side))
    return found


def _labels(parts: list[_Part], task: Any) -> list[Any]:
    """The labels of all rows; None of those that have none."""
    found: list[Any] = []
    for part in parts:
        values = part.rows.values
        if isinstance(values, pd.DataFrame):
            gaps = values.isna().any(axis=1).to_numpy()
        else:
            gaps = np.array([is_missing(one) or one == "" for one in values], dtype=bool)
        some: NDArray[np.int64] = np.flatnonzero(~gaps)
        own: list[Any] = [None] * len(gaps)
        whole = part.rows.take(some)
        named = whole._replace(texts=["" if is_missing(one) else one for one in whole.texts])
        for row, label in zip(some.tolist(), labelled_of(named, task).labels, strict=True):
            own[row] = label
        found += own
    return found
