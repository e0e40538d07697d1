"""`zoo hub`: published models."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

import zoo
from zoo.cli.commands import Commands, run_of
from zoo.cli.options import AsJson, Device, Precision
from zoo.cli.output import say

hub = Commands(help="Published models: list, fetch, publish, verify.")

Name = Annotated[str, typer.Argument(help="user/name on the hub, or zoo/name of an embedded one.")]
Revision = Annotated[str | None, typer.Option(help="Branch, tag or commit.")]
LEAST_SPREAD = 1e-3  # as a share of the score: what machines and versions may differ by
Folder = Annotated[
    Path | None, typer.Option("--hub", help="A folder in the hub's place; else ZOO_HUB's.")
]


@hub.command("ls")
def hub_ls(folder: Folder = None, as_json: AsJson = False) -> None:
    """List the embedded models, and those of a folder in the hub's place."""
    for row in zoo.hub.entries(hub=folder):
        score = "" if row.score is None else f"{row.metric} {row.score:.3f}"
        megabytes = f"{row.size / 1e6:.1f} MB"
        facts = f"{row.name:28} {row.domain:8} {row.task:15} {score:18} {megabytes:>8}"
        say(asdict(row), f"{facts}  {row.licence}", as_json)


@hub.command("pull")
def hub_pull(
    name: Name, revision: Revision = None, folder: Folder = None, as_json: AsJson = False
) -> None:
    """Fetch a model, check every byte of it, and print its folder."""
    place = zoo.hub.pull(name, revision=revision, hub=folder)
    say({"name": name, "folder": place}, str(place), as_json)


@hub.command("push")
def hub_push(
    artifact: Annotated[Path, typer.Argument(help="Directory of a saved model.")],
    name: Annotated[str, typer.Argument(help="user/name to publish it under.")],
    revision: Revision = None,
    private: Annotated[bool, typer.Option(help="Only you see a new repository.")] = False,
    users: Annotated[
        bool, typer.Option("--users", help="Publish what tells of single users as well.")
    ] = False,
    folder: Folder = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be published, and send nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the files of a saved model, publish them, and print where they are then."""
    place: dict[str, Any] = {"revision": revision, "users": users, "hub": folder}
    if dry_run:
        _show(zoo.hub.push(artifact, name, dry_run=True, **place))
        return
    address = zoo.hub.push(artifact, name, private=private, show=_show, **place)
    say({"name": name, "address": address}, str(address), as_json)


def _show(files: Mapping[str, int]) -> None:
    """Print the files that are published, with their sizes, beside the command's output."""
    for file, size in files.items():
        typer.echo(f"{size:>13,}  {file}", err=True)
    typer.echo(f"{sum(files.values()):>13,}  bytes in {len(files)} files", err=True)


@hub.command("verify")
def hub_verify(
    name: Name,
    data: Annotated[
        str | None, typer.Option(help="Labelled data; default: what the card says, if at hand.")
    ] = None,
    as_json: AsJson = False,
    device: Device = "auto",
    precision: Precision = "fp32",
) -> None:
    """Score a published model again and say whether its card holds; status 1 if it does not."""
    from zoo.core.artifacts.card import Card
    from zoo.hub.find import find

    folder = find(name)
    card = Card.read(folder)
    model = zoo.load(folder, run=run_of(device, precision))
    stated = {metric: (value, 0.0) for metric, value in model.metrics.items()}
    if card and data is None:
        stated = {one.metric: (one.own, one.sd) for one in card.results}
    if not stated:
        raise ValueError(
            f"a model is verified by the scores that it states, got {name!r}, which states "
            "none. Score it with `zoo evaluate` instead."
        )
    protocol = card.protocol if card else ""
    scores = _scores(name, protocol, model) if data is None else model.evaluate(data)
    if not _holds(stated, scores, as_json):
        raise typer.Exit(1)


def _holds(
    stated: Mapping[str, tuple[float, float]], scores: Mapping[str, float], as_json: bool
) -> bool:
    """Print each stated score beside the one measured now, and say whether all of them hold.

    Args:
        stated: metric -> what is said of these weights, and its deviation over trials.
        scores: metric -> what was measured.
        as_json: whether to print JSON.
    """
    verdicts = []
    for metric, (value, sd) in stated.items():
        score, spread = scores.get(metric), max(sd, LEAST_SPREAD * abs(value))
        holds = score is not None and abs(score - value) <= spread
        line = f"{metric:>12} is stated as {value:.4f}, but was not measured"
        if score is not None:
            verdict = "it holds" if holds else "it does not hold"
            line = f"{metric:>12} {score:.4f}, the card says {value:.4f} ± {spread:.4f}: {verdict}"
        facts = {"metric": metric, "score": score, "stated": value, "spread": spread}
        say(facts | {"holds": holds}, line, as_json)
        verdicts.append(holds)
    return all(verdicts)


def _scores(name: str, protocol: str, model: Any) -> dict[str, float]:
    """The scores by the card's protocol.

    Raises:
        ValueError: there is no protocol that this version knows.
    """
    module = Path(__file__).parents[1] / "published" / f"{protocol}.py"
    if not protocol.isidentifier() or protocol[0] == "_" or not module.exists():
        raise ValueError(
            f"a card must name a protocol to be verified by, got {protocol=} for {name!r}. Give "
            "--data with labelled data."
        )
    scores: dict[str, float] = importlib.import_module(f"zoo.published.{protocol}").score(model)
    return scores
