"""`zoo vision`: photos."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

import zoo
from zoo.cli.check import Fix, say_report
from zoo.cli.commands import Commands, load
from zoo.cli.options import TTA, Artifact, AsJson, Photos, Pretrained, Root
from zoo.cli.output import say, say_picture, say_table
from zoo.cli.training import named_after, settings_of, takes, train_and_save
from zoo.core.options import Option
from zoo.vision.classification import options as of_photos
from zoo.vision.restoration import options as of_restoration
from zoo.vision.segmentation import options as of_masks

vision = Commands(help="Photos: check, fine-tune, look at.")
segmentation = Commands(help="What every pixel of a photo shows: check masks, train, fine-tune.")
restoration = Commands(help="Small and compressed photos made good again: train, fine-tune.")
show = Commands(help="Pictures of photos and results.")
vision.add_typer(segmentation, name="segmentation")
vision.add_typer(restoration, name="restoration")
vision.add_typer(show, name="show")

Backbone = Annotated[str, Option(help="Backbone; `zoo vision backbones` lists them.")]
GoodPhotos = Annotated[str, typer.Argument(metavar="PHOTOS", help="Folder of good photos.")]
Pairs = Annotated[
    str, typer.Argument(metavar="PHOTOS", help="Folder of photos, or a table of photos and masks.")
]
Masks = Annotated[
    str | None, typer.Argument(help="Folder of their masks, by name; else they lie among them.")
]
ValidMasks = Annotated[str | None, typer.Option(help="Folder of the validation photos' masks.")]
Valid = Annotated[str | None, typer.Option(help="Validation photos, in the form of the others.")]
Count = Annotated[int, typer.Option("-k", min=1, help="Photos to show.")]
Among = Annotated[
    list[str] | None,
    typer.Option(help="Backbone to compare, once for each; default: those at hand."),
]
OF_DATA = (
    "root",
    "columns",
    "valid_column",
    "group",
    "strict",
    "task",
    "separator",
    "y_range",
    "size",
)
HINT = "zoo predict {} PHOTO..."


# ---- whole photos --------------------------------------------------------------------------------


@vision.command("finetune")
@takes(of_photos.FIT_OPTIONS, of_photos.EPOCHS, sizes=(of_photos.Sizes, ()))
def finetune(pretrained: Pretrained, photos: Photos, **options: Any) -> None:
    """Fine-tune a pretrained model on your photos and save it."""
    name = named_after(photos, pretrained)
    train_and_save(zoo.vision.finetune, pretrained, photos, options=options, name=name, hint=HINT)


@vision.command("train")
@takes(
    of_photos.TRAIN_FIT_OPTIONS,
    of_photos.TRAIN_EPOCHS,
    of_photos.TRAIN_LR,
    model=(Backbone, None),
)
def train(photos: Photos, **options: Any) -> None:
    """Train a model on your photos from random weights and save it."""
    name = named_after(photos, options.get("model", "model"))
    train_and_save(zoo.vision.train, photos, options=options, name=name, hint=HINT)


@vision.command("report")
def report(
    artifact: Artifact, photos: Photos, tta: TTA = False, root: Root = None, as_json: AsJson = False
) -> None:
    """Precision, recall and F of each class or label on labelled photos."""
    table = load(artifact, zoo.vision.PhotoModel).report(photos, root=root, tta=tta)
    if as_json:
        say_table(table.reset_index(names="label"), as_json)
    else:
        typer.echo(table.round(3).to_string())


@vision.command("backbones")
def backbones(
    name: Annotated[str, typer.Argument(help="Part of a name.")] = "",
    all_: Annotated[
        bool, typer.Option("--all", help="Also those whose weights are not at hand.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List backbones: those at hand, or all."""
    table = zoo.vision.backbones()
    rows = table[table["name"].str.contains(name, regex=False)]
    if not all_ and not name:
        rows = rows[rows["at_hand"]]
    say_table(rows, as_json)
    if len(rows) < len(table) and not as_json:
        typer.echo(f"{len(rows)} of {len(table)}; --all lists every one")


@vision.command("choose")
@takes(of_photos.OPTIONS, only=OF_DATA)
def choose(photos: Photos, among: Among = None, **options: Any) -> None:
    """Compare backbones on your photos by linear probes; `finetune auto` takes the best."""
    as_json = options["as_json"]
    table = zoo.vision.choose(
        photos, among=among or None, **settings_of(options | {"device": "auto"})
    )
    say_table(table.round(4).reset_index(), as_json)


@vision.command("check")
def check(
    photos: Annotated[str, typer.Argument(help="Folder of photos, or a table of paths.")],
    valid: Valid = None,
    min_side: Annotated[int, typer.Option(min=1, help="Pixels below which one is tiny.")] = 32,
    labels: Annotated[
        bool, typer.Option("--labels", help="Look for wrong labels too, by a backbone at hand.")
    ] = False,
    fix: Fix = None,
    as_json: AsJson = False,
) -> None:
    """Find broken files, duplicates, leaks, odd photos and imbalance; status 1 for errors."""
    say_report(zoo.vision.check(photos, valid, min_side=min_side, labels=labels), as_json, fix)


# ---- pictures ------------------------------------------------------------------------------------


