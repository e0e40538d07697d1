"""What one would try first on a table, in scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.arena.methods.columns import as_categories
from benchmarks.arena.task import Answer, Task

PENALTIES = np.logspace(-2, 3, 11)  # of the ridge
MOST = 255  # categories that HistGradientBoosting takes


def linear(task: Task) -> Answer:
    """Logistic regression; of numbers, ridge regression, its penalty by leaving one out."""
    texts = make_column_selector(dtype_exclude="number")
    numbers = make_column_selector(dtype_include="number")
    inputs = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), texts),
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
    )
    last = LogisticRegression(max_iter=2_000) if task.has_classes else RidgeCV(PENALTIES)
    model = make_pipeline(inputs, last).fit(task.features, task.train[task.target])
    return model.predict_proba(task.inputs) if task.has_classes else model.predict(task.inputs)


def hist_boosting(task: Task) -> Answer:
    """Gradient boosting with scikit-learn's defaults.

    Of a column with more categories than it takes, the categories are numbered; one that is new is
    a gap.
    """
    rows, others = as_categories(task)
    for name in rows.select_dtypes("category"):
        if len(rows[name].cat.categories) > MOST:
            rows[name], others[name] = (
                x[name].cat.codes.where(x[name].notna()).astype(float) for x in (rows, others)
            )
    kind = HistGradientBoostingClassifier if task.has_classes else HistGradientBoostingRegressor
    model = kind(categorical_features="from_dtype", random_state=task.seed)
    model.fit(rows, task.train[task.target])
    return model.predict_proba(others) if task.has_classes else model.predict(others)
