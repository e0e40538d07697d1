"""The archives of the arena's sets that have no official address: found by name, then verified.

They are packings of public files that their authors publish in another form, so `zoo.data` does not
register them. `archives.csv` states for each where its files come from, and what they must be.
An archive is looked for where `zoo.data` looks, in `ZOO_DATA_MIRROR`, in its folder `more`.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Final

from zoo.data.fetch import obtain
from zoo.data.registry import DataSet

LIST: Final = Path(__file__).with_name("archives.csv")


@cache
def folder(name: str) -> Path:
    """The folder of an archive's files, such as "tab-ames", unpacked once and verified.

    Raises:
        FileNotFoundError: the archive is not in the mirror.
        ValueError: its files are not those that were measured.
    """
    with LIST.open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["name"] == name)
    return obtain(
        DataSet(
            name=f"arena-{name}",
            title=name,
            domain="tabular",
            archive=f"more/{name}.zip",
            address=None,
            how=f"its files come from {row['source']}",
            licence=row["licence"],
            citation=row["source"],
            files=int(row["files"]),
            unpacked=int(row["unpacked"]),
            digest=row["digest"],
        ),
        progress=False,
    )
