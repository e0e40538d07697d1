"""SHA256SUMS: what each file of a published model must be, in the form that `sha256sum -c` reads.

It is written when a model is published and travels with it, so that every byte is compared with
what the publisher had, whatever hub, folder or cache lies in between. It comes from outside: its
names are checked before a file is opened, and only the model's own files are.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from zoo.core.names import plain_path, require_distinct
from zoo.hub.contents import INDEX, SUMS, own_file, own_files, published, read_text

_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")


def sha256(path: Path) -> str:
    """The file's hash in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def to_text(hashes: Mapping[str, str]) -> str:
    r"""Lines of hash and file.

    >>> to_text({"config.json": "00" * 32}).endswith("00  config.json\n")
    True
    """
    return "".join(f"{sha}  {file}\n" for file, sha in sorted(hashes.items()))


def wrong_files(folder: Path) -> dict[str, str]:
    """Files that are not what SHA256SUMS says, and how; none where there is no such list.

    Raises:
        ValueError: a name in the list, the config or the card is not one of a file in the folder.
    """
    wanted = _wanted(folder)
    if wrong := wrong_index(folder):
        return wrong
    if not wanted:
        return {}
    present = published(folder)
    missing = (wanted.keys() & own_files(folder)) - set(present)
    return dict.fromkeys(sorted(missing), "missing") | _differing(folder, present, wanted)


def wrong_index(folder: Path) -> dict[str, str]:
    """The same of the files that name the others, of which nothing else is believed before.

    Raises:
        ValueError: a name in the list is not one of a file in the folder.
    """
    wanted = _wanted(folder)
    if wanted is None:
        return {SUMS: "no list of hashes"}
    if not wanted:
        return {}
    present = [file for file in INDEX if file != SUMS and own_file(folder, file).is_file()]
    return _differing(folder, present, wanted)


def _wanted(folder: Path) -> dict[str, str] | None:
    """File -> hash; empty without a list, None if there is something else in its place."""
    if not own_file(folder, SUMS).exists():
        return {}
    text = read_text(folder / SUMS)
    lines = [_LINE.fullmatch(line) for line in text.removesuffix("\n").split("\n")]
    if None in lines:
        return None
    wanted = {plain_path(line[2]): line[1] for line in lines if line}
    require_distinct(wanted)
    return wanted


def _differing(folder: Path, files: Iterable[str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Files with another hash than the list's, or with none there."""
    wrong = {}
    for file in files:
        if file not in wanted:
            wrong[file] = "not listed"
        elif (sha := sha256(own_file(folder, file))) != wanted[file]:
            wrong[file] = sha
    return wrong
