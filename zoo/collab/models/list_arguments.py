"""What config.json says of a model of lists: its parts by name, and the share of each."""

from __future__ import annotations

from typing import Annotated, Final, TypedDict

from zoo.core.annotations import Option

MOST_ITEMS: Final = 5000  # that have weights: an inverse of so many takes seconds, and 200 MB
N_NEIGHBOURS: Final = 200  # largest weights that are kept of each
Weight = Annotated[float, Option(low=0)]


class PopularArguments(TypedDict, total=False):
    """Arguments of `Popular`, as JSON holds them."""

    share: Weight


class MatrixArguments(TypedDict):
    """Arguments of an `ItemMatrix` and its share in a blend, as JSON holds them."""

    share: Weight
    n_covered: Annotated[int, Option(low=1, high=MOST_ITEMS)]
    n_neighbours: Annotated[int, Option(low=1, high=N_NEIGHBOURS)]


class IalsArguments(TypedDict):
    """Arguments of an `Ials` and its share in a blend, as JSON holds them."""

    share: Weight
    n_factors: Annotated[int, Option(low=1)]
    unobserved: Weight
    penalty: Weight
    n_effective: Weight


class ListArguments(TypedDict, total=False):
    """Parts of a `ListBlend` by name."""

    ease: MatrixArguments
    ials: IalsArguments
    item_knn: MatrixArguments
    popular: PopularArguments
