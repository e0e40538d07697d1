"""Tables compute in fp32: their networks are small, and bf16 makes near predictions equal."""

from __future__ import annotations

import warnings
from dataclasses import replace

from zoo.core.run import Run


def in_fp32(run: Run) -> Run:
    """The run with precision fp32; one warning says so to a user who wants another.

    >>> in_fp32(Run()).precision
    'fp32'
    """
    if run.precision not in ("auto", "fp32"):
        warnings.warn(
            f"models of tables must compute in fp32, got precision={run.precision!r}. It is not "
            "used, because it would make near predictions equal.",
            UserWarning,
            stacklevel=2,
        )
    return run if run.precision == "fp32" else replace(run, precision="fp32")
