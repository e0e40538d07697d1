"""Reasons of tables' models: equal to known answers, and to `shap`, within sampling error.

Shapley values of a sum of columns and of products of three of them, all coalitions (six columns)
and random orders (fifteen), beside the formulas. Those of `zoo/adult` for rows of its test file
beside `shap`'s exact explainer on the same background, where shap is installed (it is no
dependency: `pip install --target DIR shap`, and DIR in PYTHONPATH). Permutation importance of a
sum, which is twice the squared weight times the variance, and scikit-learn's own of the same
shuffles.

Each row holds the largest difference over the columns, in units of the answer and in standard
errors; of 15 columns and five seeds the largest of 75 is expected to be below four of these.
Cost: a CPU minute, most of it shap's.

    python -m scripts.trust_reasons      # writes results/trust_reasons.csv
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from itertools import permutations
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import zoo
from scripts.lib.program import Program, program, summary, timed
from zoo.core.trust.blend import Blend
from zoo.published.adult import official
from zoo.tabular.models.network import build_network
from zoo.tabular.spec import Number, Spec, Target

SEEDS: Final = 5
GOAL: Final = 4.0  # standard errors
ROUNDING: Final = 1e-4  # of float32, in units of the answer
BACKGROUND: Final = 8  # rows that shap goes through with all coalitions
Numbers = NDArray[np.float64]


class Formula(nn.Module):
    """A function of columns in the place of a network."""

    name = "formula"

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.arguments: dict[str, Any] = {}
        self.function = function

    def forward(self, x_cat: Tensor, x_cont: Tensor) -> Tensor:
        """Shape: (B, n) -> (B, 1)"""
        return self.function(x_cont.double())[:, None]


def model_of(function: Callable[[Tensor], Tensor], n: int) -> zoo.tabular.TableModel:
    """A regression on columns 0, 1, ... that is a formula."""
    numbers = tuple(Number(f"x{i}", "number", 0.0, 0.0, 1.0, False) for i in range(n))
    spec = Spec("regression", (), numbers, (Target("y"),), False)
    network = build_network("mlp", [], n, 1, layers=(1,), bins=0)
    return zoo.tabular.TableModel([network], spec, blend=Blend((Formula(function),), (1.0,)))


def rows(n_rows: int, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Rows of normal numbers with other means and deviations, in single precision."""
    cells = rng.normal(size=(n_rows, n)) * rng.uniform(0.5, 2, n) + rng.normal(size=n)
    return pd.DataFrame(cells.astype(np.float32).astype(float), columns=[f"x{i}" for i in range(n)])


def of_a_sum(n: int, rng: np.random.Generator) -> tuple[Any, pd.DataFrame, pd.DataFrame, Numbers]:
    """A linear model, a background, a row, and its shares: weight times distance from the mean."""
    weights, background, row = rng.normal(size=n), rows(100, n, rng), rows(1, n, rng)
    model = model_of(lambda x: x @ torch.from_numpy(weights), n)
    return model, background, row, weights * (row.iloc[0] - background.mean()).to_numpy()


def of_products(
    n: int, rng: np.random.Generator
) -> tuple[Any, pd.DataFrame, pd.DataFrame, Numbers]:
    """A sum of products of three columns each, as `of_a_sum`: the mean over the three's six orders.

    An order and its reverse alone would be exact for products of two.
    """
    background, row = rows(100, n, rng), rows(1, n, rng)
    model = model_of(lambda x: x.view(len(x), -1, 3).prod(2).sum(1), n)
    own, others = row.to_numpy()[0].reshape(-1, 3), background.to_numpy().reshape(100, -1, 3)
    added, orders = np.zeros(own.shape), [*permutations(range(3))]
    for order in orders:
        mixed = others.copy()
        for column in order:
            before = mixed.prod(2).mean(0)
            mixed[:, :, column] = own[:, column]
            added[:, column] += (mixed.prod(2).mean(0) - before) / len(orders)
    return model, background, row, added.reshape(-1)


def distance(found: Numbers, expected: Numbers, errors: Numbers) -> dict[str, float]:
    """The largest difference, and the largest in standard errors beyond rounding."""
    away = np.abs(found - expected)
    beyond = np.maximum(away - ROUNDING, 0) / np.maximum(errors, 1e-12)
    in_errors = np.where(away <= ROUNDING, 0.0, beyond)
    return {"difference": float(away.max()), "standard_errors": float(in_errors.max())}