@show.command("batch")
def show_batch(
    photos: Photos,
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("batch.png"),
    augment: Annotated[str, typer.Option(help="side_on, top_down or none.")] = "side_on",
    size: Annotated[int | None, typer.Option(help="Side of the input in pixels.")] = None,
    k: Count = 9,
    as_json: AsJson = False,
) -> None:
    """Photos of a training batch after augmentation, as the model will see them."""
    options: dict[str, Any] = {"size": size, "augment": augment}
    learn = zoo.vision.learner(photos, model="efficientnet_lite0", **options)
    say_picture(zoo.vision.figures.save(zoo.vision.figures.batch(learn, k), out), as_json)


@show.command("results")
def show_results(
    artifact: Artifact,
    photos: Photos,
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("results.png"),
    k: Count = 9,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Predictions of a saved model beside truths."""
    figure = load(artifact, zoo.vision.PhotoModel).results(photos, root=root).plot(k)
    say_picture(zoo.vision.figures.save(figure, out), as_json)


@show.command("losses")
def show_losses(
    artifact: Artifact,
    photos: Photos,
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("losses.png"),
    k: Count = 9,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """The photos that a saved model gets most wrong."""
    results = load(artifact, zoo.vision.PhotoModel).results(photos, root=root)
    say_table(results.top_losses(k), as_json)
    say_picture(zoo.vision.figures.save(results.plot_top_losses(k), out), as_json)


@show.command("confusion")
def show_confusion(
    artifact: Artifact,
    photos: Photos,
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("confusion.png"),
    least: Annotated[int, typer.Option(min=1, help="Photos of a pair to be listed.")] = 1,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """The confusion matrix of a saved model, and the pairs it confuses most."""
    from zoo.core.pictures import save_picture

    results = load(artifact, zoo.vision.PhotoModel).results(photos, root=root)
    pairs = results.most_confused(least)
    if len(pairs) or as_json:
        say_table(pairs, as_json)
    else:
        typer.echo("no class is confused")
    save_picture(results.plot_confusion(), out)
    say_picture(out, as_json)


# ---- masks ---------------------------------------------------------------------------------------


@segmentation.command("finetune")
@takes(of_masks.FIT_OPTIONS, of_masks.EPOCHS, of_masks.LR)
def finetune_segmentation(
    pretrained: Pretrained,
    photos: Pairs,
    masks: Masks = None,
    valid_masks: ValidMasks = None,
    **options: Any,
) -> None:
    """Fine-tune a U-Net that tells what every pixel of a photo shows, and save it."""
    options = _with_masks(options, valid_masks)
    verb, name = zoo.vision.segmentation.finetune, named_after(photos, "segmenter")
    train_and_save(verb, pretrained, photos, masks, options=options, name=name, hint=HINT)


@segmentation.command("train")
@takes(of_masks.FIT_OPTIONS, of_masks.TRAIN_EPOCHS, of_masks.LR, model=(Backbone, None))
def train_segmentation(
    photos: Pairs, masks: Masks = None, valid_masks: ValidMasks = None, **options: Any
) -> None:
    """Train a U-Net from random weights that tells what every pixel shows, and save it."""
    options = _with_masks(options, valid_masks)
    verb, name = zoo.vision.segmentation.train, named_after(photos, "segmenter")
    train_and_save(verb, photos, masks, options=options, name=name, hint=HINT)


@segmentation.command("check")
@takes(of_masks.OPTIONS, only=("root", "columns", "classes", "ignore", "valid", "valid_fraction"))
def check_segmentation(
    photos: Pairs, masks: Masks = None, valid_masks: ValidMasks = None, **options: Any
) -> None:
    """Tell which masks belong to which photos, what is left over, and what the masks hold."""
    as_json = options["as_json"]
    settings = settings_of(_with_masks(options, valid_masks) | {"device": "cpu"})
    findings = zoo.vision.segmentation.check(photos, masks, **settings)
    say(asdict(findings), str(findings), as_json)


def _with_masks(options: dict[str, Any], valid_masks: str | None) -> dict[str, Any]:
    """The options, with the masks of validation photos beside these."""
    pair = {"valid": (options.get("valid"), valid_masks)}
    return options if valid_masks is None else options | pair


# ---- restoration ---------------------------------------------------------------------------------


@restoration.command("finetune")
@takes(of_restoration.FIT_OPTIONS, of_restoration.EPOCHS, of_restoration.LR)
def finetune_restoration(pretrained: Pretrained, photos: GoodPhotos, **options: Any) -> None:
    """Fine-tune a U-Net that undoes shrinking and compression of photos, and save it."""
    verb, name = zoo.vision.restoration.finetune, named_after(photos, "restorer")
    train_and_save(verb, pretrained, photos, options=options, name=name, hint=HINT)


@restoration.command("train")
@takes(
    of_restoration.FIT_OPTIONS,
    of_restoration.TRAIN_EPOCHS,
    of_restoration.LR,
    model=(Backbone, None),
)
def train_restoration(photos: GoodPhotos, **options: Any) -> None:
    """Train a U-Net from random weights that undoes shrinking and compression, and save it."""
    verb, name = zoo.vision.restoration.train, named_after(photos, "restorer")
    train_and_save(verb, photos, options=options, name=name, hint=HINT)
