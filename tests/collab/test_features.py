from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tests.collab.small import train
from zoo.collab.data.features import BINS, encode, fit, width

TABLE = pd.DataFrame(
    {
        "kind": ["drama", None, "war", "drama"],
        "comic": [True, False, True, False],
        "sad": [1, 1, 0, 0],
        "year": [1990.0, 1995.0, np.nan, 1999.0],
    },
    index=["a", "b", "c", "d"],
)


def test_columns_become_numbers_from_0_to_1() -> None:
    encoder = fit(TABLE)
    assert encoder["kind"] == {"values": ["drama", "war"]}
    assert encoder["comic"] == encoder["sad"] == {"flag": True}
    assert len(encoder["year"]["edges"]) <= BINS - 1
    encoded = encode(TABLE, encoder, ["a", "b", "c", "d"])
    assert encoded.shape == (5, width(encoder))
    assert encoded[:, :2].tolist() == [[0, 0], [1, 0], [0, 0], [0, 1], [1, 0]]
    assert encoded[0].sum() == 0  # the unknown row
    assert encoded[3, 4:].sum() == 0  # a gap in the year
    assert (encoded[[1, 2, 4], 4:].sum(1) == 1).all()


def test_the_flags_of_a_row_have_length_one() -> None:
    encoded = encode(TABLE, fit(TABLE), ["a", "b"])
    assert np.linalg.norm(encoded[1, 2:4]) == pytest.approx(1)
    assert encoded[1, 2] == encoded[1, 3] == pytest.approx(0.5**0.5)
    assert encoded[2, 2:4].tolist() == [0, 1]


def test_ids_that_the_table_lacks_are_zeros_and_order_is_that_of_the_ids() -> None:
    encoder = fit(TABLE)
    mixed = encode(TABLE, encoder, ["d", "new", "a"])
    straight = encode(TABLE, encoder, ["a", "d"])
    assert np.array_equal(mixed[[3, 1]], straight[[1, 2]])
    assert mixed[2].sum() == 0


def test_values_that_training_has_not_seen_count_for_nothing() -> None:
    new = TABLE.assign(kind="opera", year=3000.0)
    encoded = encode(new, fit(TABLE), ["a"])
    assert encoded[1, :2].sum() == 0
    assert encoded[1, -1] == 1


def test_an_encoder_is_plain_json() -> None:
    encoder = fit(TABLE)
    assert json.loads(json.dumps(encoder)) == encoder


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (TABLE.drop(columns="kind"), r"missing=\['kind'\]"),
        (pd.concat([TABLE, TABLE[:1]]), "repeated=1"),
    ],
)
def test_a_table_that_does_not_fit_is_one_sentence(table: pd.DataFrame, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        encode(table, fit(TABLE), ["a"])


def test_names_are_no_feature() -> None:
    names = pd.DataFrame({"name": [f"n{i}" for i in range(1001)]})
    with pytest.raises(ValueError, match="at most 1000 values, got 1001 in column 'name'"):
        fit(names)


def test_ids_in_a_column_are_no_feature_of_the_row_above() -> None:
    ages = pd.DataFrame({"User": [f"u{n:02}" for n in range(60)], "age": range(60)})
    with pytest.raises(ValueError, match=r"column 'User'. Try user_features=table.set_index"):
        train(user_features=ages)
    train(user_features=ages.set_index("User"), epochs=1)


def test_a_feature_of_another_type_is_the_same_feature() -> None:
    table = pd.DataFrame({"age": [10, 20, 35], "flag": [0, 1, 1], "zone": ["1", "2", "3"]})
    how, ids = fit(table), range(3)
    same = encode(table, how, ids)
    for other in (table.astype(str), table.astype(float), table.astype({"zone": int})):
        assert np.array_equal(encode(other, how, ids), same)
    with pytest.raises(ValueError, match="got 'old' in the column of numbers 'age'"):
        encode(table.assign(age=["10", "old", "35"]), how, ids)
