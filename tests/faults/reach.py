"""Which lines of the library each test reaches.

A file of tests is recorded in a process of its own, once for each state of the code. It may take
`FILE_SECONDS` of processor time; tests that come later in it are not recorded.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coverage
import pytest

from tests.faults.forked_tests import HUNG, run_tests

FILE_SECONDS = 15.0  # of processor time
LONGEST = 300.0  # seconds of the clock that a file of tests may take


@dataclass(frozen=True)
class ReachedTest:
    """A test that passes, and the lines it runs.

    Attributes:
        name: id that pytest takes.
        seconds: processor time with its fixtures.
        lines: numbers of lines, by the path of the file from the root.
    """

    name: str
    seconds: float
    lines: dict[str, set[int]]

    @property
    def file(self) -> str:
        """The file of tests that it stands in."""
        return self.name.partition("::")[0]


def record(tests: Sequence[str], tree: Path, folder: str, notes: Path) -> list[ReachedTest]:
    """The tests of some files with the lines that each reaches.

    Args:
        tests: files of tests, from the root.
        tree: root of the copy of the repository that is run.
        folder: where the lines are, from the root.
        notes: folder that keeps the records.

    Raises:
        RuntimeError: pytest itself failed, or no test reached any line: another copy was run.
    """
    notes.mkdir(parents=True, exist_ok=True)
    shared = _shared_state(tree)
    reached = []
    for test in tests:
        state = hashlib.blake2b(shared + (tree / test).read_bytes(), digest_size=8).hexdigest()
        path = notes / f"{test.replace('/', '.')}-{state}.json"
        if not path.exists():
            _record_file(test, tree, folder, path)
        for row in json.loads(path.read_text()):
            lines = {file: set(numbers) for file, numbers in row["lines"].items()}
            reached.append(ReachedTest(row["name"], row["seconds"], lines))
    if not any(test.lines for test in reached):
        raise RuntimeError(f"no test reached a line of {tree / folder}")
    return reached


def _record_file(test: str, tree: Path, folder: str, path: Path) -> None:
    recorder = _Recorder(tree, folder, path)
    ending = run_tests(tree, [test], seconds=LONGEST, plugins=[recorder])
    if ending.status == HUNG:
        path.write_text("[]")
    elif not path.exists():
        raise RuntimeError(f"{test} cannot be recorded: {ending.printed[-2000:]}")
    rows = json.loads(path.read_text())
    print(f"{test}: {len(rows)} tests, {sum(row['seconds'] for row in rows):.1f} s", flush=True)


def _shared_state(tree: Path) -> bytes:
    """A hash of everything that tests run besides their own file."""
    helpers = [path for path in tree.glob("tests/**/*.py") if path.parent.name != "faults"]
    files = sorted([*tree.glob("zoo/**/*.py"), *helpers])
    whole = hashlib.blake2b(digest_size=8)
    for path in files:
        if path.is_relative_to(tree / "zoo") or not path.name.startswith("test_"):
            whole.update(path.relative_to(tree).as_posix().encode() + path.read_bytes())
    return whole.digest()


class _Recorder:
    """A plugin of pytest that writes the lines of each test that passes."""

    def __init__(self, tree: Path, folder: str, path: Path) -> None:
        self.root, self.path = tree, path
        self.coverage = coverage.Coverage(None, config_file=False, include=[f"{tree / folder}/*"])
        self.coverage.set_option("run:disable_warnings", ["no-data-collected"])
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()  # or skipped

    def pytest_sessionstart(self) -> None:
        self.coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.coverage.switch_context(item.nodeid)
        began = time.process_time()
        result = yield
        self.seconds[item.nodeid] = time.process_time() - began
        self.coverage.switch_context("")
        if sum(self.seconds.values()) > FILE_SECONDS:
            item.session.shouldstop = "enough is recorded"
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.outcome != "passed":
            self.failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        data = self.coverage.get_data()
        lines: dict[str, dict[str, list[int]]] = {}
        for file in data.measured_files():
            name = Path(file).relative_to(self.root).as_posix()
            for number, tests in data.contexts_by_lineno(file).items():
                for test in tests:
                    lines.setdefault(test, {}).setdefault(name, []).append(number)
        rows: list[dict[str, Any]] = [
            {"name": name, "seconds": seconds, "lines": lines.get(name, {})}
            for name, seconds in self.seconds.items()
            if name not in self.failed
        ]
        partial = self.path.with_suffix(".part")
        partial.write_text(json.dumps(rows))
        partial.replace(self.path)
