"""Options of the public verbs: each is stated once, in an annotated table.

    class Options(TrainingOptions, total=False):
        size: Annotated[int | None, Option(low=8, help="Side of the input in pixels.")]

    OPTIONS = OptionTable(Options, batch_size=16)

    @verb(OPTIONS)
    def train(data: Any, *, epochs: Epochs = 4, **options: Unpack[Options]) -> Model: ...

The table says name, type, default, range and help of a setting. The check of a call, the signature
and the arguments that `help(train)` shows, the command line and the reference page all read it.
"""

from __future__ import annotations

import functools
import inspect
import math
import operator
import textwrap
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    ParamSpec,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from zoo.core.messages import nearest

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T", bound=Mapping[str, Any])

_MISSING: Final = object()
_WIDTH: Final = 96  # of a line of a docstring


@dataclass(frozen=True)
class Option:
    """What is to know of a setting beside its name and type.

    Attributes:
        help: one sentence or phrase for `help()` and `--help`.
        default: the value where none is given; a table may state another one.
        low: lowest number.
        high: highest number.
        above: numbers must be greater than this one.
        cli: whether a shell can pass it; or the type that it passes where Python takes more.
        record: whether the card of a trained model tells it.
        group: heading under which `--help` lists it, after those without one.
    """

    help: str = ""
    default: Any = None
    low: float | None = None
    high: float | None = None
    above: float | None = None
    cli: bool | type = True
    record: bool = False
    group: str = ""

    @property
    def range(self) -> str:
        """The range in words, empty if there is none.

        >>> Option(low=0, high=1).range, Option(above=0).range, Option(low=1).range
        ('from 0 to 1', 'above 0', '1 or more')
        """
        low, high = self.low, self.high
        if self.above is not None:
            return f"above {self.above:g}" + (f" and up to {high:g}" if high is not None else "")
        if low is not None and high is not None:
            return f"from {low:g} to {high:g}"
        if low is not None:
            return f"{low:g} or more"
        return f"up to {high:g}" if high is not None else ""

    def holds(self, value: float) -> bool:
        """Whether a number is in the range."""
        return (
            math.isfinite(value)
            and (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.above is None or value > self.above)
        )


@dataclass(frozen=True)
class Setting:
    """An option of one table: its name, its type, and what `Option` tells."""

    name: str
    type: Any
    option: Option

    @property
    def expected(self) -> str:
        """What the value must be, in words."""
        return _described(self.type, self.option)

    @property
    def help(self) -> str:
        """The option's help, with its range and default."""
        facts = [self.option.range] if self.option.range else []
        if self.option.default is not None and self.option.default != ():
            facts.append(f"default {self.option.default!r}")
        text = self.option.help
        if not facts:
            return text
        return f"{text.rstrip('.')} ({', '.join(facts)})" + ("." if text.endswith(".") else "")


class OptionTable(Generic[T]):
    """The options of one verb, read from a `TypedDict` whose fields are annotated with `Option`.

    Args:
        table: the `TypedDict`; fields that it inherits belong to it.
        **defaults: defaults that differ from those of the fields, for a measured reason.

    Attributes:
        settings: the options by name, those without a group first.
    """

    def __init__(self, table: type[T], **defaults: Any) -> None:
        hints = get_type_hints(table, include_extras=True)
        own = [_setting(name, hint) for name, hint in hints.items()]
        self.settings = {one.name: one for one in sorted(own, key=lambda one: one.option.group)}
        for name, value in defaults.items():
            option = replace(self.settings[name].option, default=value)
            self.settings[name] = replace(self.settings[name], option=option)

    def complete(self, options: T) -> T:
        """All options: the given ones, defaults for the others."""
        defaults = {name: one.option.default for name, one in self.settings.items()}
        return cast(T, defaults | dict(options))

    def record(self, options: T) -> dict[str, Any]:
        """What the card tells of the options: plain values, by name."""
        return {
            name: _plain(options[name])
            for name, one in self.settings.items()
            if one.option.record and options.get(name) is not None
        }


