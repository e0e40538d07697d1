"""Measure on a GPU, part by part, within minutes; every part in a process of its own.

| part | what it shows | target on one H100 |
|---|---|---|
| 1 suite | the tests of devices, with parity to the CPU | all pass |
| 2 overhead | the learner beside a bare torch loop, six models | ResNet-50 in bf16: 1.03 times |
| 3 kills | calls of four domains, killed and resumed: the same weights to the bit | all |
| 4 photos | a whole `finetune` on 3,700 photos beside torchvision's reference loop | 60 s |
| 5 lstm | tokens per second of a language model beside a bare cuDNN loop | 1.05 times |
| 6 cifar | CIFAR-10 from scratch to 94 % | mean of 10 runs, 4 s each |
| 7 graphs | ratings and tables with `Run(compile=True)` beside without | faster |
| 8 language | a language model of Wikipedia, then IMDB | accuracy .941 within 8 minutes |

A part that is done in the folder `--out` is not repeated, whichever commit it was of; one that was
interrupted begins anew. One that exceeds its limit is stopped and recorded as stopped; `--minutes`
bounds the whole. Every measurement is a line of `device.csv` in that folder, with the name of the
card, the version of torch and the commit; a line without a `round` is the figure that counts.

    python -m benchmarks.device prepare carried --parts 4 6  # archives and wheels, size checked
    python -m benchmarks.device --data carried --out done --parts 1 2 3 6 --minutes 6
    python -m benchmarks.device --data texts --out done-texts --parts 8 --minutes 8
    python -m benchmarks.device keep done                    # adds the rows to results/device.csv
    python -m benchmarks.device checkpoint done-texts lstm-wiki-400   # an artifact of the weights
    python -m benchmarks.device --device cpu --smoke --out /tmp/done  # everything, tiny: 2 minutes
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from benchmarks.device import stand_in_for_spacy
from benchmarks.device.room import CSV, DONE, ROOT, Circumstances, Room, rows, statuses

LOG: Final = "log.txt"
FOLDERS: Final = {
    "prepare": ("what is carried",),
    "keep": ("what was measured",),
    "checkpoint": ("what was measured", "the artifact"),
}
SMOKE_MINUTES: Final = 3.0  # limit of each part in small


@dataclass(frozen=True)
class Part:
    """A part: a module with a function `run(room)`.

    Attributes:
        name: of the module in this package.
        minutes: after which it is stopped.
    """

    name: str
    minutes: float


PARTS: Final = {
    1: Part("suite", 2.0),
    2: Part("overhead", 2.5),
    3: Part("kills", 2.0),
    4: Part("photos", 3.0),
    5: Part("lstm", 0.75),
    6: Part("cifar", 1.5),
    7: Part("graphs", 1.0),
    8: Part("language", 9.0),
}


def main() -> None:
    """Read the command and obey."""
    chosen = flags().parse_args()
    if chosen.child:
        child(Room.from_json(chosen.child), chosen.parent)
        return
    if chosen.command == "measure":
        sys.exit(measure(chosen))
    from benchmarks.device import carried

    names = FOLDERS[chosen.command]
    if len(chosen.folders) != len(names):
        raise SystemExit(
            f"{chosen.command} takes {len(names)} folder(s), {' and '.join(names)}, got "
            f"{len(chosen.folders)}. Name them after the command."
        )
    if chosen.command == "prepare":
        carried.prepare(*chosen.folders, chosen.parts, limit=chosen.mib)
    elif chosen.command == "keep":
        carried.keep(*chosen.folders)
    else:
        carried.checkpoint(*chosen.folders)


def flags() -> argparse.ArgumentParser:
    """The flags of all commands."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.device",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = ("measure", *FOLDERS)
    parser.add_argument("command", nargs="?", choices=commands, default="measure")
    parser.add_argument("folders", nargs="*", type=Path, help="of prepare, keep and checkpoint")
    parser.add_argument("--out", type=Path, help="of the CSV, the log and the weights")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "device", help="for caches")
    parser.add_argument("--data", type=Path, nargs="+", default=[], help="from `prepare`")
    parser.add_argument("--parts", type=int, nargs="+", choices=PARTS, default=[*PARTS])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--minutes", type=float, default=60.0, help="of the whole")
    parser.add_argument("--part-minutes", type=float, help="of each part, in place of its own")
    parser.add_argument("--mib", type=float, default=64.0, help="limit of prepare")
    parser.add_argument("--smoke", action="store_true", help="everything tiny")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    return parser


