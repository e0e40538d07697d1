"""How many threads compute: one where sharing the work costs more than it saves.

torch and scikit-learn share every product among threads that wait for each other, many times in a
step, by spinning. Where a step is small that gains little, and on a machine that computes for
others too a thread that has lost its core keeps all waiting.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import nn

from zoo.core.batches import Batches, TensorBatches

SMALL: Final = 2**24  # products of a step, a few milliseconds of one thread

_lock = threading.Lock()
_alone: list[Any] = []  # for each that computes alone, the limits of BLAS; the first has set them


def is_small(network: nn.Module, batches: Batches | None) -> bool:
    """Whether the steps of a network on plain rows are few products: a weight meets a row once."""
    if not isinstance(batches, TensorBatches):
        return False
    return batches.batch_size * sum(p.numel() for p in network.parameters()) <= SMALL


@contextmanager
def one_thread(when: bool = True) -> Iterator[None]:
    """Have torch, and the libraries that are loaded, compute with one thread, if so.

    Contexts may be nested, and be open in several threads. OpenMP and torch keep a number for each
    thread that calls them, so each context restores its own; BLAS has one for all, which the last
    context restores.
    """
    if not when:
        yield
        return
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    with _lock:
        _alone.append(None if _alone else threadpool_limits(1, user_api="blas"))
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1, user_api="openmp"):
            yield
    finally:
        torch.set_num_threads(before)
        with _lock:
            if len(_alone) > 1:
                _alone.remove(None)
            else:
                _alone.pop().restore_original_limits()
