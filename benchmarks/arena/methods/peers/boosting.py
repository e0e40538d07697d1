"""LightGBM and CatBoost with their defaults; texts are categories."""

from __future__ import annotations

from typing import Any

from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor

from benchmarks.arena.methods.columns import as_categories, as_texts, texts_of
from benchmarks.arena.task import Answer, Task


def lightgbm(task: Task) -> Answer:
    """Names of columns are numbered, since LightGBM takes no JSON signs in them."""
    rows, others = (
        x.set_axis([f"c{i}" for i in range(x.shape[1])], axis=1) for x in as_categories(task)
    )
    kind: Any = LGBMClassifier if task.has_classes else LGBMRegressor
    model = kind(random_state=task.seed, verbosity=-1)
    model.fit(rows, task.train[task.target])
    return model.predict_proba(others) if task.has_classes else model.predict(others)


def catboost(task: Task) -> Answer:
    """A gap of a text is a category of its own."""
    rows, others = as_texts(task)
    kind: Any = CatBoostClassifier if task.has_classes else CatBoostRegressor
    model = kind(random_seed=task.seed, verbose=0, allow_writing_files=False)
    model.fit(rows, task.train[task.target], cat_features=texts_of(task))
    return model.predict_proba(others) if task.has_classes else model.predict(others)
