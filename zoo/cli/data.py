"""`zoo data`: named public data sets."""

from __future__ import annotations

from typing import Annotated

import typer

from zoo.cli.options import one_sentence

data = typer.Typer(no_args_is_help=True, help="Named public data sets.")


@data.command("ls")
def data_ls() -> None:
    """List the data sets, and which are at hand."""
    with one_sentence():
        import zoo

        for row in zoo.data.available():
            megabytes = f"{row.size / 1e6:,.0f} MB"
            typer.echo(f"{row.name:18} {megabytes:>9}  {row.at_hand:9} {row.what} ({row.licence})")


@data.command("show")
def data_show(name: Annotated[str, typer.Argument(help="As `zoo data ls` lists it.")]) -> None:
    """Tell where a data set comes from, under which licence, whom to cite, and its digest."""
    with one_sentence():
        from zoo.data.registry import find

        known = find(name)
        for what, said in (
            ("title", known.title),
            ("address", known.address or f"none; {known.how}"),
            ("archive", known.archive),
            ("licence", known.licence),
            ("citation", known.citation),
            ("files", f"{known.files:,} of {known.unpacked:,} bytes in all"),
            ("digest", known.digest),
        ):
            typer.echo(f"{what:>8}  {said}")


@data.command("get")
def data_get(name: Annotated[str, typer.Argument(help="As `zoo data ls` lists it.")]) -> None:
    """Fetch a data set and print its folder."""
    with one_sentence():
        import zoo

        typer.echo(zoo.data.get(name))
