"""Annotated types: which values belong to them, and how they are said in words.

    size: Annotated[int | None, Option(low=8)]

`fitter` reads such a type once and gives the function that brings a value to it: for the arguments
of the public verbs (`zoo.core.options`), where NumPy's numbers and 16.0 for 16 are welcome, and for
JSON (`zoo.core.checked`), where a value has exactly the type that was written.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import operator
import types
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, is_dataclass, replace
from numbers import Integral, Real
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NamedTuple,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

Fitter = Callable[[Any], Any]
"""From a value to the same as its type has it, or to `Unfit`."""

ABSENT: Final = object()
_UNKNOWN_FIELDS: Final = 3  # that are named


@dataclass(frozen=True)
class Option:
    """What is to know of a setting or a stored field beside its name and type.

    Attributes:
        help: one sentence or phrase for `help()` and `--help`.
        python: a sentence for `help()` alone, on what a shell cannot pass.
        default: the value where none is given; a table may state another one.
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


class Unfit(NamedTuple):
    """That a value does not belong to a type.

    Attributes:
        wrong: parts of the value that do not, such as "[0].std=-1 (a number, above 0)"; none if it
            is the value itself.
    """

    wrong: tuple[str, ...] = ()

    def within(self, place: str, value: Any, kind: Any, option: Option) -> tuple[str, ...]:
        """The same, said of a part that lies at a place of a larger value."""
        if self.wrong:
            return tuple(place + part for part in self.wrong)
        return (f"{place}={value!r:.60} ({described(kind, option)})",)


UNFIT: Final = Unfit()


