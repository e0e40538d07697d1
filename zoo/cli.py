"""The `zoo` command. Heavy imports wait until a command runs, so that `--help` is quick."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo import __version__

if TYPE_CHECKING:
    from zoo.core.run import Run

app = typer.Typer(
    name="zoo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Pretrained models that you fine-tune on your own data, use, and publish again.",
    epilog="Set ZOO_TRACEBACK=1 to see where an error came from.",
)
vision = typer.Typer(no_args_is_help=True, help="Photos: fine-tune, list backbones.")
data = typer.Typer(no_args_is_help=True, help="Named public data sets.")
app.add_typer(vision, name="vision")
app.add_typer(data, name="data")

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
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps ...")]
Precision = Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")]
Seed = Annotated[int, typer.Option(min=0, help="Of weights, order, augmentation, dropout.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads that decode photos.")]


@app.callback(invoke_without_command=True)
def main(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Pretrained models that you fine-tune on your own data, use, and publish again."""
    if version:
        typer.echo(f"transfer-zoo {__version__}")
        raise typer.Exit


@app.command()
def quickstart(
    out: Annotated[Path, typer.Option(help="Folder for pictures and the model.")] = Path(
        "quickstart"
    ),
) -> None:
    """Fine-tune a real pretrained model in under a minute, without any data of yours."""
    with _one_sentence():
        from zoo.quickstart import run

        run(out, typer.echo)


@vision.command("finetune")
def vision_finetune(
    photos: Photos,
    pretrained: Pretrained = "efficientnet_lite0",
    epochs: Annotated[int, typer.Option(min=0, help="0 gives a linear probe.")] = 4,
    lr: Annotated[float, typer.Option(help="Highest rate of the head.")] = 3e-4,
    valid: Valid = None,
    size: Size = None,
    batch_size: BatchSize = 16,
    augment: AugmentName = "side_on",
    strict: Annotated[bool, typer.Option(help="Stop at unreadable photos.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Directory of the model; default: DATA-PRETRAINED.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Continue the same, interrupted call.")] = False,
    device: Device = "auto",
    precision: Precision = "auto",
    seed: Seed = 0,
    threads: Threads = None,
) -> None:
    """Fine-tune a pretrained model on your photos and save it."""
    with _one_sentence():
        import zoo

        target = out or Path(f"{Path(photos).resolve().stem}-{Path(pretrained).resolve().name}")
        model = zoo.vision.finetune(
            pretrained,
            photos,
            epochs=epochs,
            lr=lr,
            valid=valid,
            size=size,
            batch_size=batch_size,
            augment=augment,  # type: ignore[arg-type]
            strict=strict,
            run=_run(device, precision, seed, threads, target, resume),
        )
        for name, value in model.metrics.items():
            typer.echo(f"{name:>12} {value:.4f}")
        typer.echo(f"saved in {target}; try: zoo predict {target} PHOTO...")


@vision.command("backbones")
def vision_backbones(
    name: Annotated[str, typer.Argument(help="Part of a name.")] = "",
    all_: Annotated[
        bool, typer.Option("--all", help="Also those whose weights are not at hand.")
    ] = False,
) -> None:
    """List backbones: those at hand, or all."""
    with _one_sentence():
        import zoo

        table = zoo.vision.backbones()
        rows = table[table["name"].str.contains(name, regex=False)]
        if not all_ and not name:
            rows = rows[rows["at_hand"]]
        typer.echo(rows.to_string(index=False))
        if len(rows) < len(table):
            typer.echo(f"{len(rows)} of {len(table)}; --all lists every one")


