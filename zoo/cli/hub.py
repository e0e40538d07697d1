"""`zoo hub`: published models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.options import one_sentence

hub = typer.Typer(no_args_is_help=True, help="Published models: list, fetch, publish, verify.")

Name = Annotated[str, typer.Argument(help="user/name on the hub, or zoo/name of an embedded one.")]
Revision = Annotated[str | None, typer.Option(help="Branch, tag or commit.")]
Folder = Annotated[
    Path | None, typer.Option("--hub", help="A folder in the hub's place; else ZOO_HUB's.")
]


@hub.command("ls")
def hub_ls(folder: Folder = None) -> None:
    """List the embedded models, and those of a folder in the hub's place."""
    with one_sentence():
        import zoo

        for row in zoo.hub.list(hub=folder):
            score = "" if row.score is None else f"{row.metric} {row.score:.3f}"
            megabytes = f"{row.size / 1e6:.1f} MB"
            typer.echo(
                f"{row.name:28} {row.domain:8} {row.task:15} {score:18} {megabytes:>8}  "
                f"{row.licence}"
            )


@hub.command("pull")
def hub_pull(name: Name, revision: Revision = None, folder: Folder = None) -> None:
    """Fetch a model, check every byte of it, and print its folder."""
    with one_sentence():
        import zoo

        typer.echo(zoo.hub.pull(name, revision=revision, hub=folder))


@hub.command("push")
def hub_push(
    artifact: Annotated[Path, typer.Argument(help="Directory of a saved model.")],
    name: Annotated[str, typer.Argument(help="user/name to publish it under.")],
    revision: Revision = None,
    private: Annotated[bool, typer.Option(help="Only you see a new repository.")] = False,
    folder: Folder = None,
) -> None:
    """Publish a saved model and print where it is then."""
    with one_sentence():
        import zoo

        typer.echo(zoo.hub.push(artifact, name, revision=revision, private=private, hub=folder))
