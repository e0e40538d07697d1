from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from zoo.tabular.data.values import as_numbers, distinct, kind_of, one_number, plain, without_arrow

CATEGORIES: dict[str, tuple[Any, list[Any]]] = {
    "text": (pd.Series(["a", "b", None, "a"]), ["a", "b", None, "a"]),
    "text of objects": (pd.Series(["a", "b", np.nan], dtype=object), ["a", "b", None]),
    "nullable whole": (pd.Series([1, None, 2], dtype="Int64"), [1, None, 2]),
    "nullable truth": (pd.Series([True, None], dtype="boolean"), [True, None]),
    "truth": (pd.Series([True, False]), [True, False]),
    "truth with gaps": (pd.Series([True, None, False], dtype=object), [True, None, False]),
    "categorical": (pd.Series(pd.Categorical(["x", None], ["w", "x"])), ["x", None]),
    "categorical whole": (pd.Series(pd.Categorical([3, 1, 3])), [3, 1, 3]),
    "mixed": (pd.Series([1, "1", 1.0, True, None], dtype=object), [1, "1", 1.0, True, None]),
    "floats": (pd.Series([1.5, np.nan, np.inf]), [1.5, None, None]),
    "small": (pd.Series([1, 2], dtype="int8"), [1, 2]),
    "sparse": (pd.Series(pd.arrays.SparseArray([0, 0, 5])), [0, 0, 5]),
    "lists": (pd.Series([[1], [1]], dtype=object), ["[1]", "[1]"]),
    "days": (pd.Series([dt.date(2015, 7, 31)], dtype=object), ["2015-07-31"]),
    "beyond 64 bits": (pd.Series([2**70], dtype=object), [str(2**70)]),
}


@pytest.mark.parametrize("case", CATEGORIES)
def test_category_values_are_kept_exactly(case: str) -> None:
    column, expected = CATEGORIES[case]
    codes, values = distinct(column)
    found = [None if code < 0 else values[code] for code in codes]
    assert [(type(v), v) for v in found] == [(type(v), v) for v in expected]


NAN = float("nan")
NUMBERS: dict[str, tuple[Any, list[float]]] = {
    "floats": (pd.Series([1.5, None]), [1.5, NAN]),
    "half precision": (pd.Series([1.5, 2], dtype="float16"), [1.5, 2]),
    "nullable": (pd.Series([1, None], dtype="Int64"), [1, NAN]),
    "nullable floats": (pd.Series([1.5, None], dtype="Float32"), [1.5, NAN]),
    "truths": (pd.Series([True, False]), [1, 0]),
    "text": (pd.Series(["1.5", "", None, " 2"]), [1.5, NAN, NAN, 2]),
    "decimals": (pd.Series([Decimal("1.5"), None], dtype=object), [1.5, NAN]),
    "categorical": (pd.Series(pd.Categorical([3, 1, None])), [3, 1, NAN]),
    "infinite": (pd.Series([np.inf, -np.inf, 1e300]), [np.inf, -np.inf, np.inf]),
    "times": (pd.Series(pd.to_datetime(["1970-01-03", None])), [2, NAN]),
    "times with a zone": (
        pd.Series(pd.to_datetime(["1970-01-02T02:00"]).tz_localize("Europe/Berlin")),
        [1 + 1 / 24],
    ),
    "periods": (pd.Series(pd.period_range("1970-01", periods=2, freq="M")), [0, 31]),
    "durations": (pd.Series(pd.to_timedelta([36, None], unit="h")), [1.5, NAN]),
    "sparse": (pd.Series(pd.arrays.SparseArray([0.0, 0.0, 5.0])), [0, 0, 5]),
    "empty": (pd.Series([None, None], dtype=object), [NAN, NAN]),
}


