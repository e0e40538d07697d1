"""What dirty columns cost the estimators for tables: meaningless ids, far cells, many categories.

Made tables, drawn by the seed. An id of 400 or of 2,000 values tells nothing of the classes of
14,000 rows; the AUC is that of 6,000 others. A wave of one number is learnt from 4,000 rows and
scored (RMSE) on 1,000, clean, with one cell of 1e12, and with 999999999 in a twentieth of the rows,
whose target is 0. Boosting (scikit-learn's) reads 5,600 rows without a meaningless id of 800
values, and with its vectors. Cost: two minutes on one core.

    python -m benchmarks.tabular_dirt --seeds 5
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score, root_mean_squared_error
from sklearn.pipeline import make_pipeline

from scripts.lib.program import Program, program, timed
from zoo.tabular import EntityEmbedder, TabularClassifier, TabularRegressor

Part = tuple[pd.DataFrame, Any]


def ids(seed: int, smoke: bool) -> Iterator[tuple[str, Any, Part, Part]]:
    """Classes by three numbers, and an id of so many values."""
    rng, n, n_train = np.random.default_rng(seed), 20_000, 14_000
    z = rng.normal(size=(n, 3))
    y = (rng.random(n) < _sigmoid(z[:, 0] + z[:, 1] * z[:, 2])).astype(int)
    plain = pd.DataFrame(z, columns=["a", "b", "c"])
    for values in (0, 400, 2_000):
        frame = plain.assign(id=rng.integers(0, values, n).astype(str)) if values else plain
        model = TabularClassifier(random_state=seed, **({"epochs": 1} if smoke else {}))
        train, test = slice(0, n_train), slice(n_train, n)
        yield f"id of {values}" if values else "no id", model, *_parts(frame, y, train, test)


def far_cells(seed: int, smoke: bool) -> Iterator[tuple[str, Any, Part, Part]]:
    """A wave of one number, clean and with far cells."""
    rng, n = np.random.default_rng(seed), 5_000
    x = rng.uniform(size=n)
    y = np.sin(6 * x) + 0.05 * rng.normal(size=n)
    is_far = np.arange(n) % 20 == 0
    dirty = {
        "clean": (x, y),
        "one cell of 1e12": (np.where(np.arange(n) == 0, 1e12, x), y),
        "5 % of 999999999": (np.where(is_far, 999999999, x), np.where(is_far, 0, y)),
    }
    for name, (cells, target) in dirty.items():
        model = TabularRegressor(random_state=seed, **({"epochs": 1} if smoke else {}))
        frame = pd.DataFrame({"x": cells})
        yield name, model, *_parts(frame, target, slice(0, 4_000), slice(4_000, n))


def vectors(seed: int, smoke: bool) -> Iterator[tuple[str, Any, Part, Part]]:
    """Boosting without the id, and with its vectors."""
    rng, n = np.random.default_rng(seed), 8_000
    z = rng.normal(size=(n, 2))
    y = (rng.random(n) < _sigmoid(z[:, 0])).astype(int)
    plain = pd.DataFrame(z, columns=["a", "b"])
    embedder = EntityEmbedder(random_state=seed, **({"epochs": 1, "cv": 2} if smoke else {}))
    boosting = HistGradientBoostingClassifier(random_state=seed)
    for name, model, frame in (
        ("boosting without the id", boosting, plain),
        (
            "boosting on vectors",
            make_pipeline(embedder, boosting),
            plain.assign(id=rng.integers(0, 800, n).astype(str)),
        ),
    ):
        yield name, model, *_parts(frame, y, slice(0, 5_600), slice(5_600, n))


def trials(asked: Program) -> None:
    """A row for each case and seed."""
    for seed in asked.seeds:
        for cases in (ids, far_cells, vectors):
            for name, model, train, (X, y) in cases(seed, asked.smoke):
                with timed() as spent:
                    model.fit(*train)
                if hasattr(model, "predict_proba"):
                    metric, score = "auc", roc_auc_score(y, model.predict_proba(X)[:, 1])
                else:
                    metric, score = "rmse", root_mean_squared_error(y, model.predict(X))
                row = {"case": name, "seed": seed, "metric": metric, "score": float(score)}
                asked.record(**row, cpu_seconds=spent()["cpu_seconds"])


def _parts(frame: pd.DataFrame, y: Any, *parts: slice) -> list[Part]:
    return [(frame[part], y[part]) for part in parts]


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def main() -> None:
    """All cases; then the mean scores."""
    asked = program(__doc__, "tabular_dirt.csv", seeds=5)
    trials(asked)
    rows = pd.DataFrame(asked.rows)
    print(rows.groupby(["metric", "case"], sort=False)["score"].agg(["mean", "std"]).round(4))


if __name__ == "__main__":
    main()
