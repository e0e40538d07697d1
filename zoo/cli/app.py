"""The `zoo` command. Heavy imports wait until a command runs, so that `--help` is quick."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.cli import drawing, seeing
from zoo.cli.collab import collab, print_pairs
from zoo.cli.data import data
from zoo.cli.hub import hub
from zoo.cli.options import (
    TTA,
    Artifact,
    AsJson,
    AugmentName,
    BatchSize,
    Device,
    Photos,
    Precision,
    Pretrained,
    Seed,
    Size,
    Threads,
    Valid,
    one_sentence,
    run_of,
    tell,
)
from zoo.cli.tabular import print_rows, tabular
from zoo.cli.text import print_texts, text
from zoo.cli.vision import print_photos, vision
from zoo.version import __version__

app = typer.Typer(
    name="zoo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Pretrained models that you fine-tune on your own data, use, and publish again.",
    epilog="Set ZOO_TRACEBACK=1 to see where an error came from.",
)
vision.command("check")(seeing.check)
vision.add_typer(seeing.show, name="show")
vision.command("segment")(drawing.segment)
vision.command("restore")(drawing.restore)
vision.command("pairs")(drawing.pairs)
vision.command("draw")(drawing.draw)
vision.command("export")(seeing.export)
app.add_typer(vision, name="vision")
app.add_typer(collab, name="collab")
app.add_typer(tabular, name="tabular")
app.add_typer(text, name="text")
app.add_typer(data, name="data")
app.add_typer(hub, name="hub")


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
    with one_sentence():
        from zoo.cli.quickstart import run

        run(out, typer.echo)


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
    with one_sentence():
        import zoo
        from zoo.core.history import save_picture

        learn = zoo.vision.learner(
            photos,
            pretrained=pretrained,
            valid=valid,
            size=size,
            batch_size=batch_size,
            augment=augment,  # type: ignore[arg-type]
            run=run_of(device, precision, seed, threads),
        )
        curve = learn.lr_find(sweeps=sweeps)
        save_picture(curve.plot(), plot)
        for rule, lr in curve.suggestions.items():
            low, high = curve.ranges[rule]
            typer.echo(f"{rule:>8} {lr:.2e}   {low:.1e} .. {high:.1e}")
        if curve.stability is not None:
            typer.echo(f"the valley suggestion varies by a factor of {curve.stability:.1f}")
        typer.echo(f"plot in {plot}")


PRINTERS: dict[str, Callable[..., None]] = {
    "vision": print_photos,
    "tabular": print_rows,
    "collab": print_pairs,
    "text": print_texts,
}


@app.command()
def predict(
    artifact: Artifact,
    files: Annotated[
        list[Path],
        typer.Argument(help="Photos, folders of them, tables or texts; as the model takes."),
    ],
    as_json: AsJson = False,
    top: Annotated[int, typer.Option(min=1, help="Classes to show for each.")] = 1,
    tta: TTA = False,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Predict files with a saved model."""
    with one_sentence():
        import zoo

        model = zoo.load(artifact, run=run_of(device, precision))
        of_photos = _of_photos(model, tta)
        PRINTERS[model.domain](model, files, as_json=as_json, top=top, **of_photos)


@app.command()
def evaluate(
    artifact: Artifact,
    data: Annotated[
        str, typer.Argument(help="Folder with a folder a class, or a table of labelled rows.")
    ],
    tta: TTA = False,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Score a saved model on labelled data."""
    with one_sentence():
        import zoo

        model = zoo.load(artifact, run=run_of(device, precision))
        tell(model.evaluate(data, **_of_photos(model, tta)))


def _of_photos(model: Any, tta: bool) -> dict[str, bool]:
    """Options that models of photos alone take."""
    if tta and model.domain != "vision":
        raise ValueError(
            f"photos alone are looked at several times, however the model is for {model.domain}; "
            "leave --tta out"
        )
    return {"tta": True} if tta else {}
