"""The public sets of the arena: name -> function from a seed to a problem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from benchmarks.arena.scoring import Problem
from benchmarks.arena.sets import lists, photos, stars, tables, texts
from benchmarks.arena.task import Domain

Reader = Callable[[int], Problem]

SETS: Final[dict[Domain, dict[str, Reader]]] = {
    "tables": tables.SETS,
    "texts": texts.SETS,
    "photos": photos.SETS,
    "stars": stars.SETS,
    "lists": lists.SETS,
}
