"""Packages of trackers, which come as an extra."""

from __future__ import annotations

import importlib
from typing import Any


def package(name: str) -> Any:
    """The module of a tracker's package.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ModuleNotFoundError(
            f"a tracker must be installed, got none of the name {name!r} ({error}). Run: "
            "pip install 'transfer-zoo[trackers]'"
        ) from error
