"""Rows by their content: whether two parts of a table share some, and whether copies are natural.

A table of a few categories repeats its rows by nature, one of measurements does not: there a
repeated row is a copy, and a copy of a training row tells nothing when it is validated on.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from zoo.core.contents import Hashes, content_hashes
from zoo.core.split import require_disjoint
from zoo.tabular.data.values import as_numbers, distinct, sense, without_arrow
from zoo.tabular.spec import Spec

MEASURED: Final = 0.9  # share of numbers with more than `DIGITS` digits in a column of measurements
DIGITS: Final = 6
LEAST_ROWS: Final = 20  # different rows, below which nothing is a measurement
NATURAL_TWINS: Final = 0.02  # share of rows with a twin from which on a row does not tell itself
_FACTORS: Final = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def row_hashes(frame: pd.DataFrame, spec: Spec) -> Hashes:
    """Content hashes of labelled rows: inputs and targets, however a file or a program typed them.

    Shape: (n,)
    """
    hashes = np.zeros(len(frame), dtype=np.uint64)
    kinds = {number.name: number.kind for number in spec.numbers}
    if spec.task == "regression":
        kinds |= {target.name: "number" for target in spec.targets}
    names = [*spec.inputs, *(target.name for target in spec.targets)]
    for name in sorted(names, key=str):
        if name in kinds:
            own = _number_words(as_numbers(frame[name], name, kinds[name]))
        else:
            codes, values = distinct(frame[name])
            own = content_hashes([*(sense(value) for value in values), None])[codes]
        hashes = _mixed(_mixed(hashes + content_hashes([str(name)])) + own)
    return hashes


def cell_hashes(frame: pd.DataFrame) -> Hashes:
    """Content hashes of all cells of rows, whichever column is first. Shape: (n,)

    Numbers have single precision, and are equal however a file or a program typed them.
    """
    hashes = np.zeros(len(frame), dtype=np.uint64)
    for name in frame.columns:
        column = without_arrow(frame[name])
        if types.is_numeric_dtype(column.dtype) and not types.is_complex_dtype(column.dtype):
            own = _number_words(column.to_numpy(np.float64, na_value=np.nan))
        else:
            codes, values = distinct(column)
            senses = [*(sense(value) for value in values), None]
            numbers = [np.nan if isinstance(one, str) or one is None else one for one in senses]
            is_text = np.array([isinstance(one, str) for one in senses])
            words = _number_words(np.array(numbers, dtype=np.float64))
            own = np.where(is_text, content_hashes(senses), words)[codes]
        hashes += _mixed(content_hashes([str(name)]) + _mixed(own))
    return hashes


def _number_words(numbers: NDArray[np.float64]) -> Hashes:
    """Numbers in single precision as words that are equal where they are; gaps are one word."""
    cells = numbers.astype(np.float32) + np.float32(0)
    cells[np.isnan(cells)] = np.nan  # one of its many patterns
    return cells.view(np.uint32).astype(np.uint64)


def twins(hashes: Hashes) -> float:
    """The share of rows that have an equal one among the others."""
    _, of_row, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    return float((counts[of_row] > 1).mean()) if len(hashes) else 0.0


def natural_twins(frame: pd.DataFrame, spec: Spec, hashes: Hashes) -> float:
    """The share of rows that have a twin by nature; 0 where measurements make twins copies."""
    share = twins(hashes)
    if not share:
        return 0.0
    columns = [as_numbers(frame[n.name], n.name, n.kind) for n in spec.numbers]
    if spec.task == "regression":
        columns += [as_numbers(frame[t.name], t.name) for t in spec.targets]
    return 0.0 if any_measured(columns, len(np.unique(hashes))) else share


def any_measured(columns: list[NDArray[np.float64]], n_rows: int) -> bool:
    """Whether a column of numbers alone nearly tells the different rows apart, by many digits."""
    if n_rows < LEAST_ROWS:
        return False
    for column in columns:
        numbers = np.unique(column[np.isfinite(column)])
        if 2 * len(numbers) >= n_rows:
            short = np.array([float(f"{number:.{DIGITS}g}") for number in numbers[:1000]])
            if (short != numbers[:1000]).mean() >= MEASURED:
                return True
    return False


def require_other_rows(train: Hashes, valid: Hashes, natural: float) -> None:
    """Refuse validation rows that are trained on, unless as many are equal by nature.

    Args:
        train: hashes of the training rows.
        valid: hashes of the validation rows.
        natural: share of rows that have a twin by nature.

    Raises:
        ValueError: rows are in both parts.
    """
    n = int(np.isin(valid, train).sum())
    by_nature = natural * len(valid)
    if n >= min(2, len(valid)) and n > by_nature + 3 * by_nature**0.5 + 0.01 * len(valid):
        require_disjoint(
            train,
            valid,
            way_out="Drop them from the training table, as in data.drop(valid.index), or copies "
            "from the one table of both, as in data.drop_duplicates().",
        )


def copies(frame: pd.DataFrame) -> NDArray[np.int64] | None:
    """A number for each different row, if a table of measurements has many copies; else None.

    Shape: (n,)
    """
    try:
        hashes: NDArray[Any] = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    except (TypeError, ValueError):  # lists, or texts that are no Unicode
        return None
    if twins(hashes) <= 2.5 * NATURAL_TWINS:
        return None
    floats = [frame[name] for name in frame.columns if frame[name].dtype.kind == "f"]
    columns = [column.to_numpy(np.float64, na_value=np.nan) for column in floats]
    if not any_measured(columns, len(np.unique(hashes))):
        return None
    return np.unique(hashes, return_inverse=True)[1].astype(np.int64)


def _mixed(words: Hashes) -> Hashes:
    """Every bit of the words spread over all (the finalizer of SplitMix64, Steele et al. 2014)."""
    for shift, factor in zip((30, 27), _FACTORS, strict=True):
        words = (words ^ (words >> np.uint64(shift))) * factor
    mixed: Hashes = words ^ (words >> np.uint64(31))
    return mixed
