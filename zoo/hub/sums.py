"""SHA256SUMS: what each file of a published model must be, in the form that `sha256sum -c` reads.

It is written when a model is published and travels with it, so that every byte is compared with
what the publisher had, whatever hub, folder or cache lies in between.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path

SUMS = "SHA256SUMS"
EVALUATIONS = ".eval_results/*.yaml"  # what the hub shows as evaluation results
FILES = (
    *("config.json", "card.json", "*.safetensors", "README.md", "history.csv", "*.png"),
    EVALUATIONS,
)

_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")


def published(folder: Path) -> Iterator[str]:
    """Relative paths of the artifact's own files, sorted; no pickle, no sums.

    Nothing is hidden among them but the evaluation results, which the hub wants in such a folder.
    """
    for path in sorted(folder.rglob("*")):
        file = path.relative_to(folder).as_posix()
        is_hidden = any(part.startswith(".") for part in file.split("/"))
        is_hidden = is_hidden and not fnmatch(file, EVALUATIONS)
        if path.is_file() and not is_hidden and any(fnmatch(file, kind) for kind in FILES):
            yield file


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
    """Files that are not what SHA256SUMS says, and how; none where there is no such list."""
    try:
        text = (folder / SUMS).read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (UnicodeDecodeError, OSError):
        return {SUMS: "unreadable"}
    lines = [_LINE.fullmatch(line) for line in text.splitlines()]
    wanted = {line[2]: line[1] for line in lines if line}
    if None in lines or not wanted:
        return {SUMS: "no list of hashes"}
    wrong = {file: "not listed" for file in published(folder) if file not in wanted}
    for file, sha in wanted.items():
        path = folder / file
        if not path.is_file():
            wrong[file] = "missing"
        elif (got := sha256(path)) != sha:
            wrong[file] = got
    return wrong
