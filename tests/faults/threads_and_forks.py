"""8 threads and 4 forked processes predict, bit for bit, what one thread does, and change nothing.

Every class and variant of `tests/stored` is tried twice: as it is loaded, and fresh from a training
of its own (`tests/stored/make_format_1.py`), with two threads of torch's, whose pool does not
survive a fork: a forked process must say what this one says with a single one of them, since two
add in another order.

Cost: about 5 minutes of one core.

    python -m tests.faults.threads_and_forks
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch

import zoo
from tests.conformance import RUN, Case, case_of, in_forks, in_threads, unchanged
from tests.faults.campaign import campaign, flags, quiet
from tests.stored.artifacts import FORMAT_1, NAMES, answers, inputs_of, unpacked
from tests.stored.make_format_1 import MAKERS

N_THREADS, N_PROCESSES, TIMES = 8, 4, 5
TORCH_THREADS = 2


def loaded(name: str, work: Path) -> Any:
    """The stored model."""
    return zoo.load(unpacked(FORMAT_1 / name, work / "model"), run=RUN)


def fresh(name: str, work: Path) -> Any:
    """A model that has just been trained."""
    return MAKERS[name](work)


def attempt(model: Any, inputs: Any) -> str:
    """What threads and processes are told otherwise, or what they change."""
    case: Case = case_of(model, inputs)
    wrong = []
    try:
        with unchanged(model):
            in_one = in_threads(case, N_THREADS, TIMES)  # before anything has been predicted
            expected = answers(model, inputs)
            wrong += [f"{sum(said != expected for said in in_one)} threads"]
            forked = in_forks(case, N_PROCESSES)
            torch.set_num_threads(1)
            of_one = answers(model, inputs)
            torch.set_num_threads(TORCH_THREADS)
            wrong += [f"{sum(said != of_one for said in forked)} processes"]
            wrong += [
                said for said in forked if isinstance(said, str)
            ]  # nothing in so many seconds
            wrong += [f"{int(answers(model, inputs) != expected)} afterwards"]
    except AssertionError as error:
        return f"weights, buffers or modes have changed: {error!s:.200}"
    except Exception as error:
        return f"{type(error).__name__}: {error!s:.200}"
    odd = list(dict.fromkeys(part for part in wrong if not part.startswith("0 ")))
    return f"told otherwise: {', '.join(odd)}" if odd else ""


def main() -> None:
    """All classes, loaded and fresh."""
    quiet()
    warnings.simplefilter("ignore")
    torch.set_num_threads(TORCH_THREADS)
    chosen = flags(__doc__)
    trials = [(make, name) for name in NAMES for make in (loaded, fresh)]

    def try_one(number: int) -> str:
        make, name = trials[number]
        with tempfile.TemporaryDirectory() as work:
            return attempt(make(name, Path(work)), inputs_of(FORMAT_1 / name))

    names = [f"{name}, {make.__name__}" for make, name in trials]
    campaign("threads and forks", names, try_one, chosen)


if __name__ == "__main__":
    main()
