"""What all tests share: one thread, no window, and little memory from one file to the next."""

from __future__ import annotations

import ctypes
import gc
import os

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")

import torch

torch.set_num_threads(1)  # tests run side by side; tiny tensors gain nothing from more


GROWTH = 64e6  # bytes that tests may leave before the memory is tidied
PAGE = os.sysconf("SC_PAGE_SIZE")  # bytes
resident_before = [0]  # bytes, after the last tidying


@pytest.fixture(scope="module", autouse=True)
def tidied_memory() -> None:
    """Free what earlier files of tests left, and have the collector pass over what stays.

    A million objects of imported modules live as long as the process; to go through them again and
    again took a tenth of the tests' time.
    """
    tidy()
    gc.freeze()


def pytest_runtest_teardown() -> None:
    """Free large networks, which the collector alone leaves for long."""
    if resident() > resident_before[0] + GROWTH:
        tidy()


def tidy() -> None:
    """Free what is unreachable, and give its memory back."""
    gc.collect()
    if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
    resident_before[0] = resident()


def resident() -> int:
    """Bytes of this process that lie in memory; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm") as file:  # noqa: PTH123 - in every test
            return int(file.read().split()[1]) * PAGE
    except OSError:
        return 0
