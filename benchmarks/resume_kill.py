"""A run that SIGKILL ends at any moment and that is called again ends with the same weights.

EfficientNet-Lite0 learns handwritten digits at 64 px in a process of its own: one epoch with the
body frozen, then two of everything, with validation, augmentation and dropout; the training state
is saved every half second besides the ends of epochs. Every trial starts in a fresh folder, is
killed (a third of them twice), is called again until it ends, and has its weights, buffers and
history compared, as SHA-256 of their bytes, with those of a run that nobody disturbed. Two of three
kills come at a moment drawn uniformly from the training's duration, the others while the temporary
file of a save exists. A callback writes each step's number to a file, which tells how many steps
were done twice.

Cost: about 5 minutes on two cores (two trials at a time, a thread each).

    python -m benchmarks.resume_kill           # writes results/resume_kill.csv
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

import zoo
from scripts.record import append
from zoo.core.loop import FLUSH_SECONDS

SIZE, BATCH_SIZE = 64, 8
PER_CLASS = {"train": 16, "valid": 3}  # digits
EPOCHS = (1, 2)  # frozen, unfrozen
RATE = 1e-3
SAVE_EVERY = 0.5  # seconds
TRIALS, JOBS, SEED = 20, 2, 0
TWICE = 1 / 3  # of the trials are killed again while they continue
POLL = 0.0005  # seconds between looks at the folder
LONGEST = 120.0  # seconds that a process may take

Aim = Literal["uniform", "save"]


class StepLog:
    """Appends "process step" to a file after every step, counted over both phases."""

    def __init__(self, path: Path) -> None:
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def fit_start(self, fit: Any) -> None:
        """Say that training begins; the moment of a kill counts from here."""
        os.write(self.file, f"{os.getpid()} -1\n".encode())

    def step_end(self, fit: Any) -> None:
        """Write the step's number."""
        step = fit.first_epoch * fit.steps[0] + fit.step - 1
        os.write(self.file, f"{os.getpid()} {step}\n".encode())


@dataclass(frozen=True)
class Trial:
    """What happened to one run.

    Attributes:
        kills: moments, in seconds of training, or "save".
        identical: weights, buffers and history are those of the undisturbed run.
        repeated: most steps that a single kill cost.
        steps: that all its processes did.
    """

    kills: list[str]
    identical: bool
    repeated: int
    steps: int


