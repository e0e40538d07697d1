"""Commands that train: their options are those of the verb's table, and the circumstances.

    @app.command("train")
    @takes(OPTIONS)
    def train(data: Data, out: Out = None, **options: Any) -> None: ...

Only what a user gives reaches the verb, so that a default is stated in the table alone.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import typer

from zoo.cli.options import Device, Precision, Resume, Seed, Threads, run_of
from zoo.core.options import OptionTable, Setting

CIRCUMSTANCES: Final[dict[str, tuple[Any, Any]]] = {
    "device": (Device, "auto"),
    "precision": (Precision, "auto"),
    "seed": (Seed, 0),
    "threads": (Threads, None),
    "resume": (Resume, False),
}


def takes(table: OptionTable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a command whose `**options` are those of a table, as far as a shell has them.

    Args:
        table: options of the verb that the command calls.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(function, include_extras=True)
        own = [
            parameter.replace(annotation=hints[name])
            for name, parameter in inspect.signature(function).parameters.items()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        names = {parameter.name for parameter in own}
        settings = [
            _parameter(name, _shell_option(setting), None)
            for name, setting in table.settings.items()
            if setting.option.cli and name not in names
        ]
        circumstances = [
            _parameter(name, kind, default)
            for name, (kind, default) in CIRCUMSTANCES.items()
            if name not in names
        ]
        parameters = [*own, *settings, *circumstances]

        @functools.wraps(function)
        def command(**values: Any) -> None:
            kept = names | CIRCUMSTANCES.keys()
            function(**{k: v for k, v in values.items() if k in kept or v not in (None, [])})

        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {one.name: one.annotation for one in parameters}
        del command.__wrapped__
        return command

    return decorate


def settings_of(options: dict[str, Any], out: Path | None = None) -> Any:
    """Keyword arguments of a verb from the options of a command.

    Args:
        options: those that the command got; circumstances become one `Run`.
        out: where the training keeps its state and its model.
    """
    circumstances = {name: options[name] for name in CIRCUMSTANCES if name in options}
    others = {name: value for name, value in options.items() if name not in CIRCUMSTANCES}
    return others | {"run": run_of(**circumstances, out=out)}


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def _shell_option(setting: Setting) -> Any:
    """The option of a shell for a setting; None where it is not given."""
    panel = setting.option.group or None
    option = typer.Option(help=setting.help, show_default=False, rich_help_panel=panel)
    kind = setting.option.cli if isinstance(setting.option.cli, type) else setting.type
    return Annotated[_shell_type(kind), option]


def _shell_type(kind: Any) -> Any:
    """What Typer reads for a type: lists repeat an option, everything may be absent."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        kinds = [one for one in arguments if one is not type(None)]
        return _shell_type(kinds[0])
    if origin is Literal or origin is tuple:
        return kind | None if origin is tuple else Union[kind, None]  # noqa: UP007
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return list[arguments[0]] | None  # type: ignore[valid-type]
    return kind | None
