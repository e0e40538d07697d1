from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.tabular.small import table
from zoo.tabular.data.columns import fit_columns

N = 60


def found(column: Any, **more: Any) -> Any:
    """The column as it is understood: Category or Number."""
    frame = pd.DataFrame({"x": column, "other": np.arange(N) + 0.5})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        columns = fit_columns(frame, **more)
    kept = {c.name: c for c in (*columns.categories, *columns.numbers)}
    return kept.get("x") or dict(columns.left_out)["x"]


REPEATED = np.arange(N) % 3
KINDS: dict[str, tuple[Any, str]] = {
    "text": (np.array(["a", "b", "c"])[REPEATED], "Category"),
    "truth": (REPEATED == 1, "Category"),
    "few whole numbers": (REPEATED, "Category"),
    "few nullable whole numbers": (pd.array(REPEATED, dtype="Int8"), "Category"),
    "few whole numbers as objects": (pd.Series(REPEATED, dtype=object), "Category"),
    "many whole numbers": (np.arange(N), "Number"),
    "many whole numbers as objects": (pd.Series(range(N), dtype=object), "Number"),
    "floats": (REPEATED / 2, "Number"),
    "floats as objects": (pd.Series(REPEATED / 2, dtype=object), "Number"),
    "categories": (pd.Categorical(np.arange(N)), "Category"),
    "times": (pd.date_range("2015-01-01", periods=N), "Number"),
    "periods": (pd.period_range("2015-01", periods=N, freq="M"), "Number"),
    "durations": (pd.to_timedelta(np.arange(N), unit="h"), "Number"),
    "text of dates": (pd.date_range("2015-01-01", periods=N).astype(str), "Number"),
    "dates": (pd.Series(pd.date_range("2015-01-01", periods=N).date), "Number"),
    "complex order": (pd.Categorical(["low"] * 30 + ["high"] * 30, ordered=True), "Category"),
}


@pytest.mark.parametrize("case", KINDS)
def test_categories_and_numbers_are_told_apart(case: str) -> None:
    column, kind = KINDS[case]
    assert type(found(column)).__name__ == kind


def test_the_user_says_otherwise() -> None:
    assert type(found(np.arange(N), categories=["x"])).__name__ == "Category"
    assert type(found(REPEATED, numbers=["x"])).__name__ == "Number"
    assert type(found(REPEATED.astype(str), numbers=["x"])).__name__ == "Number"


def test_texts_of_dates_are_times() -> None:
    assert found(pd.date_range("2015-01-01", periods=N).astype(str)).kind == "time"


@pytest.mark.parametrize("column", [["a"] * N, [1] * N, [0.5] * N, [None] * N, [np.nan] * N])
def test_a_constant_column_is_left_out_with_a_warning(column: list[Any]) -> None:
    frame = pd.DataFrame({"x": column, "y": range(N)})
    with pytest.warns(
        UserWarning, match=r"left out that cannot help: 'x' \(has one value alone\)$"
    ):
        columns = fit_columns(frame)
    assert columns.left_out == (("x", "has one value alone"),)


