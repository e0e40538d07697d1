"""The commit of the code that measures, also where only its files have travelled and no git is."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.device.room import ROOT

FILE: Final = "commit.json"  # in a folder of carried data
CODE: Final = ("zoo", "benchmarks", "scripts", "tests")


def commit(data: Sequence[Path] = ()) -> str:
    """The short name of the commit; "+" after it if the files of the code are not those of it.

    Args:
        data: folders that `prepare` has filled; git is asked where they know of other files.
    """
    told = [json.loads((x / FILE).read_text()) for x in data if (x / FILE).is_file()]
    if same := [one["commit"] for one in told if one["digest"] == digest()]:
        return str(same[0])
    if name := _git("rev-parse", "--short", "HEAD"):
        return name + ("+" if _git("status", "--porcelain", "--", *CODE) else "")
    return f"{told[0]['commit']}+" if told else "unknown"


def write(folder: Path) -> None:
    """Write the commit beside the data, with a digest of the code's files."""
    told = {"commit": commit(), "digest": digest()}
    (folder / FILE).write_text(json.dumps(told))


def digest() -> str:
    """A digest of all Python files of the code."""
    total = hashlib.blake2b(digest_size=16)
    for path in sorted(path for room in CODE for path in (ROOT / room).rglob("*.py")):
        total.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return total.hexdigest()


def _git(*words: str) -> str:
    try:
        found = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return found.stdout.strip()
