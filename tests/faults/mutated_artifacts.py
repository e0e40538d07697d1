"""10,000 mutated artifacts of all classes: each loads and predicts, or is refused in a sentence.

The stored artifacts (`tests/stored/format-1`) are changed as `tests/faults/mutations.py` says, then
loaded and asked for predictions, each in a forked process. It may predict whatever its weights now
say. Otherwise it must raise a ValueError of ours: raised in the library, in one line of at most 900
characters. No process may take more than 20 seconds of its own time, nor twice the memory that the
unchanged artifact takes.

Cost: about half an hour of one core; broken off and started again, it goes on.

    python -m tests.faults.mutated_artifacts &
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

import zoo
from tests.faults.campaign import SEED, campaign, flags, quiet
from tests.faults.kills import Child
from tests.faults.mutations import mutate
from tests.stored.artifacts import FORMAT_1, NAMES, answers, inputs_of, unpacked

N = 10_000
SECONDS = 20  # of a process's own time
LARGEST_SENTENCE = 900  # characters
TIMES = 2  # the memory that the unchanged artifact takes
LIBRARY = str(Path(zoo.__file__).parent)
RUN: dict[str, Any] = {"device": "cpu", "precision": "fp32", "threads": 1, "progress": False}


def ask(folder: Path, inputs: Any) -> dict[str, Any]:
    """How loading and predicting ended."""
    warnings.simplefilter("ignore")
    try:
        answers(zoo.load(folder, run=zoo.Run(**RUN)), inputs)
    except Exception as error:
        return {"error": sentence(error)}
    return {"error": ""}


def sentence(error: Exception, kinds: tuple[type[Exception], ...] = (ValueError,)) -> str:
    """What is wrong with an error, or "refused"; of other kinds it is a foreign one."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = frame.tb_frame.f_code.co_filename if frame is not None else ""
    said = str(error)
    if not isinstance(error, kinds) or not where.startswith(LIBRARY):
        return f"a foreign error: {type(error).__name__} in {Path(where).name}: {said:.200}"
    if "\n" in said or len(said) > LARGEST_SENTENCE:
        return f"no sentence: {len(said)} characters: {said:.200}"
    return "refused"


def in_a_process(folder: Path, inputs: Any, said: Path) -> dict[str, Any]:
    """The same in a forked process with its peak of memory in kilobytes."""

    def act() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        result = ask(folder, inputs)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        said.write_text(json.dumps(result | {"memory": peak}))

    said.unlink(missing_ok=True)
    status = Child(act).wait()
    if status or not said.exists():
        return {"error": f"the process ended with {status=}", "memory": 0}
    result: dict[str, Any] = json.loads(said.read_text())
    return result


class Stored:
    """The unchanged artifacts, and the memory that each takes."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.folders = {"": stripped(unpacked(FORMAT_1, place / "stored"))}
        for name in NAMES:
            self.folders[name] = stripped(unpacked(FORMAT_1 / name, place / f"stored-{name}"))
        self.names = sorted(self.folders)
        self.memory: dict[str, int] = {}

    def trial(self, number: int) -> str:
        """Mutate one; what is wrong with how it ended."""
        draw = random.Random(f"{SEED} {number}")
        name = self.names[number % len(self.names)]
        inputs = inputs_of(FORMAT_1 / name)
        if name not in self.memory:
            calm = in_a_process(self.folders[name], inputs, self.place / "said")
            if calm["error"]:
                return f"unchanged, {name} is not read: {calm['error']}"
            self.memory[name] = calm["memory"]
        others = [folder for other, folder in self.folders.items() if other != name]
        folder = self.place / "mutant"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folders[name], folder)
        done = mutate(folder, draw, others)
        result = in_a_process(folder, inputs, self.place / "said")
        wrong = result["error"] if result["error"] != "refused" else ""
        if not wrong and result["memory"] > TIMES * self.memory[name]:
            wrong = f"{result['memory'] >> 10} MB instead of {self.memory[name] >> 10}"
        return f"{name or 'photo classifier'}, {done}: {wrong}" if wrong else ""


def stripped(folder: Path) -> Path:
    """The artifact without inputs and predictions."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.suffix == ".png" or path.name in ("inputs.json", "expected.json"):
            path.unlink()
    return folder


def main() -> None:
    """All mutants."""
    quiet()
    os.environ["HF_HUB_OFFLINE"] = "1"
    chosen = flags(__doc__)
    with tempfile.TemporaryDirectory() as place:
        stored = Stored(Path(place))
        names = [stored.names[i % len(stored.names)] or "photo classifier" for i in range(N)]
        campaign("mutated artifacts", names, stored.trial, chosen, smoke=range(60))


if __name__ == "__main__":
    main()
