"""What the programs for photo sets share: train over seeds, compare with the probe, record rows."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import zoo
from scripts.lib.program import Program, program, summary, timed

FEW = 8  # photos of each class and part, to show that a program runs


@dataclass(frozen=True)
class Experiment:
    """One published number.

    Attributes:
        results: CSV file in results/.
        data: makes what `finetune` takes, with its validation part marked.
        seeds: how many.
        target: accuracy to reach on the mean.
        seconds: that one whole call may take.
        epochs: None takes the library's default.
    """

    results: str
    data: Callable[[], Any]
    seeds: int
    target: float
    seconds: float
    epochs: int | None = None


def run(experiment: Experiment, claim: str | None) -> None:
    """Train with every seed, record each, print mean and spread beside the target."""
    asked = program(claim, experiment.results, seeds=experiment.seeds)
    rows = [trial(experiment, asked, seed) for seed in asked.seeds]
    probe = statistics.mean(row["probe"] for row in rows)
    longest = max(row["seconds"] for row in rows)
    goal = f"at least {experiment.target}; probe {probe:.4f}; longest call {longest:.0f} s"
    print(summary("accuracy", [row["accuracy"] for row in rows], goal))


def trial(experiment: Experiment, asked: Program, seed: int) -> dict[str, Any]:
    """One whole call, timed from the files to the score, and the probe on the same features."""
    data = few(experiment.data()) if asked.smoke else experiment.data()
    epochs = 1 if asked.smoke else experiment.epochs
    chosen: dict[str, Any] = {"epochs": epochs} if epochs else {}
    with timed() as spent:
        model = zoo.vision.finetune("efficientnet_lite0", data, run=asked.run(seed), **chosen)
    probe = zoo.vision.finetune("efficientnet_lite0", data, epochs=0, run=asked.run(seed))
    ours, theirs = right(model), right(probe)
    row = {
        "seed": seed,
        "epochs": model.training["epochs"],
        "photos": len(ours),
        "accuracy": model.metrics["accuracy"],  # cross-fitted: `ours` chose the share
        "probe": float(theirs.mean()),
        "gained": int((ours & ~theirs).sum()),
        "lost": int((~ours & theirs).sum()),
        **spent(),
    }
    asked.record(**row)
    asked.keep(model, seed)
    return row


def few(data: Any) -> pd.DataFrame:
    """Some photos of each class and part, as a table."""
    table = data if isinstance(data, pd.DataFrame) else as_table(data)
    return table.groupby([name for name in ("label", "valid") if name in table]).head(FEW)


def as_table(folder: Path) -> pd.DataFrame:
    """Paths, labels and parts of a folder with train and valid or val."""
    parts = {"train": False, "valid": True, "val": True}
    rows = [
        {"path": str(path), "label": path.parent.name, "valid": parts[path.parent.parent.name]}
        for path in sorted(folder.glob("*/*/*.jpg"))
        if path.parent.parent.name in parts
    ]
    return pd.DataFrame(rows)


def right(model: Any) -> NDArray[np.bool_]:
    """Which validation photos the model gets right."""
    valid = model.learner().data.valid
    truth = np.concatenate([batch.target.numpy(force=True) for batch in valid.epoch(0)])
    guess = model.learner().predict(valid).argmax(1).numpy()
    return np.asarray(guess == truth)
