"""`zoo vision segment` and `restore`: train models that draw pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.options import (
    Artifact,
    AugmentName,
    BatchSize,
    Device,
    Precision,
    Pretrained,
    Resume,
    Seed,
    Threads,
    conclude,
    one_sentence,
    run_of,
    tell,
)

if TYPE_CHECKING:
    from zoo.vision.restoration.model import PhotoRestorer
    from zoo.vision.segmentation.model import PhotoSegmenter


Masks = Annotated[
    Path | None,
    typer.Argument(help="Folder of their masks, of the same names; without, they lie among them."),
]
Classes = Annotated[
    str | None, typer.Option(help="Names of the numbers in the masks, with commas between.")
]
Ignore = Annotated[int | None, typer.Option(help="Number of pixels that do not count.")]


def segment(
    photos: Annotated[Path, typer.Argument(help="Folder of photos.")],
    masks: Masks = None,
    pretrained: Pretrained = "efficientnet_lite0",
    epochs: Annotated[int, typer.Option(min=0, help="After one with the body frozen.")] = 10,
    lr: Annotated[float, typer.Option(help="Highest rate of the decoder.")] = 3e-3,
    valid_photos: Annotated[Path | None, typer.Option(help="Photos to validate on.")] = None,
    valid_masks: Annotated[Path | None, typer.Option(help="Their masks.")] = None,
    classes: Classes = None,
    ignore: Ignore = None,
    size: Annotated[str | None, typer.Option(help="Height x width, such as 180x240.")] = None,
    batch_size: BatchSize = 8,
    augment: AugmentName = "side_on",
    out: Annotated[Path, typer.Option(help="Directory of the model.")] = Path("segmenter"),
    resume: Resume = False,
    device: Device = "auto",
    precision: Precision = "auto",
    seed: Seed = 0,
    threads: Threads = None,
) -> None:
    """Fine-tune a U-Net that tells what every pixel of a photo shows, and save it."""
    with one_sentence():
        import zoo

        given: Any = augment
        model = zoo.vision.segmentation.finetune(
            pretrained,
            photos,
            masks,
            epochs=epochs,
            lr=lr,
            valid=None if valid_photos is None else (valid_photos, valid_masks),
            classes=_names(classes),
            ignore=ignore,
            size=_size(size),
            batch_size=batch_size,
            augment=given,
            run=run_of(device, precision, seed, threads, out, resume),
        )
        _tell(model, out)


def restore(
    photos: Annotated[Path, typer.Argument(help="Folder of good photos.")],
    pretrained: Pretrained = "efficientnet_lite0",
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the photos.")] = 4,
    lr: Annotated[float, typer.Option(help="Highest rate of the decoder.")] = 2e-3,
    scale: Annotated[int, typer.Option(min=1, help="How many times photos are shrunk.")] = 2,
    quality: Annotated[int, typer.Option(min=1, max=95, help="Of the JPEG compression.")] = 10,
    size: Annotated[int, typer.Option(min=1, help="Side of the squares, in pixels.")] = 128,
    perceptual: Annotated[float, typer.Option(min=0, help="Weight of that loss.")] = 0.01,
    batch_size: BatchSize = 16,
    out: Annotated[Path, typer.Option(help="Directory of the model.")] = Path("restorer"),
    resume: Resume = False,
    device: Device = "auto",
    precision: Precision = "auto",
    seed: Seed = 0,
    threads: Threads = None,
) -> None:
    """Train a U-Net that undoes shrinking and compression of photos, and save it."""
    with one_sentence():
        import zoo

        model = zoo.vision.restoration.finetune(
            pretrained,
            photos,
            epochs=epochs,
            lr=lr,
            scale=scale,
            quality=quality,
            size=size,
            perceptual=perceptual,
            batch_size=batch_size,
            run=run_of(device, precision, seed, threads, out, resume),
        )
        _tell(model, out)


def pairs(
    photos: Annotated[Path, typer.Argument(help="Folder of photos, or a table of both.")],
    masks: Masks = None,
    classes: Classes = None,
    ignore: Ignore = None,
    threads: Threads = None,
) -> None:
    """Tell which masks belong to which photos, what is left over, and what the masks hold."""
    with one_sentence():
        import zoo

        report = zoo.vision.segmentation.check(
            photos,
            masks,
            classes=_names(classes),
            ignore=ignore,
            run=run_of("cpu", threads=threads),
        )
        typer.echo(str(report))


def draw(
    artifact: Artifact,
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of them.")],
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("drawn"),
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Write the masks of photos, or the photos restored; no file is ever written over."""
    with one_sentence():
        import zoo
        from zoo.vision.classification.model import PhotoModel
        from zoo.vision.data.images import UnreadableImage
        from zoo.vision.inspect.class_map import Segmentation
        from zoo.vision.inspect.drawings import places

        targets = places(photos, out)  # before a model is loaded
        model: Any = zoo.load(artifact, run=run_of(device, precision))
        if isinstance(model, PhotoModel) or model.domain != "vision":
            raise ValueError(
                f"a model that draws is for segmentation or restoration, however {model!r} "
                f"predicts; use: zoo predict {artifact} ..."
            )
        n_broken = 0
        for path, target in targets.items():
            try:
                drawn = model.predict(path)
            except UnreadableImage as error:
                typer.secho(f"zoo: {error}", fg="red", err=True)
                n_broken += 1
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:  # never over a file, even one that came since
                (drawn.image() if isinstance(drawn, Segmentation) else drawn).save(file, "PNG")
            shares = getattr(drawn, "shares", {})
            told = "  ".join(f"{name} {share:.2f}" for name, share in list(shares.items())[:3])
            typer.echo(f"{target}  {told}".rstrip())
    if n_broken:
        raise typer.Exit(1)


def _names(text: str | None) -> list[str] | None:
    """Names from a text with commas between."""
    return None if text is None else [name.strip() for name in text.split(",")]


def _size(text: str | None) -> tuple[int, int] | None:
    """Height and width from such as 180x240."""
    if text is None:
        return None
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.strip().isdecimal() for side in sides):
        raise ValueError(f"a size is height x width, however size={text!r}; write such as 180x240")
    return int(sides[0]), int(sides[1])


def _tell(model: PhotoSegmenter | PhotoRestorer, place: Path) -> None:
    tell(model.metrics)
    conclude(model, place, f"zoo vision draw {place} PHOTO...")
