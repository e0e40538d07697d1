"""Arguments and options that several commands take, in the same words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Photos = Annotated[
    str,
    typer.Argument(
        help="Folder with one folder per class (perhaps within train/ and valid/), or a CSV file "
        "of paths and labels."
    ),
]
Artifact = Annotated[
    str, typer.Argument(metavar="MODEL", help="Directory of a saved model, or user/name.")
]
Pretrained = Annotated[
    str, typer.Argument(help="Model to start from: its name, its directory, or user/name.")
]
Root = Annotated[
    Path | None, typer.Option(help="Folder that a table's paths start from; that of its file.")
]
TTA = Annotated[
    bool, typer.Option("--tta", help="Look at each photo five times, four of them augmented.")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of text, one object per line.")]
Out = Annotated[
    Path | None, typer.Option(help="Directory of the model; default: named after the data.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue the same, interrupted call.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps ...")]
Precision = Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")]
Seed = Annotated[int, typer.Option(help="Seed of weights, order, augmentation and dropout.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads that load data, such as photos.")]
