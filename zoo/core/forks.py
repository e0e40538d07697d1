"""Processes forked from one that has computed: torch's threads do not come along.

OpenMP's pool of threads exists in the parent alone, and the first operation of the child that wants
several of them waits for ever. A child therefore computes with one thread.
"""

from __future__ import annotations

import functools
import os

import torch


@functools.cache
def compute_alone_after_fork() -> None:
    """Have every process that is forked from this one compute with a single thread."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=functools.partial(torch.set_num_threads, 1))
