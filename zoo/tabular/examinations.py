"""What the data doctor examines of a table, before a model is trained on it.

report = zoo.tabular.check("sales.csv", "Sales")
report.ok, report.findings

Beside what all data may suffer from (`zoo.core.trust.doctor`): rows without a target or without
anything else; columns that number the rows, that tell rows apart as ids do, or that alone predict
the target (`zoo.tabular.suspicious_columns`); groups and times across the split.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.core.split import PART_NAMES
from zoo.core.trust.diagnosis import Finding, Items, Report
from zoo.core.trust.doctor import Same, balance, copies, equal_rows, rows_finding, wrong_labels
from zoo.data.table import require_columns
from zoo.tabular.data.columns import LEFT_OUT, Columns, fit_columns
from zoo.tabular.data.contents import NATURAL_TWINS, any_measured, cell_hashes, twins
from zoo.tabular.data.splits import is_table, mask_of
from zoo.tabular.data.tables import Table, read_table, texts_of
from zoo.tabular.data.targets import labelled, task_of_targets
from zoo.tabular.data.values import as_numbers, plain
from zoo.tabular.doubts import Labels, doubts_of, matrix
from zoo.tabular.options import Name, TaskName
from zoo.tabular.suspicious_columns import across, identifiers, is_identifier, leaks

SAME: Final = Same("the same row", "the same inputs", "in several classes")
TELLS: Final = (
    "column {!r} alone predicts the target ({:.1%} of what is to be told): name it in ignore, "
    "unless it is known before the target"
)
LEAST: Final = 20  # rows, below which columns tell nothing


class Rows(NamedTuple):
    """A table as it is examined: all rows, which part each is of, and what finds each again."""

    frame: pd.DataFrame
    names: list[Any]
    parts: list[str]
    keys: list[str | None]
    marks: Name | None


def check(
    data: Table,
    target: Name | None = None,
    valid: Any = None,
    *,
    task: TaskName | None = None,
    group: Name | None = None,
    time: Name | None = None,
    ignore: Sequence[Name] = (),
    labels: Labels = True,
) -> Report:
    """What is wrong with a table.

    Args:
        data: a DataFrame, or the path of a CSV, JSON or Parquet file.
        target: the column to predict; None examines the rows alone.
        valid: rows to validate on, as in `train`; None takes what a column says that marks parts.
        task: what the target is, as in `train`.
        group: column of groups that should stay on one side; None looks for names such as patient.
        time: column of times; None looks for dates.
        ignore: columns that are no inputs.
        labels: whether to look for wrong labels, by a cheap model of its own; or a model, by
            its `out_of_fold`.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: there are no rows, or columns are missing.
    """
    rows = _rows(data, valid)
    frame = rows.frame
    wanted = [name for name in (target, group, time, *ignore) if name is not None]
    require_columns(frame, wanted, "columns that are named")
    targets = [] if target is None else [target]
    has_target = labelled(frame, targets)
    if target is not None:
        task = task_of_targets(frame[has_target], targets, task)
    no_inputs = [name for name in (*targets, *ignore, group, rows.marks) if name is not None]
    train = frame[has_target & (np.array(rows.parts) == "train")]
    columns, useless = _fitted(train, no_inputs)
    inputs = train.drop(columns=no_inputs)
    is_copy = pd.Series(cell_hashes(inputs)).duplicated().to_numpy()  # which would hide identifiers
    ids = identifiers(inputs[~is_copy], columns)
    items = _items(rows, target, task, has_target)
    lacking, without = "have no target", np.flatnonzero(~has_target)
    findings = [
        *rows_finding("warning", "no target", lacking, without, drop=True),
        *_rows_alike(items, frame, [*no_inputs, *ids], targets, columns, task),
        *balance(items),
        *useless,
        *(Finding("warning", "id", f"column {name!r} {why}") for name, why in ids.items()),
        *across(frame, items, columns, group=group, time=time, apart=[*targets, *ids]),
    ]
    if target is None or len(train) < LEAST:
        return Report(items, findings)
    leaky = leaks(train, columns, target, task)
    findings += [Finding("error", "leaky column", TELLS.format(*one)) for one in leaky.items()]
    if task == "classification" and labels is not False:
        x = matrix(frame, columns, leave_out={*ids, *leaky})
        findings += wrong_labels(items, doubts_of(items, labels, *x))
    return Report(items, findings)


def _rows(data: Table, valid: Any) -> Rows:
    """All rows, those of a validation table last."""
    frame = read_table(data)
    names, n = list(frame.index), len(frame)
    keys: list[str | None] = [str(row) for row in range(n)]
    marks = None
    if is_table(valid):
        other = read_table(valid, texts_of(frame), frame.columns)
        parts = ["train"] * n + ["valid"] * len(other)
        names, keys = [*names, *other.index], keys + [None] * len(other)
        frame = pd.concat([frame, other], ignore_index=True)
    elif valid is not None:
        parts = ["valid" if one else "train" for one in mask_of(valid, frame)]
    else:
        marks = next((name for name in frame.columns if _marks_parts(frame[name])), None)
        parts = ["train"] * n if marks is None else _parts(frame[marks])
    return Rows(frame.reset_index(drop=True), names, parts, keys, marks)


def _marks_parts(column: pd.Series) -> bool:
    """Whether a column says of each row which part it is of."""
    if column.iloc[0] is None or str(column.iloc[0]).strip().lower() not in PART_NAMES:
        return False
    parts = {str(cell).strip().lower() for cell in column.unique().tolist()}
    return len(parts) > 1 and parts <= PART_NAMES and bool(parts & {"train", "training"})


def _parts(column: pd.Series) -> list[str]:
    is_train = column.astype(str).str.strip().str.lower().isin(("train", "training"))
    return ["train" if one else "valid" for one in is_train]


def _fitted(train: pd.DataFrame, no_inputs: Sequence[Name]) -> tuple[Columns, list[Finding]]:
    """The columns as a training would take them, and what it would warn of; ids apart."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        columns = fit_columns(train, ignore=no_inputs)
    texts = [str(one.message) for one in said]
    told = [text for text in texts if not text.startswith(LEFT_OUT)]
    told += [f"column {n!r} {why}" for n, why in columns.left_out if not is_identifier(why)]
    return columns, [Finding("warning", "columns", text) for text in told]