def verb(table: OptionTable[Any]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function that takes the options of a table as `**options`.

    A call is checked before anything is read: unknown names are refused with the nearest known one,
    values of a wrong type or out of range all at once. Numbers of NumPy become Python's. Parameters
    of the function itself that are annotated with `Option`, such as `epochs`, are checked as well.
    The signature and the section `Args` of the docstring list every option.

    Args:
        table: options of the function.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        hints = get_type_hints(function, include_extras=True, localns=None)
        own = {
            name: _setting(name, hints[name], parameter.default)
            for name, parameter in signature.parameters.items()
            if get_origin(hints.get(name)) is Annotated
        }
        named = [
            name
            for name, parameter in signature.parameters.items()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        settings = table.settings | own

        @functools.wraps(function)
        def checked(*args: P.args, **given: P.kwargs) -> R:
            unknown = [name for name in given if name not in settings and name not in named]
            if unknown:
                known = [*named, *table.settings]
                near = nearest(unknown[0], known)
                hint = f"Did you mean {near!r}?" if near else f"It takes {', '.join(known)}."
                raise TypeError(
                    f"options of {function.__name__}() must be known ones, got {unknown[0]!r}. "
                    f"{hint}"
                )
            return function(*args, **_checked(given, settings))

        checked.__signature__ = _signature(signature, hints, table)  # type: ignore[attr-defined]
        checked.__doc__ = _documented(function.__doc__ or "", table)
        return checked

    return decorate


def _checked(given: Mapping[str, Any], settings: Mapping[str, Setting]) -> dict[str, Any]:
    """The values as their types have them.

    Raises:
        ValueError: some are of a wrong type or out of range; all are named.
    """
    values, wrong = dict(given), []
    for name, value in given.items():
        setting = settings.get(name)
        if setting is None:
            continue
        fitting = _fitted(value, setting.type, setting.option)
        if fitting is _MISSING:
            wrong.append(setting)
        else:
            values[name] = fitting
    if len(wrong) == 1:
        name, default = wrong[0].name, wrong[0].option.default
        way_out = "Leave it out." if default is None else f"Try {name}={default!r}."
        raise ValueError(
            f"{name} must be {wrong[0].expected}, got {name}={given[name]!r:.80}. {way_out}"
        )
    if wrong:
        listed = "; ".join(f"{s.name}={given[s.name]!r:.60} ({s.expected})" for s in wrong)
        raise ValueError(f"settings must be in their ranges, got {listed}. The defaults suit most.")
    return values


def _setting(name: str, hint: Any, default: Any = _MISSING) -> Setting:
    """A setting from a field's annotation."""
    if get_origin(hint) is not Annotated:
        raise TypeError(f"{name} must be annotated with an Option")
    kind, *notes = get_args(hint)
    option = next(note for note in notes if isinstance(note, Option))
    if default is not _MISSING and default is not inspect.Parameter.empty:
        option = replace(option, default=default)
    return Setting(name, kind, option)


def _fitted(value: Any, kind: Any, option: Option) -> Any:
    """The value as its type has it; `_MISSING` if it does not belong to the type or range."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        fitting = (_fitted(value, one, option) for one in arguments)
        return next((one for one in fitting if one is not _MISSING), _MISSING)
    if origin is Annotated:
        return _fitted(value, arguments[0], option)
    if origin is Literal:
        is_member = isinstance(value, (str, int)) and value in arguments
        return value if is_member else _MISSING
    if origin is tuple:
        return _fitted_tuple(value, arguments, option)
    if isinstance(origin, type) and issubclass(origin, Sequence):
        items = _fitted_items(value, [arguments[0]] * _length(value), option)
        return _MISSING if items is None else items
    return _fitted_plain(value, origin or kind, option)


def _fitted_plain(value: Any, kind: Any, option: Option) -> Any:
    """The value of a type without arguments."""
    if kind is None or kind is type(None):
        return None if value is None else _MISSING
    if kind is bool:
        return bool(value) if type(value).__name__ in ("bool", "bool_") else _MISSING
    if kind is int or kind is float:
        return _number(value, kind, option)
    return value if not isinstance(kind, type) or isinstance(value, kind) else _MISSING


def _number(value: Any, kind: type, option: Option) -> Any:
    """The value as an int or a float; `_MISSING` if it is none, or out of range."""
    if isinstance(value, bool) or not isinstance(value, Real) or not option.holds(float(value)):
        return _MISSING
    if isinstance(value, Integral):
        return operator.index(value)
    number = float(value)
    if kind is float:
        return number
    return int(number) if number.is_integer() else _MISSING


def _fitted_tuple(value: Any, kinds: Sequence[Any], option: Option) -> Any:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = [kinds[0]] * _length(value)
    items = _fitted_items(value, kinds, option)
    return _MISSING if items is None else tuple(items)


def _fitted_items(value: Any, kinds: Sequence[Any], option: Option) -> list[Any] | None:
    """The items of a list; None if it is no list, or an item does not belong."""
    if isinstance(value, (str, bytes)) or _length(value) != len(kinds):
        return None
    items = [_fitted(one, kind, option) for one, kind in zip(value, kinds, strict=True)]
    return None if any(one is _MISSING for one in items) else items


def _length(value: Any) -> int:
    return len(value) if hasattr(value, "__len__") and hasattr(value, "__iter__") else -1


def _described(kind: Any, option: Option) -> str:
    """A type and a range in words.

    >>> _described(int | None, Option(low=1))
    'a whole number, 1 or more, or None'
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        kinds = [one for one in arguments if one is not type(None)]
        words = " or ".join(dict.fromkeys(_described(one, option) for one in kinds))
        return words if len(kinds) == len(arguments) else f"{words}, or None"
    if origin is Literal:
        return f"one of {', '.join(map(repr, arguments))}"
    if isinstance(origin, type) and issubclass(origin, Sequence):
        is_pair = origin is tuple and Ellipsis not in arguments
        length = f"a list of {len(arguments)}" if is_pair else "a list"
        return (
            length if arguments[0] is Any else f"{length}, each {_described(arguments[0], option)}"
        )
    if kind in _WORDS:
        numbers = kind in (int, float) and option.range
        return _WORDS[kind] + (f", {option.range}" if numbers else "")
    if origin is not None and callable(origin) and origin.__name__ == "Callable":
        return "a function"
    return f"a {getattr(kind, '__name__', 'value')}"


_WORDS: Final[dict[Any, str]] = {
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    str: "text",
}


def _signature(
    signature: inspect.Signature, hints: Mapping[str, Any], table: OptionTable[Any]
) -> inspect.Signature:
    """The function's signature with an explicit parameter for each option."""
    own = [
        parameter.replace(annotation=_bare(hints.get(name, parameter.annotation)))
        for name, parameter in signature.parameters.items()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    options = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=one.option.default, annotation=one.type
        )
        for name, one in table.settings.items()
        if name not in signature.parameters
    ]
    return signature.replace(
        parameters=[*own, *options],
        return_annotation=hints.get("return", signature.return_annotation),
    )


def _bare(hint: Any) -> Any:
    """A type without its notes."""
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _documented(docstring: str, table: OptionTable[Any]) -> str:
    """The docstring with a line for each option in the place of that for `**options`."""
    lines = docstring.split("\n")
    at = next((i for i, line in enumerate(lines) if line.strip().startswith("**options:")), None)
    if at is None:
        return docstring
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    written = [
        textwrap.fill(
            f"{name}: {one.help}", _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}    "
        )
        for name, one in table.settings.items()
    ]
    return "\n".join([*lines[:at], *written, *lines[at + 1 :]])


def _plain(value: Any) -> Any:
    """A setting as a card shows it: JSON values as they are, objects by their repr."""
    if isinstance(value, (str, bool, int, float)) or value is None:
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return repr(value)
