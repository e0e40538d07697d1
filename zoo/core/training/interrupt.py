"""Ctrl-C: the first lets the current step finish, the second breaks off at once."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from zoo.core.run import rank_and_world
from zoo.core.training.fit import Fit


@contextlib.contextmanager
def interruptible(fit: Fit) -> Iterator[None]:
    """Inside, Ctrl-C sets `fit.interrupted`, so that weights are never left in mid-step.

    Only in a main thread and a single process; elsewhere Ctrl-C acts as it always does.
    """
    alone = rank_and_world()[1] == 1
    if not alone or threading.current_thread() is not threading.main_thread():
        yield
        return

    def request(signum: int, frame: FrameType | None) -> None:
        if fit.interrupted:
            raise KeyboardInterrupt
        fit.interrupted = True

    before = signal.signal(signal.SIGINT, request)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
