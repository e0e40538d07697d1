"""Importance, shares, dependence and vectors, on functions whose answers are known by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from tests.tabular.small import RUN, table
from zoo.core.trust.blend import Blend
from zoo.core.trust.shapley import MOST_EXACT, shapley
from zoo.tabular import TableModel
from zoo.tabular.data.distributions import fit_distributions, typical_rows
from zoo.tabular.models.network import build_network
from zoo.tabular.spec import Category, Number, Spec, Target

WIDE = [f"x{i}" for i in range(MOST_EXACT + 3)]  # too many columns for all coalitions


class Formula(nn.Module):
    """A function of the inputs in the place of a network, in double precision."""

    name, arguments = "formula", {}

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, x_cat: Tensor, x_cont: Tensor) -> Tensor:
        return self.function(x_cat.double(), x_cont.double())


def number(name: str, *, gaps: bool = False) -> Number:
    return Number(name, "number", 0.0, 0.0, 1.0, gaps)  # seen as it is


def model_of(
    function: Any, numbers: list[Number], *categories: Category, **more: Any
) -> TableModel:
    """A regression that is a formula, in which the network has no share."""
    target = more.pop("target", Target("y"))
    task = "classification" if target.classes else "regression"
    spec = Spec(task, categories, tuple(numbers), (target,), False, **more)
    network = build_network("mlp", spec.table_rows, len(numbers), spec.n_out, layers=(4,), bins=0)
    return TableModel([network], spec, blend=Blend((Formula(function),), (1.0,)), run=RUN)


def rows(names: list[str], n: int = 40, seed: int = 0) -> pd.DataFrame:
    cells = np.random.default_rng(seed).normal(size=(n, len(names))).astype(np.float32)
    return pd.DataFrame(cells.astype(float), columns=names)


# ---- shares of a prediction ----------------------------------------------------------------------


@pytest.mark.parametrize("names", [WIDE[:3], WIDE])
def test_of_a_sum_each_column_has_its_weight_times_its_distance_from_the_mean(
    names: list[str],
) -> None:
    weights, background = np.arange(1.0, len(names) + 1), rows(names)
    model = model_of(
        lambda _, x: (x * torch.from_numpy(weights)).sum(1, keepdim=True) + 7,
        [number(name) for name in names],
    )
    row = rows(names, 1, seed=1).iloc[0]
    found = model.explain(row, background=background)
    expected = weights * (row - background.mean())
    assert found.names == tuple(names)
    assert found.scores == pytest.approx(expected.to_list(), abs=1e-4)
    assert found.base == pytest.approx(7 + background.mean() @ weights, abs=1e-4)
    assert found.base + sum(found.scores) == pytest.approx(model.predict(row), abs=1e-5)
    assert max(found.errors, default=0) < 1e-5  # a sum is the same in any order


def test_columns_that_count_only_together_share_alike() -> None:
    exclusive = model_of(
        lambda _, x: (x[:, :1] - x[:, 1:2]).abs() + 0 * x[:, 2:], [number(n) for n in "abc"]
    )
    nothing = pd.DataFrame({"a": [0.0], "b": [0.0], "c": [5.0]})
    found = exclusive.explain({"a": 1.0, "b": 1.0, "c": 1.0}, background=nothing)
    assert found.scores == pytest.approx((0, 0, 0))
    found = exclusive.explain({"a": 1.0, "b": 0.0, "c": 1.0}, background=nothing)
    assert found.scores == pytest.approx((1, 0, 0))
    both = model_of(lambda _, x: x[:, :1] * x[:, 1:2], [number(n) for n in "abc"])
    found = both.explain({"a": 2.0, "b": 3.0, "c": 1.0}, background=nothing)
    assert found.scores == pytest.approx((3, 3, 0))


def test_sampled_shares_are_the_exact_ones_within_their_errors() -> None:
    """A product of all columns depends on their order as much as anything does."""

    def value(own: Any, of: Any) -> Any:
        return np.where(own, 1.5, of[:, None] + 0.5).prod(1)

    exact, sampled = shapley(value, MOST_EXACT, 2), shapley(value, MOST_EXACT + 1, 2)
    assert exact.values.sum() + exact.base == pytest.approx(1.5**MOST_EXACT)
    assert sampled.values.sum() + sampled.base == pytest.approx(1.5 ** (MOST_EXACT + 1))
    same = sampled.values.mean()  # all columns are alike
    assert np.abs(sampled.values - same).max() < 4 * sampled.errors.max()
    assert 0 < sampled.errors.max() < 0.1 * same


def test_a_class_is_explained_in_log_odds_and_a_gap_belongs_to_its_column(tmp_path: Path) -> None:
    def logits(x_cat: Tensor, x_cont: Tensor) -> Tensor:
        gap = (x_cat[:, 1:] == 2).double()
        logit = 2.0 * (x_cat[:, :1] == 1) + x_cont[:, :1] + 3.5 * gap
        return torch.cat([0 * logit, logit], dim=1)

    category, target = Category("colour", ("red", "blue")), Target("y", ("no", "yes"))
    model = model_of(logits, [number("age", gaps=True)], category, target=target)
    background = pd.DataFrame({"colour": ["blue"], "age": [1.0]})
    found = model.explain({"colour": "red", "age": None}, "yes", background=background)
    assert dict(zip(found.names, found.scores, strict=True)) == pytest.approx(
        {"colour": 2.0, "age": 2.5}, abs=1e-4
    )
    assert (found.label, found.base) == ("yes", pytest.approx(1.0, abs=1e-4))
    assert found.record(1) == {
        "label": "yes", "probability": pytest.approx(1 / (1 + np.exp(-5.5))),
        "parts": [("age", pytest.approx(2.5, abs=1e-4))], "base": found.base,
    }  # fmt: skip
    assert found.save(tmp_path / "why.png").stat().st_size > 1000
    together = model.explain(
        {"colour": "red", "age": None}, "yes", background=background,
        groups={"both": ["colour", "age"]},
    )  # fmt: skip
    assert (together.names, together.scores) == (("both",), (pytest.approx(4.5, abs=1e-4),))


def test_without_a_background_the_specs_own_distributions_stand_for_it() -> None:
    frame = pd.DataFrame({"colour": ["red"] * 3 + ["blue"], "n": [0.0, 1.0, 2.0, None]})
    category, n = Category("colour", ("blue", "red")), number("n", gaps=True)
    codes = torch.tensor([[2, 1]] * 3 + [[1, 2]], dtype=torch.int32)
    known = fit_distributions(frame, codes, (category,), (n,))
    assert (known[0].shares, known[1].gaps, known[1].quantiles[10]) == ((0.25, 0.75), 0.25, 1.05)
    spec = Spec("regression", (category,), (n,), (Target("y"),), False, distributions=known)
    assert Spec.from_json(spec.to_json()) == spec
    x_cat, x_cont = typical_rows(spec, 100)
    assert (x_cat == torch.tensor([2, 2])).sum(0).tolist() == [75, 25]
    assert x_cont.mean() == pytest.approx(0.75, abs=0.05)  # a gap takes the median, here 0
    broken = spec.to_json()
    broken["distributions"][0]["shares"].append(0.1)
    with pytest.raises(ValueError, match=r"wrong=\['distributions'\]"):
        Spec.from_json(broken)
    earlier = Spec("regression", (category,), (n,), (Target("y"),), False)
    assert typical_rows(earlier, 10)[0][:, 0].bincount().tolist() == [0, 5, 5]


# ---- importance, dependence, vectors -------------------------------------------------------------


def test_importance_is_scikit_learns_and_a_needless_column_has_none() -> None:
    from sklearn.inspection import permutation_importance
    from sklearn.metrics import mean_squared_error

    data = rows(["a", "b", "c"], 60).assign(y=lambda x: x["a"] + 2 * x["b"] * x["c"])
    model = model_of(
        lambda _, x: x[:, :1] + 2 * x[:, 1:2] * x[:, 2:], [number(name) for name in "abc"]
    )
    found = model.importance(data, repeats=3)

    class Estimator:
        def fit(self) -> None: ...

        def predict(self, X: Any) -> Any:
            return model.predict(pd.DataFrame(X, columns=["a", "b", "c"]))

    expected = permutation_importance(
        Estimator(), data[["a", "b", "c"]].to_numpy(), data["y"].to_numpy(), n_repeats=3,
        random_state=0, scoring=lambda m, X, y: -mean_squared_error(y, m.predict(X)),
    )  # fmt: skip
    own = found.loc[["a", "b", "c"]]
    assert own["importance"].to_numpy() == pytest.approx(expected.importances_mean, rel=1e-5)
    assert own["spread"].to_numpy() == pytest.approx(expected.importances_std, rel=1e-4)
    assert found.index[-1] == "a"
    grouped = model.importance(data, groups={"product": ["b", "c"]}, metric="rmse", repeats=2)
    assert list(grouped.index) == ["product", "a"]
    assert model.importance(data.assign(d=1.0), repeats=2).index.size == 3


def test_a_dependence_has_a_curve_for_each_row(tmp_path: Path) -> None:
    model = model_of(lambda _, x: x[:, :1] * x[:, 1:], [number("a"), number("b")])
    data = rows(["a", "b"], 30)
    found = model.dependence(data, "a")
    assert found.curves == pytest.approx(np.outer(data["b"], found.values), abs=1e-5)
    assert found.mean == pytest.approx(data["b"].mean() * np.array(found.values), abs=1e-5)
    assert found.save(tmp_path / "a").suffix == ".png"


def test_a_trained_model_tells_what_it_goes_by(buyer: TableModel) -> None:
    data, inputs = table(60, seed=1), ["colour", "store", "age", "income"]
    found = buyer.importance(data)
    assert found.index[-1] == "income"  # which has no part in the class
    row = data.iloc[0]
    why = buyer.explain(row)
    assert why.names == tuple(buyer.spec.inputs)
    odds = buyer.probabilities(row)[why.label]
    assert why.base + sum(why.scores) == pytest.approx(np.log(odds / (1 - odds)), abs=1e-3)
    assert buyer.dependence(data, "colour").values == data["colour"].value_counts().index.to_list()
    assert buyer.dependence(data, "store").values == sorted(set(data["store"]))
    vectors = buyer.embed(data)
    assert (vectors.dtype, len(vectors)) == (np.float32, 60)
    assert buyer.embed(data[:0]).shape == (0, vectors.shape[1])
    near = buyer.similar(data.iloc[7], 3, among=data.set_index(data.index + 100))
    assert near.index[0] == 107
    assert list(near.columns) == [*data.columns, "similarity"]
    assert near[inputs].iloc[0].equals(data[inputs].iloc[7])


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda m, d: m.explain(d), "of one row, got 60"),
        (lambda m, d: m.explain(d.iloc[0], "perhaps"), "got label='perhaps'. There is no, yes"),
        (lambda m, d: m.explain(d.iloc[0], background=d[:0]), "must have rows, got none"),
        (lambda m, d: m.importance(d, metric="acuracy"), "got metric='acuracy'. Did you mean"),
        (lambda m, d: m.importance(d, groups={"g": ["colr"]}), "got 'colr'. Did you mean 'colour'"),
        (lambda m, d: m.importance(d, groups={"g": []}), r"got groups=\{'g': \[\]\}"),
        (lambda m, d: m.importance(d, repeats=0), "got repeats=0. Try"),
        (lambda m, d: m.dependence(d, "colr"), "got column='colr'. Did you mean 'colour'"),
    ],
)
def test_mistakes_are_one_sentence(ask: Any, says: str, buyer: TableModel) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        ask(buyer, table(60, seed=1))
    assert "\n" not in str(caught.value)
