"""What the commands share: options in the same words, circumstances, and how a mistake ends."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from zoo.core.run import Run

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

    given: Any = precision
    return Run(device=device, precision=given, seed=seed, threads=threads, out=out, resume=resume)


def tell(scores: Mapping[str, float], form: str = ".4f") -> None:
    """Print scores, one a line."""
    for name, value in scores.items():
        typer.echo(f"{name:>18} {value:{form}}")


@contextlib.contextmanager
def one_sentence() -> Iterator[None]:
    """A mistake of the user's ends in one sentence and status 1; ZOO_TRACEBACK=1 shows more.

    Warnings are one line as well, without the place in the code.
    """
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _in_one_line
            yield
    except (ValueError, OSError, ModuleNotFoundError, FloatingPointError) as error:
        if os.environ.get("ZOO_TRACEBACK"):
            raise
        typer.secho(f"zoo: {error}", fg="red", err=True)
        raise typer.Exit(1) from None


def _in_one_line(message: Warning | str, *_: object, **__: object) -> None:
    typer.secho(f"zoo: warning: {' '.join(str(message).split())}", fg="yellow", err=True)
