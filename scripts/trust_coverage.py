"""Sets and intervals hold the truth as often as asked, and probabilities mean what they say.

Each set is learnt by the library's default call with the training part of the arena's reader, and
read once per seed on its test part: how often sets of classes (randomised, and by default, never
empty) and intervals of numbers hold the truth at three coverages, and how large they are; of
classes the log loss and the calibration error with the fitted temperature and without.

The calibration error is the mean distance of accuracy and confidence over 15 bins of equally many
rows; from it the mean error of labels that are drawn from the probabilities is taken, which is what
chance alone makes of it.

The standard error of a coverage a with n held-out rows of the training part and m test rows is
sqrt(a (1 - a) (1 / (n + 2) + 1 / m)). Where the test part is drawn otherwise than the training
part (later years, other people), no rank of errors promises anything, and the rows show it.

    python -m scripts.trust_coverage                       # writes results/trust_coverage.csv
    python -m scripts.trust_coverage --sets concrete --seeds 1
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import zoo
from benchmarks.arena.scoring import Problem
from benchmarks.arena.sets import SETS
from scripts.lib.program import Program, program, some_of, summary, timed
from zoo.core.trust.conformal import ClassErrors

USED: Final = {
    "tables": (
        *("telco_churn", "bank_marketing", "concrete", "ames", "diamonds", "letter", "adult"),
    ),
    "texts": ("ag_news_test", "stackoverflow20"),
    "photos": ("clothing", "flowers"),
    "stars": ("ml-100k-stars",),
}
COVERAGES: Final = (0.8, 0.9, 0.95)
GOAL: Final = 0.01  # of a mean coverage from what was asked
BINS: Final = 15
DRAWS: Final = 20  # of labels from the probabilities
Floats = NDArray[np.float64]


def trained(domain: str, task: Any, run: zoo.Run) -> Any:
    """The model of the default call."""
    if domain == "tables":
        kind: Any = "classification" if task.has_classes else "regression"
        return zoo.tabular.train(task.train, task.target, task=kind, run=run)
    if domain == "texts":
        return zoo.text.train(task.train, text="text", label=task.target, run=run)
    if domain == "photos":
        return zoo.vision.finetune("efficientnet_lite0", task.train, run=run)
    return zoo.collab.train(task.train, run=run)


def answers(domain: str, model: Any, task: Any, **how_sure: Any) -> list[Any]:
    """What a model says of the test part: classes, numbers, sets or intervals, one for each row."""
    if domain == "tables" and not how_sure:
        is_class = model.spec.task == "classification"
        found = model.probabilities(task.inputs) if is_class else model.predict(task.inputs)
        return list(found.to_numpy())
    if domain == "stars":
        found = model.predict(task.inputs, **how_sure)
    else:
        column = {"texts": "text", "photos": "photo"}.get(domain)
        inputs = task.inputs if column is None else list(task.inputs[column])
        found = model.predict(inputs, **how_sure)
    if isinstance(found, pd.DataFrame):
        return list(found.itertuples(index=False))
    return list(found)


def probabilities(domain: str, model: Any, task: Any) -> Floats:
    """Of every class, in the order of the model's. Shape: (n, n_classes)"""
    rows = answers(domain, model, task)
    if domain == "tables":
        return np.array(rows)
    return np.array([[*one.probabilities.values()] for one in rows])


def calibration_error(said: Floats, labels: NDArray[np.int64]) -> float:
    """Mean distance of accuracy and confidence, over bins of like many rows."""
    sure, hit = said.max(1), said.argmax(1) == labels
    parts = np.array_split(np.argsort(sure, kind="stable"), BINS)
    gaps = [abs(sure[part].mean() - hit[part].mean()) * len(part) for part in parts if len(part)]
    return float(sum(gaps) / len(labels))


def beyond_chance(said: Floats, labels: NDArray[np.int64]) -> float:
    """The calibration error, less the mean error of labels drawn from the probabilities."""
    rng, sums = np.random.default_rng(0), said.cumsum(1)
    draws = [(rng.random((len(said), 1)) * sums[:, -1:] > sums).sum(1) for _ in range(DRAWS)]
    drawn = [calibration_error(said, one.clip(max=said.shape[1] - 1)) for one in draws]
    return calibration_error(said, labels) - float(np.mean(drawn))


