"""`zoo vision check`, `show` and `export`: look at photos, and at what a model makes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.options import (
    Artifact,
    AugmentName,
    Photos,
    Size,
    Valid,
    one_sentence,
    run_of,
)
from zoo.cli.vision import Root, photo_model

if TYPE_CHECKING:
    from matplotlib.figure import Figure

show = typer.Typer(no_args_is_help=True, help="Pictures of photos, results and heat maps.")

Count = Annotated[int, typer.Option("-n", min=1, help="Photos to show.")]
Data = Annotated[str, typer.Argument(help="Folder with a folder a class, or a table.")]


def check(
    photos: Annotated[str, typer.Argument(help="Folder of photos, or a table of paths.")],
    valid: Valid = None,
    min_side: Annotated[int, typer.Option(min=1, help="Pixels below which one is tiny.")] = 32,
    as_json: Annotated[bool, typer.Option("--json", help="The whole report as JSON.")] = False,
) -> None:
    """Find broken files, duplicates, leaks, odd photos and imbalance; status 1 for errors."""
    with one_sentence():
        from rich.console import Console

        import zoo

        report = zoo.vision.check(photos, valid, min_side=min_side)
        if as_json:
            typer.echo(json.dumps(report.to_json(), ensure_ascii=False, indent=2))
        else:
            Console().print(report)
    if not report.ok:
        raise typer.Exit(1)


def export(
    artifact: Artifact,
    file: Annotated[Path, typer.Argument(help="ONNX file to write.")] = Path("model.onnx"),
) -> None:
    """Write a saved model of photos as an ONNX file that takes pixels."""
    with one_sentence():
        model = _loaded(artifact, "cpu", "fp32")
        model.export(file)
        typer.echo(f"exported to {file}")


@show.command("batch")
def show_batch(
    photos: Photos,
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("batch.png"),
    augment: AugmentName = "side_on",
    size: Size = None,
    n: Count = 9,
) -> None:
    """Photos of a training batch after augmentation, as the model will see them."""
    with one_sentence():
        import zoo

        given: Any = augment
        learn = zoo.vision.learner(photos, model="efficientnet_lite0", size=size, augment=given)
        _write(zoo.vision.figures.batch(learn, n), out)


@show.command("results")
def show_results(
    artifact: Artifact,
    data: Data,
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("results.png"),
    n: Count = 9,
    root: Root = None,
) -> None:
    """Predictions of a saved model beside truths."""
    with one_sentence():
        _write(photo_model(artifact).results(data, root=root).plot(n), out)


@show.command("losses")
def show_losses(
    artifact: Artifact,
    data: Data,
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("losses.png"),
    n: Count = 9,
    root: Root = None,
) -> None:
    """The photos that a saved model gets most wrong."""
    with one_sentence():
        seen = photo_model(artifact).results(data, root=root)
        typer.echo(seen.top_losses(n).to_string(index=False))
        _write(seen.plot_top_losses(n), out)


@show.command("confusion")
def show_confusion(
    artifact: Artifact,
    data: Data,
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("confusion.png"),
    least: Annotated[int, typer.Option(min=1, help="Photos of a pair to be listed.")] = 1,
    root: Root = None,
) -> None:
    """The confusion matrix of a saved model, and the pairs it confuses most."""
    with one_sentence():
        from zoo.core.history import save_picture

        seen = photo_model(artifact).results(data, root=root)
        pairs = seen.most_confused(least)
        typer.echo(pairs.to_string(index=False) if len(pairs) else "no class is confused")
        save_picture(seen.plot_confusion(), out)
        typer.echo(f"picture in {out}")


@show.command("heat")
def show_heat(
    artifact: Artifact,
    photo: Annotated[Path, typer.Argument(help="Photo.")],
    label: Annotated[
        str | None, typer.Option(help="Class to look for; the likeliest else.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("heat.png"),
) -> None:
    """Where in a photo a saved model sees what it says (Grad-CAM)."""
    with one_sentence():
        found = photo_model(artifact).explain(photo, label)
        typer.echo(f"{photo}  {found.label}")
        _write(found.figure(), out)


def _loaded(artifact: str, device: str = "auto", precision: str = "auto") -> Any:
    import zoo

    model = zoo.load(artifact, run=run_of(device, precision))
    if getattr(model, "domain", "") != "vision":
        raise ValueError(
            f"this takes a model of photos, however {artifact!r} is {model!r}; see zoo --help"
        )
    return model


def _write(figure: Figure, path: Path) -> None:
    from zoo.vision.inspect import figures

    figures.save(figure, path)
    typer.echo(f"picture in {path}")
