"""Runs of pytest on a copy of the repository, in processes that are forked from this one.

Importing torch and its like costs more than most tests, so the parent has done it once. The library
is imported anew by each run, from the copy.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HEAVY = (
    *(
        "torch._dynamo",
        "torch.onnx",
        "torch.utils.data",
        "torchvision.transforms.v2",
        "torchmetrics",
    ),
    *("timm", "accelerate", "huggingface_hub", "safetensors.torch", "pandas", "scipy.sparse"),
    *("sklearn.datasets", "sklearn.linear_model", "sklearn.metrics", "sklearn.model_selection"),
    *("matplotlib.pyplot", "rich.console", "rich.progress", "typer.testing", "spacy", "hypothesis"),
)  # modules that tests import
IMPORTED_BEFORE = "Module already imported so cannot be rewritten"  # a plugin of another package
OURS = ("zoo", "tests", "scripts", "benchmarks")
MEMORY = 48 << 30  # bytes of address space
PASSED, FAILED, HUNG = 0, 1, 999  # how a run ends, as pytest says it


@dataclass(frozen=True)
class Ending:
    """How a run of pytest ended.

    Attributes:
        status: what pytest returns; HUNG if it was stopped.
        failed: ids of the tests that failed.
        printed: all that was printed.
    """

    status: int
    failed: tuple[str, ...]
    printed: str


class _Failures:
    """A plugin that remembers which tests failed."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and report.nodeid not in self.names:
            self.names.append(report.nodeid)


def preload(tree: Path) -> None:
    """Import what tests import, but for the library, in the circumstances of the tests."""
    os.environ.update(circumstances(tree))
    for name in HEAVY:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def circumstances(tree: Path) -> dict[str, str]:
    """Variables of the environment that keep tests of a copy away from the user's files."""
    home = tree.parent / "home"
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    places = {"HOME": home, "XDG_CACHE_HOME": home / ".cache", "TMPDIR": home / "tmp"}
    quiet = {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg", "HF_HUB_OFFLINE": "1"}
    return quiet | {k: str(v) for k, v in places.items()} | {"PYTHONPATH": str(tree)}


def run_tests(
    tree: Path, words: Sequence[str], *, seconds: float, plugins: Sequence[Any] = ()
) -> Ending:
    """Run pytest in a forked process.

    Args:
        tree: root of the copy.
        words: arguments of pytest.
        seconds: time after which the run is stopped.
        plugins: objects with hooks.
    """
    printed, failed = tree.parent / "printed.txt", tree.parent / "failed.json"
    failed.unlink(missing_ok=True)
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        status = 3
        try:
            os.setsid()
            file = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(file, 1)
            os.dup2(file, 2)
            failures = _Failures()
            status = _run(tree, words, [*plugins, failures])
            failed.write_text(json.dumps(failures.names))
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    status = _wait(pid, seconds)
    names = json.loads(failed.read_text()) if failed.exists() else []
    return Ending(status, tuple(names), printed.read_text(errors="replace"))


def _run(tree: Path, words: Sequence[str], plugins: list[Any]) -> int:
    os.chdir(tree)
    for name in [name for name in os.environ if name.startswith(("ZOO_", "PYTEST_"))]:
        del os.environ[name]
    os.environ.update(circumstances(tree))
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    sys.path.insert(0, str(tree))
    sys.warnoptions.clear()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    options = ["-q", "--tb=short", "-p", "no:cacheprovider", "-W", f"ignore:{IMPORTED_BEFORE}"]
    status = int(pytest.main([*options, *words], plugins))
    sys.stdout.flush()
    return status


def _wait(pid: int, seconds: float) -> int:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):  # it has ended, or is not yet a group
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return HUNG
