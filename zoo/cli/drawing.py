"""`zoo vision segment` and `restore`: train models that draw pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.options import (
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
    from zoo.vision.restorer import PhotoRestorer
    from zoo.vision.segmenter import PhotoSegmenter


def segment(
    photos: Annotated[Path, typer.Argument(help="Folder of photos.")],
    masks: Annotated[Path, typer.Argument(help="Folder of their masks, of the same names.")],
    pretrained: Pretrained = "efficientnet_lite0",
    epochs: Annotated[int, typer.Option(min=0, help="After one with the body frozen.")] = 10,
    lr: Annotated[float, typer.Option(help="Highest rate of the decoder.")] = 3e-3,
    valid_photos: Annotated[Path | None, typer.Option(help="Photos to validate on.")] = None,
    valid_masks: Annotated[Path | None, typer.Option(help="Their masks.")] = None,
    classes: Annotated[
        str | None, typer.Option(help="Names of the numbers in the masks, with commas between.")
    ] = None,
    ignore: Annotated[int | None, typer.Option(help="Number of pixels that do not count.")] = None,
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
            classes=None if classes is None else [name.strip() for name in classes.split(",")],
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
