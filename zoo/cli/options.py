"""What the commands share: options in the same words, circumstances, and how a mistake ends."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from zoo.core.run import Run

INTERRUPTED: Final = 130  # statuses as shells have them: 128 + SIGINT
PIPE_CLOSED: Final = 141  # 128 + SIGPIPE
STATE: Final = "training-state.safetensors"
_ARGUMENT: Final = re.compile(r"\b(user|item|rating|time|text|label)=(?:'\.\.\.'|\.\.\.)")
_out: ContextVar[Path | None] = ContextVar("out", default=None)  # where a command trains

Photos = Annotated[
    str,
    typer.Argument(
        help="Folder with a folder a class (perhaps within train/ and valid/), or CSV file "
        "of paths and labels."
    ),
]
Artifact = Annotated[str, typer.Argument(help="Directory of a saved model, or user/name.")]
Pretrained = Annotated[
    str,
    typer.Option(
        help="Backbone (see `zoo vision backbones`), directory of a saved model, or user/name."
    ),
]
Size = Annotated[int | None, typer.Option(help="Side of the model's input in pixels.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Photos a step.")]
AugmentName = Annotated[str, typer.Option(help="side_on, top_down or none.")]
Valid = Annotated[
    str | None, typer.Option(help="Validation photos; without, what DATA says, else a fifth.")
]
TTA = Annotated[
    bool, typer.Option("--tta", help="Look at each photo five times, four of them augmented.")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON lines instead of a table.")]
Rate = Annotated[float | None, typer.Option(help="Highest rate; default: the model's own.")]
Out = Annotated[
    Path | None, typer.Option(help="Directory of the model; default: named after the data.")
]
Resume = Annotated[bool, typer.Option(help="Continue the same, interrupted call.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps ...")]
Precision = Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")]
Seed = Annotated[int, typer.Option(min=0, help="Of weights, order, augmentation, dropout.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads that decode photos.")]


def run_of(
    device: str,
    precision: str = "auto",
    seed: int = 0,
    threads: int | None = None,
    out: Path | None = None,
    resume: bool = False,
) -> Run:
    """The circumstances that the options tell."""
    from zoo.core.run import Run

    _out.set(out)
    given: Any = precision
    return Run(
        device=device, precision=given, seed=seed, threads=threads, out=out, resume=resume,
        keep_memory=True,
    )  # fmt: skip


def tell(scores: Mapping[str, float], form: str = ".4f") -> None:
    """Print scores, one a line."""
    for name, value in scores.items():
        typer.echo(f"{name:>18} {value:{form}}")


def conclude(model: Any, place: Path, hint: str) -> None:
    """Print where a trained model is saved and what to try with it.

    Args:
        model: what was trained.
        place: its directory.
        hint: command to try.

    Raises:
        typer.Exit: Ctrl-C ended the training before its time, which is said; status 130.
    """
    if cut_short := model.training.get("interrupted"):
        notice(
            f"Ctrl-C ended the training {cut_short}; what was learnt until then is saved in "
            f"{place}, and the same command with --resume goes on",
            fg="yellow",
        )
        raise typer.Exit(INTERRUPTED)
    typer.echo(f"saved in {place}; try: {hint}")


def json_line(row: Mapping[str, Any]) -> str:
    """A row as one line of JSON; what is no finite number is null.

    >>> json_line({"item": 5, "score": float("nan")})
    '{"item": 5, "score": null}'
    """
    return json.dumps(_plain(row), ensure_ascii=False, allow_nan=False)


def notice(text: str, fg: str) -> None:
    """Print a line on stderr, coloured on a terminal unless NO_COLOR is set."""
    line = f"zoo: {' '.join(text.split())}"
    typer.echo(line if os.environ.get("NO_COLOR") else typer.style(line, fg=fg), err=True)


@contextlib.contextmanager
def one_sentence() -> Iterator[None]:
    """A mistake of the user's ends in one sentence and status 1; ZOO_TRACEBACK=1 shows more.

    Warnings are one line as well, without the place in the code. Whoever reads the output may close
    it early, as `head` does; Ctrl-C ends with status 130.
    """
    out = _out.set(None)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _in_one_line
            yield
    except KeyboardInterrupt:
        notice(_broken_off(), fg="yellow")
        raise typer.Exit(INTERRUPTED) from None
    except (ValueError, OSError, ImportError, FloatingPointError, NotImplementedError) as error:
        if isinstance(error, BrokenPipeError) and error.errno == errno.EPIPE:
            _drop_output()
            raise typer.Exit(PIPE_CLOSED) from None
        if os.environ.get("ZOO_TRACEBACK"):
            raise
        notice(_in_words_of_the_shell(str(error)) or type(error).__name__, fg="red")
        raise typer.Exit(1) from None
    finally:
        _out.reset(out)


def _in_words_of_the_shell(message: str) -> str:
    """The message with options of commands for the arguments of the same names in Python."""
    return _ARGUMENT.sub(r"--\1 NAME", message)


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


def _plain(value: Any) -> Any:
    """As JSON keeps it: NumPy's numbers as Python's, None for what is no finite number."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (str, bool, int, float)) or value is None else str(value)


def _in_one_line(message: Warning | str, *_: object, **__: object) -> None:
    notice(f"warning: {message}", fg="yellow")
