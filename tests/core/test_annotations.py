"""Types with ranges and lengths: what belongs to them, in a call and in JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
import pytest

from zoo.core.annotations import EXACT, Option, described
from zoo.core.fitters import UNFIT, Unfit, fitter

WHOLE, SHARE = Option(low=1), Option(low=0, below=1)


@pytest.mark.parametrize(
    ("kind", "option", "value", "expected"),
    [
        (int, WHOLE, 16.0, 16),
        (int, WHOLE, np.int64(16), 16),
        (float, SHARE, np.float32(0.5), 0.5),
        (float, SHARE, 0, 0),
        (bool, Option(), np.True_, True),
        (int | None, WHOLE, None, None),
        (Sequence[int], WHOLE, (1.0, 2), [1, 2]),
        (tuple[int, int], WHOLE, [1, 2], (1, 2)),
        (tuple[float, ...], SHARE, np.array([0.0, 0.5]), (0.0, 0.5)),
        (Literal["a", 2], Option(), 2, 2),
        (Annotated[int, Option(low=5)], WHOLE, 5, 5),
        (Sequence[Any], Option(), ["x", None], ["x", None]),
    ],
)
def test_an_argument_becomes_what_its_type_says(
    kind: Any, option: Option, value: object, expected: object
) -> None:
    fitting = fitter(kind, option)(value)
    assert fitting == expected
    assert type(fitting) is type(expected)


@pytest.mark.parametrize(
    ("kind", "option", "value"),
    [
        (int, WHOLE, 0),
        (int, WHOLE, 2.5),
        (int, WHOLE, True),
        (int, WHOLE, "3"),
        (float, SHARE, 1),
        (float, SHARE, -0.1),
        (float, Option(), math.nan),
        (float, Option(), math.inf),
        (float, Option(), 10**400),
        (float, Option(above=0), 0.0),
        (bool, Option(), 1),
        (Sequence[int], WHOLE, [1, 0]),
        (Sequence[str], Option(), "ab"),
        (tuple[int, int], WHOLE, [1, 2, 3]),
        (Literal["a", "b"], Option(), "c"),
        (Literal[True], Option(), 1),
        (Annotated[int, Option(low=5)], WHOLE, 4),
        (tuple[str, ...], Option(fewest=1), ()),
        (tuple[str, ...], Option(most=1), ("a", "b")),
        (tuple[str, ...], Option(distinct=True), ("a", "a")),
    ],
)
def test_what_does_not_belong_to_a_type_is_unfit(kind: Any, option: Option, value: object) -> None:
    assert isinstance(fitter(kind, option)(value), Unfit)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (int, 16.0),
        (int, np.int64(16)),
        (float, np.float32(0.5)),
        (bool, np.True_),
        (str, "half a character \ud800"),
        (tuple[str, ...], {"a": 1}),
        (list[str], {"a"}),
        (Annotated[str, Option(fewest=1)], ""),
        (dict[str, int], [["a", 1]]),
        (dict[int, int], {"1": 1}),
        (dict[int, str], [[1]]),
    ],
)
def test_json_has_the_very_type(kind: Any, value: object) -> None:
    assert isinstance(fitter(kind, EXACT)(value), Unfit)


def test_whole_numbers_stay_whole_where_json_may_have_any() -> None:
    assert repr(fitter(tuple[float, ...], EXACT)([1, 1.5])) == "(1, 1.5)"
    assert repr(fitter(str | bool | int | float, EXACT)(True)) == "True"
    assert repr(fitter(float | None, EXACT)(2)) == "2"


def test_keys_that_are_no_texts_are_pairs() -> None:
    assert fitter(dict[int | str, str], EXACT)([[1, "a"], ["b", "c"]]) == {1: "a", "b": "c"}
    assert fitter(dict[str, int], EXACT)({"a": 1}) == {"a": 1}
    assert fitter(dict[Literal["a"], int], EXACT)({"b": 1}) == UNFIT


def test_a_wrong_part_of_a_value_says_where_it_is() -> None:
    kind = dict[str, tuple[tuple[int, float], ...]]
    unfit = fitter(kind, EXACT)({"x": [[1, 2.0], [1, "a"]]})
    assert unfit == Unfit(("['x'][1][1]='a' (a number)",))


@pytest.mark.parametrize(
    ("kind", "option", "words"),
    [
        (float, SHARE, "a number, 0 or more and below 1"),
        (float, Option(above=0, high=2), "a number, above 0 and up to 2"),
        (Annotated[str, Option(fewest=1)], Option(), "text, not empty"),
        (tuple[int, int], WHOLE, "a list of 2, each a whole number, 1 or more"),
        (
            Annotated[tuple[str, ...], Option(fewest=2, most=9, distinct=True)],
            Option(),
            "a list, at least 2, at most 9, all different, each text",
        ),
        (dict[str, int] | None, Option(), "an object, or None"),
    ],
)
def test_a_type_is_said_in_words(kind: Any, option: Option, words: str) -> None:
    assert described(kind, option) == words