def main() -> None:
    """All trials; how many ended bit-identical."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--trials", type=int, default=TRIALS)
    flags.add_argument("--smoke", action="store_true", help="two trials, no record")
    flags.add_argument("--child", nargs=2, type=Path, metavar=("DIGITS", "OUT"))
    chosen = flags.parse_args()
    if chosen.child:
        train(*chosen.child)
        return
    began = time.perf_counter()
    n = 2 if chosen.smoke else chosen.trials
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        digits = few_digits(folder / "digits")
        calm, seconds = undisturbed(digits, folder / "undisturbed")
        with ThreadPoolExecutor(JOBS) as pool:
            run = pool.map(
                lambda i: trial(i, digits, folder / f"trial-{i}", calm, seconds), range(n)
            )
            trials = list(run)
    summary = report(trials, seconds)
    print(f"{summary}\n{time.perf_counter() - began:.0f} s in all")
    if not chosen.smoke:
        for i, result in enumerate(trials):
            values = {**vars(result), "kills": " ".join(result.kills)}
            append("resume_kill.csv", trial=i, **values, save_every=SAVE_EVERY)
    if not all(result.identical for result in trials):
        raise SystemExit(1)


def report(trials: list[Trial], seconds: float) -> str:
    """The finding in a sentence."""
    same = sum(result.identical for result in trials)
    kills = list(itertools.chain.from_iterable(result.kills for result in trials))
    most = max(result.repeated for result in trials)
    return (
        f"{same} of {len(trials)} bit-identical; at most {most} steps repeated (save interval "
        f"{SAVE_EVERY} s, looked at every {FLUSH_SECONDS} s; {len(kills)} kills, "
        f"{kills.count('save')} of them during a save; {seconds:.1f} s of training)"
    )


# ---- the run that is killed -------------------------------------------------------------------


def train(digits: Path, out: Path) -> None:
    """Train in this process, from the saved state if there is one; write the digest at the end."""
    torch.set_num_threads(1)
    learn = zoo.vision.learner(
        "efficientnet_lite0",
        digits,
        size=SIZE,
        batch_size=BATCH_SIZE,
        callbacks=[StepLog(out.with_suffix(".log"))],
        run=zoo.Run(
            out=out,
            resume=True,
            save_every=SAVE_EVERY,
            threads=1,
            progress=False,
            cache=digits.with_name("cache"),
        ),
    )
    learn.freeze()
    learn.fit_one_cycle(EPOCHS[0], 2 * RATE)
    learn.unfreeze()
    learn.fit_one_cycle(EPOCHS[1], (RATE / 10, RATE))
    digest = hashlib.sha256()
    for name, tensor in sorted(learn.model.state_dict().items()):
        digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
    digest.update(repr((learn.history.losses, learn.history.lrs, learn.epoch)).encode())
    out.with_suffix(".digest").write_text(digest.hexdigest())


def few_digits(folder: Path) -> Path:
    """Some digits of each class as pictures."""
    from zoo.quickstart import write_digits  # matplotlib with it, which the runs do not need

    write_digits(folder)
    for part, n in PER_CLASS.items():
        for label in (folder / part).iterdir():
            for picture in sorted(label.iterdir())[n:]:
                picture.unlink()
    return folder


# ---- killing it -------------------------------------------------------------------------------


def undisturbed(digits: Path, out: Path) -> tuple[str, float]:
    """The digest of the run that is left alone, and how long it trained in seconds."""
    process = start(digits, out)
    began = await_training(process, out)
    let_end(process)
    return digest_of(out), time.perf_counter() - began


def trial(i: int, digits: Path, out: Path, calm: str, seconds: float) -> Trial:
    """Start, kill, perhaps kill again, let it end; a run that ended before its kill starts over."""
    draw = random.Random(SEED * 1000 + i)
    planned: list[Aim] = ["save" if i % 3 == 2 else "uniform"]
    planned += ["uniform"] * (draw.random() < TWICE)
    while True:
        kills: list[str] = []
        for aim in planned:
            moment = strike(digits, out, aim, draw, seconds / len(planned))
            if moment is None:
                break
            kills.append(moment)
        if kills:
            break
        clear(out)
    if not out.with_suffix(".digest").exists():
        let_end(start(digits, out))
    repeated, steps = count_steps(out.with_suffix(".log"))
    result = Trial(kills, digest_of(out) == calm, repeated, steps)
    print(f"trial {i}: {result}", flush=True)
    clear(out)
    return result


def strike(digits: Path, out: Path, aim: Aim, draw: random.Random, seconds: float) -> str | None:
    """Start the run and kill it; when, or None if it had ended before."""
    process = start(digits, out)
    began = await_training(process, out)
    moment = draw.uniform(0.0, seconds)
    while time.perf_counter() - began < moment and process.poll() is None:
        time.sleep(POLL)
    if aim == "save":
        while not list(out.glob(".*.tmp")) and process.poll() is None:
            time.sleep(POLL)
        time.sleep(draw.uniform(0.0, 0.02))  # somewhere within the writing
    process.send_signal(signal.SIGKILL)
    if process.wait() != -signal.SIGKILL:
        let_end(process)
        return None
    left = bool(list(out.glob(".*.tmp")))
    return "save" if left else f"{time.perf_counter() - began:.2f}"


def start(digits: Path, out: Path) -> subprocess.Popen[bytes]:
    """The run in a process of its own, on one thread."""
    command = [sys.executable, "-m", "benchmarks.resume_kill", "--child", str(digits), str(out)]
    return subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})


def let_end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a run that nobody disturbs.

    Raises:
        RuntimeError: it failed by itself.
    """
    if code := process.wait(LONGEST):
        raise RuntimeError(f"a run that is left alone ends well, however {code=}; see its message")


def await_training(process: subprocess.Popen[bytes], out: Path) -> float:
    """The moment at which this process begins to train."""
    mark, log = f"{process.pid} -1", out.with_suffix(".log")
    while process.poll() is None:
        if log.exists() and mark in log.read_text():
            break
        time.sleep(POLL)
    return time.perf_counter()


def digest_of(out: Path) -> str:
    """What the run left at its end."""
    return out.with_suffix(".digest").read_text()


def count_steps(log: Path) -> tuple[int, int]:
    """Most steps that a kill made the next process repeat, and all steps that were done."""
    pairs = [tuple(map(int, line.split())) for line in log.read_text().splitlines()]
    done = [(pid, step) for pid, step in pairs if step >= 0]
    runs = [[step for _, step in run] for _, run in itertools.groupby(done, lambda pair: pair[0])]
    repeated = [before[-1] - after[0] + 1 for before, after in itertools.pairwise(runs)]
    return max(repeated, default=0), len(done)


def clear(out: Path) -> None:
    """Remove what a trial left."""
    shutil.rmtree(out, ignore_errors=True)
    for suffix in (".log", ".digest"):
        out.with_suffix(suffix).unlink(missing_ok=True)


if __name__ == "__main__":
    main()
