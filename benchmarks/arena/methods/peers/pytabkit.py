"""RealMLP (Holzmueller et al. 2024) and TabM (Gorishniy et al. 2025) with pytabkit's defaults.

Neither takes gaps in numbers: they are filled with the median, as pytabkit's README advises.
"""

from __future__ import annotations

from typing import Any

import torch
from pytabkit import (
    RealMLP_TD_Classifier,
    RealMLP_TD_Regressor,
    TabM_D_Classifier,
    TabM_D_Regressor,
)

from benchmarks.arena.methods.columns import as_texts, texts_of
from benchmarks.arena.task import Answer, Task


def realmlp(task: Task) -> Answer:
    """RealMLP-TD."""
    return _answer(task, RealMLP_TD_Classifier if task.has_classes else RealMLP_TD_Regressor)


def tabm(task: Task) -> Answer:
    """TabM-D."""
    return _answer(task, TabM_D_Classifier if task.has_classes else TabM_D_Regressor)


def _answer(task: Task, kind: Any) -> Answer:
    rows, others = as_texts(task)
    medians = rows.select_dtypes("number").median()
    rows, others = rows.fillna(medians), others.fillna(medians)
    model = kind(random_state=task.seed, device="cpu", n_threads=torch.get_num_threads())
    model.fit(rows, task.train[task.target].to_numpy(), cat_col_names=texts_of(task))
    return model.predict_proba(others) if task.has_classes else model.predict(others).ravel()
