"""A campaign: many trials of one kind, each once, and a row of figures in results/trust.csv.

What has been tried is kept in `build/faults/`, so that a campaign which was broken off goes on. It
starts anew when the library's code has changed. Trials are numbered; whatever a trial draws, it
draws by its number, so that one can be repeated: `--only 17 --anew`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import zoo
from scripts.lib.record import ROOT, append

SEED = 0
NOTES = ROOT / "build" / "faults"
SHOWN = 10  # trials that failed, at most

Attempt = Callable[[int], str]
"""From a trial's number to what is wrong; empty if nothing is."""


@dataclass(frozen=True)
class Flags:
    """Arguments of the command.

    Attributes:
        n: trials; None takes all.
        only: one trial, without a record.
        anew: forget what was tried before.
        again: try again what failed before.
        smoke: a few trials, without a record.
    """

    n: int | None
    only: int | None
    anew: bool
    again: bool
    smoke: bool


def flags(doc: str | None, **more: Any) -> Flags:
    """The arguments of a campaign's command."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--n", type=int, help="trials (all)")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="one trial, no record")
    parser.add_argument("--anew", action="store_true", help="forget what was tried before")
    parser.add_argument("--again", action="store_true", help="try again what failed before")
    parser.add_argument("--smoke", action="store_true", help="a few trials, no record")
    return Flags(**vars(parser.parse_args()))


def campaign(
    what: str,
    names: Sequence[str],
    attempt: Attempt,
    chosen: Flags,
    *,
    smoke: Sequence[int] = (0, 1, 2),
    least: float = 1.0,
    report: Callable[[dict[int, str]], None] = lambda wrong: None,
) -> None:
    """Try every trial once, print what failed, and add the row.

    Args:
        what: name of the campaign.
        names: of the trials, by number.
        attempt: tries one.
        chosen: arguments of the command.
        smoke: numbers that `--smoke` tries.
        least: share of the trials that must pass.
        report: takes what is wrong, by the numbers of the trials that failed, at the end of a whole
            campaign.

    Raises:
        SystemExit: too many failed.
    """
    numbers = range(len(names) if chosen.n is None else min(chosen.n, len(names)))
    partial = chosen.only is not None or chosen.smoke
    if partial:
        numbers = [chosen.only] if chosen.only is not None else list(smoke)  # type: ignore[assignment]
    file = None if partial else NOTES / f"{what.replace(' ', '_')}.jsonl"
    notes = Notes(file, fresh=chosen.anew, again=chosen.again)
    for number in numbers:
        if number in notes.done:
            continue
        began = time.perf_counter()
        wrong = attempt(number)
        notes.add(number, names[number], wrong, time.perf_counter() - began)
        if wrong:
            print(f"{number} {names[number]}: {wrong}", flush=True)
    tried = [notes.done[number] for number in numbers]
    failed = [note for note in tried if note["wrong"]]
    for note in failed[:SHOWN]:
        print(f"FAILED {note['number']} {note['name']}: {note['wrong']:.300}")
    append(
        "trust.csv",
        keep=not partial,
        what=what,
        n=len(tried),
        passed=len(tried) - len(failed),
        seconds=sum(note["seconds"] for note in tried),
        seed=SEED,
        version=zoo.__version__,
    )
    if not partial:
        report({note["number"]: note["wrong"] for note in failed})
    if len(failed) > (1 - least) * len(tried):
        raise SystemExit(1)


class Notes:
    """What has been tried, one line of JSON for each trial, kept as long as the code is the same.

    Args:
        path: file of the notes; None keeps them in memory.
        fresh: forget the old ones.
        again: forget those of trials that failed.
    """

    def __init__(self, path: Path | None, *, fresh: bool, again: bool = False) -> None:
        self.path, self.code = path, code_version()
        lines: list[str] = []
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = [] if fresh or not path.exists() else path.read_text().splitlines()
        kept = [note for note in map(json.loads, lines) if note["code"] == self.code]
        kept = [note for note in kept if not (again and note["wrong"])]
        self.done: dict[int, dict[str, Any]] = {note["number"]: note for note in kept}
        if path is not None:
            path.write_text("".join(json.dumps(note) + "\n" for note in kept))

    def add(self, number: int, name: str, wrong: str, seconds: float) -> None:
        """Note a trial at once."""
        note = {"number": number, "name": name, "wrong": wrong, "seconds": seconds}
        note["code"] = self.code
        self.done[number] = note
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(json.dumps(note) + "\n")


def code_version() -> str:
    """The state of the library's files, whether they are committed or not."""
    parts = [["rev-parse", "HEAD:zoo"], ["diff", "HEAD", "--", "zoo"]]
    said = [
        subprocess.run(["git", *part], cwd=ROOT, capture_output=True, text=True).stdout
        for part in parts
    ]
    return said[0].strip()[:12] + (f"+{hash_of(said[1])}" if said[1] else "")


def hash_of(text: str) -> str:
    """A short hash that is the same in every process."""
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def quiet() -> None:
    """The circumstances of a campaign: one thread, no network, no bars."""
    os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "MPLBACKEND": "Agg"}
    torch.set_num_threads(1)  # torch may have been imported before, and forks compute alone anyway