def of_classes(domain: str, model: Any, problem: Problem) -> Iterator[dict[str, float]]:
    """Coverage and size of sets; losses and calibration errors."""
    task, truth = problem.task, np.asarray(problem.truth)
    plain, blend = model, model.blend
    if blend is not None and blend.temperature is not None:
        own = {"blend": replace(blend, temperature=1.0), "run": model.run}
        plain = type(model)(model.members, model.spec, **own)
    classes = [str(one) for one in getattr(model.spec, "classes", ())]
    labels = np.array([classes.index(str(one)) for one in truth])
    rows = np.arange(len(labels))
    losses = {}
    for name, one in (("cooled", model), ("plain", plain)):
        said = probabilities(domain, one, task)
        losses[name] = -np.log(said[rows, labels].clip(min=1e-12))
        yield {
            f"{name}_loss": float(losses[name].mean()),
            f"{name}_error": beyond_chance(said, labels),
        }
    difference = losses["cooled"] - losses["plain"]
    yield {"worse_by": float(difference.mean()), "se": float(difference.std() / len(rows) ** 0.5)}
    for coverage in COVERAGES:
        for randomised in (True, False):
            sets = answers(domain, model, task, coverage=coverage, randomised=randomised)
            each = [getattr(one, "labels", one) for one in sets]
            inside = [str(t) in map(str, own) for t, own in zip(truth, each, strict=True)]
            name = f"{'randomised' if randomised else 'sets'}_{coverage:g}"
            yield {name: float(np.mean(inside)), f"{name}_size": float(np.mean([*map(len, each)]))}


def of_numbers(domain: str, model: Any, problem: Problem) -> Iterator[dict[str, float]]:
    """Coverage and mean width of intervals."""
    truth = np.asarray(problem.truth, float)
    for coverage in COVERAGES:
        three = answers(domain, model, problem.task, coverage=coverage)
        low, high = np.array([(one.low, one.high) for one in three]).T
        inside = float(np.mean((low <= truth) & (truth <= high)))
        yield {f"interval_{coverage:g}": inside, f"width_{coverage:g}": float((high - low).mean())}


def trial(asked: Program, domain: str, name: str, seed: int) -> None:
    """Train on a set and record what its test part says."""
    sets: Any = SETS
    problem: Problem = sets[domain][name](seed)
    with timed() as cost:
        model = trained(domain, problem.task, asked.run(seed))
    errors = model.errors
    measure = of_classes if isinstance(errors, ClassErrors) else of_numbers
    values: dict[str, float] = {
        "held_out": errors.doubts.n if isinstance(errors, ClassErrors) else errors.ranks.n,
        "test": len(problem.truth),
    }
    for found in measure(domain, model, problem):
        values |= found
    temperature = model.blend.temperature if model.blend else None
    asked.record(set=name, seed=seed, temperature=temperature, **values, **cost())


def report(rows: list[dict[str, Any]]) -> None:
    """Mean coverage of each kind beside what was asked for, and what lies beyond three errors."""
    frame, far = pd.DataFrame(rows), 0
    for kind in ("randomised", "interval", "sets"):
        for coverage in COVERAGES:
            name = f"{kind}_{coverage:g}"
            if name not in frame:
                continue
            there = frame.dropna(subset=[name])
            parts = 1 / (there["held_out"] + 2) + 1 / there["test"]
            errors = (coverage * (1 - coverage) * parts).map(math.sqrt)
            if kind != "sets":
                beyond = ((there[name] - coverage).abs() > 3 * errors).groupby(there["set"]).mean()
                far += int((beyond > 0.5).sum())
            print(summary(name, there[name], f"{coverage:g}"))
    print(f"sets and coverages mostly beyond three standard errors: {far}")
    if "worse_by" in frame:
        worse = frame.groupby("set")[["worse_by", "se"]].mean().query("worse_by > se")
        print(
            f"log loss worse by more than a standard error: {', '.join(worse.index) or 'nowhere'}"
        )


def main() -> None:
    """Record every set and seed, then say what they say."""
    every = tuple(name for names in USED.values() for name in names)
    asked = program(
        __doc__,
        "trust_coverage.csv",
        seeds=5,
        further=lambda flags: some_of(flags, "--sets", every),
    )
    for domain, names in USED.items():
        for name in names:
            if name in (["ml-100k-stars"] if asked.smoke else asked.further["sets"]):
                for seed in asked.seeds:
                    trial(asked, domain, name, seed)
    report(asked.rows)


if __name__ == "__main__":
    main()
