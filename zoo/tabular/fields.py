"""The form of a row: what a page asks for each column, as the spec knows it."""

from __future__ import annotations

from typing import Final

import numpy as np

from zoo.core.interface import Field
from zoo.tabular.spec import Category, Distribution, Number, Spec

_FIRST_DAY: Final = np.datetime64("1970-01-01")


def fields_of(spec: Spec) -> tuple[Field, ...]:
    """A field for each input, in the order of `spec.inputs`; each begins at what is usual."""
    known = {one.name: one for one in spec.distributions}
    categories = [_choice(one, known.get(one.name)) for one in spec.categories]
    return (*categories, *(_number(one, known.get(one.name)) for one in spec.numbers))


def _choice(category: Category, known: Distribution | None) -> Field:
    """A category's values; it begins at the most frequent, where that is known."""
    shares = known.shares if known else (0.0,) * len(category.values)
    pairs = [
        (value, share)
        for value, share in zip(category.values, shares, strict=True)
        if value is not None
    ]
    start = max(pairs, key=lambda pair: pair[1])[0] if pairs else None
    return Field(str(category.name), "choice", tuple(value for value, _ in pairs), start=start)


def _number(number: Number, known: Distribution | None) -> Field:
    """A number; it begins at the median, and most are between the ends, where these are known."""
    if number.kind == "time":
        day = _FIRST_DAY + np.timedelta64(round(number.median), "D")
        return Field(str(number.name), "date", start=str(day))
    unit = "days" if number.kind == "duration" else ""
    quantiles = () if known is None else known.quantiles
    ends = (round(quantiles[0], 6), round(quantiles[-1], 6)) if quantiles else None
    return Field(str(number.name), "number", usual=ends, start=number.median, unit=unit)
