"""Permutation importance: how much worse a model scores when parts of its inputs change hands.

Breiman 2001, "Random Forests", sec. 10, as scikit-learn computes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Score = Callable[[NDArray[np.int64]], float]
"""From the row that each part of each row is taken from (n_rows, n_parts) to a score, the more the
better."""


def permutation_importance(
    score: Score, names: Sequence[str], n_rows: int, *, repeats: int = 5, seed: int = 0
) -> pd.DataFrame:
    """The fall of a score when a part is shuffled among the rows: its mean and spread.

    A part that another one repeats looks needless, since the other one is still there: such parts
    belong in one group, which is shuffled together.

    Args:
        score: what the model scores on rows that are put together from others.
        names: names of the parts.
        n_rows: number of rows.
        repeats: shuffles of each part.
        seed: of the shuffles.

    Returns:
        A row per part, the most important first, with `importance` and `spread`, the standard
        deviation over the repeats.

    Raises:
        ValueError: there are no repeats.
    """
    if repeats < 1:
        raise ValueError(f"repeats must be 1 or more, got {repeats=}. Try repeats=5.")
    from sklearn.dummy import DummyRegressor
    from sklearn.inspection import permutation_importance as shuffled

    rows = np.tile(np.arange(n_rows)[:, None], (1, len(names)))  # what scikit-learn shuffles
    found = shuffled(
        DummyRegressor(),  # never asked
        rows,
        np.zeros(n_rows),
        scoring=lambda _, shuffled_rows, __: score(shuffled_rows),
        n_repeats=repeats,
        random_state=seed,
    )
    columns = {"importance": found.importances_mean, "spread": found.importances_std}
    table = pd.DataFrame(columns, list(names))
    return table.sort_values("importance", ascending=False, kind="stable")
