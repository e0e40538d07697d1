"""Exported models in an environment without torch: what they answer, and what they cost.

A fresh environment gets the wheel of `runtime/` and its extras from the package index, and nothing
else; it has no torch. Then, for each domain, a model is exported and asked there, by JSON, what
`predict` is asked here. A row each: the largest difference of a probability, number or score, how
many inputs have another label or list, megabytes of the file, milliseconds of one input here and
there. The row `import` has the CPU milliseconds of `import zoo_runtime` beyond those of an empty
process, best of 5, and the megabytes of the environment.

- `photos`: EfficientNet-Lite0 with a new head, on photos of ants and bees from their files.
- `texts`: MiniLM with a new head, on sentences, and on eight of them joined: several windows.
- `rows`: `zoo/adult`, on rows of its test file.
- `ratings`, `lists`: `zoo/movielens-100k`, pairs, and films for visitors.

    python -m benchmarks.runtime_alone           # writes results/runtime_alone.csv; asks the index
    python -m benchmarks.runtime_alone --smoke   # tables alone, on few rows, without a record
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

import zoo
from scripts.lib.record import ROOT, append
from zoo.published.adult import official

RUN: Final = zoo.Run(device="cpu", progress=False)
TOLERANCE: Final = 1e-4
LABELS: Final = ("plain", "great")
TIMES: Final = 20  # of one input

ASK: Final = """
import importlib.util, json, sys, time
import zoo_runtime

assert importlib.util.find_spec("torch") is None, "the environment must have no torch"
path, asked, times = sys.argv[1], json.load(open(sys.argv[2])), int(sys.argv[3])
model = zoo_runtime.load(path, threads=1)

def plain(one):
    return one.probabilities if hasattr(one, "probabilities") else one

verb = getattr(model, asked["verb"])
answers = [plain(verb(*one)) for one in asked["each"]]
began = time.perf_counter()
for _ in range(times):
    verb(*asked["each"][0])
ms = (time.perf_counter() - began) / times * 1e3
json.dump({"answers": answers, "ms": ms}, sys.stdout)
"""

Case = tuple[Any, str, list[list[Any]], Callable[..., Any]]
"""A model, the runtime's verb, the arguments of each call, and the same call here."""


def photos() -> Case:
    """Photos of the validation part, from their files."""
    folder = zoo.data.get("hymenoptera")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = zoo.vision.finetune("efficientnet_lite0", folder, epochs=0, rivals=False, run=RUN)
    paths = sorted(map(str, (folder / "val").rglob("*.jpg")))[:100]
    return model, "predict", [[one] for one in paths], lambda one: model.predict(one).probabilities


def texts() -> Case:
    """Sentences, and eight of them joined."""
    words = [
        *[
            "the",
            "film",
            "is",
            "a",
            "warm",
            "dull",
            "story",
            "of",
            "one",
            "cast",
            "that",
            "we",
            "found",
            "great",
        ]
    ]
    rng = np.random.default_rng(0)
    sentences = [" ".join(rng.choice(words, rng.integers(3, 40))) for _ in range(200)]
    table = pd.DataFrame(
        {"text": sentences, "label": [LABELS["great" in one] for one in sentences]}
    )
    model = zoo.text.finetune(
        "minilm", table, text="text", label="label", epochs=0, rivals=False, run=RUN
    )
    longer = [" ".join(sentences[i : i + 8] * 4) for i in range(0, 80, 8)]
    asked = [[one] for one in (*sentences[:50], *longer)]
    return model, "predict", asked, lambda one: named(model.predict(one).probabilities)


def rows() -> Case:
    """Rows of the test file, whose gaps are gaps."""
    model = zoo.load("zoo/adult", run=RUN)
    records = official("test").head(500).to_dict("records")
    clean = [{k: plain(v) for k, v in row.items() if k in model.spec.inputs} for row in records]
    return model, "probabilities", [[one] for one in clean], lambda one: model.probabilities(one)


def ratings() -> Case:
    """Pairs of the data set, some of unknown ids."""
    model, rng = zoo.load("zoo/movielens-100k", run=RUN), np.random.default_rng(0)
    users, items = (list(ids) for ids in (model.spec.users, model.spec.items))
    pairs = [[users[rng.integers(len(users))], items[rng.integers(len(items))]] for _ in range(500)]
    return model, "predict", pairs, model.predict


