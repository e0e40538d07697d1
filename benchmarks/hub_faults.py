"""200 faults between here and the hub: no damaged file is ever used, every failure is one sentence.

A small model of each domain is published to, or fetched from, a hub on the loopback that speaks the
real client's protocol (`tests/hub/server.py`). In each trial one request of the transfer, drawn
from those that an undisturbed one makes, meets a fault: the connection closes, the answer breaks
off, a byte is flipped, an answer is late, or the status is 429 or 500; once, or (one in six) every
time. Then the transfer either succeeds, and the model predicts what the original does, or it raises
one sentence; in both cases every file in the cache is what its name says, another reader gets the
whole model or is refused, and the same call without the fault succeeds. Xet transfers are not
tested.

Cost: 4 minutes on two cores, most of it waiting between the client's attempts.

    python -m benchmarks.hub_faults           # writes results/hub_faults.csv
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import random
import re
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from scripts.lib.record import append
from tests.hub.domains import MAKERS, make, said
from tests.hub.server import Fault, Hub, Kind, serve

TRIALS, JOBS, SEED = 200, 4, 0
LASTING = 1 / 6  # of the faults befall every such request
NAME = "someone/model"
TOLD = (ValueError, OSError)  # what a user's mistake or a failure of the network raises

Doing = Literal["push", "pull"]


@dataclass(frozen=True)
class Trial:
    """What one fault did.

    Attributes:
        kind: what the fault does.
        request: that it befell.
        times: how often at most.
        outcome: "went through" or the kind of error.
        one_sentence: the error is one; True where there was none.
        intact: what was loaded predicts as the original, and no wrong byte stayed in the cache.
        again: the same call without the fault succeeds.
    """

    domain: str
    doing: Doing
    kind: Kind
    request: str
    times: int
    outcome: str
    one_sentence: bool
    intact: bool
    again: bool
    seconds: float


@dataclass(frozen=True)
class Model:
    """An artifact and what its model says."""

    folder: Path
    said: list[Any]


def run(number: int, domain: str, model: Model, folder: Path) -> Trial:
    """One fault in one transfer."""
    draw = random.Random(SEED * 100_000 + number)
    doing: Doing = draw.choice(get_args(Doing))
    calm = requests(doing, model, folder / "calm")
    method, path = draw.choice(calm)
    fault = Fault(
        draw.choice(get_args(Kind)),
        method,
        f"^{re.escape(path)}$",
        1000 if draw.random() < LASTING else 1,
    )
    times = fault.times
    with serving() as hub:
        act = transfer(doing, model, hub, folder / "cache")
        hub.faults = [fault]
        began = time.perf_counter()
        outcome, sentence, intact = attempt(act, model)
        seconds = time.perf_counter() - began
        hub.faults = []
        reader, _, others = attempt(lambda: fetched(folder / "reader"), model)
        if doing == "push" and outcome == "went through":
            others = others and reader == "went through"
        intact = intact and others and sound(folder / "cache") and sound(folder / "reader")
        outcome_again, _, same = attempt(act, model)
        again = outcome_again == "went through" and same
    is_ours = ", got " in sentence
    one = "\n" not in sentence and (is_ours or not sentence)
    return Trial(
        domain, doing, fault.kind, f"{method} {path}", times, outcome, one, intact, again, seconds
    )


def requests(doing: Doing, model: Model, folder: Path) -> list[tuple[str, str]]:
    """Method and path of each request of an undisturbed transfer."""
    with serving() as hub:
        act = transfer(doing, model, hub, folder)
        hub.asked.clear()
        act()
        return [(method, path) for method, path, _ in hub.asked]


def transfer(doing: Doing, model: Model, hub: Hub, cache: Path) -> Callable[[], Any]:
    """What is done: to publish the model, or to fetch what has been published."""
    import zoo

    if doing == "push":
        return lambda: zoo.hub.push(model.folder, NAME)
    zoo.hub.push(model.folder, NAME)
    return lambda: fetched(cache)


def fetched(cache: Path) -> Any:
    """The model from the hub."""
    import zoo

    return zoo.load(zoo.hub.pull(NAME, cache=cache))


def attempt(act: Callable[[], Any], model: Model) -> tuple[str, str, bool]:
    """How it ended, the sentence that it raised, and whether what was loaded is the original."""
    try:
        loaded = act()
    except TOLD as error:
        return type(error).__name__, str(error), True
    same = isinstance(loaded, str) or said(loaded) == model.said  # push says the address
    return "went through", "", same


def sound(cache: Path) -> bool:
    """Whether every file in the cache is what its name says."""
    blobs = cache.glob("models--*/blobs/*")
    return all(digest(path) == path.name for path in blobs if path.suffix != ".incomplete")


def digest(path: Path) -> str:
    """The hash that a hub knows the file by: sha256 of a large one, git's sha1 of another."""
    content = path.read_bytes()
    if len(path.name) == 64:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class serving:  # noqa: N801  (reads as a statement)
    """A hub for the length of a `with`, and this process's settings to reach it."""

    def __enter__(self) -> Hub:
        hub = Hub()
        self.server = serve(hub)
        os.environ["HF_ENDPOINT"] = hub.url
        return hub

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


# ---- many trials --------------------------------------------------------------------------------


def work(job: tuple[int, str, str]) -> Trial:
    """One trial, in a process of the pool."""
    number, domain, place = job
    import zoo

    warnings.simplefilter("ignore", DeprecationWarning)  # the client's own, about its HTTP library
    folder = Path(place) / domain
    model = Model(folder, said(zoo.load(folder)))
    with tempfile.TemporaryDirectory() as temporary:
        return run(number, domain, model, Path(temporary))


def prepare(home: str) -> None:
    """The circumstances of a process, before the hub's client is imported."""
    os.environ |= {
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_VERBOSITY": "critical",
        "HF_HOME": home,
        "HF_TOKEN": "a-token",
        "OMP_NUM_THREADS": "1",
    }
    os.environ.pop("ZOO_HUB", None)


def main() -> None:
    """All trials, and how they ended."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    flags.add_argument("--trials", type=int, default=TRIALS)
    flags.add_argument("--smoke", action="store_true", help="eight trials, no record")
    given = flags.parse_args()
    n = 8 if given.smoke else given.trials
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        prepare(place)
        for domain in MAKERS:
            make(domain, Path(place))
        jobs = [(i, list(MAKERS)[i % len(MAKERS)], place) for i in range(n)]
        with multiprocessing.get_context("spawn").Pool(JOBS, prepare, (place,)) as pool:
            trials = pool.map(work, jobs, chunksize=1)
    for number, trial in enumerate(trials):
        if not given.smoke:
            append("hub_faults.csv", trial=number, **asdict(trial))
    count = Counter(trial.outcome for trial in trials)
    print(
        f"{n} faults: {dict(count)}; intact {sum(t.intact for t in trials)}, one sentence "
        f"{sum(t.one_sentence for t in trials)}, again {sum(t.again for t in trials)}; "
        f"{time.perf_counter() - began:.0f} s"
    )
    if not all(trial.intact and trial.one_sentence and trial.again for trial in trials):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
