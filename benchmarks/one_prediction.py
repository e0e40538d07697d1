"""One prediction from a loaded artifact, in each domain, and the first of a fresh process.

CPU milliseconds on one thread over repeated calls: `ms` is the median, `low_ms` the first decile,
which other processes and their traces in the caches move less. Where there is a bare side, both
take turns call by call; `above_ms` and `ratio` are medians over the pairs.

- `photo`: EfficientNet-Lite0 at 224 px on photos of ants and bees, each from its file, beside
  decoding the file and the bare network (as in `vision_predict.py`). Target: 1.1 times that.
- `row`: `zoo/adult` on a row as a dict, beside its network on tensors. Target: 0.3 ms.
- `text`: `zoo/sentiment` on five words.
- `visitor`: `zoo/movielens-100k` places a new user by 20 ratings. Target: 5 ms.
- `list`: the same model's ten best films for a known user. Target: 0.6 ms.
- `process`: `import zoo; zoo.load("zoo/adult").predict(row)` in a fresh process, beside
  `import torch` in another, in turn. Target: 500 ms more than that.

    python -m benchmarks.one_prediction        # writes results/one_prediction.csv
"""

from __future__ import annotations

import argparse
import itertools
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch

import zoo
from benchmarks.vision_predict import bare_forward
from scripts.lib.record import append

RUN: Final = zoo.Run(device="cpu", progress=False)
ROW: Final = {
    **{"age": 39, "workclass": "State-gov", "fnlwgt": 77516, "education": "Bachelors"},
    **{"education_num": 13, "marital_status": "Never-married", "occupation": "Adm-clerical"},
    **{"relationship": "Not-in-family", "race": "White", "sex": "Male", "capital_gain": 2174},
    **{"capital_loss": 0, "hours_per_week": 40, "native_country": "United-States"},
}
PREDICT: Final = f"import zoo; zoo.load('zoo/adult').predict({ROW!r})"
PROCESSES: Final = 9

Call = Callable[[], object]


def photo() -> tuple[Call, Call | None]:
    """Photos of the validation part in turn, from their files; both sides meet each of them."""
    photos = zoo.data.get("hymenoptera")
    with tempfile.TemporaryDirectory() as folder:
        for path in itertools.chain.from_iterable(
            sorted(kind.glob("*.jpg"))[:4] for kind in (photos / "train").iterdir()
        ):  # weights do not matter here
            (Path(folder) / path.parent.name).mkdir(exist_ok=True)
            shutil.copy(path, Path(folder) / path.parent.name)
        trained = zoo.vision.finetune(
            "efficientnet_lite0", folder, epochs=0, size=224, valid_fraction=0.25, run=RUN
        )
        model = zoo.load(trained.save(Path(folder) / "model"), run=RUN)
    bare, paths = bare_forward(model), sorted((photos / "val").rglob("*.jpg"))[:30]
    ours, theirs = itertools.cycle(paths), itertools.cycle(paths)
    return lambda: model.predict(next(ours)), lambda: bare(next(theirs))


def row() -> tuple[Call, Call | None]:
    """A row as a dict; the network on tensors, its probabilities as numbers."""
    model = zoo.load("zoo/adult", zoo.tabular.TableModel, run=RUN)
    inputs, (network,) = model._inference.encoder.row(ROW), model.members

    @torch.inference_mode()
    def bare() -> object:
        return network(*inputs).softmax(-1).tolist()

    return lambda: model.predict(ROW), bare


def text() -> tuple[Call, Call | None]:
    """Five words."""
    model = zoo.load("zoo/sentiment", run=RUN)
    return lambda: model.predict("what a lovely little film"), None


def visitor() -> tuple[Call, Call | None]:
    """A new user by 20 ratings."""
    model = zoo.load("zoo/movielens-100k", zoo.collab.Recommender, run=RUN)
    ratings: dict[Any, float] = {item: 1 + n % 5 for n, item in enumerate(model.spec.items[:20])}
    return lambda: model.fold_in(ratings), None


def ten_items() -> tuple[Call, Call | None]:
    """A known user's list."""
    model = zoo.load("zoo/movielens-100k", zoo.collab.Recommender, run=RUN)
    user: Any = model.spec.users[0]
    return lambda: model.recommend(user), None


def process() -> tuple[Call, Call | None]:
    """CPU seconds of children, which `timed` reads."""
    return lambda: _fresh(PREDICT), lambda: _fresh("import torch")


CASES: Final = {
    **{"photo": (photo, 60), "row": (row, 1000), "text": (text, 200), "visitor": (visitor, 100)},
    **{"list": (ten_items, 500), "process": (process, PROCESSES)},
}
"""What is measured, and how often."""


def main() -> None:
    """Every case, a row each."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    flags.add_argument("--case", choices=CASES, help="one alone")
    flags.add_argument("--smoke", action="store_true", help="few calls, no record")
    chosen = flags.parse_args()
    torch.set_num_threads(1)
    for name, (make, n) in CASES.items():
        if chosen.case not in (None, name):
            continue
        values = measured(*make(), 2 if chosen.smoke else n)
        append("one_prediction.csv", keep=not chosen.smoke, case=name, **values)


def measured(ours: Call, bare: Call | None, n: int) -> dict[str, float | int]:
    """CPU milliseconds of both sides, in turn; the first of a pair is another each time."""
    sides = {"ours": ours} if bare is None else {"ours": ours, "bare": bare}
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(-1, n):  # the first is not timed
        for name in list(sides)[:: 1 if number % 2 else -1]:
            began = cpu_seconds()
            sides[name]()
            spent[name].append(1000 * (cpu_seconds() - began))
    own, other = spent["ours"][1:], spent.get("bare", [])[1:]
    low = sorted(own)[n // 10]
    found: dict[str, float | int] = {"calls": n, "ms": statistics.median(own), "low_ms": low}
    if other:
        pairs = list(zip(own, other, strict=True))
        found |= {
            "bare_ms": statistics.median(other),
            "above_ms": statistics.median(a - b for a, b in pairs),
            "ratio": statistics.median(a / b for a, b in pairs),
        }
    return found


def cpu_seconds() -> float:
    """CPU seconds of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _fresh(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


if __name__ == "__main__":
    main()
