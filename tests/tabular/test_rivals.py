"""The simple rivals of a network: they are what scikit-learn's own pipelines are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from torch import Tensor

from tests.tabular.small import COLOURS, learner, table
from zoo.core.training.learner import Learner
from zoo.core.trust import rivals as of_all_domains
from zoo.tabular import rivals
from zoo.tabular.models.simple import LinearTable


def whole(n: int = 120) -> pd.DataFrame:
    """A table without gaps whose class has three kinds."""
    frame = table(n).drop(columns="income")
    return frame.assign(bought=np.where(frame["age"] > 48, "perhaps", frame["bought"]))


def everything(frame: pd.DataFrame, target: Any, **more: Any) -> Learner:
    settings = {"ignore": [], "valid_fraction": 0, "categories": ["store"], **more}
    return learner(frame, target, **settings)


def outputs(module: torch.nn.Module, learn: Learner) -> Tensor:
    return learn.task.decode(module(*learn.data.train.inputs))


def pipeline(last: Any) -> Any:
    columns = (OneHotEncoder(), ["colour", "store"]), (StandardScaler(), ["age"])
    return make_pipeline(make_column_transformer(*columns), last)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_linear_rival_of_classes_is_logistic_regression(
    n_classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rivals, "CS", (1.0,))
    frame = (whole() if n_classes == 3 else table(120)).drop(columns=["amount"])
    frame = frame.drop(columns="income", errors="ignore")
    learn = everything(frame, "bought")
    expected = pipeline(LogisticRegression()).fit(frame, frame["bought"]).predict_proba(frame)
    shares = outputs(rivals.linear(learn.data), learn)
    np.testing.assert_allclose(shares, expected, atol=2e-3)  # both stop when they are near


def test_the_linear_rival_of_numbers_is_ridge_each_target_with_its_own_strength() -> None:
    frame = whole().assign(noise=np.random.default_rng(1).normal(size=120)).drop(columns="bought")
    learn = everything(frame, ["amount", "noise"])
    module = rivals.linear(learn.data)
    predicted = outputs(module, learn)
    for i, target in enumerate(learn.data.spec.targets):
        scaled = (frame[target.name] - target.mean) / target.std
        expected = pipeline(RidgeCV(rivals.ALPHAS)).fit(frame, scaled).predict(frame)
        np.testing.assert_allclose(predicted[:, i], expected, atol=1e-4)
    assert module.rows == len(frame)


def test_a_linear_rival_is_rebuilt_from_its_arguments_and_weights() -> None:
    learn = learner(table(120))
    module = rivals.linear(learn.data)
    again = LinearTable(**module.arguments)
    again.load_state_dict(module.state_dict())
    torch.testing.assert_close(outputs(again, learn), outputs(module, learn), rtol=0, atol=0)
    unseen = torch.zeros(1, 3, dtype=torch.int32), torch.zeros(1, 2)
    torch.testing.assert_close(module(*unseen)[0], module.bias)


def test_a_large_table_is_kept_sparse_and_fitted_on_a_part_within_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learn = everything(whole().drop(columns="bought"), "amount")
    dense = outputs(rivals.linear(learn.data), learn)
    monkeypatch.setattr(rivals, "DENSE_CELLS", 100)
    monkeypatch.setattr(rivals, "ALPHAS", [1.0])
    torch.testing.assert_close(outputs(rivals.linear(learn.data), learn), dense, rtol=0, atol=0.1)
    monkeypatch.setattr(rivals, "MOST_CELLS", 3 * 50)
    assert rivals.linear(learn.data).rows == 50
    monkeypatch.setattr(of_all_domains, "FIRST_ROWS", 50)
    assert rivals.boosting(learn.data, 0.0).rows == 50


def test_classes_that_the_training_rows_lack_are_improbable() -> None:
    learn = everything(whole().drop(columns="amount"), "bought")
    learn.data.train.target.fill_(1)
    for fit in (rivals.constant, rivals.linear):
        assert outputs(fit(learn.data), learn)[:, 1].min() > 0.9


def test_the_constant_is_the_most_frequent_class_or_the_mean() -> None:
    learn = everything(table(120).drop(columns="amount"), "bought")
    module = rivals.constant(learn.data)
    assert outputs(module, learn)[0].argmax() == learn.data.train.target.mode().values
    amounts = everything(table(120).drop(columns="bought"), "amount")
    assert outputs(rivals.constant(amounts.data), amounts).abs().max() < 1e-6


def test_boosting_sees_categories_and_gaps_as_they_are() -> None:
    learn = everything(table(240).drop(columns="bought"), "amount")
    module = rivals.boosting(learn.data)
    x_cat, x_cont = learn.data.train.inputs
    cells = rivals._cells((x_cat, x_cont), module.numbers_with_gaps)
    colours = pd.Series(list(COLOURS)).reindex(x_cat[:, 0].numpy() - 1).tolist()
    assert colours == table(240)["colour"].tolist()
    assert (np.isnan(cells[:, 3]) == table(240)["income"].isna()).all()
    assert module.trees[0].is_categorical_.tolist() == [True, True, False, False]
    error = (outputs(module, learn) - learn.data.train.target).square().mean()
    assert error < 0.1
