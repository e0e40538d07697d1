"""How much a server takes at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from zoo.core.annotations import Option
from zoo.core.checked import require_sound


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Sizes and times of a server.

    Attributes:
        megabytes: of a photo's file.
        kilobytes: of any other request.
        megapixels: of a photo, before anything is decoded.
        seconds: from a request to its answer; the body must have come in by then as well.
        batch: inputs that pass through the model at a time.
        waiting: inputs that wait for others; more are told to come again.

    Raises:
        ValueError: values outside their range, all named at once.
    """

    megabytes: Annotated[float, Option(above=0, high=1e4)] = 20.0
    kilobytes: Annotated[float, Option(above=0, high=1e6)] = 100.0
    megapixels: Annotated[float, Option(above=0, high=1e4)] = 50.0
    seconds: Annotated[float, Option(above=0, high=1e5)] = 30.0
    batch: Annotated[int, Option(low=1, high=4096)] = 32
    waiting: Annotated[int, Option(low=1, high=1e6)] = 256

    def __post_init__(self) -> None:
        require_sound(self, exact=False)