def shares(asked: Program, kind: str, make: Any, n: int, seed: int) -> float:
    """A row: Shapley values beside a formula."""
    model, background, row, expected = make(n, np.random.default_rng(seed))
    with timed() as spent:
        found = model.explain(row, background=background, seed=seed)
    errors = np.array(found.errors or [0.0] * n)
    away = distance(np.array(found.scores), expected, errors)
    way = "random orders" if found.errors else "all coalitions"
    asked.record(check=f"Shapley values of {kind}", beside="formula", way=way, columns=n,
                 seed=seed, **away, **spent())  # fmt: skip
    return away["standard_errors"]


def beside_shap(asked: Program, model: Any, test: pd.DataFrame, seed: int) -> float:
    """A row: Shapley values of a trained network beside shap's."""
    shap = import_module("shap")
    some = test.sample(BACKGROUND + 1, random_state=seed)
    row, background = some.iloc[:1], some.iloc[1:]
    with timed() as spent:
        found = model.explain(row, ">50K", background=background, seed=seed)
        took = spent()
    names = list(model.spec.inputs)
    cells = pd.concat([background, row])[names]

    def log_odds(places: Any) -> Numbers:
        """What the model says of rows whose cells are told by their places in `cells`."""
        mixed = {n: cells[n].to_numpy()[places[:, i].astype(int)] for i, n in enumerate(names)}
        share = model.probabilities(pd.DataFrame(mixed))[">50K"].to_numpy(np.float64)
        return np.asarray(np.log(share / (1 - share)))

    places = np.tile(np.arange(BACKGROUND + 1)[:, None], (1, len(names))).astype(float)
    masker = shap.maskers.Independent(places[:-1], max_samples=BACKGROUND)
    expected = shap.explainers.ExactExplainer(log_odds, masker)(places[-1:]).values[0]
    away = distance(np.array(found.scores), expected, np.array(found.errors))
    asked.record(check="Shapley values of zoo/adult", beside=f"shap {shap.__version__}",
                 way="random orders", columns=len(names), seed=seed, **away, **took)  # fmt: skip
    return away["standard_errors"]


def importances(asked: Program, n: int, seed: int) -> float:
    """Two rows: importance beside the formula for a sum, and beside scikit-learn's."""
    from sklearn.inspection import permutation_importance
    from sklearn.metrics import mean_squared_error

    rng, repeats = np.random.default_rng(seed), 20
    weights, data = rng.normal(size=n), rows(2000, n, rng)
    model = model_of(lambda x: x @ torch.from_numpy(weights), n)
    truth = data.to_numpy() @ weights
    with timed() as spent:
        table = model.importance(data.assign(y=truth), repeats=repeats, seed=seed)
        took = spent()
    found = table.loc[data.columns]
    errors = found["spread"].to_numpy() / np.sqrt(repeats)
    record = {"way": "shuffles", "columns": n, "seed": seed, **took}
    expected = 2 * weights**2 * data.var(ddof=1).to_numpy()  # the mean over all shuffles
    away = distance(found["importance"].to_numpy(), expected, errors)
    asked.record(check="importance in a sum", beside="formula", **record, **away)

    class Estimator:
        def fit(self) -> None:
            """Nothing is left to do."""

        def predict(self, X: Any) -> Any:
            return model.predict(pd.DataFrame(X, columns=data.columns))

    theirs = permutation_importance(
        Estimator(), data.to_numpy(), truth, n_repeats=repeats, random_state=seed,
        scoring=lambda one, X, y: -mean_squared_error(y, one.predict(X)),
    ).importances_mean  # fmt: skip
    same = distance(found["importance"].to_numpy(), theirs, errors)
    asked.record(check="importance in a sum", beside="scikit-learn", **record, **same)
    return max(away["standard_errors"], same["standard_errors"])


def main() -> None:
    """A row for each check and seed."""
    asked = program(__doc__, "trust_reasons.csv", seeds=SEEDS)
    furthest = []
    for seed in asked.seeds:
        for kind, make in {"a sum": of_a_sum, "products": of_products}.items():
            furthest += [shares(asked, kind, make, n, seed) for n in (6, 15)]
        furthest.append(importances(asked, 4, seed))
    if find_spec("shap") and not asked.smoke:
        model, test = zoo.load("zoo/adult"), official("test")
        furthest += [beside_shap(asked, model, test, seed) for seed in asked.seeds]
    print(summary("standard errors", furthest, f"each below {GOAL:g}"))


if __name__ == "__main__":
    main()