def measure(chosen: argparse.Namespace) -> int:
    """Do the parts that are not done; 0 if all are in the end."""
    if chosen.out is None:
        raise SystemExit("measuring needs a folder for what is found, got out=None. Give --out.")
    at = circumstances(chosen)
    at.out.mkdir(parents=True, exist_ok=True)
    at.work.mkdir(parents=True, exist_ok=True)
    ends = time.time() + 60 * chosen.minutes
    for number in chosen.parts:
        attempt, word = statuses(at.out / CSV, at.size).get(number, (0, ""))
        if word == DONE:
            print(f"[{number}] {PARTS[number].name} is done", flush=True)
            continue
        usual = SMOKE_MINUTES if at.smoke else PARTS[number].minutes
        limit = 60 * (chosen.part_minutes or usual)
        room = Room(at, number, attempt + 1, min(time.time() + limit, ends))
        if room.left <= 0:
            room.status("not begun", "no time is left")
            continue
        attempt_at(room, command_of(room))
    return summary(at, chosen.parts)


def command_of(room: Room) -> list[str]:
    """The command that does a part."""
    flags = ["--child", room.to_json(), "--parent", str(os.getpid())]
    return [sys.executable, "-W", "ignore", "-m", "benchmarks.device", *flags]


def attempt_at(room: Room, command: list[str]) -> None:
    """Do a part in a process of its own, which is ended with all that it started at its limit."""
    room.status("begun", PARTS[room.part].name)
    began = time.time()
    log = room.at.out / LOG
    with log.open("a") as errors:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(room.at), stderr=errors, process_group=0
        )
        try:
            code = process.wait(max(room.left, 0.1))
        except subprocess.TimeoutExpired:
            code = None
        finally:
            end_group(process.pid)
            process.wait()
    seconds = time.time() - began
    room.row(PARTS[room.part].name, "seconds of the part", seconds, "s")
    if code is None:
        room.status("stopped", f"at its limit of {room.ends - began:.0f} s")
    elif code:
        room.status("failed", last_line(log))
    else:
        room.status(DONE, PARTS[room.part].name)


def child(room: Room, parent: int) -> None:
    """Do a part in this process; it ends with its parent."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    try:
        importlib.import_module(f"benchmarks.device.{PARTS[room.part].name}").run(room)
    except Exception as error:
        traceback.print_exc()
        print(f"{type(error).__name__}: {error}".replace("\n", " "), file=sys.stderr, flush=True)
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)  # without waiting for what libraries do at an ending


def environment(at: Circumstances) -> dict[str, str]:
    """The variables of a part: wheels in front, caches in the working folder, no window.

    Texts are cut by a stand-in where spaCy is missing.
    """
    wheels = [str(path) for folder in at.data for path in sorted(folder.glob("*.whl"))]
    folders = [*wheels, *filter(None, [os.environ.get("PYTHONPATH")])]
    if find_spec("spacy") is None:
        stand_in_for_spacy.install(at.work / "stand-in")
        folders.append(str(at.work / "stand-in"))
    own = {
        "PYTHONPATH": os.pathsep.join(folders),
        "PYTHONUNBUFFERED": "1",
        "MPLBACKEND": "Agg",
        "ZOO_CACHE": str(at.work / "cache"),
        "PYTORCH_NVML_BASED_CUDA_CHECK": "1",  # asking for a GPU must not spoil a later fork
        "TORCHINDUCTOR_CACHE_DIR": str(at.work / "inductor"),
    }
    return os.environ | own


def circumstances(chosen: argparse.Namespace) -> Circumstances:
    """What the rows say of machine, torch and commit; what a part is told."""
    import torch

    from benchmarks.device.commit import commit
    from scripts.lib.record import machine

    if chosen.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("the device must be there, got device='cuda'. Try --device cpu --smoke.")
    data = tuple(folder.resolve() for folder in chosen.data)
    if missing := [str(folder) for folder in data if not folder.is_dir()]:
        raise SystemExit(f"data must be folders that `prepare` has filled, got {missing}.")
    if chosen.smoke:
        chosen.work = chosen.work / "smoke"
    return Circumstances(
        out=chosen.out.resolve(),
        work=chosen.work.resolve(),
        data=data,
        device=chosen.device,
        smoke=chosen.smoke,
        machine=machine(),
        torch=torch.__version__,
        commit=commit(data),
    )


def summary(at: Circumstances, parts: list[int]) -> int:
    """Print how each part went and which targets were missed; 0 if all parts are done."""
    last = statuses(at.out / CSV, at.size)
    for number in parts:
        attempt, word = last[number]
        print(f"part {number} {PARTS[number].name}: {word} (attempt {attempt})")
    for row in rows(at.out / CSV):
        part = int(row["part"])
        if row["met"] == "no" and part in parts and int(row["attempt"]) == last[part][0]:
            print(f"missed: {row['case']} {row['measure']} {row['value']} (target {row['target']})")
    return int(any(last[number][1] != DONE for number in parts))


def end_group(leader: int) -> None:
    """End a process and all that it has started."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def last_line(log: Path) -> str:
    """The error that ended a part, shortened."""
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else ""


if __name__ == "__main__":
    main()