ARROW: dict[str, tuple[str, list[Any], str, list[Any]]] = {
    "text": ("string", ["a", None], "number", ["a", None]),
    "whole": ("int64", [1, None], "number", [1, None]),
    "truths": ("bool", [True, None], "number", [True, None]),
    "durations": ("duration[us]", [dt.timedelta(hours=36), None], "duration", [1.5, NAN]),
    "times": ("timestamp[us]", [dt.datetime(1970, 1, 3), None], "time", [2, NAN]),
    "days": ("date32[day]", [dt.date(1970, 1, 3), None], "number", ["1970-01-03", None]),
}


@pytest.mark.parametrize("case", ARROW)
def test_columns_of_pyarrow_are_as_their_twins(case: str) -> None:
    pytest.importorskip("pyarrow", reason="pip install 'transfer-zoo[parquet]'")
    dtype, cells, kind, expected = ARROW[case]
    column = pd.Series(cells, dtype=f"{dtype}[pyarrow]", index=[3, 7])
    twin = without_arrow(column)
    assert (twin.index.tolist(), kind_of(twin)) == ([3, 7], kind)
    if kind != "number":
        assert as_numbers(column, "x") == pytest.approx(expected, nan_ok=True)
    else:
        codes, values = distinct(column)
        assert [None if code < 0 else values[code] for code in codes] == expected


@pytest.mark.parametrize("case", NUMBERS)
def test_numbers_of_any_dtype_become_floats(case: str) -> None:
    column, expected = NUMBERS[case]
    assert as_numbers(column, "x") == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("case", NUMBERS)
def test_a_single_number_is_read_as_a_column_is(case: str) -> None:
    column, _ = NUMBERS[case]
    kind = kind_of(column)
    alone = [one_number(cell, "x", kind) for cell in column]
    assert alone == pytest.approx(as_numbers(column, "x").tolist(), nan_ok=True)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pd.Series(["3", "abc", "x"]), "got 'abc', 'x' in row 1 and 1 others"),
        (pd.Series([[1], 2], dtype=object), r"got \[1\] in row 0"),
        (pd.Series([1j]), "got complex ones in column 'x'"),
    ],
)
def test_what_is_no_number_is_named(column: pd.Series, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        as_numbers(column, "x")
    assert ", got " in str(caught.value)


def test_what_is_no_time_is_named() -> None:
    with pytest.raises(ValueError, match="'day' must hold times, got 'soon'"):
        as_numbers(pd.Series(["2015-07-31", "soon"]), "day", "time")


def test_texts_of_dates_are_times_where_times_are_expected() -> None:
    assert as_numbers(pd.Series(["1970-01-02", None]), "day", "time") == pytest.approx(
        [1, NAN], nan_ok=True
    )


def test_numpy_scalars_become_python_values() -> None:
    found = [plain(v) for v in (np.int64(3), np.float32(0.5), np.str_("a"), np.bool_(True), pd.NaT)]
    assert [(type(v), v) for v in found] == [
        (int, 3),
        (float, 0.5),
        (str, "a"),
        (bool, True),
        (type(None), None),
    ]


@pytest.mark.parametrize("dtype", ["int64", "double", "string", "bool", "timestamp[us]", "date32"])
def test_pyarrow_columns_are_read_as_others(dtype: str) -> None:
    pa = pytest.importorskip("pyarrow", reason="pip install pyarrow")
    cells: dict[str, list[Any]] = {
        "int64": [1, None, 3],
        "double": [1.5, None, 3.0],
        "string": ["a", None, "b"],
        "bool": [True, None, False],
        "timestamp[us]": [dt.datetime(1970, 1, 2), None],
        "date32": [dt.date(1970, 1, 2), None],
    }
    kind = pa.date32() if dtype == "date32" else pa.type_for_alias(dtype)
    column = pd.Series(cells[dtype], dtype=pd.ArrowDtype(kind))
    if dtype in ("string", "bool", "int64"):
        codes, values = distinct(column)
        assert [None if code < 0 else values[code] for code in codes] == cells[dtype]
    if dtype not in ("string", "bool"):
        expected = {"int64": [1, NAN, 3], "double": [1.5, NAN, 3.0]}.get(dtype, [1, NAN])
        assert as_numbers(column, "x", kind_of(column)) == pytest.approx(expected, nan_ok=True)
