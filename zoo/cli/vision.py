"""`zoo vision`: photos."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli.options import (
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
)

if TYPE_CHECKING:
    from zoo.vision.predictor import PhotoModel

vision = typer.Typer(no_args_is_help=True, help="Photos: fine-tune, list backbones.")


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
    with one_sentence():
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
            run=run_of(device, precision, seed, threads, target, resume),
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
    with one_sentence():
        import zoo

        table = zoo.vision.backbones()
        rows = table[table["name"].str.contains(name, regex=False)]
        if not all_ and not name:
            rows = rows[rows["at_hand"]]
        typer.echo(rows.to_string(index=False))
        if len(rows) < len(table):
            typer.echo(f"{len(rows)} of {len(table)}; --all lists every one")


def print_photos(model: PhotoModel, files: list[Path], *, as_json: bool, top: int) -> None:
    """Print the likeliest classes of each photo."""
    from zoo.vision.images import is_image, walk

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
            typer.echo(f"{path}  {'  '.join(f'{label} {p:.3f}' for label, p in ranked)}")
