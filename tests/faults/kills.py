"""A run that is killed at any moment and called again ends with the same weights.

Each domain makes a tiny call (`tests/faults/calls.py`) 50 times, each in a folder of its own. The
process is ended, in turn,

- after so much of its own time, drawn from the duration of the whole call;
- within a write of the training state or of the final weights;
- at a rename, a removal or a making of a file or folder, drawn from all that the call makes;

half of the runs twice. The call is then made again until it ends. Weights, scores, history and the
names of all files must be those of a call that nobody disturbed.

The processes are forked from one that has imported the library, since importing costs more than
training; every tenth run ends in an interpreter of its own. Two kills are by SIGKILL; those by a
timer are by SIGPROF and SIGALRM, which end a process that does not handle them as abruptly.

Cost: about 5 minutes of one core.

    python -m tests.faults.kills
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

from tests.faults.calls import prepare, run_call
from tests.faults.campaign import SEED, campaign, flags, quiet
from zoo.core import state_file
from zoo.core.artifacts import artifact
from zoo.core.training import loop

DOMAINS = ("vision", "text", "tabular", "collab")
TRIALS = 50  # for each domain
OF_ITS_OWN = 10  # every so many-th run ends in a fresh interpreter
FLUSH = 0.005  # seconds between looks at whether a save is due
WRITE = 0.003  # seconds that a kill within a write waits at most
LONGEST = 300.0  # seconds
OPERATIONS = ("os.rename", "os.remove", "os.mkdir", "os.rmdir")  # audit events
ENDED = (signal.SIGKILL, signal.SIGPROF, signal.SIGALRM)

Aim = Literal["moment", "write", "operation"]
Circumstances = dict[str, Any]
"""Fields of `zoo.Run` by name."""


class Child:
    """A forked process that makes a domain's call and writes down what it did on its way."""

    def __init__(self, act: Callable[[], None]) -> None:
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid:
            return
        status = 1
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            act()
            status = 0
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        finally:
            os._exit(status)

    def wait(self) -> int:
        """The exit status; minus the signal's number if one ended it."""
        ends = time.perf_counter() + LONGEST
        while time.perf_counter() < ends:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.002)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return 999


# ---- what a call does ----------------------------------------------------------------------------


def call(domain: str, work: Path, out: Path, run: Circumstances) -> None:
    """Make the call."""
    loop.FLUSH_SECONDS = FLUSH
    run_call(domain, work, out, **run)


def watched(domain: str, work: Path, out: Path, run: Circumstances, said: Path) -> None:
    """Make the call, and write how much of what it did."""
    counts = {"write": 0, "operation": 0}

    def count(event: str, arguments: Any) -> None:
        counts["operation"] += is_operation(event, arguments, out)

    def counted() -> None:
        counts["write"] += 1

    sys.addaudithook(count)
    before_writes(counted)
    began = time.process_time()
    call(domain, work, out, run)
    said.write_text(json.dumps({**counts, "moment": time.process_time() - began}))


def disturbed(
    domain: str, work: Path, out: Path, run: Circumstances, aim: Aim, at: float, wait: float
) -> None:
    """Make the call and be ended at a time, or at a write or operation of this number."""
    for alarm in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(alarm, signal.SIG_DFL)
    counts = {"write": 0, "operation": 0}
    if aim == "moment":
        signal.setitimer(signal.ITIMER_PROF, max(at, 1e-6))

    def strike(event: str, arguments: Any) -> None:
        if aim == "operation" and is_operation(event, arguments, out):
            counts["operation"] += 1
            if counts["operation"] > at:
                os.kill(os.getpid(), signal.SIGKILL)

    def arm() -> None:
        counts["write"] += 1
        if aim == "write" and counts["write"] > at:
            signal.setitimer(signal.ITIMER_REAL, max(wait, 1e-6))

    sys.addaudithook(strike)
    before_writes(arm)
    call(domain, work, out, run)


def is_operation(event: str, arguments: Any, out: Path) -> bool:
    """Whether an audit event changes names in the folder of the run or beside it."""
    return event in OPERATIONS and out.name in os.fsdecode(arguments[0])


def before_writes(act: Callable[[], None]) -> None:
    """Have something done before every file of tensors that is written."""
    for module in (state_file, artifact):
        write = module.save_file

        def save_file(*given: Any, write: Any = write, **more: Any) -> None:
            act()
            write(*given, **more)

        module.save_file = save_file  # type: ignore[assignment]


