"""Ids of another kind than those that were learnt: one rule, in every call that takes ids."""

from __future__ import annotations

import uuid
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import zoo
from tests.collab.small import RUN, ratings, train
from zoo.collab import Recommender
from zoo.collab.data.ids import IdIndex, cast_like, clean_ids, whole_numbers

LONG = 76561198000000000  # seventeen digits, more than a float tells apart


def numbered() -> pd.DataFrame:
    """Ratings whose users are whole numbers, as their items are."""
    return ratings().assign(user=lambda table: table["user"].str[1:].astype(int))


@pytest.fixture(scope="module")
def numbers() -> Recommender:
    return train(data=numbered(), epochs=2)


@pytest.fixture(scope="module")
def texts() -> Recommender:
    return train(data=numbered().astype({"user": str, "item": str}), epochs=2)


# ---- the rule ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "value", "row"),
    [
        ([5, 7], 7.0, 2),
        ([5, 7], np.int64(7), 2),
        ([5, 7], np.float32(7), 2),
        ([5, 7], "7", 2),
        ([5, 7], "7.0", 2),
        ([5, 7], " 07 ", 2),
        ([5, 7], "7.5", 0),
        ([5, 7], "seven", 0),
        ([5, 7], None, 0),
        ([5, 7], float("nan"), 0),
        (["5", "x"], 5, 1),
        (["5", "x"], 5.0, 1),
        (["5", "x"], "05", 0),
        (["5", "x"], "x ", 2),
        (["05", "5"], 5, 2),
        ([0.5, "x"], "0.5", 1),
        ([LONG, LONG + 1], LONG + 1, 2),
        ([LONG, LONG + 1], str(LONG + 1), 2),
        ([LONG + 1, 0.5], LONG + 1, 1),
        ([LONG + 1, 0.5], LONG, 0),
        ([2**63, 1], 2**63, 1),
        (["00000000-0000-0000-0000-000000000007"], uuid.UUID(int=7), 1),
    ],
)
def test_one_rule_says_which_known_id_a_value_means(known: Any, value: Any, row: int) -> None:
    ids = IdIndex(known)
    assert ids.rows([value]).tolist() == [row]
    assert ids.rows(pd.Series([value], dtype=object)).tolist() == [row]
    assert ids.rows([value, "nobody", value]).tolist() == [row, 0, row]


@pytest.mark.parametrize("dtype", ["int32", "uint64", "float64", "Int64", "category", "str"])
def test_the_type_of_a_column_changes_nothing(dtype: str) -> None:
    column = pd.Series([7, 6, 5]).astype(dtype)
    assert IdIndex([5, 7]).rows(column).tolist() == [2, 0, 1]
    assert IdIndex(["5", "7"]).rows(pd.Series([7, 6, 5], dtype="int32")).tolist() == [2, 0, 1]


def test_a_float_that_may_be_several_ids_is_refused() -> None:
    with pytest.raises(ValueError, match=r"got 7\.6561198e\+16, a float that stands for several"):
        IdIndex([LONG]).rows(np.array([float(LONG)]))
    with pytest.raises(ValueError, match=r"column of the user: .* Read the ids as text"):
        clean_ids(pd.Series([float(LONG), 5.0]), "user")


@pytest.mark.parametrize("odd", [Decimal(5), b"5", pd.Timestamp("2020-01-01"), (5, 6), [5]])
def test_what_can_be_no_id_is_refused_before_training(odd: Any) -> None:
    data = ratings()
    data["user"] = [odd if user == "u07" else user for user in data["user"]]
    with pytest.raises(ValueError, match="column of the user: an id must be text or a number"):
        train(data=data)


def test_ids_are_learnt_as_plain_text_and_numbers() -> None:
    column = pd.Series([np.int64(5), 5.0, np.str_("x"), uuid.UUID(int=5), True], dtype=object)
    plain = clean_ids(column, "user").tolist()
    assert plain == [5, 5, "x", str(uuid.UUID(int=5)), True]
    assert {type(one) for one in plain} == {int, str, bool}
    assert clean_ids(pd.Series([np.int64(5), 7.0], dtype=object), "user").dtype == np.int64


