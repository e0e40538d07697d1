"""Annotated types: what is to know of a setting or a stored field, and how it is said in words.

    size: Annotated[int | None, Option(low=8)]

`zoo.core.fitters` brings values to such types.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, is_dataclass, replace
from types import UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

ABSENT: Final = object()


@dataclass(frozen=True)
class Option:
    """What is to know of a setting or a stored field beside its name and type.

    Attributes:
        help: one sentence or phrase for `help()` and `--help`.
        python: a sentence for `help()` alone, on what a shell cannot pass.
        default: the value where none is given; a table may state another one.
        chosen: how the value is chosen where None is given, in words.
        low: lowest number; of a list, of each of its numbers.
        high: highest number.
        above: numbers must be greater than this one.
        below: numbers must be less than this one.
        fewest: fewest items of a list, or characters of a text.
        most: most items of a list, or characters of a text.
        distinct: whether all items of a list differ.
        exact: whether a value must have the very type, as in JSON: 16.0 is no whole number.
        absent: what it means that an artifact lacks the field: this value is not written, and any
            other makes an artifact of format 2.
        cli: whether a shell can pass it; or the type that it passes where Python takes more.
        record: whether the card of a trained model tells it.
        needs: what the option has no effect without: the name of another option, or what the data
            must be, see `OptionTable.require_used`.
        group: heading under which `--help` lists it, after those without one.
    """

    help: str = ""
    python: str = ""
    default: Any = None
    chosen: str = ""
    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None
    fewest: int = 0
    most: int | None = None
    distinct: bool = False
    exact: bool = False
    absent: Any = ABSENT
    cli: bool | type = True
    record: bool = False
    needs: str = ""
    group: str = ""

    @property
    def range(self) -> str:
        """The range in words, empty if there is none.

        >>> Option(low=0, high=1).range, Option(above=0).range, Option(low=1).range
        ('from 0 to 1', 'above 0', '1 or more')
        """
        low, high = self.low, self.high
        if low is not None and high is not None:
            return f"from {low:g} to {high:g}"
        bounds = {"above {:g}": self.above, "{:g} or more": low, "below {:g}": self.below}
        bounds["up to {:g}"] = high
        return " and ".join(text.format(n) for text, n in bounds.items() if n is not None)

    def holds(self, value: float) -> bool:
        """Whether a number is finite and in the range."""
        try:
            finite = math.isfinite(value)
        except OverflowError:  # a whole number beyond all floats
            return False
        return (
            finite
            and (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def counts(self, n: int) -> bool:
        """Whether a list may have so many items, or a text so many characters."""
        return self.fewest <= n and (self.most is None or n <= self.most)


EXACT: Final = Option(exact=True)


def noted(kind: Any, option: Option) -> Option:
    """The `Option` in the notes of a type, else the one given; exactness stays."""
    notes = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    own = next((note for note in notes if isinstance(note, Option)), option)
    return replace(own, exact=own.exact or option.exact)


@functools.cache
def field_types(cls: Any) -> dict[str, Any]:
    """The annotated type of each field of a dataclass or `TypedDict`."""
    hints = get_type_hints(cls, include_extras=True)
    own = [field.name for field in dataclasses.fields(cls)] if is_dataclass(cls) else hints
    return {name: hints[name] for name in own}


@functools.cache
def later_fields(cls: Any) -> dict[str, Any]:
    """Fields that artifacts of format 1 lack, and what that means."""
    hints = field_types(cls)
    notes = {name: noted(hint, EXACT).absent for name, hint in hints.items()}
    return {name: absent for name, absent in notes.items() if absent is not ABSENT}


def described(kind: Any, option: Option) -> str:
    """A type and a range in words.

    >>> described(int | None, Option(low=1))
    'a whole number, 1 or more, or None'
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return described(arguments[0], noted(kind, option))
    if origin in (Required, NotRequired):
        return described(arguments[0], option)
    if origin in (Union, UnionType):
        kinds = [one for one in arguments if one is not type(None)]
        words = " or ".join(dict.fromkeys(described(one, option) for one in kinds))
        return words if len(kinds) == len(arguments) else f"{words}, or None"
    if origin is Literal:
        return f"one of {', '.join(map(repr, arguments))}"
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return _described_list(origin, arguments, option)
    if kind in _WORDS:
        numbers = kind in (int, float)
        facts = option.range if numbers else "not empty" if kind is str and option.fewest else ""
        return _WORDS[kind] + (f", {facts}" if facts else "")
    if is_dataclass(kind) or is_typeddict(kind) or origin is dict:
        return "an object"
    if origin is not None and callable(origin) and origin.__name__ == "Callable":
        return "a function"
    return f"a {getattr(kind, '__name__', 'value')}"


def _described_list(origin: type, kinds: tuple[Any, ...], option: Option) -> str:
    is_listing = origin is not tuple or kinds[-1] is Ellipsis
    facts = ["a list" if is_listing else f"a list of {len(kinds)}"]
    facts += [f"at least {option.fewest}"] if option.fewest else []
    facts += [] if option.most is None else [f"at most {option.most}"]
    facts += ["all different"] if option.distinct else []
    if kinds[0] is not Any:
        facts.append(f"each {described(kinds[0], replace(option, fewest=0))}")
    return ", ".join(facts)


_WORDS: Final[dict[Any, str]] = {
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    str: "text",
    Any: "an object",
}
