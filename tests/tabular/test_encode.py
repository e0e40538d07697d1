from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tests.tabular.small import table
from zoo.tabular.columns import fit_columns
from zoo.tabular.encode import Encoder
from zoo.tabular.spec import Spec, Target


def encoder(frame: pd.DataFrame, **more: Any) -> Encoder:
    columns = fit_columns(frame, **more)
    target = (Target("y"),)
    return Encoder(Spec("regression", columns.categories, columns.numbers, target, False))


@pytest.fixture(scope="module")
def small() -> Encoder:
    return encoder(table(), ignore=["bought", "amount"])


def test_training_rows_have_no_row_zero_and_unit_numbers(small: Encoder) -> None:
    x_cat, x_cont = small.table(table())
    assert x_cat.shape == (400, 3)  # colour, store, and whether the income is there
    assert (x_cat.dtype, x_cont.dtype) == (torch.int32, torch.float32)
    assert (x_cat > 0).all()
    assert x_cat.max(0).values.tolist() == [n - 1 for n in small.spec.table_rows]
    assert x_cont.mean(0).tolist() == pytest.approx([0, 0], abs=1e-5)
    assert x_cont.std(0, correction=0).tolist() == pytest.approx([1, 1], abs=1e-5)


def test_any_cell_may_be_missing_at_prediction(small: Encoder) -> None:
    rows = pd.DataFrame([dict.fromkeys(small.spec.inputs)])
    x_cat, x_cont = small.table(rows)
    assert x_cat.tolist() == [[0, 0, 2]]  # gaps were unseen in the categories, seen in the income
    medians = [(n.median - n.mean) / n.std for n in small.spec.numbers]
    assert x_cont[0].tolist() == pytest.approx(medians, abs=1e-6)


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
    for one, other in zip(
        small.row({**row, name: cell}), small.row({**row, name: as_if}), strict=True
    ):
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


def test_one_row_is_encoded_as_the_table_is(small: Encoder) -> None:
    frame = table(50, seed=3)
    whole = small.table(frame)
    for i, (_, row) in enumerate(frame.iterrows()):
        for alone, all_ in zip(small.row(row.to_dict()), whole, strict=True):
            assert torch.allclose(alone[0].double(), all_[i].double(), atol=1e-5)


def test_equal_values_of_other_types_are_kept_apart_where_training_told_them_apart() -> None:
    mixed = pd.Series([1, "1", True, None, 0.5] * 5, dtype=object)
    found = encoder(pd.DataFrame({"x": mixed, "z": np.arange(25.0)}))
    x_cat, _ = found.table(pd.DataFrame({"x": mixed, "z": 0.0}))
    assert len(x_cat[:5].unique()) == 5
    assert 0 not in x_cat


def test_columns_of_no_use_are_not_looked_at_and_missing_ones_are_named(small: Encoder) -> None:
    frame = table()
    more = frame.assign(extra=[object()] * 400)[[*frame.columns[::-1], "extra"]]
    assert all(map(torch.equal, small.table(more), small.table(frame)))
    renamed = frame.rename(columns={"colour": "color", "age": "years"})
    with pytest.raises(ValueError, match=r"'colour', 'age' lack .* did you mean 'color'"):
        small.table(renamed)
    with pytest.raises(ValueError, match=r"'colour', 'age' lack .* did you mean 'color'"):
        small.row(renamed.iloc[0].to_dict())


def test_words_in_a_column_of_numbers_are_named(small: Encoder) -> None:
    with pytest.raises(ValueError, match=r"column 'age' holds numbers, however row 0 .* 'old'"):
        small.table(table().astype({"age": object}).assign(age="old"))
    with pytest.raises(ValueError, match=r"column 'age' holds numbers, however row 0 .* 'old'"):
        small.row({**table().iloc[0].to_dict(), "age": "old"})


def test_a_table_without_categories_or_numbers_passes() -> None:
    numbers = encoder(pd.DataFrame({"x": [1.0, 2.0]}))
    assert [t.shape for t in numbers.table(pd.DataFrame({"x": [1.0]}))] == [(1, 0), (1, 1)]
    assert [t.shape for t in numbers.row({"x": 1})] == [(1, 0), (1, 1)]
    words = encoder(pd.DataFrame({"x": ["a", "b"]}))
    assert [t.shape for t in words.table(pd.DataFrame({"x": ["a"]}))] == [(1, 1), (1, 0)]
    assert [t.shape for t in words.row({"x": "a"})] == [(1, 1), (1, 0)]