@app.command("lr-find")
def lr_find(
    photos: Photos,
    pretrained: Pretrained = "efficientnet_lite0",
    sweeps: Annotated[int, typer.Option(min=1, help="Several tell how stable it is.")] = 3,
    plot: Annotated[Path, typer.Option(help="Picture to write.")] = Path("lr-find.png"),
    valid: Valid = None,
    size: Size = None,
    batch_size: BatchSize = 16,
    augment: AugmentName = "side_on",
    device: Device = "auto",
    precision: Precision = "auto",
    seed: Seed = 0,
    threads: Threads = None,
) -> None:
    """Suggest learning rates for the unfrozen model, and say how stable they are."""
    with _one_sentence():
        import zoo
        from zoo.core.history import save_picture

        learn = zoo.vision.learner(
            pretrained,
            photos,
            valid=valid,
            size=size,
            batch_size=batch_size,
            augment=augment,  # type: ignore[arg-type]
            run=_run(device, precision, seed, threads, None, False),
        )
        curve = learn.lr_find(sweeps=sweeps)
        save_picture(curve.plot(), plot)
        for rule, lr in curve.suggestions.items():
            low, high = curve.ranges[rule]
            typer.echo(f"{rule:>8} {lr:.2e}   {low:.1e} .. {high:.1e}")
        if curve.stability is not None:
            typer.echo(f"the valley suggestion varies by a factor of {curve.stability:.1f}")
        typer.echo(f"plot in {plot}")


@app.command()
def predict(
    artifact: Artifact,
    files: Annotated[list[Path], typer.Argument(help="Photos, or folders of them.")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines instead of a table.")] = False,
    top: Annotated[int, typer.Option(min=1, help="Classes to show for each file.")] = 1,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Predict files with a saved model."""
    with _one_sentence():
        import zoo
        from zoo.vision.images import is_image, walk

        model = zoo.load(artifact, run=_run(device, precision, 0, None, None, False))
        paths = [
            path
            for file in files
            for path in (filter(is_image, walk(file)) if file.is_dir() else [file])
        ]
        if not paths:
            raise ValueError(
                f"photos to predict are files or in folders, however {str(files[0])!r} has none; "
                "give another folder"
            )
        for path, prediction in zip(paths, model.predict(paths), strict=True):
            ranked = sorted(prediction.probabilities.items(), key=lambda item: -item[1])[:top]
            if as_json:
                scores = {label: round(p, 6) for label, p in ranked}
                line = {"file": str(path), "label": prediction.label, "probabilities": scores}
                typer.echo(json.dumps(line, ensure_ascii=False))
            else:
                shown = "  ".join(f"{label} {p:.3f}" for label, p in ranked)
                typer.echo(f"{path}  {shown}")


@app.command()
def evaluate(
    artifact: Artifact,
    photos: Photos,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Score a saved model on labelled data."""
    with _one_sentence():
        import zoo

        model = zoo.load(artifact, run=_run(device, precision, 0, None, None, False))
        for name, value in model.evaluate(photos).items():
            typer.echo(f"{name:>12} {value:.4f}")


@data.command("ls")
def data_ls() -> None:
    """List the data sets, and which are at hand."""
    with _one_sentence():
        import zoo

        for row in zoo.data.available():
            megabytes = f"{row.size / 1e6:,.0f} MB"
            typer.echo(f"{row.name:18} {megabytes:>9}  {row.at_hand:9} {row.what} ({row.licence})")


@data.command("get")
def data_get(name: Annotated[str, typer.Argument(help="As `zoo data ls` lists it.")]) -> None:
    """Fetch a data set and print its folder."""
    with _one_sentence():
        import zoo

        typer.echo(zoo.data.get(name))


def _run(
    device: str,
    precision: str,
    seed: int,
    threads: int | None,
    out: Path | None,
    resume: bool,
) -> Run:
    from zoo.core.run import Run

    given: Any = precision
    return Run(device=device, precision=given, seed=seed, threads=threads, out=out, resume=resume)


@contextlib.contextmanager
def _one_sentence() -> Iterator[None]:
    """A mistake of the user's ends in one sentence and status 1; ZOO_TRACEBACK=1 shows more."""
    try:
        yield
    except (ValueError, OSError, ModuleNotFoundError, FloatingPointError) as error:
        if os.environ.get("ZOO_TRACEBACK"):
            raise
        typer.secho(f"zoo: {error}", fg="red", err=True)
        raise typer.Exit(1) from None
