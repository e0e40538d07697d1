"""Compare recipes of `zoo.tabular.train` on small tables, beside a linear model.

The sets are four that scikit-learn carries, a linear target of 500 rows, and parts of Adult's
training file. A quarter of each is held out by the seed and scored for each setting; of Adult,
5,000 other rows are. Scores are accuracy for classes, R2 for numbers. Networks are scored alone,
but for the call as it is ("call"), which may blend them with a linear model. The linear model is
scikit-learn's logistic or ridge regression on one-hot columns. Cost: ten minutes on one core.

    python -m scripts.searches.tabular_small --seeds 5
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import accuracy_score, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import zoo
from scripts.lib.program import Program, program, timed
from zoo.published.adult import TARGET, official

SHORT: Final[dict[str, Any]] = {"epochs": 10, "members": 1, "dropout": 0.0}
SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "call": {"rivals": True},
    "default": {},
    "one member": {"members": 1},
    "no dropout": {"dropout": 0.0},
    "dropout .3": {"dropout": 0.3},
    **{f"{size} rows a step, short": SHORT | {"batch_size": size} for size in (16, 64, 256)},
}
"""Options by name; short trainings are those of one network for ten epochs."""


def linear_500() -> tuple[pd.DataFrame, str]:
    """Ten numbers, their weighted sum with a little noise."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(500, 10))
    frame = pd.DataFrame(numbers, columns=[f"x{i}" for i in range(10)])
    return frame.assign(y=numbers @ rng.normal(size=10) + 0.1 * rng.normal(size=500)), "y"


def carried(load: Callable[..., Any]) -> Callable[[], tuple[pd.DataFrame, str]]:
    """A set that scikit-learn carries."""
    return lambda: (load(as_frame=True).frame, "target")


SETS: Final[dict[str, Callable[[], tuple[pd.DataFrame, str]]]] = {
    "iris": carried(datasets.load_iris),
    "wine": carried(datasets.load_wine),
    "breast_cancer": carried(datasets.load_breast_cancer),
    "diabetes": carried(datasets.load_diabetes),
    "linear_500": linear_500,
}
PARTS: Final = (200, 1_000, 4_000)  # rows of Adult to train on


def trials(asked: Program) -> None:
    """A row for each table, split and setting."""
    for seed in asked.seeds:
        rng = np.random.default_rng(seed)
        for name, read in SETS.items():
            frame, target = read()
            held = rng.permutation(len(frame)) < len(frame) // 4
            compare(asked, name, frame[~held], frame[held], target, seed)
        frame = official("train").sample(frac=1, random_state=seed, ignore_index=True)
        for n in PARTS[:1] if asked.smoke else PARTS:
            part, others = frame.head(n), frame.tail(5_000)
            compare(asked, f"adult_{n}", part, others, TARGET, seed)


def compare(
    asked: Program, name: str, train: pd.DataFrame, test: pd.DataFrame, target: str, seed: int
) -> None:
    """Train with all settings and score each; the linear model as well."""
    is_class = name != "linear_500" and train[target].nunique() <= 20
    task = "classification" if is_class else "regression"
    score = accuracy_score if is_class else r2_score
    row: dict[str, Any] = {"set": name, "rows": len(train), "seed": seed}
    for method, options in SETTINGS.items():
        settings = {"task": task, "rivals": False, "run": asked.run(seed), **options}
        with timed() as spent:
            model = zoo.tabular.train(train, target, **settings)
        row["method"] = method
        found = float(score(test[target], model.predict(test.drop(columns=target))))
        asked.record(**row, score=found, cpu_seconds=spent()["cpu_seconds"])
        if method == "default" and name == "iris":
            asked.keep(model, seed)
    with timed() as spent:
        line = linear(is_class).fit(train.drop(columns=target), train[target])
    found = float(score(test[target], line.predict(test.drop(columns=target))))
    asked.record(**row | {"method": "linear"}, score=found, cpu_seconds=spent()["cpu_seconds"])


def linear(is_class: bool) -> Any:
    """Logistic or ridge regression on scaled numbers and one-hot categories."""
    words, numbers = (
        make_column_selector(dtype_exclude="number"),
        make_column_selector(dtype_include="number"),
    )
    inputs = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), words),
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
    )
    last = LogisticRegression(max_iter=2_000) if is_class else RidgeCV(np.logspace(-2, 3, 11))
    return make_pipeline(inputs, last)


def main() -> None:
    """All tables; then the mean scores side by side."""
    asked = program(__doc__, "tabular_small.csv", seeds=5)
    trials(asked)
    rows = pd.DataFrame(asked.rows)
    means = rows.pivot_table(index="set", columns="method", values="score", sort=False)
    print(means.round(4).to_string())


if __name__ == "__main__":
    main()
