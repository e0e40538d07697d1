"""Groups of commands: how they call the library, and how a mistake ends."""

from __future__ import annotations

import contextlib
import errno
import inspect
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import typer
from typer.core import TyperCommand

import zoo
from zoo.cli.output import notice

if TYPE_CHECKING:
    from zoo.core.model import Model
    from zoo.core.run import Run

    AnyModel = TypeVar("AnyModel", bound=Model[Any, Any])

T = TypeVar("T")

INTERRUPTED: Final = 130  # statuses as shells have them: 128 + SIGINT
PIPE_CLOSED: Final = 141  # 128 + SIGPIPE
STATE: Final = "training-state.safetensors"
_VERB: Final = re.compile(
    r"(Call )?\bzoo((?:\.(?:vision|text|tabular|collab|data|hub))(?:\.[a-z_]+)*)(?:\(([^()]*)\))?"
)
_SETTING: Final = re.compile(r"\b([a-z][a-z_]*)=('[^']*'|\([^()]*\)|\[[^\]]*\]|\.\.\.|[-+\w.]*\w)?")
_out: ContextVar[Path | None] = ContextVar("out", default=None)  # where a command trains


class Commands(typer.Typer):
    """A group of commands, each of which ends a mistake in one sentence."""

    def __init__(self, help: str, **settings: Any) -> None:
        super().__init__(help=help, no_args_is_help=True, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[T], T]:
        """Decorate a function that is a command."""
        return super().command(name, cls=_Command, **settings)  # type: ignore[return-value]


class _Command(TyperCommand):
    def invoke(self, ctx: Any) -> Any:
        flags = [one.opts[-1] for one in self.params if one.param_type_name == "option"]
        with one_sentence(flags):
            return super().invoke(ctx)


def run_of(
    device: str,
    precision: str = "auto",
    seed: int = 0,
    threads: int | None = None,
    out: Path | None = None,
    resume: bool = False,
    as_json: bool = False,
) -> Run:
    """The circumstances that the options state; JSON comes without a table of epochs."""
    from zoo.core.run import Run

    _out.set(out)
    accuracy: Any = precision
    return Run(
        device=device, precision=accuracy, seed=seed, threads=threads, out=out, resume=resume,
        keep_memory=True, progress=False if as_json else None,
    )  # fmt: skip


def load(name: str, kind: type[AnyModel], device: str = "auto", seed: int = 0) -> AnyModel:
    """A saved model of the class that a command is for.

    Raises:
        ValueError: it is of another.
    """
    try:
        return zoo.load(name, kind, run=run_of(device, seed=seed))
    except TypeError as error:
        raise ValueError(str(error)) from None


def call(function: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """Call a model's method with the options that are set.

    Raises:
        ValueError: the method takes no such option, or fewer arguments.
    """
    values = {
        name: value
        for name, value in options.items()
        if value or (value == 0 and value is not False)
    }
    signature, owner = inspect.signature(function), getattr(function, "__self__", function.__name__)
    unknown = [name for name in values if name not in signature.parameters]
    if unknown:
        raise ValueError(
            f"options must be ones that {owner!r} takes, got {unknown[0]}={values[unknown[0]]}. "
            "Leave it out."
        )
    try:
        signature.bind(*arguments, **values)
    except TypeError:
        raise ValueError(
            f"arguments must be as many as {owner!r} takes, got {len(arguments)}. See --help."
        ) from None
    return function(*arguments, **values)


@contextlib.contextmanager
def one_sentence(flags: Sequence[str] = ()) -> Iterator[None]:
    """A mistake of the user's ends in one sentence and status 1; ZOO_TRACEBACK=1 shows more.

    Warnings are one line as well, without the place in the code. Whoever reads the output may close
    it early, as `head` does; Ctrl-C ends with status 130.

    Args:
        flags: options of the command, such as "--batch-size".
    """
    out = _out.set(None)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _in_one_line
            yield
            sys.stdout.flush()
    except KeyboardInterrupt:
        notice(_broken_off(), fg="yellow")
        raise typer.Exit(INTERRUPTED) from None
    except (ValueError, OSError, ImportError, FloatingPointError, NotImplementedError) as error:
        if isinstance(error, BrokenPipeError) and error.errno == errno.EPIPE:
            _drop_output()
            raise typer.Exit(PIPE_CLOSED) from None
        if os.environ.get("ZOO_TRACEBACK"):
            raise
        notice(in_words_of_the_shell(str(error), flags) or type(error).__name__, fg="red")
        raise typer.Exit(1) from None
    finally:
        _out.reset(out)


def in_words_of_the_shell(message: str, flags: Sequence[str] = ()) -> str:
    """A message with commands and options for the calls and keyword arguments of Python.

    Args:
        message: what the library says.
        flags: options of the command.

    >>> in_words_of_the_shell("epochs must be 1 or more, got epochs=0. Try epochs=4.", ["--epochs"])
    'epochs must be 1 or more, got --epochs 0. Try --epochs 4.'
    >>> in_words_of_the_shell("Call zoo.vision.finetune('resnet18', 'photos').")
    "Run zoo vision finetune 'resnet18' 'photos'."
    """
    options = {flag.lstrip("-").replace("-", "_"): flag for flag in flags}

    def command(match: re.Match[str]) -> str:
        words = [f"zoo{match[2].replace('.', ' ').replace('_', '-')}"]
        words += [match[3].replace(", ", " ")] if match[3] else []
        return ("Run " if match[1] else "") + " ".join(words)

    def option(match: re.Match[str]) -> str:
        if match[1] not in options:
            return match[0]
        value = "NAME" if (match[2] or "").strip("'") == "..." else match[2]
        return f"{options[match[1]]} {value}" if value and value != "True" else options[match[1]]

    words = _SETTING.sub(option, _VERB.sub(command, message))
    words = re.sub(r"\b(predict|evaluate|explain|export)\(\)", r"zoo \1", words)
    return re.sub(r"Run\((--[^()]*)\)", r"\1", words)


def _broken_off() -> str:
    """What is said of a command that Ctrl-C ended."""
    out = _out.get()
    if out is None:
        return "Ctrl-C ended the command"
    if (out / STATE).exists():
        return (
            f"Ctrl-C broke off the training; its state is kept in {out}, and the same command with "
            "--resume goes on"
        )
    return f"Ctrl-C broke off the training before its state was kept in {out}"


def _drop_output() -> None:
    """Let what is left of the output go nowhere, so that nothing complains at the end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _in_one_line(message: Warning | str, *_: object, **__: object) -> None:
    notice(f"warning: {message}", fg="yellow")