def test_a_number_that_is_sometimes_there_is_no_constant() -> None:
    number = found([2.0, np.nan] * (N // 2))
    assert (number.gaps, number.median, number.std) == (True, 2.0, 1.0)


def test_an_identifier_is_left_out_with_a_warning_unless_named() -> None:
    frame = pd.DataFrame({"id": [f"customer {i}" for i in range(200)], "y": range(200)})
    with pytest.warns(UserWarning, match=r"'id' \(differs in nearly every row"):
        columns = fit_columns(frame)
    assert columns.categories == ()
    assert len(fit_columns(frame, categories=["id"]).categories[0].values) == 200


def test_an_index_that_was_saved_with_the_table_is_no_input_unless_named() -> None:
    frame = pd.DataFrame({"Unnamed: 0": range(200), "y": np.sin(np.arange(200.0))})
    with pytest.warns(UserWarning, match=r"'Unnamed: 0' \(is the index"):
        assert [number.name for number in fit_columns(frame).numbers] == ["y"]
    assert len(fit_columns(frame, numbers=["Unnamed: 0"]).numbers) == 2
    assert len(fit_columns(frame[::-1]).numbers) == 2  # it counts no rows
    assert len(fit_columns(frame.set_axis(["x", "y"], axis=1)).numbers) == 2


def test_one_warning_tells_of_dates_in_a_form_that_is_not_read_and_of_identifiers() -> None:
    days = pd.date_range("2023-01-01", periods=200).strftime("%d.%m.%Y")
    names = [f"customer {i}" for i in range(200)]
    frame = pd.DataFrame({"day": days, "id": names, "name": names, "y": range(200)})
    with pytest.warns(UserWarning, match="left out") as caught:
        fit_columns(frame)
    assert [str(warning.message) for warning in caught] == [
        "columns are left out that cannot help: 'day' (holds dates, which must be written as "
        "2015-07-31 to be read); 'id', 'name' (each differs in nearly every row, as an identifier "
        "does)"
    ]


@pytest.mark.parametrize("odd", ["?", "$1.50", "n.a. yet"])
def test_numbers_that_a_text_makes_categories_are_said(odd: str) -> None:
    texts = [odd, *(str(i % 30) for i in range(299))]
    with pytest.warns(UserWarning, match=f"got {re.escape(repr(odd))} in 'x'.* errors='coerce'"):
        columns = fit_columns(pd.DataFrame({"x": texts, "y": range(300)}))
    assert len(columns.categories[0].values) == 31
    fit_columns(pd.DataFrame({"x": texts, "y": range(300)}), categories=["x"])
    codes = [f"{i % 30:05}" for i in range(300)]
    fit_columns(pd.DataFrame({"x": codes, "z": [str(i % 30) for i in range(300)], "y": range(300)}))


def test_times_beyond_nanoseconds_are_times() -> None:
    number = found(["2020-01-01", "9999-12-31"] * (N // 2))
    assert (number.kind, round(number.mean + number.std)) == ("time", 2932896)


def test_infinite_numbers_are_gaps_and_said_to_be() -> None:
    frame = pd.DataFrame({"x": [1.0, np.inf, 3.0, -np.inf]})
    with pytest.warns(UserWarning, match="'x' have infinite ones; they are gaps"):
        columns = fit_columns(frame)
    (number,) = columns.numbers
    assert (number.gaps, number.median, number.mean) == (True, 2.0, 2.0)


def test_statistics_are_those_of_the_filled_rows() -> None:
    (number,) = fit_columns(pd.DataFrame({"x": [1.0, 2.0, 6.0, None]})).numbers
    filled = [1.0, 2.0, 6.0, 2.0]
    assert (number.median, number.mean) == (2.0, np.mean(filled))
    assert number.std == pytest.approx(np.std(filled))


def test_huge_numbers_have_finite_statistics() -> None:
    with pytest.warns(UserWarning, match="infinite"):
        (number,) = fit_columns(pd.DataFrame({"x": [1e308, 1e38, -1e38, 3.0]})).numbers
    assert np.isfinite([number.mean, number.std]).all()


def test_values_that_a_categorical_dtype_lists_but_no_row_has_are_not_learnt() -> None:
    column = pd.Categorical(["b", "a"] * (N // 2), ["a", "b", "z"])
    assert found(column).values == ("a", "b")


SENSELESS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown category": ({"categories": ["color"]}, "Did you mean 'colour'"),
    "unknown number": ({"numbers": ["years"]}, "without 'years'"),
    "both": ({"categories": ["age"], "numbers": ["age"]}, "got 'age' in several"),
    "text": ({"categories": "colour"}, r"use \['colour'\]"),
    "nothing left": ({"ignore": list(table().columns)}, "a column that varies"),
    "no numbers": ({"numbers": ["colour"]}, "have '(red|green|blue)'"),
}


@pytest.mark.parametrize("case", SENSELESS)
def test_uses_that_will_not_do_are_one_clear_sentence(case: str) -> None:
    settings, said = SENSELESS[case]
    with pytest.raises(ValueError, match=said) as caught:
        fit_columns(table(), **settings)
    assert any(word in str(caught.value) for word in (", however ", " got "))
    assert any(mark in str(caught.value) for mark in ("; ", ". "))
