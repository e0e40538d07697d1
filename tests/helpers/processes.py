"""Processes of a test: forked from this one, which has imported torch and its like already.

A test that needs what only a new interpreter shows, such as another seed of hashes or what is
imported by what, starts one itself.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Forked:
    """A process that is running, or has ended.

    Attributes:
        process: to wait for or kill.
        folder: where what it prints is written.
    """

    process: Any
    folder: Path

    def wait(self, seconds: float = 60.0) -> int | None:
        """How it ends, as a shell sees it; None if it runs on."""
        self.process.join(seconds)
        code: int | None = self.process.exitcode
        return code

    def kill(self) -> None:
        """End it by signal 9."""
        os.kill(self.process.pid, signal.SIGKILL)

    @property
    def out(self) -> str:
        """What it has printed."""
        return (self.folder / "out").read_text()

    @property
    def err(self) -> str:
        """What it has printed to the other stream."""
        return (self.folder / "err").read_text()


def fork(folder: Path, act: Callable[[], object]) -> Forked:
    """Start a process that does something and ends as a program does, of an error by traceback.

    Args:
        folder: is made; for what the process prints.
        act: what it does; `SystemExit` is its status.
    """
    folder.mkdir(parents=True)
    for name in ("out", "err"):
        (folder / name).touch()
    process = multiprocessing.get_context("fork").Process(
        target=_program, args=(folder, act), daemon=True
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads
        process.start()
    return Forked(process, folder)


def _program(folder: Path, act: Callable[[], object]) -> None:
    """Act with streams of its own, and leave without the ending of the process forked from."""
    status = 1
    try:
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(folder / name, os.O_WRONLY), number)
        sys.stdout = os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", closefd=False)
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            act()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)
