"""Which columns are categories and which numbers, and what training rows say of each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from zoo.core.messages import SHOWN, quoted, warn
from zoo.data.table import require_columns
from zoo.tabular.data.encode import Lookup
from zoo.tabular.data.values import (
    FEW,
    Kind,
    Value,
    as_numbers,
    distinct,
    has_kinds,
    is_text,
    kind_of,
    moments,
    reads_as_number,
    sense,
    without_arrow,
)
from zoo.tabular.options import Name
from zoo.tabular.spec import SMALLEST_SPREAD, Category, Number, Spec

NEARLY_ALL: Final = 0.9  # share of different texts from which on a column is an identifier
MANY: Final = 100  # rows, below which no column counts as an identifier
LEFT_OUT: Final = "columns are left out that cannot help"
_ISO_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_OTHER_DATE: Final = re.compile(
    r"\s*(\d{1,2}([./-])\d{1,2}\2\d{2,4}|\d{4}([./])\d{1,2}\3\d{1,2})(\D|$)"
)


@dataclass(frozen=True)
class Columns:
    """The inputs of a table, and the columns that were left out, each with the reason."""

    categories: tuple[Category, ...]
    numbers: tuple[Number, ...]
    left_out: tuple[tuple[Name, str], ...]

    @property
    def inputs(self) -> list[Category | Number]:
        """Both kinds, categories first."""
        return [*self.categories, *self.numbers]


def fit_columns(
    frame: pd.DataFrame,
    *,
    categories: Sequence[Name] = (),
    numbers: Sequence[Name] = (),
    ignore: Sequence[Name] = (),
    earlier: Spec | None = None,
) -> Columns:
    """The input columns of a table, fitted on its rows, which are those to train on.

    Text, truths, pandas categories and whole numbers with at most 20 different values are
    categories; other numbers, times, durations and texts of ISO dates are numbers. Left out, with
    one warning that names them: columns with one value alone, and texts that differ in nearly
    every row, as identifiers do, unless `categories` names them.

    Args:
        frame: training rows.
        categories: columns that are categories whatever they look like.
        numbers: columns that are numbers whatever they look like.
        ignore: columns that are no inputs: the target, perhaps others.
        earlier: spec of a pretrained model: kind and statistics of its columns stay, new categories
            join.

    Raises:
        ValueError: no input is left, a named column is missing or named for several uses, or cells
            of a column of numbers are none.
    """
    _require_uses({"categories": categories, "numbers": numbers, "ignore": ignore}, frame)
    stated: list[Any] = [] if earlier is None else [*earlier.categories, *earlier.numbers]
    known: dict[Name, Category | Number] = {one.name: one for one in stated}
    inputs: list[Category | Number] = []
    left_out: list[tuple[Name, str]] = []
    infinite: list[Name] = []
    odd: list[tuple[Name, Value]] = []
    for name in [name for name in frame.columns if name not in set(ignore)]:
        column, before = without_arrow(frame[name]), known.get(name)
        is_certain = before is not None or name in categories or name in numbers
        if name in categories or (name not in numbers and _is_category(column, before)):
            fitted = _fitted_category(column, name, before, is_certain)
        else:
            fitted = _fitted_number(column, name, before, is_certain)
        inputs += [fitted.column] if fitted.column and not fitted.useless else []
        left_out += [(name, fitted.useless)] if fitted.useless else []
        infinite += [name] if fitted.has_infinite else []
        odd += [] if fitted.odd is None else [(name, fitted.odd)]
    _tell(left_out, infinite, odd)
    if not inputs:
        reasons = "".join(f"; {name!r} {why}" for name, why in left_out[:SHOWN])
        raise ValueError(
            "training must have a column that varies beside the target, got "
            f"columns={quoted(list(frame.columns))} of {len(frame)} rows{reasons}. Add some; texts "
            "are for zoo.text.train(data, text=..., label=...)."
        )
    return Columns(
        tuple(column for column in inputs if isinstance(column, Category)),
        tuple(column for column in inputs if isinstance(column, Number)),
        tuple(left_out),
    )


class _Fitted(NamedTuple):
    """A column's statistics, why it is no input, and what a warning should tell of its cells."""

    column: Category | Number | None
    useless: str | None
    odd: Value | None = None
    has_infinite: bool = False


def _fitted_category(column: pd.Series, name: Name, before: Any, is_certain: bool) -> _Fitted:
    category = fit_category(column, name, before if isinstance(before, Category) else None)
    if is_certain:
        return _Fitted(category, None)
    useless = _useless(column, category)
    return _Fitted(category, useless, None if useless else _among_numbers(category))


def _fitted_number(column: pd.Series, name: Name, before: Any, is_certain: bool) -> _Fitted:
    number, has_infinite = fit_number(column, name, before if isinstance(before, Number) else None)
    useless = None if number else "has one value alone"
    if not is_certain and is_saved_index(column, name):
        useless = "is the index that another program has saved"
    return _Fitted(number, useless, has_infinite=has_infinite)


def fit_category(column: pd.Series, name: Name, before: Category | None = None) -> Category:
    """The column's different values: those of the pretrained model, then the new ones, sorted.

    A text and a number that mean the same, as "5" and 5, are one value; empty text is a gap.
    """
    codes, values = distinct(column)
    old = Category(name, before.values if before else ())
    lookup = Lookup(old)
    new: dict[Any, Value] = {}  # by what a value means and whether it is text: "1.0" is not "1"
    for value in sorted(values, key=_sorting):
        meaning = sense(value)
        if meaning is None or lookup.row(value):
            continue
        if not isinstance(value, str):
            new.setdefault(meaning, value)
        elif meaning not in new:  # sorted by type, texts come last but for gaps
            new["text", value] = value
    has_gaps = (codes < 0).any() or any(sense(value) is None for value in values)
    if has_gaps and None not in old.values:
        new[None] = None
    return Category(name, (*old.values, *sorted(new.values(), key=_sorting)))


