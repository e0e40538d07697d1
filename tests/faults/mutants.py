"""200 mutants of `zoo/core`: at least 85 % are noticed by a test.

A mutant is one small change of the code (`tests/faults/code_mutations.py`), drawn from all that
there are. It is tried in a copy of the repository (`build/faults/mutants/`): the tests that reach
its lines run until one fails, the quick ones and those of the file's own name first. Which test
reaches which line is recorded once (`tests/faults/reach.py`) and kept by the hash of the code.
Survivors are written to `results/mutants.csv`. When tests have been added, `--again` tries those
survivors once more.

Cost: about 10 minutes of one core for the record, and about an hour for the mutants; broken off and
started again, it goes on.

    python -m tests.faults.mutants &
"""

from __future__ import annotations

import csv
import random
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from scripts.lib.record import RESULTS, ROOT, circumstances
from tests.faults.campaign import NOTES, SEED, campaign, flags
from tests.faults.code_mutations import CodeMutant, mutants_of_folder
from tests.faults.forked_tests import FAILED, HUNG, PASSED, preload, run_tests
from tests.faults.reach import ReachedTest, record

N = 200
LEAST = 0.85  # share that is noticed
FOLDER = "zoo/core"
PLACE = NOTES / "mutants"
TEST_SECONDS = 3.0  # processor time of a test that takes part, at most
CHOSEN_SECONDS = 45.0  # of all tests that one mutant is tried with, at most
CHOSEN_TESTS = 250  # at most
PATIENCE = (60.0, 8.0)  # seconds, and times the recorded seconds, after which a process hangs


class Tree:
    """A copy of the repository in which a file is changed.

    Args:
        root: where it is made.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.rmtree(root, ignore_errors=True)
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in filter(None, names.split("\0")):
            if (ROOT / name).is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, root / name)

    def change(self, file: str, code: bytes) -> None:
        """Write a file of the copy, and remove what was compiled from it.

        Compiled code is known by the source's size and second, which a mutant may share.
        """
        path = self.root / file
        path.write_bytes(code)
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
            compiled.unlink()


class Trials:
    """All mutants that are drawn, and the tests that reach them.

    Args:
        smoke: only the core's own tests take part.
    """

    def __init__(self, *, smoke: bool) -> None:
        self.tree = Tree(PLACE / "tree")
        every = mutants_of_folder(self.tree.root, FOLDER)
        self.mutants = random.Random(SEED).sample(every, N)
        preload(self.tree.root)
        files = files_of_tests(self.tree.root)
        if smoke:
            files = [name for name in files if name.startswith("tests/core/")]
        self.tests = record(files, self.tree.root, FOLDER, PLACE / "reach")
        self.passes = cache(self._passes)

    def trial(self, number: int) -> str:
        """Try a mutant; what is wrong if no test notices it."""
        mutant = self.mutants[number]
        chosen = chosen_tests(mutant, self.tests)
        if not chosen:
            return "no test reaches it"
        names, seconds = [test.name for test in chosen], sum(test.seconds for test in chosen)
        code = (self.tree.root / mutant.file).read_bytes()
        self.tree.change(mutant.file, mutant.applied(code))
        try:
            patience = PATIENCE[0] + PATIENCE[1] * seconds
            ending = run_tests(self.tree.root, ["-x", *names], seconds=patience)
        finally:
            self.tree.change(mutant.file, code)
        if ending.status == PASSED:
            return f"survives {len(chosen)} tests"
        if ending.status == FAILED and ending.failed and not self.passes(ending.failed):
            return f"{ending.failed[0]} fails without it too"
        if ending.status not in (FAILED, HUNG) and not self.passes(("--collect-only", *names)):
            return "the tests are not collected without it either"
        return ""

    def _passes(self, words: tuple[str, ...]) -> bool:
        """Whether pytest ends well without a mutant."""
        return run_tests(self.tree.root, words, seconds=PATIENCE[0] * 5).status == PASSED


def files_of_tests(root: Path) -> list[str]:
    """Files of tests and of doctests, those of the core first."""
    tests = sorted(path.relative_to(root).as_posix() for path in root.glob("tests/**/test_*.py"))
    sources = sorted(path.relative_to(root).as_posix() for path in (root / FOLDER).rglob("*.py"))
    doctests = [name for name in sources if ">>> " in (root / name).read_text(encoding="utf-8")]
    core = [name for name in tests if name.startswith("tests/core/")]
    return [*core, *doctests, *(name for name in tests if name not in core)]


def chosen_tests(mutant: CodeMutant, tests: Sequence[ReachedTest]) -> list[ReachedTest]:
    """The tests that a mutant is tried with, one file of tests after the other.

    What runs at import is reached by every test that runs a line of its file. Tests of the file's
    own name always take part: what runs while they are collected (a decorator, say) is no test's.
    """
    piece = set(range(mutant.first, mutant.last + 1))
    name = Path(mutant.file).stem

    def is_own(test: ReachedTest) -> bool:
        return test.file == mutant.file or Path(test.file).stem == f"test_{name}"

    def order(test: ReachedTest) -> tuple[bool, bool, float]:
        return not is_own(test), not test.file.startswith("tests/core/"), test.seconds

    chosen: dict[str, list[ReachedTest]] = {}
    total, n = 0.0, 0
    for test in sorted(tests, key=order):
        lines = test.lines.get(mutant.file, set())
        reached = bool(lines if mutant.at_import else lines & piece)
        if test.seconds > TEST_SECONDS or not (reached or is_own(test)):
            continue
        total, n = total + test.seconds, n + 1
        if total > CHOSEN_SECONDS or n > CHOSEN_TESTS:
            break
        chosen.setdefault(test.file, []).append(test)
    return [test for group in chosen.values() for test in group]


def write_survivors(trials: Trials, wrong: dict[int, str]) -> None:
    """Write the mutants that no test noticed."""
    where = circumstances()
    with (RESULTS / "mutants.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["number", "place", "kind", "before", "after", "why", "commit"])
        for number, why in sorted(wrong.items()):
            mutant = trials.mutants[number]
            change = [f"{mutant.file}:{mutant.first}", mutant.kind, mutant.before, mutant.after]
            writer.writerow([number, *change, why, where["commit"]])


def main() -> None:
    """All mutants."""
    chosen = flags(__doc__)
    trials = Trials(smoke=chosen.smoke)
    names = [str(mutant) for mutant in trials.mutants]
    campaign(
        "mutants of the core",
        names,
        trials.trial,
        chosen,
        smoke=range(5),
        least=LEAST,
        report=lambda wrong: write_survivors(trials, wrong),
    )


if __name__ == "__main__":
    main()
