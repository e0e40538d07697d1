"""What travels to the rented machine, and what is made of what comes back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from benchmarks.device import commit, token_file
from benchmarks.device.room import COLUMNS, CSV, append, rows
from scripts.lib.record import RESULTS, ROOT

MIB: Final = 2**20
PYTHON: Final = "3.12"  # of the rented machine
WHEELS: Final = {1: ("timm",), 3: ("timm",), 4: ("timm",)}  # pure Python, by the parts that need it
ARCHIVES: Final = {6: "cifar10-jpg.tar.xz"}
WELCOME: Final = {4: "dogscats-160.zip"}  # taken where there is room


def prepare(folder: Path, parts: Sequence[int], *, limit: float, wheels: bool = True) -> None:
    """Gather what parts need in a folder, print its size, and refuse more than the limit.

    Archives come from the folder `ZOO_DATA_MIRROR`; texts from the registered data sets, as much
    of them as there is room for: all labelled reviews, then equal shares of the others.

    Args:
        folder: is made; files of earlier calls stay and count.
        parts: numbers of parts.
        limit: MiB of all files.
        wheels: whether pip downloads the pure Python packages that may be missing there.

    Raises:
        SystemExit: it is too much.
    """
    folder.mkdir(parents=True, exist_ok=True)
    commit.write(folder)
    names = sorted({name for part in parts for name in WHEELS.get(part, ())})
    if names and wheels:
        download(names, folder)
    for part in parts:
        if part in ARCHIVES:
            shutil.copyfile(mirrored(ARCHIVES[part]), folder / ARCHIVES[part])
    if 8 in parts:
        from benchmarks.device.corpus import gather

        gather(folder / token_file.FILE, round(limit * MIB) - size_of(folder))
    for part in parts:
        if part in WELCOME:
            file = mirrored(WELCOME[part])
            if size_of(folder) + file.stat().st_size <= limit * MIB:
                shutil.copyfile(file, folder / file.name)
    check(folder, limit)


def check(folder: Path, limit: float) -> None:
    """Print the size of each file and of all.

    Raises:
        SystemExit: all are more than the limit, in MiB.
    """
    for path in sorted(folder.iterdir()):
        print(f"{path.stat().st_size / MIB:8.2f} MiB  {path.name}")
    total = size_of(folder) / MIB
    print(f"{total:8.2f} MiB  of at most {limit:g}; the code's own files are {code_size():.1f} MiB")
    if total > limit:
        raise SystemExit(f"the folder must have at most {limit:g} MiB, got {total:.1f}.")


def keep(folder: Path) -> None:
    """Add the rows of a measurement to results/device.csv; those that are there stay alone.

    Raises:
        SystemExit: there are none, or only of smoke.
    """
    target = RESULTS / CSV
    known = {tuple(row.values()) for row in rows(target)}
    found = [row for row in rows(folder / CSV) if row["size"] == "full"]
    if not found:
        raise SystemExit(f"rows must be measured in full, got none in {folder / CSV}.")
    new = [row for row in found if tuple(row.values()) not in known]
    for row in new:
        append(target, [row[name] for name in COLUMNS])
    print(f"{len(new)} rows added to {target}")


def checkpoint(folder: Path, target: Path) -> None:
    """Put the language model together again; see `benchmarks.device.checkpoint`."""
    from benchmarks.device.checkpoint import restored

    print(restored(folder, target))


def download(names: Iterable[str], folder: Path) -> None:
    """Have pip fetch wheels that need no compiler and no platform."""
    flags = ["--no-deps", "--only-binary=:all:", "--python-version", PYTHON, "--platform", "any"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", *flags, "--dest", str(folder)]
    subprocess.run([*command, *names], check=True)


def mirrored(name: str) -> Path:
    """An archive in the mirror of data sets.

    Raises:
        SystemExit: it is not there.
    """
    path = Path(os.environ.get("ZOO_DATA_MIRROR", ".")) / name
    if not path.is_file():
        raise SystemExit(f"the archive must lie in ZOO_DATA_MIRROR, got no {path}.")
    return path


def size_of(folder: Path) -> int:
    """Bytes of the files of a folder."""
    return sum(path.stat().st_size for path in folder.iterdir())


def code_size() -> float:
    """MiB of the files that git tracks, which travel too."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return sum(path.stat().st_size for path in paths if path.is_file()) / MIB
