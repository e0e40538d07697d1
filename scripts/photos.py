"""What the programs for photo sets share: train over seeds, compare with the probe, record rows."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import zoo
from scripts.record import append


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
    flags = argparse.ArgumentParser(description=claim)
    flags.add_argument("--seeds", type=int, default=experiment.seeds)
    flags.add_argument("--first", type=int, default=0, help="first seed")
    flags.add_argument("--device", default="auto")
    flags.add_argument("--smoke", action="store_true", help="one seed, one epoch, no record")
    chosen = flags.parse_args()
    seeds = 1 if chosen.smoke else chosen.seeds
    numbers = range(chosen.first, chosen.first + seeds)
    rows = [trial(experiment, seed, chosen.device, chosen.smoke) for seed in numbers]
    accuracies = [row["accuracy"] for row in rows]
    spread = statistics.stdev(accuracies) if len(rows) > 1 else 0.0
    print(
        f"accuracy {statistics.mean(accuracies):.4f} +- {spread:.4f} over {len(rows)} seeds "
        f"(target {experiment.target}); probe {statistics.mean(r['probe'] for r in rows):.4f}; "
        f"longest call {max(r['seconds'] for r in rows):.0f} s (target {experiment.seconds:.0f})"
    )


def trial(experiment: Experiment, seed: int, device: str, smoke: bool) -> dict[str, Any]:
    """One whole call, timed from the files to the score, and the probe on the same features."""
    data = experiment.data()
    circumstances = zoo.Run(seed=seed, device=device, progress=False)
    epochs = {"epochs": 1} if smoke else {"epochs": experiment.epochs} if experiment.epochs else {}
    began = time.perf_counter()
    model = zoo.vision.finetune("efficientnet_lite0", data, run=circumstances, **epochs)
    seconds = time.perf_counter() - began
    probe = zoo.vision.finetune("efficientnet_lite0", data, epochs=0, run=circumstances)
    ours, theirs = right(model), right(probe)
    row = {
        "seed": seed,
        "epochs": model.training["epochs"],
        "photos": len(ours),
        "accuracy": float(ours.mean()),
        "probe": float(theirs.mean()),
        "gained": int((ours & ~theirs).sum()),
        "lost": int((~ours & theirs).sum()),
        "seconds": seconds,
    }
    if not smoke:
        append(experiment.results, **row)
    return row


def right(model: Any) -> NDArray[np.bool_]:
    """Which validation photos the model gets right."""
    valid = model.learner().data.valid
    truth = np.concatenate([batch.target.numpy(force=True) for batch in valid.epoch(0)])
    guess = model.learner().predict(valid).argmax(1).numpy()
    return np.asarray(guess == truth)
