from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.inspection import (
    PartialDependenceDisplay,
    partial_dependence,
    permutation_importance,
)
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import zoo
from tests.helpers.device import DEVICE
from tests.tabular.small import table
from zoo.tabular.sklearn.estimators import EntityEmbedder, TabularClassifier, TabularRegressor

pytestmark = pytest.mark.device

QUICK: dict[str, Any] = {"layers": (16,), "bins": 0, "lr": 3e-2, "batch_size": 32, "device": DEVICE}
SKIPPED = {
    # scikit-learn skips it unless array-api-strict is installed and SCIPY_ARRAY_API is set before
    # scipy is imported; it is about arrays of other libraries, which become numpy's here
    "check_array_api_input"
}
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": "batches are drawn: a row of weight 2 is in "
    "one of them, the same row twice in two"
}


SMALL: dict[str, Any] = {"layers": (16,), "bins": 0}
LIGHT: dict[str, Any] = {"epochs": 6, "lr": 3e-2, "rivals": False, **SMALL}  # defaults take minutes


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (TabularClassifier, LIGHT),
        (TabularRegressor, LIGHT),
        (EntityEmbedder, {"epochs": 1, **SMALL}),
        pytest.param(TabularClassifier, {}, marks=pytest.mark.slow),
        pytest.param(TabularRegressor, {}, marks=pytest.mark.slow),
        pytest.param(EntityEmbedder, {}, marks=pytest.mark.slow),
    ],
)
def test_scikit_learns_own_checks_pass(kind: Any, settings: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # several checks provoke warnings
        results = check_estimator(
            kind(device=DEVICE, **settings),
            expected_failed_checks=EXPECTED,
            on_fail=None,
            on_skip=None,
        )
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    skipped = {r["check_name"] for r in results if r["status"] == "skipped"}
    assert failed == {}
    assert skipped <= SKIPPED
    assert {r["check_name"] for r in results if r["expected_to_fail"]} <= set(EXPECTED)
    assert len(results) > 30


@pytest.fixture(scope="module")
def rows() -> tuple[pd.DataFrame, pd.Series]:
    frame = table()
    return frame.drop(columns=["bought", "amount"]), frame["bought"]


def classifier(**more: Any) -> TabularClassifier:
    """A network alone."""
    settings = {**QUICK, "epochs": 6, "random_state": 0, "rivals": False}
    return TabularClassifier(**{**settings, **more})


def test_a_table_keeps_its_categories(rows: tuple[pd.DataFrame, pd.Series]) -> None:
    X, y = rows
    fitted = classifier().fit(X, y)
    assert fitted.score(X, y) > 0.85
    assert fitted.classes_.tolist() == ["no", "yes"]
    assert fitted.feature_names_in_.tolist() == X.columns.tolist()
    assert [c.name for c in fitted.model_.spec.categories] == ["colour", "store"]
    odd = X.assign(colour="violet", age=np.nan)
    with pytest.warns(UserWarning, match="'colour' .such as 'violet'"):
        assert np.isfinite(fitted.predict_proba(odd)).all()


def test_the_same_random_state_gives_the_same_model(rows: tuple[pd.DataFrame, pd.Series]) -> None:
    X, y = rows
    one, two = (classifier(epochs=1).fit(X, y).predict_proba(X) for _ in range(2))
    assert np.array_equal(one, two)
    other = classifier(epochs=1, random_state=1).fit(X, y).predict_proba(X)
    assert not np.array_equal(one, other)


def test_searches_and_cross_validation_work(rows: tuple[pd.DataFrame, pd.Series]) -> None:
    X, y = rows
    assert cross_val_score(classifier(epochs=4), X, y, cv=2).mean() > 0.7
    search = GridSearchCV(classifier(), {"epochs": [1, 5]}, cv=2).fit(X, y)
    assert search.best_params_ == {"epochs": 5}


def test_a_pipeline_of_numbers_works(rows: tuple[pd.DataFrame, pd.Series]) -> None:
    X, y = rows
    numbers = X[["age"]].to_numpy()
    steps = make_pipeline(StandardScaler(), classifier(epochs=2))
    assert len(steps.fit(numbers, y).predict(numbers)) == 400


def test_an_array_has_categories_where_they_are_named() -> None:
    X = np.stack([np.arange(200) % 5, np.linspace(0, 1, 200)], 1)
    y = np.isin(X[:, 0], [1, 3]).astype(int)
    fitted = classifier(categories=[0], epochs=20).fit(X, y)
    assert [c.values for c in fitted.model_.spec.categories] == [(0.0, 1.0, 2.0, 3.0, 4.0)]
    assert fitted.score(X, y) == 1


def test_several_targets_and_logarithms(rows: tuple[pd.DataFrame, pd.Series]) -> None:
    X, amount = rows[0], table()["amount"]
    quick = {**QUICK, "epochs": 8, "random_state": 0, "rivals": False}
    assert TabularRegressor(log_target=True, **quick).fit(X, amount).score(X, amount) > 0.6
    both = np.stack([amount, -amount], 1)
    fitted = TabularRegressor(**quick).fit(X, both)
    assert fitted.predict(X).shape == (400, 2)
    assert fitted.score(X, both) > 0.4


def test_scikit_learns_inspection_works(rows: tuple[pd.DataFrame, pd.Series]) -> None:
    X, y = rows
    fitted = classifier().fit(X, y)
    found = permutation_importance(fitted, X, y, n_repeats=2, random_state=0)
    importance = dict(zip(X.columns, found.importances_mean, strict=True))
    assert min(importance, key=lambda name: importance[name]) == "income"  # says nothing
    assert importance["colour"] > 0.1
    curve = partial_dependence(fitted, X, ["age"], kind="average", grid_resolution=5)
    assert curve["average"][0][-1] > curve["average"][0][0]  # older people buy more
    shown = PartialDependenceDisplay.from_estimator(
        fitted, X, ["age", "colour"], categorical_features=["colour"], grid_resolution=5
    )
    assert len(shown.axes_.ravel()) == 2
    pyplot.close(shown.figure_)


def test_an_estimator_survives_a_copy_and_a_pickle(rows: tuple[pd.DataFrame, pd.Series]) -> None:
    X, y = rows
    fitted = classifier(epochs=1).fit(X, y)
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.predict_proba(X), fitted.predict_proba(X))
    assert not hasattr(clone(fitted), "model_")


