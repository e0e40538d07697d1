"""What every public verb does before it begins: check the call against its table of options.

The rules are those of `zoo.core.options`; a call that breaks one is answered before any data are
read. `verb` also writes the table into the signature and the docstring that `help` shows.
"""

from __future__ import annotations

import functools
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from numbers import Real
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    ParamSpec,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from zoo.core.budget import Budget
from zoo.core.fitters import Unfit, fitter
from zoo.core.frames import arrow_frame
from zoo.core.messages import nearest
from zoo.core.options import OptionTable, Setting, require_used, setting_of

P = ParamSpec("P")
R = TypeVar("R")

_WIDTH: Final = 96  # of a line of a docstring


def verb(
    table: OptionTable[Any], tables: Callable[[Any], Any] = arrow_frame
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function that takes the options of a table as `**options`.

    A call is checked before anything is read: unknown names are refused with the nearest known one,
    values of a wrong type or out of range all at once, and options that have no effect without
    another one. Numbers of NumPy become Python's. Parameters of the function itself that are
    annotated with `Option`, such as `epochs`, are checked as well.
    The signature and the section `Args` of the docstring list every option.

    Tables of other libraries reach the function as DataFrames.

    Args:
        table: options of the function.
        tables: makes a DataFrame of such a table, and leaves any other argument as it is.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        hints = get_type_hints(function, include_extras=True, localns=None)
        own = {
            name: setting_of(name, hints[name], parameter.default)
            for name, parameter in signature.parameters.items()
            if get_origin(hints.get(name)) is Annotated
        }
        settings = table.settings | own
        needed = {one.option.needs for one in settings.values()} & settings.keys()
        name = function.__name__

        @functools.wraps(function)
        def checked(*args: P.args, **given: P.kwargs) -> R:
            _require_places(name, len(args), signature)
            _require_data_first(name, args, own.get("model"))
            _require_names(name, given, [*signature.parameters][:-1], table)
            values = {one: tables(value) for one, value in _checked(given, settings).items()}
            require_used(values, settings, {one: bool(values.get(one)) for one in needed})
            return function(*map(tables, args), **_timed(values))

        checked.__signature__ = _signature(signature, hints, table)  # type: ignore[attr-defined]
        checked.__doc__ = _documented(function.__doc__ or "", table)
        return checked

    return decorate


def _require_places(name: str, n: int, signature: inspect.Signature) -> None:
    """Refuse more values by position than a verb takes, with a call that it takes."""
    kinds = {one: parameter.kind for one, parameter in signature.parameters.items()}
    places = [one for one, kind in kinds.items() if kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    if n > len(places):
        by_name = next(one for one, kind in kinds.items() if one not in places)
        raise TypeError(
            f"{name}() takes {', '.join(places)} by position and all else by name, got {n} values. "
            f"Call {name}({', '.join(places)}, {by_name}=...)."
        )


def _require_data_first(name: str, args: Sequence[Any], model: Setting | None) -> None:
    """Refuse an architecture in the place of the data, with the call the right way round."""
    if model is not None and args and isinstance(args[0], str) and args[0] in _choices(model.type):
        raise ValueError(
            f"{name}() must be given data first, got the architecture {args[0]!r}. Call "
            f"{name}(data, model={args[0]!r})."
        )


def _choices(kind: Any) -> list[Any]:
    """The closed choices of a type; none of one that has others."""
    parts = [kind] if get_origin(kind) is Literal else get_args(kind)
    return [one for part in parts if get_origin(part) is Literal for one in get_args(part)]


def _require_names(
    name: str, given: Mapping[str, Any], own: list[str], table: OptionTable[Any]
) -> None:
    """Refuse options that a verb does not have, with the nearest one that it has."""
    known = [*own, *table.settings]
    for one in given:
        if one not in known:
            near = nearest(one, known)
            hint = f"Did you mean {near!r}?" if near else f"It takes {', '.join(known)}."
            raise TypeError(f"options of {name}() must be known ones, got {one!r}. {hint}")
    run = given.get("run")
    if run is not None and not hasattr(run, "torch_device"):
        raise TypeError(
            f"run must be a zoo.Run, got a {type(run).__name__}. Try run=zoo.Run(device='cpu')."
        )
    valid = given.get("valid")
    if not isinstance(valid, bool) and isinstance(valid, Real):
        raise ValueError(
            f"valid must be data to validate on, got {valid=}. A share of the data is "
            f"valid_fraction={valid if 0 < float(valid) < 1 else 0.2}."
        )


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
        fitting = fitter(setting.type, setting.option)(value)
        if isinstance(fitting, Unfit):
            wrong.append(setting)
        else:
            values[name] = fitting
    if len(wrong) == 1:
        name, default = wrong[0].name, wrong[0].option.default
        value = given[name]
        near = nearest(value, _choices(wrong[0].type)) if isinstance(value, str) else None
        best = near or default
        way_out = "Leave it out." if best in (None, ()) else f"Try {name}={best!r}."
        if default == () and isinstance(value, (str, int)):
            way_out = f"Try {name}=[{value!r}]."
        raise ValueError(
            f"{name} must be {wrong[0].expected}, got {name}={_shown(value, 80)}. {way_out}"
        )
    if wrong:
        listed = "; ".join(f"{s.name}={_shown(given[s.name], 60)} ({s.expected})" for s in wrong)
        raise ValueError(f"settings must be in their ranges, got {listed}. The defaults suit most.")
    return values


def _timed(values: dict[str, Any]) -> dict[str, Any]:
    """The values, with a run whose time begins now where minutes are stated."""
    if (minutes := values.get("minutes")) is None:
        return values
    from zoo.core.run import Run  # slow to import

    run = replace(values.get("run") or Run(), budget=Budget.of(minutes))
    return values | {"run": run}


def _shown(value: Any, most: int) -> str:
    """A value as Python writes it, or its kind where that has several lines."""
    text = repr(value)
    return f"a {type(value).__name__}" if "\n" in text else text[:most]


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
            f"{name}: {one.help} {one.option.python}".rstrip(),
            _WIDTH,
            initial_indent=indent,
            subsequent_indent=f"{indent}    ",
        )
        for name, one in table.settings.items()
    ]
    return "\n".join([*lines[:at], *written, *lines[at + 1 :]])