def lists() -> Case:
    """Films for visitors who have chosen some."""
    model, rng = zoo.load("zoo/movielens-100k", run=RUN), np.random.default_rng(0)
    chosen = [[model.spec.items[i] for i in rng.permutation(300)[:8]] for _ in range(100)]

    def listed(some: list[Any]) -> list[dict[str, Any]]:
        best = model.fold_in(some).recommend(10)
        return [{"item": i, "score": s} for i, s in zip(best["item"], best["score"], strict=True)]

    return model, "recommend", [[one] for one in chosen], listed


CASES: Final[dict[str, Callable[[], Case]]] = {
    "photos": photos,
    "texts": texts,
    "rows": rows,
    "ratings": ratings,
    "lists": lists,
}


def main() -> None:
    """A row for each domain, and one of the environment."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--smoke", action="store_true")
    flags.add_argument("--only", nargs="*", default=list(CASES))
    chosen = flags.parse_args()
    names, keep = (["rows"], False) if chosen.smoke else (chosen.only, True)
    with tempfile.TemporaryDirectory() as work:
        python = environment(Path(work) / "alone")
        for name in names:
            append(
                "runtime_alone.csv", keep=keep, domain=name, **compared(name, python, Path(work))
            )
        size = sum(one.stat().st_size for one in (Path(work) / "alone").rglob("*") if one.is_file())
        values = {"ms": imported(python), "mb": size / 1e6}
        append("runtime_alone.csv", keep=keep, domain="import", **values)


def environment(place: Path) -> Path:
    """The Python of a new environment that has the runtime alone."""
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    python = place / "bin" / "python"
    wheel = [str(python), "-m", "pip", "install", "--quiet", f"{ROOT / 'runtime'}[photos,text]"]
    subprocess.run(wheel, check=True)
    return python


def compared(name: str, python: Path, work: Path) -> dict[str, Any]:
    """How far the answers there are from those here.

    Raises:
        AssertionError: farther than rounding goes, or another label or list.
    """
    model, verb, asked, here = CASES[name]()
    path, words = model.export(work / f"{name}.onnx"), work / f"{name}.json"
    words.write_text(json.dumps({"verb": verb, "each": asked}), encoding="utf-8")
    command = [str(python), "-c", ASK, str(path), str(words), str(TIMES)]
    there = json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True, env={}).stdout
    )
    expected = [here(*one) for one in asked]
    pairs = list(zip(expected, there["answers"], strict=True))
    differences = [difference(*pair) for pair in pairs]
    wrong = sum(best(one) != best(other) for one, other in pairs)
    assert max(differences) < TOLERANCE, (name, max(differences))
    return {
        "inputs": len(asked),
        "difference": max(differences),
        "otherwise": wrong,
        "mb": path.stat().st_size / 1e6,
        "ms": there["ms"],
        "here_ms": milliseconds(lambda: here(*asked[0])),
    }


def difference(one: Any, other: Any) -> float:
    """The largest of two answers' numbers."""
    return max((abs(a - b) for a, b in zip(numbers(one), numbers(other), strict=True)), default=0.0)


def numbers(answer: Any) -> Iterator[float]:
    """Probabilities by class, the scores of a list, or a number."""
    if isinstance(answer, list):
        yield from (one["score"] for one in answer)
    elif isinstance(answer, dict):
        yield from (answer[name] for name in sorted(answer, key=str))
    else:
        yield answer


def best(answer: Any) -> Any:
    """The label, or the items; None of a number."""
    if isinstance(answer, list):
        return [one["item"] for one in answer]
    return str(max(answer, key=answer.get)) if isinstance(answer, dict) else None


def named(shares: dict[Any, float]) -> dict[str, float]:
    """Shares by text, as JSON has them."""
    return {str(name): share for name, share in shares.items()}


def imported(python: Path) -> float:
    """CPU milliseconds of importing the package beyond those of an empty process."""

    def process(words: str) -> float:
        times = []
        for _ in range(5):
            before = os.times()
            subprocess.run([str(python), "-c", words], check=True)
            after = os.times()
            times.append(after.children_user + after.children_system)
            times[-1] -= before.children_user + before.children_system
        return min(times) * 1e3

    return process("import zoo_runtime") - process("pass")


def milliseconds(call: Callable[[], object], times: int = TIMES) -> float:
    """Mean of some calls."""
    began = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - began) / times * 1e3


def plain(value: Any) -> Any:
    """A cell as JSON has it."""
    value = value.item() if hasattr(value, "item") else value
    return None if value != value else value


if __name__ == "__main__":
    main()
