"""The linear probe of photos, in timm and scikit-learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from timm.data import create_transform

from benchmarks.arena.methods import lite0
from benchmarks.arena.task import Answer, Task

BATCH = 32  # photos
PENALTY = 0.1  # times half the squared weights, beside the mean loss


def probe(task: Task) -> Answer:
    """Logistic regression on the pooled features of a centre crop."""
    body = lite0.network().eval()
    body.reset_classifier(0)
    x, others = (features(body, frame["path"].tolist()) for frame in (task.train, task.inputs))
    regression = LogisticRegression(C=1 / (PENALTY * len(x)), max_iter=200)
    model = make_pipeline(StandardScaler(), regression).fit(x, task.train["label"])
    return model.predict_proba(others)


@torch.no_grad()
def features(body: Any, paths: list[str]) -> Any:
    """Features of photos. Shape: (n, d)"""
    prepared = create_transform(
        lite0.SIZE, interpolation="bicubic", mean=lite0.MEAN, std=lite0.STD, crop_pct=lite0.CROP
    )
    rows = []
    for start in range(0, len(paths), BATCH):
        photos = [prepared(_photo(path)) for path in paths[start : start + BATCH]]
        rows.append(body(torch.stack(photos)).numpy())
    return np.concatenate(rows)


def _photo(path: str) -> Image.Image:
    with Image.open(Path(path)) as photo:
        return photo.convert("RGB")