def digest_of(out: Path) -> dict[str, str]:
    """Digests of what a run left: weights, scores, history without seconds, names of files."""
    stored = artifact.read(out)
    tensors = hashlib.sha256()
    for weights in stored.weights:
        for name, tensor in sorted(weights.items()):
            tensors.update(name.encode() + tensor.contiguous().numpy().tobytes())
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in stored.history.rows]
    return {
        "weights": tensors.hexdigest(),
        "scores": json.dumps(stored.config.metrics),
        "history": json.dumps(rows),
        "files": " ".join(sorted(path.name for path in out.iterdir())),
    }


# ---- a trial -------------------------------------------------------------------------------------


class Domain:
    """The undisturbed run of a domain, and disturbed ones beside it.

    Args:
        name: of the domain.
        place: folder that `prepare` has filled.
        **run: circumstances beside those of `tests.faults.calls.run_of`, fit for JSON.
    """

    def __init__(self, name: str, place: Path, **run: Any) -> None:
        self.name, self.work, self.run = name, place, run
        calm, said = place / f"calm-{name}", place / f"{name}.json"
        if status := Child(lambda: watched(name, place, calm, run, said)).wait():
            raise RuntimeError(f"a call that is left alone ends well, got {status=} of {name}")
        self.limits: dict[Aim, float] = json.loads(said.read_text())
        self.calm = digest_of(calm)

    def trial(self, number: int) -> str:
        """Make, kill, perhaps kill again, make the call until it ends; what differs."""
        draw = random.Random(f"{SEED} {self.name} {number}")
        out = self.work / f"{self.name}-{number}"
        aims: list[Aim] = [get_args(Aim)[number % 3]]
        aims += [draw.choice(get_args(Aim))] * (number % 2)
        kills = 0
        for aim in aims:
            for _ in range(10):  # draws until one comes before the end of the run
                status = self.strike(out, aim, draw)
                if -status in ENDED:
                    kills += 1
                    break
                if status:
                    return f"ended with {status=} after {kills} kills ({aim})"
                if not kills:
                    shutil.rmtree(out)
        if not kills:
            return "was never killed"
        if status := self.last(out, number):
            return f"called again, it ended with {status=}; see its message"
        wrong = [
            f"{name} {value:.200}"
            for name, value in digest_of(out).items()
            if value != self.calm[name]
        ]
        left = [path.name for path in self.work.glob(f".{out.name}*")]
        if not wrong and not left:
            shutil.rmtree(out)
        return f"after {'+'.join(aims)} other {wrong}, left {left}" if wrong or left else ""

    def strike(self, out: Path, aim: Aim, draw: random.Random) -> int:
        """Make the call and have it ended."""
        limit = self.limits[aim]
        at = draw.uniform(0, limit) if aim == "moment" else draw.randrange(int(limit))
        wait = draw.uniform(0, WRITE)
        return Child(lambda: disturbed(self.name, self.work, out, self.run, aim, at, wait)).wait()

    def last(self, out: Path, number: int) -> int:
        """Make the call to its end."""
        if number % OF_ITS_OWN:
            return Child(lambda: call(self.name, self.work, out, self.run)).wait()
        command = [sys.executable, "-m", "tests.faults.kills", "--call", self.name]
        return subprocess.run([*command, str(self.work), str(out), json.dumps(self.run)]).returncode


def main() -> None:
    """All trials of all domains."""
    quiet()
    if "--call" in sys.argv:
        parser = argparse.ArgumentParser()
        parser.add_argument("--call", nargs=4)
        domain, work, out, run = parser.parse_args().call
        call(domain, Path(work), Path(out), json.loads(run))
        return
    chosen = flags(__doc__)
    numbers = [(domain, i) for domain in DOMAINS for i in range(TRIALS)]
    domains: dict[str, Domain] = {}
    with tempfile.TemporaryDirectory() as place:
        work = prepare(Path(place))

        def attempt(number: int) -> str:
            name, i = numbers[number]
            if name not in domains:
                domains[name] = Domain(name, work)
            return domains[name].trial(i)

        names = [f"{domain} {i}" for domain, i in numbers]
        every = [d * TRIALS + i for d in range(len(DOMAINS)) for i in (0, 1, 2)]
        campaign("kills", names, attempt, chosen, smoke=every)


if __name__ == "__main__":
    main()
