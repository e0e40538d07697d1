"""What all tests share: one thread, no window, and little memory from one file to the next.

A machine that is there for its GPU may lack packages: what needs them is skipped, with a reason.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Generator, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer.testing

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "200")  # by default a thousand, of 300 MB
# What one worker has compiled serves the other one, and the processes that tests start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import torch

from tests.helpers.device import IS_CPU

sys.dont_write_bytecode = False
torch.set_num_threads(1)  # tests run side by side; tiny tensors gain nothing from more

SPARED = (
    *("accelerate", "hypothesis", "nbformat", "onnx", "spacy", "tensorboard", "timm"),
    *("tokenizers", "transformers"),
)
LACKING = [name for name in SPARED if find_spec(name) is None]
GROWTH = 32e6  # bytes that tests may leave before the memory is tidied
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
ARENAS = (-8, 2)  # M_ARENA_MAX of mallopt: heaps, of which each thread would else begin one
resident_before = [0]  # bytes, after the last tidying

if hasattr(LIBC, "mallopt"):
    LIBC.mallopt(*ARENAS)


def pytest_configure(config: pytest.Config) -> None:
    """Warnings are no errors on a GPU: some are of its libraries."""
    if not IS_CPU:
        config.addinivalue_line("filterwarnings", "default")


@pytest.hookimpl(wrapper=True)
def pytest_collect_file() -> Generator[None, Any, list[pytest.Collector]]:
    """Look for examples in docstrings of the library alone: those of tests have none."""
    return [one for one in (yield) if type(one) is pytest.Module]


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """Skip a file of tests whose imports want what the machine lacks."""
    return skipped_if_lacking((yield), str(collector.path))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Skip a test that wants what the machine lacks."""
    return skipped_if_lacking((yield), str(item.path))


def skipped_if_lacking(report: Any, place: str) -> Any:
    """The report; as of a skipped test if a package was missing."""
    wanted = [f"No module named '{name}" for name in LACKING] if report.failed else []
    if missing := next((words for words in wanted if words in str(report.longrepr)), None):
        report.outcome, report.longrepr = "skipped", (place, 0, f"{missing}'")
    return report


@pytest.fixture(scope="module", autouse=True)
def tidied_memory() -> None:
    """Free what earlier files of tests left, and have the collector pass over what stays.

    A million objects of imported modules live as long as the process; to go through them again and
    again took a tenth of the tests' time.
    """
    tidy()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def commands_built_once() -> Iterator[None]:
    """Have `CliRunner` build the tree of commands once, as a shell does, and not at every call."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", cache(typer.main.get_command), raising=False)
        yield


def pytest_runtest_teardown() -> None:
    """Free large networks, which the collector alone leaves for long."""
    if resident() > resident_before[0] + GROWTH:
        tidy()


def tidy() -> None:
    """Free what is unreachable, and give its memory back."""
    gc.collect()
    if hasattr(LIBC, "malloc_trim"):
        LIBC.malloc_trim(0)
    resident_before[0] = resident()


def resident() -> int:
    """Bytes of this process that lie in memory; 0 where the system does not tell."""
    if LIBC is None:
        return 0
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
