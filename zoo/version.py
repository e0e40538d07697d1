"""The version of the library, stated once."""

__version__ = "0.1.0"

NUMERICS = 3
"""Raised when the same call trains to other numbers, so that no run is resumed by other code."""
