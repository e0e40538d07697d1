from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import zoo
from tests.collab.small import ratings
from tests.helpers.device import run_here
from zoo.collab.data.ratings import read, split
from zoo.collab.data.scale import without_odd_ones
from zoo.collab.suited import suited_model

RUN = run_here()


def table(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame(
        {"user": [1, 1, 2], "item": ["a", "b", "a"], "rating": [3, 4, 5], **columns}
    )


@pytest.mark.parametrize(
    "names", [("userId", "movieId", "rating"), ("uid", "iid", "stars"), ("USER", "asin", "overall")]
)
def test_usual_names_are_found(names: tuple[str, ...]) -> None:
    found = read(table().set_axis(names, axis=1))
    assert list(found) == ["user", "item", "rating"]
    assert found["rating"].tolist() == [3, 4, 5]


def test_columns_may_be_named() -> None:
    other = table().set_axis(["who", "what", "how much"], axis=1)
    found = read(other, {"user": "who", "item": "what", "rating": "how much"})
    assert found["item"].tolist() == ["a", "b", "a"]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_files_hold_what_frames_hold(suffix: str, tmp_path) -> None:
    path = tmp_path / f"ratings{suffix}"
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
        table().to_parquet(path)
    else:
        table().to_csv(path, sep="\t" if suffix == ".tsv" else ",", index=False)
    pd.testing.assert_frame_equal(read(path, {}, learns=True), read(table()))


def test_without_ratings_every_row_is_a_choice() -> None:
    assert read(table().drop(columns="rating"))["rating"].tolist() == [1, 1, 1]


def test_truth_values_and_numbers_in_text_are_ratings() -> None:
    assert read(table(rating=[True, False, True]))["rating"].tolist() == [1, 0, 1]
    assert read(table(rating=["3", "4.5", "5"]))["rating"].tolist() == [3, 4.5, 5]


def test_gaps_are_left_out_with_one_warning_that_counts_them() -> None:
    with pytest.warns(UserWarning, match="1 of 3 ratings lack a value") as caught:
        found = read(table(rating=[3, None, 5]))
    assert len(found) == 2
    assert len(caught) == 1


@pytest.mark.parametrize(("times", "kept"), [(None, 5), ([2, 0, 1], 3)])
def test_the_last_of_repeated_ratings_counts(times: list[int] | None, kept: int) -> None:
    again = table(item=["a", "b", "a"], user=[1, 1, 1])
    if times:
        again["time"] = times
    with pytest.warns(UserWarning, match="1 ratings are of an item that the user rated again"):
        found = read(again)
    assert found.set_index("item")["rating"]["a"] == kept


@pytest.mark.parametrize(
    ("data", "columns", "says"),
    [
        (table(), {"user": "users"}, r"without 'users'. Did you mean 'user'"),
        (
            table().drop(columns="item"),
            {},
            "got user, rating without that of each item",
        ),
        (
            table().set_axis(["a", "b", "c"], axis=1),
            {},
            r"without that of each user and each item\. .*user='\.\.\.' and which by item='\.\.\.'",
        ),
        (
            table(),
            {"user": "users", "rating": "stars"},
            "column of each user and each rating must be in the table, got one without 'users', 's",
        ),
        (
            table().set_axis(["42", "7", "3.0"], axis=1),
            {},
            r"must name its columns, got 42, 7, 3\.0, which seems to be a rating",
        ),
        (table(rating=["3", "good", "5"]), {}, r"ratings must be numbers, got 'good' \(1 such"),
        (table(rating=[3, np.inf, 5]), {}, "ratings must be finite, got 1 infinite"),
        (table().iloc[:0], {}, "got a table without such a row"),
    ],
)
def test_what_is_no_table_of_ratings_is_one_sentence(data, columns, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read(data, columns)


def test_cells_of_blanks_are_gaps() -> None:
    rated = table()
    rated["user"] = ["u00", "", " "][: len(rated)]
    with pytest.warns(UserWarning, match="2 of 3 ratings lack a value"):
        assert read(rated)["user"].tolist() == ["u00"]


def test_usual_names_are_found_in_files_in_any_capitals(tmp_path) -> None:
    (tmp_path / "r.CSV").write_text("User, Item , Rating\nu1, x, 4.5\nNA, 007, 3\n")
    rows = read(tmp_path / "r.CSV", {}, learns=True).itertuples(index=False, name=None)
    assert list(rows) == [("u1", "x", 4.5), ("NA", "007", 3)]


# ---- splits --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["random", "user", "item", "time"])
def test_a_split_is_a_partition_of_the_right_size(kind) -> None:
    whole = ratings()
    train, valid = split(whole, kind, 0.2, seed=0)
    assert sorted([*train.index, *valid.index]) == list(whole.index)
    assert len(valid) == pytest.approx(0.2 * len(whole), rel=0.05)


@pytest.mark.parametrize("kind", ["user", "item"])
def test_every_user_or_item_has_its_share(kind) -> None:
    whole = ratings()
    _, valid = split(whole, kind, 0.25, seed=0)
    counts = whole[kind].value_counts()
    expected = (0.25 * counts).round()
    got = valid[kind].value_counts().reindex(counts.index, fill_value=0)
    assert (got == expected).all()


def test_a_split_by_time_validates_on_the_latest() -> None:
    train, valid = split(ratings(), "time", 0.2, seed=0)
    assert train["time"].max() < valid["time"].min()


def test_a_split_depends_on_the_seed_alone() -> None:
    one, same, other = (split(ratings(), "random", 0.2, seed)[1].index for seed in (0, 0, 1))
    assert one.equals(same)
    assert not one.equals(other)


@pytest.mark.parametrize(
    ("data", "kind", "fraction", "says"),
    [
        (
            ratings().drop(columns="time"),
            "time",
            0.2,
            "needs a column of times, got a table without one",
        ),
        (ratings(), "random", 1.0, "got 0 to train and 1232 to"),
        (ratings()[:2], "random", 0.1, "got 2 to train and 0 to"),
    ],
)
def test_a_split_that_makes_no_sense_is_one_sentence(data, kind, fraction, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        split(data, kind, fraction, seed=0)


def test_clean_ratings_warn_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read(ratings())) == len(ratings())


# ---- numbers that are no ratings on a scale ------------------------------------------------------


def stars(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    pairs = rng.permutation(2_500)[:n]
    rated = rng.integers(1, 6, n).astype(float)
    return pd.DataFrame({"user": pairs // 50, "item": pairs % 50, "rating": rated})


@pytest.mark.parametrize("odd", [99.0, -1e6, 1e12])
def test_an_odd_rating_does_not_stretch_the_scale(odd: float) -> None:
    table = stars()
    table.loc[7, "rating"] = odd
    with pytest.warns(UserWarning, match=r"1 of 400 ratings, such as .*which go from 1 to 5"):
        data = zoo.collab.learner(table, valid_fraction=0, run=RUN).data
    assert (data.spec.low, data.spec.high) == pytest.approx((0.6, 5.4))
    assert sorted(data.train.target.unique().tolist()) == [1, 2, 3, 4, 5]  # type: ignore[attr-defined]


def test_a_stated_range_is_meant() -> None:
    table = stars()
    table.loc[7, "rating"] = 99.0
    learn = zoo.collab.learner(table, valid_fraction=0, y_range=(0, 100), run=RUN)
    assert learn.data.spec.high == 100


def test_scales_of_all_kinds_are_left_alone() -> None:
    table, rng = stars(), np.random.default_rng(0)
    for values in (
        rng.integers(0, 101, 400),
        rng.uniform(-10, 10, 400),
        np.r_[np.full(399, 5.0), 1.0],
        rng.poisson(2, 400),
    ):
        assert without_odd_ones(table.assign(rating=np.float32(values))) is not None


def test_stars_with_an_odd_one_are_stars() -> None:
    table = stars()
    table.loc[7, "rating"] = 99
    assert suited_model(table.astype(int), {}) == "dot_bias"


def test_counts_are_told_and_not_clipped() -> None:
    plays = np.ceil(np.random.default_rng(0).lognormal(2, 2, 400)).astype(np.float32)
    with pytest.warns(UserWarning, match=r"ratings look like counts, .* model='blend'"):
        kept = without_odd_ones(stars().assign(rating=plays))
    assert kept["rating"].max() == plays.max()
