"""`zoo data`: named public data sets."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

import zoo
from zoo.cli.commands import Commands
from zoo.cli.options import AsJson
from zoo.cli.output import say

data = Commands(help="Named public data sets.")

Name = Annotated[str, typer.Argument(help="As `zoo data ls` lists it.")]


@data.command("ls")
def data_ls(as_json: AsJson = False) -> None:
    """List the data sets, and which are at hand."""
    for row in zoo.data.available():
        megabytes = f"{row.size / 1e6:,.0f} MB"
        line = f"{row.name:18} {megabytes:>9}  {row.at_hand:9} {row.what} ({row.licence})"
        say(asdict(row), line, as_json)


@data.command("show")
def data_show(name: Name, as_json: AsJson = False) -> None:
    """Tell where a data set comes from, under which licence, whom to cite, and its digest."""
    from zoo.data.registry import find

    data_set = find(name)
    facts = {
        "title": data_set.title,
        "address": data_set.address or f"none; {data_set.how}",
        "archive": data_set.archive,
        "licence": data_set.licence,
        "citation": data_set.citation,
        "files": f"{data_set.files:,} of {data_set.unpacked:,} bytes in all",
        "digest": data_set.digest,
    }
    lines = "\n".join(f"{what:>8}  {fact}" for what, fact in facts.items())
    say(asdict(data_set), lines, as_json)


@data.command("get")
def data_get(name: Name, as_json: AsJson = False) -> None:
    """Fetch a data set and print its folder."""
    folder = zoo.data.get(name)
    say({"name": name, "folder": folder}, str(folder), as_json)
