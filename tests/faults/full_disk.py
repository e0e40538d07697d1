"""A disk that is full at any write of a save, a training state, a cache or a stream of words.

Each of several jobs writes to a small file system of its own (a tmpfs), which has room for ever
more bytes, from none to more than it needs. A job must end well (a cache that has no room costs a
warning at most), or in one sentence; what lay there before must be whole, and with room again the
same job must succeed.

It needs a Linux that lets it mount (root in a namespace of its own, by `unshare -m`).

Cost: about 6 minutes of one core.

    python -m tests.faults.full_disk
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import zoo
from benchmarks.hub_faults import serving
from tests.faults.calls import CALLS, prepare, run_call
from tests.faults.campaign import campaign, flags, quiet
from tests.faults.kills import Child
from tests.faults.mutated_artifacts import RUN, sentence
from tests.stored.artifacts import FORMAT_1, answers, inputs_of

DISK = "ZOO_FAULTS_DISK"  # environment variable of the process that has the disk
ROOMS = 12  # per job
PAGE = 4096  # bytes, the grain of the file system
LARGE = 256 << 20  # bytes
SHARE = 1.15  # of what a job has at most on the disk, the largest room


@dataclass(frozen=True)
class Job:
    """Something that writes to the disk.

    Attributes:
        act: does it, in a folder on the disk, with another folder to work in.
        before: puts there what lay there before.
        whole: raises, or is false, if what lay there before is damaged; it may be the new one.
    """

    act: Callable[[Path, Path], object]
    before: Callable[[Path, Path], object] = lambda disk, work: None
    whole: Callable[[Path], object] = lambda disk: True


OLD, NEW = FORMAT_1 / "tabular-mlp", FORMAT_1 / "text-classifier"


def predicts(folder: Path) -> bool:
    """Whether an artifact is the old or the new one, as it was."""
    said = zoo.load(folder, run=zoo.Run(**RUN))
    known = OLD if said.domain == "tabular" else NEW
    stored = zoo.load(known, run=zoo.Run(**RUN))
    return bool(answers(said, inputs_of(known)) == answers(stored, inputs_of(known)))


def saved_over() -> Job:
    """A model is saved over another one."""
    return Job(
        lambda disk, work: zoo.load(NEW, run=zoo.Run(**RUN)).save(disk / "model"),
        lambda disk, work: zoo.load(OLD).save(disk / "model"),
        lambda disk: predicts(disk / "model"),
    )


def published() -> Job:
    """A model is published to a folder where another one lies."""
    return Job(
        lambda disk, work: zoo.hub.push(NEW, "me/model", hub=disk),
        lambda disk, work: zoo.hub.push(OLD, "me/model", hub=disk),
        lambda disk: predicts(zoo.hub.pull("me/model", hub=disk)),
    )


def pulled() -> Job:
    """A model is fetched from a hub."""

    def act(disk: Path, work: Path) -> object:
        with serving() as hub:
            hub.repositories["me/model"] = {  # type: ignore[attr-defined]
                path.name: path.read_bytes() for path in NEW.iterdir()
            }
            return zoo.load(zoo.hub.pull("me/model", cache=disk))

    return Job(act)


def trained(domain: str) -> Job:
    """A run from its beginning to its saved model."""
    return Job(lambda disk, work: run_call(domain, work, disk / "run"))


def cached(domain: str) -> Job:
    """A run whose cache is on the disk."""
    return Job(
        lambda disk, work: run_call(
            domain, work, Path(tempfile.mkdtemp(dir=work)) / "run", cache=disk
        )
    )


JOBS: dict[str, Job] = {
    "saved over a model": saved_over(),
    "published to a folder": published(),
    "pulled to a cache": pulled(),
    **{f"trained: {domain}": trained(domain) for domain in CALLS},
    "photo cache": cached("vision"),
    "stream of words": cached("language-model"),
    "texts of a classifier": cached("text"),
}


class Disk:
    """The small file system, and the jobs on it."""

    def __init__(self, disk: Path, work: Path) -> None:
        self.disk, self.work = disk, work
        self.needed: dict[str, int] = {}

    def trial(self, name: str, step: int) -> str:
        """Do a job with this step of room; what is wrong with how it ended."""
        job = JOBS[name]
        if name not in self.needed:
            self.needed[name] = self.undisturbed(job)
        room = round(step / (ROOMS - 1) * SHARE * self.needed[name] / PAGE) * PAGE
        self.prepare(job)
        self.resize(self.used() + room)
        said = self.do(job)
        if said not in ("", "refused"):
            return f"{room} bytes: {said}"
        self.resize(LARGE)
        if wrong := self.check(job):
            return f"{room} bytes: what lay there is damaged: {wrong}"
        again = self.do(job)
        return f"{room} bytes, then room again: {again}" if again else ""

    def undisturbed(self, job: Job) -> int:
        """Bytes that the job takes at most, found by halving, to a page in sixteen."""
        low, high = 0, LARGE
        self.prepare(job)
        base = self.used()
        if said := self.do(job):
            raise RuntimeError(f"a job with room enough must succeed, got {said}")
        high = max(4 * (self.used() - base), 16 * PAGE)
        while high - low > max(PAGE, high // 16):
            middle = (low + high) // 2
            self.prepare(job)
            self.resize(base + middle)
            low, high = (low, middle) if not self.do(job) else (middle, high)
        return high

    def prepare(self, job: Job) -> None:
        """Empty the disk and put there what lies there before."""
        self.resize(LARGE)
        for path in self.disk.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        Child(lambda: job.before(self.disk, self.work)).wait()

    def do(self, job: Job) -> str:
        """Do the job in a process; "refused", or what is wrong with its error."""
        said = self.work / "said"
        said.write_text("it said nothing")

        def act() -> None:
            warnings.simplefilter("ignore")
            try:
                job.act(self.disk, self.work)
                said.write_text("")
            except Exception as error:
                said.write_text(sentence(error, (ValueError, OSError)))

        status = Child(act).wait()
        return f"the process ended with {status=}" if status else said.read_text()

    def check(self, job: Job) -> str:
        """What is wrong with what lay there."""
        said = self.work / "said"

        def act() -> None:
            try:
                said.write_text("" if job.whole(self.disk) else "it is another one")
            except Exception as error:
                said.write_text(f"{type(error).__name__}: {error}")

        return said.read_text() if not Child(act).wait() else "nothing could be read"

    def used(self) -> int:
        """Bytes on the disk."""
        state = os.statvfs(self.disk)
        return (state.f_blocks - state.f_bfree) * state.f_frsize

    def resize(self, size: int) -> None:
        """Give the disk another size."""
        option = f"remount,size={max(size, PAGE)}"
        subprocess.run(["mount", "-o", option, str(self.disk)], check=True)


def main() -> None:
    """All jobs with all rooms; first a process that may mount is started."""
    quiet()
    os.environ |= {"HF_HUB_DISABLE_XET": "1", "HF_TOKEN": "a-token", "HF_HUB_OFFLINE": "0"}
    if DISK not in os.environ:
        with tempfile.TemporaryDirectory() as disk:
            shell = 'mount -t tmpfs tmpfs "$ZOO_FAULTS_DISK" && exec "$@"'
            command = ["unshare", "-m", "sh", "-c", shell, "sh", sys.executable]
            done = subprocess.run(
                [*command, "-m", "tests.faults.full_disk", *sys.argv[1:]],
                env=os.environ | {DISK: disk},
            )
        raise SystemExit(done.returncode)
    chosen = flags(__doc__)
    trials = [(name, step) for name in JOBS for step in range(ROOMS)]
    with tempfile.TemporaryDirectory() as place:
        os.environ["HF_HOME"] = place
        disk = Disk(Path(os.environ[DISK]), prepare(Path(place)))
        names = [f"{name}, room {step}" for name, step in trials]
        few = [i * ROOMS + step for i in range(len(JOBS)) for step in (0, 2, 6)]
        campaign("full disk", names, lambda i: disk.trial(*trials[i]), chosen, smoke=few)


if __name__ == "__main__":
    main()