def test_vectors_help_a_forest_that_cannot_read_text(
    rows: tuple[pd.DataFrame, pd.Series],
) -> None:
    X, y = rows
    embedder = EntityEmbedder(**QUICK, epochs=6, random_state=0).set_output(transform="pandas")
    vectors = embedder.fit_transform(X, y)
    assert vectors.index.equals(X.index)
    assert vectors.columns.tolist()[:4] == ["colour_0", "colour_1", "colour_2", "store_0"]
    assert vectors["age"].equals(X["age"])
    assert vectors["income"].isna().sum() == X["income"].isna().sum()
    same = X["colour"] == "red"
    assert 1 < vectors.loc[same, "colour_0"].nunique() <= embedder.cv  # each part's own network
    vectors = embedder.transform(X)
    assert vectors.loc[same, "colour_0"].nunique() == 1
    with pytest.warns(UserWarning, match="'colour' .such as 'violet'"):
        unseen = embedder.transform(X.head(1).assign(colour="violet"))
    mean = vectors.drop_duplicates("colour_0")["colour_0"].mean()
    assert unseen["colour_0"].item() == pytest.approx(mean, abs=1e-6)
    forest = make_pipeline(
        EntityEmbedder(**QUICK, epochs=6, random_state=0),
        RandomForestClassifier(20, random_state=0),
    )
    fresh = table(300, seed=5)
    assert forest.fit(X, y).score(fresh[X.columns], fresh["bought"]) > 0.8


def test_the_model_of_an_estimator_knows_the_classes_names(
    rows: tuple[pd.DataFrame, pd.Series], tmp_path: Path
) -> None:
    X, y = rows
    fitted = classifier(epochs=2).fit(X, y)
    model = zoo.load(fitted.model_.save(tmp_path / "m"))
    assert model.predict(X).tolist() == fitted.predict(X).tolist()
    assert [target.name for target in model.spec.targets] == ["bought"]
    assert classifier(epochs=1).fit(X, y == "yes").model_.spec.classes == (False, True)
    both = pd.DataFrame({"one": range(400), "two": 0.5})
    fitted = TabularRegressor(**QUICK, epochs=1).fit(X, both)
    assert fitted.model_.predict(X).columns.tolist() == ["one", "two"]


def test_weights_of_rows_and_classes(rows: tuple[pd.DataFrame, pd.Series]) -> None:
    X, y = rows
    first = np.arange(400) < 300
    some = classifier(epochs=2).fit(X, y, sample_weight=first)
    alone = classifier(epochs=2).fit(X[first], y[first])
    assert np.allclose(some.predict_proba(X), alone.predict_proba(X), atol=1e-5)
    plain, heavy = (
        classifier(class_weight=weight).fit(X, y) for weight in (None, {"yes": 20, "no": 1})
    )
    assert (heavy.predict(X) == "yes").mean() > (plain.predict(X) == "yes").mean() + 0.1
    with pytest.raises(ValueError, match="'maybe'"):
        classifier(class_weight={"maybe": 1}).fit(X, y)
    numbers, light = np.where(first, 1.0, 5.0), np.where(first, 1, 1e-3)
    regressor = TabularRegressor(**QUICK, epochs=4, random_state=0)
    regressor.fit(X[["income"]], numbers, sample_weight=light)
    assert regressor.predict(X[["income"]]).mean() < 1.5


def test_one_class_and_nothing_that_varies_are_said(rows: tuple[pd.DataFrame, pd.Series]) -> None:
    X, _ = rows
    with pytest.raises(ValueError, match="got y of 1 class"):
        classifier().fit(X, ["a"] * 400)
    with pytest.raises(ValueError, match="a column that varies"):
        classifier().fit(np.ones((20, 2)), np.arange(20) % 2)
