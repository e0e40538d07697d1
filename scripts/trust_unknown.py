"""Inputs unlike the training are told, and ordinary ones seldom called so.

Each set is learnt with the training part of the arena's reader. Ordinary inputs are those of its
test part; the strange ones are made of them, or are of another set:

- tables: numbers shifted by three interquartile ranges in one column of five (at least one, drawn
  for each row among those whose range is not 0), a category that training had not in one column
  drawn for each row, and one column drawn for each row in thousandths of its unit, where it is not
  0; the network has no part in what is unknown, so that it trains for one epoch;
- photos of flowers to a model of ants and bees, and the reverse;
- texts of another topic to an encoder fine-tuned on 500 texts, and to an LSTM;
- pairs with an id that training had not.

Written are the area under the curve of strangeness and the share of ordinary inputs that are called
unknown at the rates of .01 and .05. The seconds of the statistics stand beside those of training.

How vectors of photos are compared, and ordered categories of tables, was chosen with test parts of
ants and bees and of these tables at hand: their figures are somewhat better than those of new data.

    python -m scripts.trust_unknown                       # writes results/trust_unknown.csv
    python -m scripts.trust_unknown --sets concrete --seeds 1
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

import zoo
from benchmarks.arena.sets import SETS
from scripts.lib.program import Program, program, some_of, summary, timed
from zoo.core.trust.gauge import Gauge
from zoo.tabular.strangeness import GAUGE as OF_TABLES
from zoo.text.classification.verbs import GAUGE as OF_TEXTS
from zoo.vision.classification.verbs import GAUGE as OF_PHOTOS

TABLES: Final = ("adult", "letter", "telco_churn", "bank_marketing", "concrete", "ames", "diamonds")
PHOTOS: Final = {"ants_bees": ("flowers",), "flowers": ("ants_bees",)}
TEXTS: Final = {
    "rotten_tomatoes": ("stackoverflow20", "ag_news_test", "atis"),
    "stackoverflow20": ("rotten_tomatoes", "ag_news_test"),
}
ROWS: Final = 2_000  # ordinary inputs, at most,
OTHERS: Final = 300  # photos and texts, of each kind
FEW: Final = 500  # texts that an encoder is fine-tuned on
RATES: Final = (0.01, 0.05)
SHIFT: Final = 3.0  # interquartile ranges
UNIT: Final = 1_000.0
GOALS: Final = {"photos": 0.95, "texts": 0.9, "tables": 0.9, "stars": 0.9}
Floats = NDArray[np.float64]


def auroc(ordinary: Floats, strange: Floats) -> float:
    """The share of pairs in which the strange input is the stranger one."""
    labels = np.repeat([0, 1], [len(ordinary), len(strange)])
    return float(roc_auc_score(labels, np.concatenate([ordinary, strange])))


def strangeness(model: Any, inputs: Any) -> Floats:
    """How strange a model finds inputs. Shape: (n,)"""
    if isinstance(inputs, pd.DataFrame):
        return np.asarray(model.predict(inputs, unknown=True)["strangeness"])
    return np.array([one.unknown.strangeness for one in model.predict(inputs, unknown=True)])


def alarms(model: Any, inputs: Any) -> dict[str, float]:
    """The share of ordinary inputs that are called unknown, by a rate that held-out rows tell."""
    found: dict[str, float] = {}
    if model.familiar is not None:
        found["held_out"] = model.familiar.ranks.n
    for rate in RATES:
        if rate * (found.get("held_out", math.inf) + 1) < 1:
            continue
        told = model.predict(inputs, unknown=rate)
        is_table = isinstance(told, pd.DataFrame)
        each = told["unknown"] if is_table else [bool(one.unknown) for one in told]
        found[f"alarms_{rate:g}"] = float(np.mean(each))
    return found


def cost(gauge: Gauge, model: Any) -> float:
    """Seconds of the statistics, and of the held-out rows if they are still there."""
    learn, began = model.learner(), time.perf_counter()
    statistics = gauge.fit(learn, None)
    if learn.data.valid is not None:
        gauge.measure(statistics, learn)
    return time.perf_counter() - began


def changed(
    train: pd.DataFrame, rows: pd.DataFrame, spec: Any, rng: np.random.Generator
) -> Iterator[tuple[str, pd.DataFrame, NDArray[np.bool_]]]:
    """Ways to make rows strange: their names, the rows, and which have been changed."""
    named = {one.name: getattr(one, "values", ()) for one in (*spec.categories, *spec.numbers)}
    numbers = {n: pd.to_numeric(train[n], errors="coerce") for n in named if _is_number(train[n])}
    ranges = {n: np.subtract(*np.nanpercentile(c, (75, 25))) for n, c in numbers.items()}
    moving = [n for n in numbers if ranges[n] > 0]
    words = [n for n, values in named.items() if any(isinstance(v, str) for v in values)]
    for name, columns, most in (
        ("shifted", moving, max(len(moving) // 5, 1)),
        ("unit", [*numbers], 1),
        ("unseen category", words, 1),
    ):
        if not columns:
            continue
        new, is_new = rows.copy(), np.zeros(len(rows), bool)
        each = rng.random((len(rows), len(columns))).argsort(1) < most
        for i, column in enumerate(columns):
            here = each[:, i]
            if name == "unseen category":
                cells: Any = np.where(here, "none of these", rows[column].astype(object))
            else:
                before = pd.to_numeric(rows[column], errors="coerce").to_numpy(np.float64)
                after = before * UNIT if name == "unit" else before + SHIFT * ranges[column]
                here = here & np.isfinite(before) & (after != before)
                cells = np.where(here, after, before)
            new[column], is_new = cells, is_new | here
        yield name, new, is_new


def of_table(asked: Program, name: str, seed: int) -> Iterator[dict[str, Any]]:
    """Rows of a table beside changed ones."""
    task = SETS["tables"][name](seed).task
    kind: Any = "classification" if task.has_classes else "regression"
    short: Any = {"epochs": 1, "rivals": False, "run": asked.run(seed)}
    with timed() as spent:
        model = zoo.tabular.train(task.train, task.target, task=kind, **short)
    seconds = {**spent(), "cost": cost(OF_TABLES, model)}
    rows = task.inputs.sample(min(len(task.inputs), ROWS), random_state=seed)
    rows = rows.reset_index(drop=True)
    ordinary, usual = strangeness(model, rows), alarms(model, rows)
    for way, new, is_new in changed(task.train, rows, model.spec, np.random.default_rng(seed)):
        area = auroc(ordinary[is_new], strangeness(model, new)[is_new])
        yield {"strange": way, "auroc": area, **usual, **seconds}


def of_photos(asked: Program, name: str, seed: int) -> Iterator[dict[str, Any]]:
    """Photos beside those of other sets."""
    task = SETS["photos"][name](seed).task
    with timed() as spent:
        model = zoo.vision.finetune("efficientnet_lite0", task.train, run=asked.run(seed))
    seconds = {**spent(), "cost": cost(OF_PHOTOS, model)}
    photos = some(task.inputs["path"], seed)
    ordinary, usual = strangeness(model, photos), alarms(model, photos)
    for other in PHOTOS[name]:
        theirs = some(SETS["photos"][other](seed).task.inputs["path"], seed)
        area = auroc(ordinary, strangeness(model, theirs))
        yield {"strange": other, "auroc": area, **usual, **seconds}


def of_texts(asked: Program, name: str, seed: int) -> Iterator[dict[str, Any]]:
    """Texts beside those of other sets, to an encoder and to an LSTM."""
    task = SETS["texts"][name](seed).task
    texts = some(task.inputs["text"], seed)
    few = task.train.sample(min(len(task.train), FEW), random_state=seed)
    how: Any = {"text": "text", "label": task.target, "run": asked.run(seed)}
    part: Any = {"valid_fraction": 0.3, "refit": False}
    for start in ("minilm", "zoo/lstm-wiki"):
        with timed() as spent:
            model = zoo.text.finetune(start, few, **how, **part)
        seconds = {**spent(), "cost": cost(OF_TEXTS, model)}
        ordinary, usual = strangeness(model, texts), alarms(model, texts)
        for other in TEXTS[name]:
            theirs = some(SETS["texts"][other](seed).task.inputs["text"], seed)
            area = auroc(ordinary, strangeness(model, theirs))
            yield {"model": start, "strange": other, "auroc": area, **usual, **seconds}


def of_ratings(asked: Program, name: str, seed: int) -> Iterator[dict[str, Any]]:
    """Known pairs beside pairs with an id that nobody has rated."""
    task = SETS["stars"][name](seed).task
    with timed() as spent:
        model = zoo.collab.train(task.train, epochs=1, rivals=False, run=asked.run(seed))
    asked.keep(model, seed)
    known = task.train.sample(ROWS, random_state=seed)[["user", "item"]]
    strange = known.copy()
    side = np.random.default_rng(seed).integers(2, size=len(known))
    strange["user"] = known["user"].where(side == 0, 10**9)
    strange["item"] = known["item"].where(side == 1, 10**9)
    area = auroc(strangeness(model, known), strangeness(model, strange))
    yield {"strange": "ids", "auroc": area, **alarms(model, known), **spent(), "cost": 0.0}


def some(column: pd.Series, seed: int) -> list[Any]:
    """A few of the inputs."""
    return column.sample(min(len(column), OTHERS), random_state=seed).tolist()


def _is_number(column: pd.Series) -> bool:
    is_bool = pd.api.types.is_bool_dtype(column.dtype)
    return bool(pd.api.types.is_numeric_dtype(column.dtype)) and not is_bool


KINDS: Final[dict[str, tuple[str, Any]]] = {
    **dict.fromkeys(TABLES, ("tables", of_table)),
    **dict.fromkeys(PHOTOS, ("photos", of_photos)),
    **dict.fromkeys(TEXTS, ("texts", of_texts)),
    "ml-100k-stars": ("stars", of_ratings),
}


def main() -> None:
    """A row for each set, seed and kind of strange inputs."""
    warnings.filterwarnings("ignore", category=UserWarning)
    names = [*KINDS]
    asked = program(
        __doc__, "trust_unknown.csv", seeds=5, further=lambda flags: some_of(flags, "--sets", names)
    )
    chosen = ["ml-100k-stars"] if asked.smoke else asked.further["sets"]
    for name in chosen:
        domain, measure = KINDS[name]
        for seed in asked.seeds:
            for found in measure(asked, name, seed):
                asked.record(domain=domain, set=name, seed=seed, **{"model": "", **found})
    rows = pd.DataFrame(asked.rows)
    for (kind, strange), part in rows.groupby(["domain", "strange"]):
        print(summary(f"{kind}, {strange}", part["auroc"], f"at least {GOALS[str(kind)]:g}"))
    for rate in RATES:
        print(summary(f"false alarms at {rate:g}", rows[f"alarms_{rate:g}"], f"{rate:g}"))


if __name__ == "__main__":
    main()
