"""The scale of ratings: where it ends, and numbers that are no ratings on one.

One rating of 99 among stars would stretch the scale, so that all the others lie at its end. Counts
of plays have no scale at all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.collab.data.batches import MARGIN, require_on_scale
from zoo.collab.spec import Spec
from zoo.core.messages import warn

ODD_SHARE: Final = 0.002  # of the ratings that may be odd ones, at each end; at least one
FAR: Final = 3.0  # ranges of the others by which an odd one lies off them
MOST_STARS: Final = 100  # distinct values that a scale of whole numbers may have
LONG_TAIL: Final = 10.0  # times the median that the highest count is at least


def without_odd_ones(ratings: pd.DataFrame) -> pd.DataFrame:
    """The table with the few ratings that lie far off all others at the nearest of these.

    Counts are left as they are; a warning tells of both.
    """
    values = ratings["rating"].to_numpy()
    if are_counts(values):
        warn(
            f"ratings look like counts, whole numbers up to {values.max():g} of which half are "
            f"{np.median(values):g} or less: a model of ratings learns their mean, which a few "
            "large ones decide. Pass their logarithms, or learn who chose what by model='blend'."
        )
        return ratings
    low, high = usual_range(values)
    is_odd = (values < low) | (values > high)
    if not is_odd.any():
        return ratings
    odd = values[is_odd]
    warn(
        f"{len(odd)} of {len(values)} ratings, such as {odd[0]:g}, lie far off the others, which "
        f"go from {low:g} to {high:g}, and count as the nearest of these. Correct them, or pass "
        "y_range=(lowest, highest) if they are meant."
    )
    return ratings.assign(rating=values.clip(low, high))


def are_counts(values: NDArray[Any]) -> bool:
    """Whether ratings count something: whole numbers that reach far, by many steps.

    A single odd number among stars makes no counts of them.

    >>> stars = np.tile([1, 3, 4, 5], 50)
    >>> are_counts(stars), are_counts(np.append(stars, 99)), are_counts(2 ** np.arange(9))
    (False, False, True)
    """
    if not len(values) or values.min() < 0 or (values % 1 != 0).any():
        return False
    reaches_far = float(values.max()) >= LONG_TAIL * max(float(np.median(values)), 1.0)
    return reaches_far and (len(np.unique(values)) > MOST_STARS or _has_a_tail(values))


def scaled(spec: Spec, values: Any, y_range: tuple[float, float] | None) -> Spec:
    """The spec with the ends of its scale.

    Raises:
        ValueError: the ratings are not on it.
    """
    lowest, highest = float(values.min()), float(values.max())
    if y_range is None and spec.low is not None:
        require_on_scale(values, spec.low, spec.high)
        return spec
    margin = MARGIN * (highest - lowest)
    low, high = (lowest - margin, highest + margin) if y_range is None else y_range
    if not low < high or lowest < low or highest > high:
        raise ValueError(
            f"y_range must go from low to high and hold all ratings, got {y_range=} for ratings "
            f"from {lowest:g} to {highest:g}. Widen it."
        )
    return replace(spec, low=low, high=high)


def _has_a_tail(values: NDArray[Any]) -> bool:
    """Whether values become rarer step by step, rather than jump from a scale to an odd number."""
    tenths = np.quantile(values, (0.5, 0.75, 0.9, 0.99))
    return bool((tenths[1:] >= 1.5 * np.maximum(tenths[:-1], 1.0)).all())


def usual_range(values: NDArray[np.float32]) -> tuple[float, float]:
    """The lowest and highest rating that does not lie far off the others."""
    ordered = np.sort(values)
    k = min(max(int(ODD_SHARE * len(values)), 1), (len(values) - 1) // 4)
    inner = ordered[k : len(ordered) - k] if k else ordered
    reach = FAR * float(inner[-1] - inner[0])
    if reach == 0:
        return float(ordered[0]), float(ordered[-1])
    kept = ordered[(ordered >= inner[0] - reach) & (ordered <= inner[-1] + reach)]
    return float(kept[0]), float(kept[-1])
