"""`zoo vision`: photos."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.options import (
    TTA,
    Artifact,
    AugmentName,
    BatchSize,
    Device,
    Out,
    Photos,
    Precision,
    Pretrained,
    Resume,
    Seed,
    Size,
    Threads,
    Valid,
    conclude,
    json_line,
    one_sentence,
    run_of,
    tell,
)

if TYPE_CHECKING:
    from zoo.vision.classification.model import PhotoModel

Root = Annotated[
    Path | None, typer.Option(help="Folder that a table's paths start from; that of its file.")
]

vision = typer.Typer(no_args_is_help=True, help="Photos: check, fine-tune, look at, draw, export.")


@vision.command("finetune")
def vision_finetune(
    photos: Photos,
    pretrained: Pretrained = "efficientnet_lite0",
    epochs: Annotated[int, typer.Option(min=0, help="0 gives a linear probe.")] = 4,
    lr: Annotated[
        float | None,
        typer.Option(help="Highest rate of the head; 3e-4, or 2e-3 if it alone trains."),
    ] = None,
    valid: Valid = None,
    size: Size = None,
    batch_size: BatchSize = 16,
    sizes: Annotated[
        str, typer.Option(help="Growing sizes that share the epochs, such as 96,128,160.")
    ] = "",
    task: Annotated[
        str | None,
        typer.Option(help="classification, multi-label or regression; without, the labels decide."),
    ] = None,
    separator: Annotated[
        str | None, typer.Option(help="Between several labels in a table's cell.")
    ] = None,
    y_range: Annotated[
        tuple[float, float] | None, typer.Option(help="What numbers to estimate lie between.")
    ] = None,
    beta: Annotated[
        float | None, typer.Option(help="Times that recall counts as precision in F; 1.")
    ] = None,
    augment: AugmentName = "side_on",
    mixup: Annotated[float, typer.Option(min=0, help="Alpha of blended photos, usually .4.")] = 0.0,
    cutmix: Annotated[float, typer.Option(min=0, help="Alpha of pasted boxes, usually 1.")] = 0.0,
    label_smoothing: Annotated[float, typer.Option(help="Share spread over all classes.")] = 0.0,
    dropout: Annotated[float | None, typer.Option(help="Probability in the head.")] = None,
    class_weights: Annotated[
        bool, typer.Option("--class-weights", help="Weigh classes by their rarity.")
    ] = False,
    oversample: Annotated[
        bool, typer.Option("--oversample", help="Repeat photos of rarer classes.")
    ] = False,
    precompute: Annotated[
        bool, typer.Option("--precompute", help="Train the head alone, on features kept on disk.")
    ] = False,
    versions: Annotated[
        int, typer.Option(min=0, help="Augmented versions of each photo to precompute.")
    ] = 0,
    strict: Annotated[bool, typer.Option(help="Stop at unreadable photos.")] = False,
    columns: Annotated[
        str | None, typer.Option(help="A table's columns of paths and labels: photo,label.")
    ] = None,
    root: Root = None,
    out: Out = None,
    resume: Resume = False,
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
            sizes=_numbers(sizes),
            valid=valid,
            task=task,  # type: ignore[arg-type]
            separator=separator,
            y_range=y_range,
            beta=beta,
            size=size,
            batch_size=batch_size,
            augment=augment,  # type: ignore[arg-type]
            mixup=mixup,
            cutmix=cutmix,
            class_weights="balanced" if class_weights else None,
            oversample=oversample,
            precompute=precompute,
            versions=versions,
            dropout=dropout,
            label_smoothing=label_smoothing,
            strict=strict,
            columns=_names(columns),
            root=root,
            run=run_of(device, precision, seed, threads, target, resume),
        )
        tell(model.metrics)
        conclude(model, target, f"zoo predict {target} PHOTO...")


@vision.command("report")
def vision_report(artifact: Artifact, photos: Photos, tta: TTA = False, root: Root = None) -> None:
    """Precision, recall and F of each class or label on labelled photos."""
    with one_sentence():
        report = photo_model(artifact).report(photos, root=root, tta=tta)
        typer.echo(report.round(3).to_string())


def photo_model(artifact: str) -> PhotoModel:
    """A saved model that answers for whole photos.

    Raises:
        ValueError: it is another.
    """
    import zoo
    from zoo.vision.classification.model import PhotoModel

    model: Any = zoo.load(artifact)
    if not isinstance(model, PhotoModel):
        raise ValueError(
            "this takes a model that says what whole photos show, however "
            f"{artifact!r} is {model!r}; try zoo evaluate, or zoo vision draw for pictures"
        )
    return model


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


def print_photos(
    model: PhotoModel, files: list[Path], *, as_json: bool, top: int, tta: bool = False
) -> None:
    """Print what the model says of each photo: its likeliest classes, its labels or its number."""
    from zoo.vision.classification.model import PhotoModel
    from zoo.vision.data.images import UnreadableImage, is_image, walk

    if not isinstance(model, PhotoModel):
        raise ValueError(
            f"what is printed is said in words, however {model!r} draws pictures; use: zoo vision "
            "draw MODEL PHOTO"
        )
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
    try:
        predictions = model.predict(paths, tta=tta)
    except UnreadableImage:
        paths = _readable(paths, files)
        predictions = model.predict(paths, tta=tta)
    for path, prediction in zip(paths, predictions, strict=True):
        said, text = _told(prediction, top)
        line = json_line({"file": str(path), **said})
        typer.echo(line if as_json else f"{path}  {text}")


def _readable(paths: list[Path], named: list[Path]) -> list[Path]:
    """The photos without the broken ones that lie in folders; those that are named all stay."""
    from zoo.core.messages import few
    from zoo.vision.data.images import UnreadableImage, read

    kept, broken = [], []
    for path in paths:
        try:
            if path not in named:
                read(path)
        except UnreadableImage as error:
            broken.append(str(error))
        else:
            kept.append(path)
    if not kept or not broken:
        return paths
    said = f"{len(broken)} of {len(paths)} photos are left out: {few(broken, '; ')}"
    warnings.warn(said, stacklevel=2)
    return kept


def _told(prediction: Any, top: int) -> tuple[dict[str, Any], str]:
    """What the model says of one photo, for JSON and in a line."""
    if isinstance(prediction, float):
        return {"number": round(prediction, 6)}, f"{prediction:.6g}"
    scores = prediction.probabilities
    labels = getattr(prediction, "labels", None)
    if labels is None:
        ranked = sorted(scores.items(), key=lambda item: -item[1])[:top]
        said: dict[str, Any] = {"label": prediction.label}
    else:
        ranked, said = [(name, scores[name]) for name in labels], {"labels": list(labels)}
    shown = {name: round(p, 6) for name, p in (ranked if labels is None else scores.items())}
    text = "  ".join(f"{name} {p:.3f}" for name, p in ranked) or "no label"
    return said | {"probabilities": shown}, text


def _names(text: str | None) -> tuple[str, str] | None:
    """Two names with a comma between."""
    names = [] if text is None else [name.strip() for name in text.split(",")]
    if text is not None and len(names) != 2:
        raise ValueError(
            f"columns must be two names with a comma between, got {text!r}. Try photo,label."
        )
    return (names[0], names[1]) if names else None


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ValueError(
            f"sizes are whole numbers with commas between, however sizes={text!r}; give such as "
            "96,128,160"
        ) from None