def fitter(kind: Any, option: Option) -> Fitter:
    """What brings a value to a type.

    Args:
        kind: the type; notes in it (`Annotated[int, Option(low=1)]`) replace `option` there.
        option: range and lengths.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return fitter(arguments[0], noted(kind, option))
    if origin in (Required, NotRequired):
        return fitter(arguments[0], option)
    if origin in (Union, types.UnionType):
        return _alternatives([fitter(one, option) for one in arguments])
    if origin is Literal:
        return lambda value: value if _is_one_of(value, arguments) else UNFIT
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return _items(origin, arguments, option)
    if option.exact and (is_dataclass(kind) or is_typeddict(kind)):
        return record_fitter(kind)
    if option.exact and origin is dict:
        return _mapping(*arguments)
    return _plain(origin or kind, option)


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


@functools.cache
def fields_fitter(cls: Any, option: Option = EXACT) -> Fitter:
    """What brings the fields of a dataclass or `TypedDict` to their types; no others may be there.

    Args:
        cls: the class; what its fields' absence means stands in for absent ones.
        option: `EXACT` for JSON.
    """
    hints, absent = field_types(cls), later_fields(cls)
    fits = {name: fitter(hint, option) for name, hint in hints.items()}
    if is_dataclass(cls):
        needed = {f.name for f in dataclasses.fields(cls) if _is_needed(f)} - absent.keys()
    else:
        optional = {name for name, hint in hints.items() if get_origin(hint) is NotRequired}
        needed = set(cls.__required_keys__) - optional

    def fitted(tree: Any) -> Any:
        if not isinstance(tree, dict):
            return UNFIT
        wrong = [f".{name} is missing" for name in hints if name in needed and name not in tree]
        unknown = [f".{name!r:.60} is unknown" for name in tree if name not in hints]
        wrong += unknown[:_UNKNOWN_FIELDS]
        values = {name: fits[name](tree[name]) for name in hints if name in tree}
        for name, value in values.items():
            if type(value) is Unfit:
                wrong += value.within(f".{name}", tree[name], hints[name], option)
        return Unfit(tuple(wrong)) if wrong else absent | values

    return fitted


def record_fitter(cls: Any) -> Fitter:
    """What makes a dataclass or a `TypedDict` of a JSON object."""
    fit: Fitter = fields_fitter(cls)

    def fitted(tree: Any) -> Any:
        values = fit(tree)
        try:
            return values if type(values) is Unfit else cls(**values)
        except ValueError as error:  # of rules between fields
            return Unfit((f": {error}",))

    return fitted


def _is_needed(field: dataclasses.Field[Any]) -> bool:
    """Whether a field of a dataclass has no default."""
    return field.default is field.default_factory is dataclasses.MISSING


def _alternatives(fits: Sequence[Fitter]) -> Fitter:
    """The first type of several that a value belongs to."""

    def fitted(value: Any) -> Any:
        nearest: Any = UNFIT
        for fit in fits:
            fitting = fit(value)
            if type(fitting) is not Unfit:
                return fitting
            nearest = nearest if nearest.wrong else fitting
        return nearest

    return fitted


def _is_one_of(value: Any, allowed: Iterable[Any]) -> bool:
    """Whether it is one of some texts, whole numbers or truth values."""
    return isinstance(value, (str, int)) and any(
        isinstance(value, type(one)) and value == one for one in allowed
    )


def _items(origin: type, kinds: tuple[Any, ...], option: Option) -> Fitter:
    """Lists and tuples, item by item."""
    each = replace(option, fewest=0, most=None, distinct=False)
    is_listing = origin is not tuple or kinds[-1] is Ellipsis
    kinds = kinds[:1] if is_listing else kinds
    fits = [fitter(kind, each) for kind in kinds]

    def fitted(value: Any) -> Any:
        length = _length(value, exact=option.exact)
        if length < 0 or not option.counts(length) or not (is_listing or length == len(fits)):
            return UNFIT
        all_fits = itertools.repeat(fits[0], length) if is_listing else fits
        items = [fit(one) for one, fit in zip(value, all_fits, strict=True)]
        if Unfit in map(type, items):
            i = next(i for i, item in enumerate(items) if type(item) is Unfit)
            kind = kinds[0 if is_listing else i]
            return Unfit(items[i].within(f"[{i}]", list(value)[i], kind, each))
        if option.distinct and len(set(items)) < length:
            return UNFIT
        return tuple(items) if origin is tuple else items

    return fitted


def _length(value: Any, *, exact: bool) -> int:
    """Items of a list, -1 of anything else."""
    if exact or isinstance(value, (str, bytes)):
        return len(value) if isinstance(value, (list, tuple)) else -1
    return len(value) if hasattr(value, "__len__") and hasattr(value, "__iter__") else -1


def _mapping(key: Any, value: Any) -> Fitter:
    """Objects of JSON; if their keys are no texts, lists of pairs."""
    if key is not str and get_origin(key) is not Literal:
        pairs = _items(list, (tuple[key, value],), EXACT)
        return lambda tree: items if type(items := pairs(tree)) is Unfit else dict(items)
    fits_key, fit = fitter(key, EXACT), fitter(value, EXACT)

    def fitted(tree: Any) -> Any:
        if not isinstance(tree, dict) or any(type(fits_key(name)) is Unfit for name in tree):
            return UNFIT
        items = {name: fit(one) for name, one in tree.items()}
        for name, item in items.items():
            if type(item) is Unfit:
                return Unfit(item.within(f"[{name!r:.40}]", tree[name], value, EXACT))
        return items

    return fitted


def _plain(kind: Any, option: Option) -> Fitter:
    """Values of a type without arguments."""
    if kind is None or kind is type(None):
        return lambda value: None if value is None else UNFIT
    if kind is Any or not isinstance(kind, type):
        return lambda value: value
    if kind is bool and not option.exact:
        return lambda value: bool(value) if type(value).__name__ in ("bool", "bool_") else UNFIT
    if kind in (int, float):
        return functools.partial(_exact_number if option.exact else _number, kind, option)
    if kind is str and option.exact:
        return lambda value: value if is_text(value) and option.counts(len(value)) else UNFIT
    return lambda value: value if isinstance(value, kind) else UNFIT


def _number(kind: type, option: Option, value: Any) -> Any:
    """The value as an int or a float; `UNFIT` if it is none, or out of range."""
    value = value.item() if hasattr(value, "dtype") and not value.shape else value  # of NumPy
    if isinstance(value, bool) or not isinstance(value, Real) or not option.holds(value):  # type: ignore[arg-type]
        return UNFIT
    if isinstance(value, Integral):
        return operator.index(value)
    number = float(value)
    if kind is float:
        return number
    return int(number) if number.is_integer() else UNFIT


def _exact_number(kind: type, option: Option, value: Any) -> Any:
    """The same of JSON: a float may be written as a whole number, which it stays."""
    fits = type(value) is kind or (kind is float and type(value) is int)
    return value if fits and option.holds(value) else UNFIT


def is_text(value: Any) -> bool:
    """Whether it is text that a file can hold: no half of a character, as in a damaged name."""
    try:
        return isinstance(value, str) and (value.isascii() or value.encode() is not None)
    except UnicodeEncodeError:
        return False


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
    if origin in (Union, types.UnionType):
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
}
