"""The nearest of some inputs, such as texts, by the angle between the vectors that a model has."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd


def most_alike(
    one: NDArray[np.float32], vectors: NDArray[np.float32], k: int, **columns: Sequence[Any]
) -> pd.DataFrame:
    """The k inputs that are most alike one, the nearest first; all of them where they are fewer.

    The search is exact. Index: the place of the input, from 0.

    Args:
        one: the vector of the one. Shape: (d,)
        vectors: those of the inputs. Shape: (n, d)
        k: how many are wished for.
        **columns: what the table says of each input, before its `similarity`: the cosine, -1..1.

    Raises:
        ValueError: there are no inputs, or k is none.

    >>> most_alike(np.eye(2)[0], np.array([[0, 1.0], [2, 2], [3, 0]]), 2, name=["a", "b", "c"])
      name  similarity
    2    c    1.000000
    1    b    0.707107
    """
    import pandas as pd
    from sklearn.neighbors import NearestNeighbors

    if not hasattr(k, "__index__") or isinstance(k, bool) or k < 1:
        raise ValueError(f"k must be 1 or more, got {k=}. Try k=5.")
    if not len(vectors):
        raise ValueError("the nearest must be among some inputs, got none. Give several.")
    search = NearestNeighbors(metric="cosine", algorithm="brute").fit(vectors)
    distances, places = search.kneighbors(one[None], min(operator.index(k), len(vectors)))
    rows = places[0].tolist()
    shown = {name: [column[row] for row in rows] for name, column in columns.items()}
    return pd.DataFrame({**shown, "similarity": 1 - distances[0]}, index=rows)
