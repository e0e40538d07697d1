from __future__ import annotations

import warnings
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.preprocessing import RobustScaler

from tests.tabular.small import table
from zoo.tabular.data.columns import fit_category, fit_columns
from zoo.tabular.data.encode import Encoder
from zoo.tabular.spec import Category, Number, Spec, Target


def encoder(frame: pd.DataFrame, **more: Any) -> Encoder:
    columns = fit_columns(frame, **more)
    target = (Target("y"),)
    return Encoder(Spec("regression", columns.categories, columns.numbers, target, False))


@pytest.fixture(scope="module")
def small() -> Encoder:
    return encoder(table(), ignore=["bought", "amount"])


def test_training_rows_have_no_row_zero_and_numbers_around_zero(small: Encoder) -> None:
    x_cat, x_cont = small.table(table())
    assert x_cat.shape == (400, 3)  # colour, store, and whether the income is there
    assert (x_cat.dtype, x_cont.dtype) == (torch.int32, torch.float32)
    assert (x_cat > 0).all()
    assert x_cat.max(0).values.tolist() == [n - 1 for n in small.spec.table_rows]
    assert x_cont.median(0).values.tolist() == pytest.approx([0, 0], abs=1e-2)
    assert x_cont.abs().max() < 3


def test_any_cell_may_be_missing_at_prediction(small: Encoder) -> None:
    rows = pd.DataFrame([dict.fromkeys(small.spec.inputs)])
    x_cat, x_cont = small.table(rows)
    assert x_cat.tolist() == [[0, 0, 2]]  # gaps were unseen in the categories, seen in the income
    assert x_cont[0].tolist() == [0, 0]


def test_far_cells_leave_the_others_where_they_were() -> None:
    cells = np.random.default_rng(0).normal(5, 2, 1000)
    z = RobustScaler().fit_transform(cells[:, None])  # by median and quartiles
    expected = z / np.sqrt(1 + (z / 3) ** 2)
    numbers = pd.DataFrame({"x": cells, "mostly": np.where(cells > 7, cells, 0.0)})
    small = encoder(numbers)
    assert np.allclose(small.table(numbers)[1][:, :1], expected, atol=1e-6)
    far = numbers.copy()
    far.iloc[0] = 1e12
    far.iloc[1:50, 0] = -999999999.0
    changed = encoder(far).table(far)[1]
    assert changed[0].tolist() == pytest.approx([3, 3])
    assert np.allclose(changed[50:, 0], expected[50:, 0], atol=0.1)
    assert np.allclose(changed[50:, 1], small.table(numbers)[1][50:, 1], atol=0.1)


def test_a_spec_of_the_first_format_scales_by_mean_and_deviation() -> None:
    number = Number("x", "number", 1.0, 2.0, 4.0, gaps=False)
    old = Spec("regression", (), (number,), (Target("y"),), False)
    assert (old.format, "spread" in old.to_json()["numbers"][0]) == (1, False)
    assert replace(old, numbers=(replace(number, spread=3.0),)).format == 2
    cells = [6.0, 1e9, np.nan]
    assert Encoder(old).table(pd.DataFrame({"x": cells}))[1].tolist() == [[1], [100], [-0.25]]
    assert [Encoder(old).row({"x": cell})[1].item() for cell in cells] == [1, 100, -0.25]


@pytest.mark.parametrize(
    ("name", "cell", "as_if"),
    [
        ("colour", "violet", None),
        ("colour", 3, None),
        ("store", 99, None),
        ("store", 1.0, 1),
        ("store", np.int8(1), 1),
        ("age", np.nan, None),
        ("age", np.inf, None),
        ("age", -np.inf, None),
        ("age", pd.NA, None),
        ("age", "41", 41),
        ("age", 1e9, 1e8),
        ("income", 1e39, np.nan),
    ],
)
def test_strange_cells_are_what_the_rules_say(
    small: Encoder, name: str, cell: Any, as_if: Any
) -> None:
    row = table().iloc[0].to_dict()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of unseen categories
        strange = small.row({**row, name: cell})
    for one, other in zip(strange, small.row({**row, name: as_if}), strict=True):
        assert torch.equal(one, other)