def _items(
    rows: Rows, target: Name | None, task: TaskName | None, has_target: NDArray[np.bool_]
) -> Items:
    """The rows with their labels: classes as they are, numbers as floats."""
    labels: list[Any] = [None] * len(rows.frame)
    if target is not None:
        cells = rows.frame[target]
        if task == "regression":
            labels = as_numbers(cells, target).tolist()
        else:
            labels = [plain(cell) for cell in cells.tolist()]
            labels = [
                int(one) if isinstance(one, float) and one % 1 == 0 else one for one in labels
            ]
        labels = [one if there else None for one, there in zip(labels, has_target, strict=True)]
    contents = cell_hashes(rows.frame)
    return Items("rows", rows.names, rows.keys, labels, rows.parts, contents)


def _rows_alike(
    items: Items,
    frame: pd.DataFrame,
    apart: Sequence[Name],
    targets: Sequence[Name],
    columns: Columns,
    task: TaskName | None,
) -> list[Finding]:
    """Rows that are equal, ids apart; those of a table of few categories may be so by nature.

    Of a regression only rows with equal targets count: measurements differ of equal inputs.
    """
    inputs = [name for name in frame.columns if name not in apart]
    hashes = cell_hashes(frame[inputs])
    whole = cell_hashes(frame[[*inputs, *targets]])
    keys = whole if task == "regression" else hashes
    numbers = [as_numbers(frame[c.name], c.name, c.kind) for c in columns.numbers]
    is_natural = twins(hashes) > NATURAL_TWINS and not any_measured(numbers, len(set(hashes)))
    is_empty = frame[inputs].isna().all(axis=1).to_numpy()
    same = np.where(is_empty, np.arange(len(frame)), equal_rows(keys))
    found = copies(items, same, whole.tolist(), SAME)
    if is_natural:
        why = ", as happens by nature where there are few different cells"
        found = [Finding("warning", f.kind, f.text + why, f.groups) for f in found]
    empty = rows_finding("error", "empty", "have no inputs", np.flatnonzero(is_empty), drop=True)
    return [*empty, *found]
