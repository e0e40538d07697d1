"""Commands that train: their options are those of the verb's table, and the circumstances.

    @app.command("train")
    @takes(OPTIONS, epochs=4, lr=3e-3)
    def train(data: Data, **options: Any) -> None:
        train_and_save(zoo.vision.train, data, options=options, ...)

Only what a user states reaches the verb, so that a default is stated in the table alone.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import typer

from zoo.cli.commands import INTERRUPTED, run_of
from zoo.cli.options import AsJson, Device, Out, Precision, Resume, Seed, Threads
from zoo.cli.output import notice, say, say_scores
from zoo.core.options import OptionTable, Setting, setting_of
from zoo.core.training.options import SomeEpochs, SomeRate

KEYWORD_ONLY: Final = inspect.Parameter.KEYWORD_ONLY
CIRCUMSTANCES: Final[dict[str, tuple[Any, Any]]] = {
    "out": (Out, None),
    "resume": (Resume, False),
    "device": (Device, "auto"),
    "precision": (Precision, "auto"),
    "seed": (Seed, 0),
    "threads": (Threads, None),
    "as_json": (AsJson, False),
}


def takes(
    table: OptionTable[Any],
    epochs: int | None = None,
    lr: float | None = None,
    *,
    only: Collection[str] = (),
    **own: Any,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a command whose `**options` are those of a verb, as far as a shell has them.

    Args:
        table: options of the verb that the command calls.
        epochs: the verb's default.
        lr: the verb's default.
        only: those that matter to a command that does not train, beside its seed; none takes all.
        **own: annotation and default of each further parameter of the verb, such as `model`.
    """
    own |= {"epochs": (SomeEpochs, epochs), "lr": (SomeRate, lr)}
    stated = {name: setting_of(name, hint, default) for name, (hint, default) in own.items()}
    both = stated | table.settings
    settings = {
        name: setting
        for name, setting in both.items()
        if setting.option.cli and (not only or name in only)
    }
    about = ("seed", "as_json") if only else CIRCUMSTANCES
    around = {name: CIRCUMSTANCES[name] for name in about}

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        named = _own_parameters(function)
        options = {name: (_shell_option(one), None) for name, one in settings.items()}
        others = {
            name: inspect.Parameter(name, KEYWORD_ONLY, default=default, annotation=annotation)
            for name, (annotation, default) in (options | around).items()
        }
        parameters = [*(named | others | named).values()]  # its own first, as it has them

        @functools.wraps(function)
        def command(**values: Any) -> None:
            kept = named.keys() | around.keys()
            stated = {k: v for k, v in values.items() if k in kept or v not in (None, [])}
            function(**{k: _single(v, settings.get(k)) for k, v in stated.items()})

        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {one.name: one.annotation for one in parameters}
        del command.__wrapped__
        return command

    return decorate


def _own_parameters(function: Callable[..., None]) -> dict[str, inspect.Parameter]:
    """The parameters of a command but for `**options`, their annotations resolved."""
    hints = get_type_hints(function, include_extras=True)
    return {
        name: parameter.replace(annotation=hints[name])
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    }


def settings_of(options: dict[str, Any]) -> Any:
    """Keyword arguments of a verb from the options of a command; circumstances become one `Run`."""
    circumstances = {name: options[name] for name in CIRCUMSTANCES if name in options}
    others = {name: value for name, value in options.items() if name not in CIRCUMSTANCES}
    return others | {"run": run_of(**circumstances)}


def train_and_save(
    verb: Callable[..., Any], *arguments: Any, options: dict[str, Any], name: str, hint: str
) -> None:
    """Call a verb, and print the scores, where the model is saved and what to try with it.

    Args:
        verb: the verb of a domain.
        *arguments: its arguments.
        options: what the command got beside them.
        name: directory of the model where the user names none.
        hint: command to try, with {} for the directory.

    Raises:
        typer.Exit: Ctrl-C ended the training before its time, which is said; status 130.
    """
    place, as_json = options["out"] or Path(name), options["as_json"]
    model = verb(*arguments, **settings_of(options | {"out": place}))
    if as_json:
        say({"model": place, "metrics": model.metrics}, "", as_json)
    else:
        say_scores(model.metrics, as_json)
    if cut_short := model.training.get("interrupted"):
        notice(
            f"Ctrl-C ended the training {cut_short}; what was learnt until then is saved in "
            f"{place}, and the same command with --resume goes on",
            fg="yellow",
        )
        raise typer.Exit(INTERRUPTED)
    if not as_json:
        typer.echo(f"saved in {place}; try: {hint.format(place)}")


def named_after(data: Any, what: Any) -> str:
    """The directory of a model of which the user says no other: data, and what is made of them."""
    return f"{Path(data).resolve().stem}-{Path(what).resolve().name}"


def _shell_option(setting: Setting) -> Any:
    """The option of a shell for a setting; None where it is not stated."""
    kind, words = _shell_type(setting.type if setting.option.cli is True else setting.option.cli)
    shown: dict[str, Any] = {"metavar": words, "rich_help_panel": setting.option.group or None}
    repeats = " Repeat it for several." if get_origin(kind) is list else ""
    text = setting.help + repeats
    return Annotated[kind | None, typer.Option(help=text, show_default=False, **shown)]


def _shell_type(kind: Any) -> tuple[Any, str | None]:
    """What Typer reads for a type, and how its help shows a choice; lists repeat an option."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _shell_type(next(one for one in arguments if one is not type(None)))
    if origin is Literal:  # the verb says what is wrong with another word
        return str, "|".join(arguments)
    if kind is list or (isinstance(origin, type) and issubclass(origin, Sequence)):
        item = arguments[0] if arguments else str
        return (kind if origin is tuple else types.GenericAlias(list, (item,))), None
    return kind, None


def _single(value: Any, setting: Setting | None) -> Any:
    """The value itself of a list of one, where Python takes either."""
    is_either = setting is not None and setting.option.cli is list and str in get_args(setting.type)
    return value[0] if is_either and isinstance(value, list) and len(value) == 1 else value