DTYPES = {
    "as it is": {},
    "nullable": {"colour": "string", "store": "Int64", "age": "Float64", "income": "Float32"},
    "categorical": {"colour": "category", "store": "category"},
    "objects": {"colour": object, "store": object, "age": object, "income": object},
    "float store": {"store": "float64"},
    "text numbers": {"age": str},
}


@pytest.mark.parametrize("case", DTYPES)
def test_a_dtype_does_not_change_what_the_network_sees(small: Encoder, case: str) -> None:
    frame = table()
    expected = small.table(frame)
    for one, other in zip(small.table(frame.astype(DTYPES[case])), expected, strict=True):
        assert torch.allclose(one.double(), other.double(), atol=1e-5)


TIMES_AND_TRUTHS: dict[str, dict[str, Any]] = {
    "nullable": {"fresh": "boolean"},
    "objects": {"fresh": object, "day": object},
    "categorical": {"fresh": "category"},
    "text": {"day": str},
    "other resolution": {"day": "datetime64[s]"},
    "pyarrow": {"fresh": "bool[pyarrow]", "day": "timestamp[us][pyarrow]", "x": "double[pyarrow]"},
}


@pytest.mark.parametrize("case", TIMES_AND_TRUTHS)
@pytest.mark.parametrize("at_training", [False, True])
def test_times_and_truths_are_the_same_in_any_dtype(case: str, at_training: bool) -> None:
    if case == "pyarrow":
        pytest.importorskip("pyarrow", reason="pip install 'transfer-zoo[parquet]'")
    days = pd.date_range("2015-01-01", periods=50)
    frame = pd.DataFrame({"fresh": np.arange(50) % 2 == 0, "day": days, "x": np.arange(50.0)})
    other = frame.astype(TIMES_AND_TRUTHS[case])
    one, two = (other, frame) if at_training else (frame, other)
    found = encoder(one)
    assert [number.kind for number in found.spec.numbers] == ["time", "number"]
    for a, b in zip(found.table(two), encoder(frame).table(frame), strict=True):
        assert torch.allclose(a.double(), b.double(), atol=1e-6)


def test_one_row_is_encoded_as_the_table_is(small: Encoder) -> None:
    frame = table(50, seed=3)
    whole = small.table(frame)
    for i, (_, row) in enumerate(frame.iterrows()):
        for alone, all_ in zip(small.row(row.to_dict()), whole, strict=True):
            assert torch.allclose(alone[0].double(), all_[i].double(), atol=1e-5)


def alike(values: list[Any]) -> Encoder:
    """An encoder of one column that has learnt these values, as new models do."""
    column = fit_category(pd.Series(values, dtype=object), "x")
    return Encoder(Spec("regression", (column,), (), (Target("y"),), False, cells="alike"))


def rows_of(found: Encoder, cells: Any) -> list[int]:
    """Rows of the embedding, from a table; each cell alone must find the same."""
    column = cells if isinstance(cells, pd.Series) else pd.Series(cells, dtype=object)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of unseen categories
        whole = found.table(pd.DataFrame({"x": column}))[0][:, 0].tolist()
        alone = [int(found.row({"x": cell})[0]) for cell in column]
    assert whole == alone
    return whole  # type: ignore[no-any-return]


NOT_TOLD_APART: dict[str, tuple[list[Any], Any, list[int]]] = {
    "numbers as text": (
        [1, 5, 7],
        ["5", " 5", "5.0", "05", 5.0, np.int8(5), Decimal("5")],
        [2] * 7,
    ),
    "text as numbers": (["5", "x"], [5, 5.0, np.float32(5), Decimal(5), "5.0", "5 "], [1] * 6),
    "codes with zeros": (["02", "2"], ["02", 2, 2.0, "2", "2.0", "002"], [1, 2, 2, 2, 2, 0]),
    "fractions": ([0.5, 2.0], ["0.5", 2, "2", np.float64(0.5)], [1, 2, 2, 1]),
    "fractions as text": (["0.5", "1.10"], [0.5, 1.1, "1.1"], [1, 0, 0]),
    "truths": (
        [False, True],
        ["True", "false", "TRUE", 1, 0.0, "1", np.True_],
        [2, 1, 2, 2, 1, 2, 2],
    ),
    "text of truths": (["False", "True"], [True, False, np.True_, "true"], [2, 1, 2, 2]),
    "one odd cell": ([1, 2, 3], pd.Series(["?", "2", "3", "1"]), [0, 2, 3, 1]),
    "one odd text at training": ([1, 2, "?"], pd.Series([2, 1]), [2, 1]),
    "days": (
        [pd.Timestamp("2015-07-31"), pd.Timestamp("2015-08-01")],
        ["2015-08-01", date(2015, 8, 1), np.datetime64("2015-08-01"), "2015-07-31T00:00:00"],
        [2, 2, 2, 1],
    ),
    "spaces": (["a", "b "], [" a", "a ", "b"], [1, 1, 2]),
    "gaps": (["a", "", None], [None, "", "  ", np.nan, pd.NA, pd.NaT], [1] * 6),
    "mixed": ([1, "1", True, 1.0, "x"], [1, "1", "1.0", True, "x"], [1, 1, 1, 1, 2]),
}


