"""How an app is made."""

from __future__ import annotations

from typing import Literal

Weights = Literal["fp32", "fp16", "int8"]
"""How exactly the weights of a page are kept, see `zoo.app.weights`."""
