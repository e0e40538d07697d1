"""One method on one task, in a process of its own and in whichever environment has the method.

CPU seconds are those of learning and answering; what is imported and read before does not count. A
budget of b seconds on two cores is 2 b CPU seconds, so that a busy machine decides nothing; the
system ends a process that spends more.

    python -m benchmarks.arena.worker FOLDER     # FOLDER/order.json says what to do
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import resource
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.arena.task import Method, Task

CORES: Final = 2
ORDER, SPENT, ANSWER = "order.json", "spent.json", "answer.npy"


def main() -> None:
    """Learn, answer, and write what was spent."""
    folder = Path(sys.argv[1])
    order = json.loads((folder / ORDER).read_text())
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    module, name = order["place"].split(":")
    method: Method = getattr(importlib.import_module(f"benchmarks.arena.methods.{module}"), name)
    task = Task.read(folder)
    end_after(CORES * task.budget)
    began = time.perf_counter(), cpu_seconds()
    answer = np.asarray(method(task))
    spent: dict[str, Any] = {
        "wall_s": time.perf_counter() - began[0],
        "cpu_s": cpu_seconds() - began[1],
        "peak_mb": peak_mb(),
        "versions": " ".join(f"{name} {version(name)}" for name in order["packages"]),
        "python": platform.python_version(),
    }
    np.save(folder / ANSWER, answer)
    (folder / SPENT).write_text(json.dumps(spent))
    sys.stdout.flush()
    os._exit(0)  # without waiting for what libraries do at an ending


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
