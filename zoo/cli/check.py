"""`zoo check`: the data doctor of all domains."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import zoo
from zoo.cli.options import AsJson, Root
from zoo.cli.output import json_line

if TYPE_CHECKING:
    from zoo.core.trust.diagnosis import Report

Data = Annotated[str, typer.Argument(help="Folder of photos or texts, or a table's file.")]
Valid = Annotated[str | None, typer.Option(help="Validation part, in the form of the data.")]
Fix = Annotated[
    Path | None,
    typer.Option(
        help="CSV file to write: rows to leave out, labels to change; training takes it by --fix."
    ),
]
_TABLES, _TEXTS, _RATINGS, _PHOTOS = "Tables", "Texts", "Ratings", "Photos"


def _option(help: str, *names: str, panel: str | None = None, **more: Any) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=panel, **more)


def check(
    data: Data,
    valid: Valid = None,
    domain: Annotated[
        str | None, _option("vision, text, tabular or collab; else told by the data.")
    ] = None,
    labels: Annotated[
        bool | None,
        _option(
            "Whether to look for wrong labels; of photos only if asked.", "--labels/--no-labels"
        ),
    ] = None,
    labels_by: Annotated[
        str | None, _option("Encoder of texts or backbone of photos by which to look for them.")
    ] = None,
    fix: Fix = None,
    against: Annotated[
        str | None, _option("Model: tell what has moved away from its training instead.")
    ] = None,
    target: Annotated[str | None, _option("Column to predict.", panel=_TABLES)] = None,
    group: Annotated[str | None, _option("Column of groups.", panel=_TABLES)] = None,
    time: Annotated[str | None, _option("Column of times.", panel=_TABLES)] = None,
    ignore: Annotated[
        list[str] | None, _option("Column that is no input; repeat it.", panel=_TABLES)
    ] = None,
    text: Annotated[
        list[str] | None, _option("Column of texts, or both of pairs.", panel=_TEXTS)
    ] = None,
    label: Annotated[list[str] | None, _option("Column of classes.", panel=_TEXTS)] = None,
    user: Annotated[str | None, _option("Column of users.", panel=_RATINGS)] = None,
    item: Annotated[str | None, _option("Column of items.", panel=_RATINGS)] = None,
    rating: Annotated[str | None, _option("Column of ratings.", panel=_RATINGS)] = None,
    root: Root = None,
    min_side: Annotated[
        int | None, _option("Pixels below which a photo is tiny.", panel=_PHOTOS, min=1)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find what spoils a training: duplicates, leaks, wrong labels; status 1 for errors."""
    options = {
        "labels": labels if labels_by is None else labels_by,
        "target": target, "group": group, "time": time, "ignore": ignore,
        "text": _one(text), "label": _one(label), "user": user, "item": item, "rating": rating,
        "root": root, "min_side": min_side, "against": against,
    }  # fmt: skip
    stated: Any = {name: value for name, value in options.items() if value not in (None, [])}
    kind: Any = domain
    try:
        report = zoo.check(data, valid, domain=kind, **stated)
    except TypeError as error:
        raise ValueError(str(error)) from None
    say_report(report, as_json, fix)


def say_report(report: Report, as_json: bool, fix: Path | None = None) -> None:
    """Print a report, and write what would mend the data where that is wanted.

    Raises:
        typer.Exit: the data would spoil a training; status 1.
    """
    from rich.console import Console

    if as_json:
        typer.echo(json_line(report.to_json()))
    else:
        Console().print(report)
    if fix is not None:
        report.save_fixes(fix)
        if not as_json:
            n = len(report.fixes())
            typer.echo(f"{n} fixes in {fix}; take out what is right, then train with --fix {fix}")
    if not report.ok:
        raise typer.Exit(1)


def _one(values: list[str] | None) -> str | tuple[str, ...] | None:
    """One column, or several."""
    if not values:
        return None
    return values[0] if len(values) == 1 else tuple(values)