def test_models_of_uuids_and_numpy_numbers_are_saved_and_loaded(tmp_path: Path) -> None:
    data = numbered()
    data["user"] = pd.Series([uuid.UUID(int=user) for user in data["user"]], dtype=object)
    data["item"] = pd.Series([np.int64(item) for item in data["item"]], dtype=object)
    model = train(data=data, epochs=1)
    loaded = zoo.load(model.save(tmp_path / "m"), run=RUN)
    assert loaded.predict(uuid.UUID(int=7), 50) == model.predict(str(uuid.UUID(int=7)), 50)


# ---- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "ids"),
    [
        (["5", "7"], [5, 7]),
        (["5.0", " 7"], [5, 7]),
        (["5", "007"], ["5", "007"]),
        (["5", "x"], ["5", "x"]),
        (["1.5", "2.5"], ["1.5", "2.5"]),
        ([str(LONG + 1), "-3"], [LONG + 1, -3]),
        (["5", "9" * 30], ["5", "9" * 30]),
    ],
)
def test_ids_in_a_file_are_numbers_if_all_are(cells: list[str], ids: list[Any]) -> None:
    assert whole_numbers(pd.Series(cells)).tolist() == ids


def test_one_blank_in_a_file_melts_no_long_ids(tmp_path: Path) -> None:
    data = numbered().assign(user=lambda table: (table["user"] + LONG).astype(str))
    gap = pd.DataFrame({"user": [None], "item": [50], "rating": [3.0], "time": [0]})
    pd.concat([data, gap]).to_csv(tmp_path / "r.csv", index=False)
    with pytest.warns(UserWarning, match="1 of 1233 ratings lack a value"):
        model = train(data=tmp_path / "r.csv", epochs=1, valid_fraction=0)  # type: ignore[arg-type]
    assert model.spec.users == tuple(range(LONG, LONG + 60))
    assert model.training["ratings"] == len(data)


def test_a_file_whose_ids_happen_to_be_digits_is_the_table_it_was_written_from(
    tmp_path: Path,
) -> None:
    data = ratings()
    data["item"] = [f"{i:06}" if i % 20 else f"B{i}" for i in data["item"]]
    held = data[::7][lambda table: table["item"].str.isdigit()]
    model = train(data=data.drop(held.index), epochs=2, valid_fraction=0)
    held.to_csv(tmp_path / "held.csv", index=False)
    expected = model.predict(held)
    assert np.array_equal(model.predict(tmp_path / "held.csv"), expected)
    assert model.evaluate(tmp_path / "held.csv") == model.evaluate(held)
    assert expected.std() > 0.1


# ---- calls ---------------------------------------------------------------------------------------


def test_numbers_are_read_as_text_where_texts_are_known(texts: Recommender) -> None:
    expected = texts.predict(["7", "8"], ["50", "60"])
    assert np.array_equal(texts.predict([7, 8.0], np.array([50, 60])), expected)
    assert texts.recommend(7, 3).equals(texts.recommend("7", 3))
    assert texts.similar(50, 3).equals(texts.similar("50", 3))
    visitors = [
        texts.fold_in(given).predict([70]) for given in ({50: 5, 60: 1}, {"50": 5, "60": 1})
    ]
    assert visitors[0] == visitors[1]


def test_text_that_spells_known_numbers_means_them_and_is_told(numbers: Recommender) -> None:
    expected = numbers.predict([7, 8], [50, 60])
    with pytest.warns(UserWarning, match="knows users as numbers, got text: '7' is taken"):
        assert np.array_equal(numbers.predict(["7", "8"], [50, 60]), expected)
    assert numbers.recommend("7", 3).equals(numbers.recommend(7, 3))


@pytest.mark.parametrize(
    ("user", "item", "says"),
    [
        (7, None, r"got item=None. Give both ids"),
        (None, 50, "got user=None"),
        (float("nan"), 50, "got user=nan"),
        ((7, 8), (50, 60), "must be a list of ids, got a tuple"),
        ({7, 8}, [50, 60], "must be a list of ids, got a set"),
        ([[7], [8]], [50, 60], "must be a list of ids, got a list"),
        (np.ones((2, 2)), [50, 60], "must be a list of ids, got a ndarray"),
        (iter([7]), 50, "an id must be text or a number"),
        (pd.DataFrame({"user": [7], "item": [50]}), 50, "beside it"),
    ],
)
def test_what_is_no_pair_of_ids_is_one_sentence(
    user: Any, item: Any, says: str, numbers: Recommender
) -> None:
    with pytest.raises(ValueError, match=says):
        numbers.predict(user, item)


