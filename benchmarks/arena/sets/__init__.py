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

CORE: Final[dict[Domain, tuple[str, ...]]] = {
    "tables": (
        *("iris", "wine", "breast_cancer", "diabetes", "linear_500", "titanic", "telco_churn"),
        *("hr_attrition", "concrete", "ames", "bank_marketing", "diamonds"),
    ),
    "texts": tuple(f"{name}@{n}" for name in texts.WITH_FEW_LABELS for n in texts.FEW),
    "photos": ("ants_bees", "dogs_cats", "flowers", "clothing", "sign_digits", "chest_xray"),
    "stars": tuple(stars.SETS),
    "lists": ("ml-100k", "filmtrust", "hetrec_lastfm", "complete_journey", "msweb"),
}
"""The sets that the library's targets are about; settings are chosen on training parts alone."""
