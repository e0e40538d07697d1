"""The device that tests train and predict on: that of the environment variable ZOO_TEST_DEVICE.

Files of tests that do so are marked `device`; `make test-device DEVICE=cuda` runs them on a GPU.
"""

from __future__ import annotations

import os
from typing import Any, Final

import pytest
import torch

import zoo

DEVICE: Final = os.environ.get("ZOO_TEST_DEVICE", "cpu")
IS_CPU: Final = torch.device(DEVICE).type == "cpu"
EXACT: Final[dict[str, Any]] = {} if IS_CPU else {"precision": "fp32", "deterministic": True}
"""What has a GPU compute as a CPU does by itself: nearly the same numbers, and always the same."""

if not IS_CPU:
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # before CUDA starts
    torch.backends.cudnn.allow_tf32 = False  # which has ten bits of a number alone
    zoo.Run.__init__.__kwdefaults__.update(device=DEVICE, **EXACT)  # of calls without any


def run_here(**settings: Any) -> zoo.Run:
    """Quiet circumstances on the device."""
    return zoo.Run(**{"device": DEVICE, "progress": False, **EXACT, **settings})


def about_the_cpu(reason: str) -> pytest.MarkDecorator:
    """Mark a test that is about the CPU, or compares bits that no other device repeats."""
    return pytest.mark.skipif(not IS_CPU, reason=f"about the CPU: {reason}")
