"""A data set's folder: from the cache, from a mirror, or from its official address.

The cache is the folder `ZOO_DATA` (else `~/.cache/zoo/data`), with one folder per data set. A
mirror, `ZOO_DATA_MIRROR`, is a folder or a web address that holds archives under their official
names, whatever their compression. What was fetched is verified before it gets its place, under a
lock and in one move, so a folder that has the marker file is whole, however many processes asked
for it.

If all files of an archive lie in one top folder, that folder is left away: `get` hands out the
folder whose contents are useful.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from zoo.core.cache_folder import default_cache, expanded
from zoo.data.archive import Tick, adopted, install, is_verified, longest_archive
from zoo.data.download import download
from zoo.data.members import SUFFIXES, stem
from zoo.data.registry import DATA_SETS, DataSet, find

DOWNLOADS = ".downloads"  # in the cache; archives that are under way

AtHand = Literal["cached", "mirror", "download", "by hand"]


@dataclass(frozen=True)
class Row:
    """One line of the list of data sets.

    `size` is the bytes of the unpacked files. `at_hand` is where `get` would look first; a mirror
    on the web is not asked for that, "mirror" then means that it will be tried.
    """

    name: str
    what: str
    size: int
    licence: str
    at_hand: AtHand


def available() -> list[Row]:
    """All named data sets, with size, licence, and whether they are at hand; asks no network."""
    mirror = _mirror()
    return [
        Row(data.name, data.title, data.unpacked, data.licence, _at_hand(data, mirror))
        for data in DATA_SETS
    ]


def get(name: str, *, progress: bool | None = None) -> Path:
    """The folder of a named data set, fetched and verified if it is not in the cache.

    Args:
        name: a registered name, see `available`.
        progress: whether to draw a progress bar; None draws one if stderr is a terminal.

    Raises:
        ValueError: the name is unknown, or what was fetched is not the data set.
        FileNotFoundError: the data set lies neither in the mirror nor at a public address.
        ConnectionError: the mirror or the official address could not be read.
    """
    return obtain(find(name), progress=progress)


def obtain(data: DataSet, *, progress: bool | None = None) -> Path:
    """The folder of a data set that need not be registered; see `get`."""
    root = _root()
    folder = root / data.name
    if is_verified(folder, data):
        return folder
    from filelock import FileLock

    show = sys.stderr.isatty() if progress is None else progress
    with _writing_to(root), FileLock(root / f".{data.name}.lock"):
        if is_verified(folder, data) or adopted(folder, data):
            return folder
        archive = _locate(data, root / DOWNLOADS, show)
        try:
            with _bar(f"unpack {data.name}", show) as tick:
                install(archive, data, folder, tick)
        finally:
            if archive.parent == root / DOWNLOADS:
                archive.unlink()  # used up, or damaged: the next call starts afresh
    return folder


def _root() -> Path:
    return default_cache("data", "ZOO_DATA")


@contextmanager
def _writing_to(root: Path) -> Iterator[None]:
    """Make the folder, and turn a full disk or a closed folder into one sentence."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        if error.errno is None:  # a sentence of ours
            raise
        raise OSError(
            f"a data set must be written to its folder, got {str(root)!r} "
            f"({error.strerror or error}). Free space there, or set ZOO_DATA to another folder."
        ) from error


def _mirror() -> str | Path | None:
    mirror = os.environ.get("ZOO_DATA_MIRROR")
    if not mirror or mirror.startswith(("http://", "https://")):
        return mirror or None
    folder = expanded(mirror, "ZOO_DATA_MIRROR")
    if not folder.is_dir():
        raise NotADirectoryError(
            f"ZOO_DATA_MIRROR must be a folder or an http address, got {mirror=}. Correct it."
        )
    return folder


def _at_hand(data: DataSet, mirror: str | Path | None) -> AtHand:
    if is_verified(_root() / data.name, data):
        return "cached"
    if isinstance(mirror, str) or (mirror and any((mirror / n).is_file() for n in _names(data))):
        return "mirror"
    return "download" if data.address else "by hand"


def _names(data: DataSet) -> list[str]:
    """The official name of the archive, then the names that a repacked one may have."""
    others = [stem(data.archive) + suffix for suffix in SUFFIXES]
    return list(dict.fromkeys([data.archive, *others]))


def _locate(data: DataSet, downloads: Path, show: bool) -> Path:
    """An archive on this machine: the mirror's own, or a downloaded one."""
    mirror = _mirror()
    urls = [data.address] if data.address else []
    if isinstance(mirror, str):
        urls = [f"{mirror.rstrip('/')}/{quote(name)}" for name in _names(data)] + urls
    elif mirror:
        for name in _names(data):
            if (mirror / name).is_file():
                return mirror / name
    way_out = (
        f"get {data.archive} by hand ({data.how}) and set ZOO_DATA_MIRROR to its folder, "
        f"or unpack it into {downloads.parent / data.name}"
    )
    for url in urls:
        try:
            with _bar(f"download {data.name}", show) as tick:
                return download(url, downloads, tick, longest_archive(data.unpacked))
        except FileNotFoundError:
            continue
        except ConnectionError as error:
            raise ConnectionError(
                f"a data set must be at hand or reachable, got {data.name!r}, which could not be "
                f"fetched ({error}). Try again, or {way_out}."
            ) from error
    tried = f"it was not found at {urls}" if urls else "it has no public address"
    raise FileNotFoundError(
        f"a data set must lie in the mirror or at its address, got {data.name!r}: {tried} "
        f"(ZOO_DATA_MIRROR={os.environ.get('ZOO_DATA_MIRROR')!r}). Try to {way_out}."
    )


@contextmanager
def _bar(what: str, show: bool) -> Iterator[Tick]:
    if not show:
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        bar = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(bar, completed=done, total=total)