def test_zero_dimensional_arrays_are_one_id_and_vectors_are_several(numbers: Recommender) -> None:
    one = numbers.predict(7, 50)
    assert numbers.predict(np.array(7), np.int64(50)) == one
    assert numbers.predict(pd.Index([7]), range(50, 51)).tolist() == [pytest.approx(one)]


def test_a_call_of_which_most_is_unknown_says_so_once(numbers: Recommender) -> None:
    says = r"does not know 2 of 3, such as the user 'x'; it knows ids such as 0 \(a number\)"
    with pytest.warns(UserWarning, match=says) as caught:
        numbers.predict(["x", "y", 7], [50, 50, 50])
    assert [Path(one.filename).name for one in caught] == ["test_ids.py"]  # where it was asked
    with pytest.warns(UserWarning, match="such as the item 51"):
        numbers.fold_in({50: 3.0}).predict([51, 52])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        numbers.predict(["x", 8, 7], [50, 50, 50])


def test_a_gap_among_ids_counts_as_average_and_is_told(numbers: Recommender) -> None:
    table = pd.DataFrame({"user": [7, None, 8, 9], "item": [50, 50, 60, 60]})
    with pytest.warns(UserWarning, match="does not know 1 of 4, such as the user nan"):
        rated = numbers.predict(table)
    assert rated[0] == numbers.predict([7], [50])[0]


def test_validation_ratings_of_strangers_are_told() -> None:
    data = numbered()
    with pytest.warns(UserWarning, match="does not know 20 of 20"):
        train(data=data, epochs=1, valid=ratings()[:20].assign(user=[f"x{n}" for n in range(20)]))


# ---- going on ------------------------------------------------------------------------------------


def test_fine_tuning_finds_known_ids_of_another_kind(
    numbers: Recommender, texts: Recommender, tmp_path: Path
) -> None:
    new = pd.DataFrame({"user": [7, 7, 99], "item": [51, 52, 51], "rating": [1.0, 3.0, 2.0]})
    for known in (numbers, texts):
        kind = type(known.spec.users[0])
        for table in (new, new.astype({"user": str, "item": str})):
            table.to_csv(tmp_path / "new.csv", index=False)
            for source in (table, tmp_path / "new.csv"):
                tuned = zoo.collab.finetune(known, source, epochs=1, valid_fraction=0, run=RUN)
                assert tuned.spec.users == (*known.spec.users, kind(99))
                assert tuned.spec.items == (*known.spec.items, kind(51), kind(52))


@pytest.mark.parametrize(
    ("value", "known", "expected"),
    [(5, ["x"], "5"), ("5", [7], 5), ("05", [7], "05"), ("x", [7], "x"), (5, [7, "x"], 5)],
)
def test_new_ids_take_the_form_of_known_ones(value: Any, known: Any, expected: Any) -> None:
    assert cast_like(value, known) == expected
    assert type(cast_like(value, known)) is type(expected)


def test_features_and_titles_find_ids_of_another_kind() -> None:
    table = pd.DataFrame({"odd": [True, False] * 20}, index=[str(i) for i in range(0, 400, 10)])
    model = train(epochs=1, item_features=table, titles={"50": "Fifty"})
    assert model.spec.titles == {50: "Fifty"}
    features: Any = model.members[0].items.features
    assert features[1:, 0].tolist() == [1.0, 0.0] * 20
    with pytest.warns(UserWarning, match="40 of 40 ids have no features, such as 0"):
        train(epochs=1, item_features=table.set_axis(range(1001, 1041)))
    with pytest.warns(
        UserWarning, match="none of 1 titles is that of an item, but of ids such as "
    ):
        train(epochs=1, titles={"fifty": "Fifty"})


def test_a_column_that_was_read_in_pieces_is_of_one_id_each() -> None:
    ids = clean_ids(pd.Series([5, "5", 7.0, "7.0", "07", "x"], dtype=object), "user")
    assert ids.tolist() == [5, 5, 7, 7, "07", "x"]
    assert clean_ids(pd.Series([5, "5"], dtype=object), "user").dtype == np.int64
