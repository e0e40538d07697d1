"""One method on one task, in a process of its own and in whichever environment has the method.

CPU seconds are those of learning and answering, from the data in memory. Imports do not count,
whether they come before or in the middle: they have a column of their own. A budget of b seconds on
two cores is 2 b CPU seconds, so that a busy machine decides nothing.

    python -m benchmarks.arena.worker FOLDER     # FOLDER/order.json says what to do
"""

from __future__ import annotations

import builtins
import importlib
import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from functools import wraps
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.arena.task import Method, Task

CORES: Final = 2
GRACE: Final = 30.0  # CPU seconds beyond the budget, for imports, before the system ends a process
ORDER, SPENT, ANSWER = "order.json", "spent.json", "answer.npy"


def main() -> None:
    """Learn, answer, and write what was spent."""
    folder = Path(sys.argv[1])
    order = json.loads((folder / ORDER).read_text())
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    imports = Imports()
    imports.watch()
    module, name = order["place"].split(":")
    method: Method = getattr(importlib.import_module(f"benchmarks.arena.methods.{module}"), name)
    task = Task.read(folder)
    end_after(CORES * task.budget + GRACE)
    began = time.perf_counter(), cpu_seconds() - imports.seconds
    answer = np.asarray(method(task))
    spent: dict[str, Any] = {
        "wall_s": time.perf_counter() - began[0],
        "cpu_s": cpu_seconds() - imports.seconds - began[1],
        "import_s": imports.seconds,
        "peak_mb": peak_mb(),
        "versions": " ".join(f"{name} {version(name)}" for name in order["packages"]),
        "python": platform.python_version(),
    }
    np.save(folder / ANSWER, answer)
    (folder / SPENT).write_text(json.dumps(spent))
    sys.stdout.flush()
    os._exit(0)  # without waiting for what libraries do at an ending


class Imports:
    """CPU seconds that imports have taken since `watch`, wherever in the code they stand."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._is_within = False

    def watch(self) -> None:
        """Time every import from now on."""
        builtins.__import__ = self.timed(builtins.__import__)
        importlib.import_module = self.timed(importlib.import_module)

    def timed(self, load: Callable[..., Any]) -> Callable[..., Any]:
        """The same function; what it imports in turn counts once."""

        @wraps(load)
        def wrapper(*args: Any, **named: Any) -> Any:
            if self._is_within:
                return load(*args, **named)
            self._is_within, began = True, time.thread_time()
            try:
                return load(*args, **named)
            finally:
                self._is_within = False
                self.seconds += time.thread_time() - began

        return wrapper


def end_after(seconds: float) -> None:
    """Have the system end this process once it has spent so many CPU seconds more."""
    last = int(cpu_seconds() + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (last, last + CORES))


def cpu_seconds() -> float:
    """What this process and its finished children have spent."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def peak_mb() -> float:
    """The most memory that this process has held; the system's own figure may be the parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    main()
