"""What config.json says of a model of lists: its parts by name, and the share of each."""

from __future__ import annotations

from typing import Annotated, Final, TypedDict

from zoo.core.annotations import Option

MOST_ITEMS: Final = 5000  # that have weights: an inverse of so many takes seconds, and 200 MB
N_NEIGHBOURS: Final = 200  # largest weights that are kept of each
Weight = Annotated[float, Option(low=0)]
Count = Annotated[int, Option(low=1)]
Share = Annotated[float, Option(low=0, high=1)]


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


class SoftmaxArguments(TypedDict, total=False):
    """Arguments of a `Softmax`, as JSON holds them."""

    n_factors: Count
    negatives: Annotated[int, Option(low=0)]
    dropout: Share


class SasRecArguments(TypedDict, total=False):
    """Arguments of a `SasRec`, as JSON holds them."""

    n_factors: Count
    length: Count
    blocks: Count
    heads: Count
    dropout: Share
    negatives: Annotated[int, Option(low=0)]


class SoftmaxPart(SoftmaxArguments):
    """Arguments of a `Softmax` and its share in a blend."""

    share: Weight


class SasRecPart(SasRecArguments):
    """Arguments of a `SasRec` and its share in a blend."""

    share: Weight


class ListArguments(TypedDict, total=False):
    """Parts of a `ListBlend` by name."""

    ease: MatrixArguments
    ials: IalsArguments
    item_knn: MatrixArguments
    popular: PopularArguments
    softmax: SoftmaxPart
    sasrec: SasRecPart
