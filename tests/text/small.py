"""Made-up reviews that a tiny net learns, and models trained on them in a second."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import zoo
from tests.helpers.device import run_here
from zoo.text import LanguageModel, TextClassifier

RUN = run_here()
TINY: dict[str, Any] = {"d_embedding": 32, "d_hidden": 48, "n_layers": 1}
GOOD, BAD = ("great", "lovely", "brilliant", "warm"), ("dull", "awful", "tired", "cold")
THINGS, WHO = ("film", "story", "cast", "ending"), ("I", "we", "they", "critics")


def reviews(n: int = 160, seed: int = 0) -> pd.DataFrame:
    """Texts of a few sentences, and whether they like what they speak of."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        liked = bool(i % 2)
        sentences = [
            f"{rng.choice(WHO)} found the {rng.choice(THINGS)} {rng.choice(GOOD if liked else BAD)}"
            for _ in range(int(rng.integers(1, 6)))
        ]
        rows.append({"review": ". ".join(sentences) + ".", "liked": "yes" if liked else "no"})
    return pd.DataFrame(rows)


def train_lm(texts: Any = None, **options: Any) -> LanguageModel:
    """A tiny language model of the reviews."""
    given = {"epochs": 6, "lr": 2e-2, "drop_mult": 0.1, "batch_size": 8, "bptt": 16, "run": RUN}
    return zoo.text.train_lm(
        reviews()["review"] if texts is None else texts, **{**given, **TINY, **options}
    )


def finetune(pretrained: Any, data: Any = None, **options: Any) -> TextClassifier:
    """A tiny classifier of the reviews: a network alone, measured and not trained anew."""
    given = {
        "epochs": 6,
        "lr": 2e-2,
        "drop_mult": 0.1,
        "batch_size": 8,
        "valid_fraction": 0.25,
        "rivals": False,
        "refit": False,
        "run": RUN,
    }
    columns = {"text": "review", "label": "liked"}
    return zoo.text.finetune(
        pretrained, reviews(320) if data is None else data, **{**given, **columns, **options}
    )
