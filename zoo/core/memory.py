"""Memory that the C library keeps between training steps on a CPU.

glibc gives large freed blocks back to the system and asks for them again at the next step; every
page is then cleared anew. `Run(keep_memory=True)` has the blocks kept, as PyTorch does on GPUs;
what that is worth, `benchmarks/allocator.py` measures.
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt(3)
_OF_THE_USER = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES", "LD_PRELOAD")


@functools.cache
def keep_freed_blocks() -> bool:
    """Have this process keep freed memory; whether it does.

    Nothing is changed without glibc, or where the user has set up malloc otherwise.
    """
    chosen = any(name in os.environ for name in _OF_THE_USER)
    if chosen or platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_MMAP_THRESHOLD, 2**30)) and bool(mallopt(_TRIM_THRESHOLD, 2**31 - 1))