@pytest.mark.parametrize("case", NOT_TOLD_APART)
def test_a_cell_finds_its_category_whatever_its_type(case: str) -> None:
    values, cells, expected = NOT_TOLD_APART[case]
    assert rows_of(alike(values), cells) == expected


def test_texts_that_differ_by_more_than_spaces_and_zeros_are_learnt_apart() -> None:
    assert alike(["1", "1.0", "01", "1.10", "1.1"]).spec.table_rows == [6]


def test_models_of_format_1_tell_types_apart_for_ever() -> None:
    column = Category("x", (1, "1", "a"))
    old = Encoder(Spec("regression", (column,), (), (Target("y"),), False))
    assert rows_of(old, [1, "1", "1.0", " a", 1.0]) == [1, 2, 0, 0, 1]


def test_mostly_unseen_categories_are_warned_of_once(small: Encoder) -> None:
    odd = table(9).assign(colour="violet", store=99)
    with pytest.warns(UserWarning, match=r"'colour' \(such as 'violet'\), 'store'") as caught:
        small.table(odd)
    assert len(caught) == 1
    with pytest.warns(UserWarning, match="'store' .such as 99"):
        small.row(table().iloc[0].to_dict() | {"store": 99})
    small.table(odd.assign(colour=None, store=table(9)["store"].where(np.arange(9) > 3, 99)))


def test_columns_of_no_use_are_not_looked_at_and_missing_ones_are_named(small: Encoder) -> None:
    frame = table()
    more = frame.assign(extra=[object()] * 400)[[*frame.columns[::-1], "extra"]]
    assert all(map(torch.equal, small.table(more), small.table(frame)))
    renamed = frame.rename(columns={"colour": "color", "age": "years"})
    with pytest.raises(ValueError, match=r"without 'colour', 'age'.* Did you mean 'color'"):
        small.table(renamed)
    with pytest.raises(ValueError, match=r"without 'colour', 'age'.* Did you mean 'color'"):
        small.row(renamed.iloc[0].to_dict())
    with pytest.raises(ValueError, match=r"without 'age'. Add what is lacking."):
        small.table(frame.drop(columns=["age", "bought", "amount"]))


def test_words_in_a_column_of_numbers_are_named(small: Encoder) -> None:
    with pytest.raises(ValueError, match="column 'age' must hold numbers, got 'old'"):
        small.table(table().astype({"age": object}).assign(age="old"))
    with pytest.raises(ValueError, match="column 'age' must hold numbers, got 'old'"):
        small.row({**table().iloc[0].to_dict(), "age": "old"})


def test_a_table_without_categories_or_numbers_passes() -> None:
    numbers = encoder(pd.DataFrame({"x": [1.0, 2.0]}))
    assert [t.shape for t in numbers.table(pd.DataFrame({"x": [1.0]}))] == [(1, 0), (1, 1)]
    assert [t.shape for t in numbers.row({"x": 1})] == [(1, 0), (1, 1)]
    words = encoder(pd.DataFrame({"x": ["a", "b"]}))
    assert [t.shape for t in words.table(pd.DataFrame({"x": ["a"]}))] == [(1, 1), (1, 0)]
    assert [t.shape for t in words.row({"x": "a"})] == [(1, 1), (1, 0)]
