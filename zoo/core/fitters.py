"""Bring values to annotated types, or tell what in them does not belong to the type.

`fitter` reads a type once and gives the function that brings a value to it: for the arguments of
the public verbs (`zoo.core.verbs`), where NumPy's numbers and 16.0 for 16 are welcome, and for
JSON (`zoo.core.checked`), where a value has exactly the type that was written.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import is_dataclass, replace
from numbers import Integral, Real
from types import UnionType
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
    is_typeddict,
)

from zoo.core.annotations import EXACT, Option, described, field_types, later_fields, noted

Fitter = Callable[[Any], Any]
"""From a value to the same as its type has it, or to `Unfit`."""

_UNKNOWN_FIELDS: Final = 3  # that are named


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
    if origin in (Union, UnionType):
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
