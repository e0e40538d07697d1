"""A call with `minutes` ends within them, and leaves a model that predicts.

Default calls of `train` and `finetune` on public sets of four domains, each with three budgets. The
clock runs from the call to its return: data are read, libraries loaded, rivals, folds and the
training on all rows done or left out, and the model is written to a folder. Features that an
earlier call has kept are not at hand. The model is then loaded and predicts five rows of the test
part; the score is that of the model's own held-out part, which is smaller where there was no time
for all.

`late` is the time beyond the budget as a share of it; the claim is that 95 % of the calls end
within 10 %. A row that is there already is not measured again.

    python -m scripts.trust_budget                               # writes results/trust_budget.csv
    python -m scripts.trust_budget --minutes 0.5 --sets adult diamonds

Cost: at most 90 minutes of one core.
"""

from __future__ import annotations

import csv
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pandas as pd

import zoo
from benchmarks.arena.sets import SETS
from benchmarks.arena.task import Task
from scripts.lib.program import Program, program, some_of
from scripts.lib.record import RESULTS

MINUTES: Final = (0.5, 1.0, 3.0)
CALLS: Final = (
    ("tables", "adult", "mlp"),
    ("tables", "adult", "tabm"),
    ("tables", "diamonds", "mlp"),
    ("tables", "letter", "mlp"),
    ("tables", "concrete", "mlp"),
    ("photos", "ants_bees", "efficientnet_lite0"),
    ("photos", "clothing", "efficientnet_lite0"),
    ("photos", "flowers", "efficientnet_lite0"),
    ("photos", "dogs_cats", "efficientnet_lite0"),
    ("photos", "clothing", "random efficientnet_lite0"),
    ("texts", "stackoverflow20", "minilm"),
    ("texts", "stackoverflow20", "awd_lstm"),
    ("texts", "imdb", "awd_lstm"),
    ("texts", "sst2", "minilm"),
    ("texts", "ag_news_test", "awd_lstm"),
    ("stars", "ml-100k-stars", "dot_bias"),
    ("stars", "ml-100k-stars", "svdpp"),
    ("stars", "filmtrust-stars", "dot_bias"),
    ("lists", "ml-100k", "blend"),
    ("lists", "ml-100k", "sasrec"),
)
SCORES: Final = ("accuracy", "rmse", "ndcg@10", "loss")
LATE: Final = 0.1
SMOKE: Final = "concrete"


def trained(domain: str, task: Task, model: str, **options: Any) -> Any:
    """The model of the default call."""
    if domain == "tables":
        kind: Any = "classification" if task.has_classes else "regression"
        own: Any = {"model": model, "task": kind}
        return zoo.tabular.train(task.train, task.target, **own, **options)
    if domain == "photos":
        name = model.removeprefix("random ")
        if name != model:
            return zoo.vision.train(task.train, model=name, **options)
        return zoo.vision.finetune(name, task.train, **options)
    if domain == "texts":
        columns: Any = {"text": "text", "label": task.target}
        if model == "minilm":
            return zoo.text.finetune(model, task.train, **columns, **options)
        return zoo.text.train(task.train, **columns, **options)
    return zoo.collab.train(task.train, model=model, **options)  # type: ignore[arg-type]


def status(domain: str, task: Task, folder: Path) -> str:
    """Whether the model in a folder can be loaded and answers for five rows: "usable", or why not.

    The model may be any domain's, and what is wrong with it is what the row is to tell.
    """
    few = task.inputs.head(5)
    column = {"texts": "text", "photos": "path"}.get(domain)
    try:
        model: Any = zoo.load(folder)
        if domain == "lists":
            said: Any = model.recommend(few["user"].iloc[0], k=len(few))
        else:
            said = model.predict(few if column is None else list(few[column]))
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]
    return "usable" if len(said) == len(few) else f"{len(said)} answers for {len(few)} rows"


def trial(asked: Program, domain: str, name: str, model: str, minutes: float) -> None:
    """Make one call and record when it ended."""
    problem = SETS[domain][name](0)  # type: ignore[index]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "model"
        run = replace(asked.run(0), out=out, cache=Path(folder) / "cache")
        began = time.perf_counter()
        made = trained(domain, problem.task, model, minutes=minutes, run=run)
        seconds = time.perf_counter() - began
        score = next((one for one in SCORES if one in made.metrics), "")
        asked.record(
            domain=domain,
            set=name,
            model=model,
            minutes=minutes,
            seconds=seconds,
            late=seconds / 60 / minutes - 1,
            status=status(domain, problem.task, out),
            score=score,
            value=made.metrics.get(score),
            left_out=made.training.get("left out", ""),
            load=os.getloadavg()[0],
        )


def known() -> set[tuple[str, ...]]:
    """Calls that the results have already."""
    place = RESULTS / "trust_budget.csv"
    if not place.exists():
        return set()
    with place.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {(row["domain"], row["set"], row["model"], f"{float(row['minutes'])}") for row in rows}


def report(asked: Program) -> None:
    """How many of all calls ended in time, with a model."""
    place = RESULTS / "trust_budget.csv"
    frame = pd.read_csv(place) if asked.recorded and place.exists() else pd.DataFrame(asked.rows)
    in_time, usable = (frame["late"] <= LATE).mean(), (frame["status"] == "usable").mean()
    print(f"{len(frame)} calls: {in_time:.0%} within {LATE:.0%} of the budget, {usable:.0%} usable")


def main() -> None:
    """Record every call that is not there yet, then say how many ended in time."""

    def flags(parser: Any) -> None:
        some_of(parser, "--sets", dict.fromkeys(name for _, name, _ in CALLS))
        parser.add_argument("--minutes", type=float, nargs="+", default=list(MINUTES))

    asked = program(__doc__, "trust_budget.csv", seeds=1, further=flags)
    done = known() if asked.recorded else set()
    for minutes in [0.05] if asked.smoke else asked.further["minutes"]:
        for domain, name, model in CALLS:
            is_asked = name == SMOKE if asked.smoke else name in asked.further["sets"]
            if is_asked and (domain, name, model, f"{minutes}") not in done:
                trial(asked, domain, name, model, minutes)
    report(asked)


if __name__ == "__main__":
    main()
