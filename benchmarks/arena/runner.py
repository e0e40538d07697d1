"""Runs methods on a problem, each in a process of its own, and says how each went as a row."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from benchmarks.arena import rows, worker
from benchmarks.arena.methods import Entry
from benchmarks.arena.rows import Row
from benchmarks.arena.scoring import Problem, score
from benchmarks.device.__main__ import end_group, last_line
from benchmarks.device.commit import commit
from scripts.lib.record import ROOT

PATIENCE: Final = 5.0  # times the budget by the clock, on a machine that others use too
STARTING: Final = 180.0  # seconds by the clock to import and to read
UNITS: Final = ("amx_tile", "avx512_bf16", "avx512f", "avx2", "avx")  # of a CPU, the best first
LOG: Final = "log.txt"


@dataclass(frozen=True)
class Place:
    """Where methods run.

    Attributes:
        out: the CSV.
        peers: Python of the environment of the peers.
        threads: number of threads of each method.
        patience: times the budget after which the clock stops a method.
    """

    out: Path
    peers: Path
    threads: int = worker.CORES
    patience: float = PATIENCE

    def python(self, entry: Entry) -> Path:
        """The interpreter that has the method."""
        return self.peers if entry.is_peer else Path(sys.executable)


def run(problem: Problem, entry: Entry, place: Place) -> Row:
    """One method on one problem within the task's budget; the row of it."""
    task = problem.task
    row: Row = {
        "domain": task.domain,
        "set": task.name,
        "method": entry.name,
        "budget_s": f"{task.budget:g}",
        "seed": str(task.seed),
        "metric": task.metric,
        "train": str(len(task.train)),
        "test": str(len(problem.truth)),
        "ran_at_s": f"{task.budget:g}",
        "machine": machine(place.threads),
        "commit": commit(),
    }
    with TemporaryDirectory(prefix="arena-") as name:
        folder = Path(name)
        task.write(folder)
        order = {"place": entry.place, "packages": entry.packages}
        (folder / worker.ORDER).write_text(json.dumps(order))
        code = _process(folder, entry, place, task.budget)
        return row | _outcome(problem, folder, code)


def _process(folder: Path, entry: Entry, place: Place, budget: float) -> int | None:
    """The exit code of the worker, or None if it was stopped by the clock."""
    command = [
        str(place.python(entry)),
        "-W",
        "ignore",
        "-m",
        "benchmarks.arena.worker",
        str(folder),
    ]
    with (folder / LOG).open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(folder, place.threads),
            stdout=log,
            stderr=log,
            process_group=0,
        )
        try:
            return process.wait(STARTING + place.patience * budget)
        except subprocess.TimeoutExpired:
            return None
        finally:
            end_group(process.pid)
            process.wait()


def _outcome(problem: Problem, folder: Path, code: int | None) -> Row:
    """Score and cost of an answer, or why there is none."""
    if code is None:
        return {"status": rows.OVER, "note": "stopped by the clock"}
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        reason = "CPU seconds" if code == -signal.SIGXCPU else "killed, perhaps for memory"
        return {"status": rows.OVER, "note": reason}
    if code:
        return {"status": rows.FAILED, "note": last_line(folder / LOG)}
    spent = json.loads((folder / worker.SPENT).read_text())
    cost = {key: f"{x:.4g}" if isinstance(x, float) else x for key, x in spent.items()}
    if spent["cpu_s"] > worker.CORES * problem.task.budget:
        return {**cost, "status": rows.OVER, "note": "CPU seconds"}
    try:
        result = score(problem, np.load(folder / worker.ANSWER))
    except ValueError as error:
        return {**cost, "status": rows.FAILED, "note": str(error)}
    return {**cost, "status": rows.DONE, "score": f"{result:.6g}"}


def within(problem: Problem, budget: float) -> Problem:
    """The same problem with another budget."""
    return replace(problem, task=replace(problem.task, budget=budget))


def environment(folder: Path, threads: int) -> dict[str, str]:
    """The variables of a worker: threads, no network, no window, caches that do not stay."""
    n = str(threads)
    (folder / "cache").mkdir()
    own = {
        **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), n),
        **dict.fromkeys(("LOKY_MAX_CPU_COUNT", "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS"), n),
        **dict.fromkeys(("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"), "1"),
        "PYTHONPATH": str(ROOT),
        "MPLBACKEND": "Agg",
        "ZOO_CACHE": str(folder / "cache"),
        "TMPDIR": str(folder / "cache"),
    }
    return os.environ | own


def machine(threads: int) -> str:
    """Name of the CPU, the best of its units, and how many threads were used."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    facts = dict([part.strip() for part in line.split(":", 1)] for line in lines if ":" in line)
    unit = next((unit for unit in UNITS if unit in facts.get("flags", "").split()), "no AVX known")
    return f"{facts.get('model name', platform.processor())}, {unit}, {threads} threads"