def fit_number(
    column: pd.Series, name: Name, before: Number | None = None
) -> tuple[Number | None, bool]:
    """The column's statistics (None if it has one value alone), and whether some are infinite."""
    kind: Kind = before.kind if before else _kind(column)
    numbers = as_numbers(column, name, kind)
    has_infinite = bool(np.isinf(numbers).any())
    there = numbers[np.isfinite(numbers)]
    gaps = len(there) < len(numbers)
    if before:
        return replace(before, gaps=before.gaps or gaps), has_infinite
    if not len(there) or (there.min() == there.max() and not gaps):
        return None, has_infinite
    median = float(np.median(there))
    filled = np.where(np.isfinite(numbers), numbers, median)
    mean, std = float(filled.mean()), float(filled.std()) or 1.0
    return Number(name, kind, median, mean, std, gaps, spread_of(there)), has_infinite


def spread_of(numbers: NDArray[np.float64]) -> float:
    """The distance between the quartiles of some numbers.

    Where they coincide, as of a column that is mostly 0, those of the different values; 1 for a
    single value. Unlike a deviation, it is not moved by a few cells, however far.

    >>> spread_of(np.array([0.0, 1, 2, 3, 1e12])), spread_of(np.array([0.0] * 9 + [1, 2]))
    (2.0, 1.0)
    """
    for values in (numbers, np.unique(numbers)):
        low, high = np.percentile(values, (25, 75))
        if high - low > SMALLEST_SPREAD:
            return float(high - low)
    return 1.0


def is_saved_index(column: pd.Series, name: Name) -> bool:
    """Whether a column without a name counts the rows, as `to_csv` and R write it."""
    if not (isinstance(name, str) and re.fullmatch(r"(Unnamed: \d+(\.\d+)?)?", name)):
        return False
    return bool(types.is_integer_dtype(column.dtype) and column.is_monotonic_increasing)


def _is_category(column: pd.Series, before: Category | Number | None) -> bool:
    """Whether a column that the user has not named is one of categories."""
    if before is not None:
        return isinstance(before, Category)
    kinds = has_kinds(column)
    return not _holds_dates(column) if kinds is None else kinds


def _kind(column: pd.Series) -> Kind:
    return "time" if is_text(column.dtype) and _holds_dates(column) else kind_of(column)


def _holds_dates(column: pd.Series) -> bool:
    """Whether cells are dates, or texts that begin as 2015-07-31 and that pandas reads as times."""
    if types.infer_dtype(column, skipna=True) in ("datetime", "datetime64", "date"):
        return True
    texts = column.dropna()
    if not len(texts) or not isinstance(texts.iloc[0], str) or not _ISO_DATE.match(texts.iloc[0]):
        return False
    try:
        moments(texts)
    except (ValueError, TypeError):
        return False
    return True


def _useless(column: pd.Series, category: Category) -> str | None:
    """Why a column of categories is left out, if it is."""
    n = len(category.values)
    if n <= 1:
        return "has one value alone"
    texts = isinstance(category.values[-1] or category.values[0], str)
    if texts and n >= MANY and n > NEARLY_ALL * int(column.notna().sum()):
        if all(_OTHER_DATE.match(str(value)) for value in category.values if value is not None):
            return "holds dates, which must be written as 2015-07-31 to be read"
        return "differs in nearly every row, as an identifier does"
    return None


def _among_numbers(category: Category) -> Value:
    """A text that keeps a column of numbers from being one, such as "?" or "$1.50".

    None if the values are not mostly numbers, or whole ones alone, as codes are.
    """
    values = [value for value in category.values if value is not None]
    texts = [value for value in values if isinstance(value, str)]
    if len(values) <= FEW or not texts:
        return None
    if sum(reads_as_number(value) for value in values) < NEARLY_ALL * len(values):
        return None
    return next((text for text in texts if not isinstance(sense(text), int)), None)


def _tell(
    left_out: list[tuple[Name, str]], infinite: list[Name], odd: list[tuple[Name, Value]]
) -> None:
    if left_out:
        reasons = []
        for why in dict.fromkeys(why for _, why in left_out):
            names = [name for name, reason in left_out if reason == why]
            reasons.append(f"{quoted(names)} ({why if len(names) == 1 else f'each {why}'})")
        warn(f"{LEFT_OUT}: {'; '.join(reasons)}")
    if infinite:
        message = f"numbers must be finite, got infinite ones in {quoted(infinite)}. They are gaps."
        warn(message)
    if odd:
        texts = ", ".join(f"{value!r:.30} in {name!r}" for name, value in odd[:SHOWN])
        warn(
            f"a column of numbers must hold numbers alone, got {texts}, so that each number is a "
            "category of its own. Correct the cells with pd.to_numeric(..., errors='coerce'), or "
            f"name the column in categories={[name for name, _ in odd[:SHOWN]]}."
        )


def _require_uses(uses: dict[str, Sequence[Name]], frame: pd.DataFrame) -> None:
    counts: Counter[Name] = Counter()
    for use, names in uses.items():
        require_columns(frame, names, f"columns named in {use}")
        counts.update(set(names))
    twice = [name for name, n in counts.items() if n > 1]
    if twice:
        raise ValueError(
            f"a column must have one use, got {quoted(twice)} in several of {', '.join(uses)} (the "
            "target, the group and the time are uses too). Name them once."
        )


def _sorting(value: Value) -> tuple[str, Any]:
    return type(value).__name__, "" if value is None else value
