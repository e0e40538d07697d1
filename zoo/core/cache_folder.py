"""Where decoded photos, texts and data sets are kept: one rule for all of them."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
import time
from pathlib import Path
from typing import Final

KINDS: Final = (".photos", ".features", ".folds")  # suffixes of files that can be made again
STALE: Final = 24 * 3600  # seconds after which an unfinished file of a dead process is removed


def default_cache(part: str, variable: str) -> Path:
    """Return the folder that caches one kind of files; it need not exist yet.

    It is the folder that the environment variable names, else `zoo/PART` in the user's cache folder
    (`XDG_CACHE_HOME`, else `~/.cache`). A user without a home, or with one that nobody can write
    to, has a private temporary folder instead.

    Args:
        part: name of the kind, such as "photos".
        variable: an environment variable such as "ZOO_CACHE"; what it names is taken as it is.

    Raises:
        ValueError: the variable begins with `~`, and there is no such home.
    """
    if named := os.environ.get(variable):
        return expanded(named, variable)
    if named := os.environ.get("XDG_CACHE_HOME"):
        return expanded(named, "XDG_CACHE_HOME") / "zoo" / part
    folder = home_cache()
    return (_private_folder() if folder is None else folder / "zoo") / part


def home_cache() -> Path | None:
    """Return `~/.cache`, or None if there is no home or nothing can be written there."""
    if os.environ.get("HOME") == "":  # it would be the current directory
        return None
    try:
        folder = Path.home() / ".cache"
    except RuntimeError:  # neither HOME nor a line in passwd
        return None
    is_known = folder.is_absolute() and ((folder / "zoo").is_dir() or _may_create(folder))
    return folder if is_known else None


def expanded(path: str | os.PathLike[str], what: str) -> Path:
    """Return an absolute path whose `~` is the home.

    Raises:
        ValueError: there is no home of that name.
    """
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError as error:
        raise ValueError(
            f"{what} must be a folder, got {os.fspath(path)!r}, and there is no such home. "
            "Give an absolute path."
        ) from error


def make_room(kept: Path, limit: int) -> None:
    """Remove the least recently used cache files, but `kept`, until all are within the limit.

    Args:
        kept: the file that was written just now; the others are those beside it.
        limit: bytes of all together.
    """
    with contextlib.suppress(OSError):
        for part in kept.parent.glob(".*.part"):
            if time.time() - part.stat().st_mtime > STALE:
                part.unlink(missing_ok=True)
        files = [path for kind in KINDS for path in kept.parent.glob(f"*{kind}")]
        stats = {path: path.stat() for path in files}
        total = sum(one.st_size for one in stats.values())
        for path in sorted(set(files) - {kept}, key=lambda path: stats[path].st_mtime_ns):
            if total > limit:
                path.unlink(missing_ok=True)
                total -= stats[path].st_size


def _may_create(folder: Path) -> bool:
    """Whether the nearest folder that exists can be written to."""
    there = next((path for path in (folder, *folder.parents) if os.path.lexists(path)), folder)
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _private_folder() -> Path:
    """A folder of this user alone in the folder for temporary files, the same in every process."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    folder = Path(tempfile.gettempdir()) / f"zoo-cache-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
    except OSError:
        return folder  # whoever writes there says why it fails
    is_ours = not hasattr(os, "getuid") or (
        facts.st_uid == os.getuid() and not facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    )
    if stat.S_ISDIR(facts.st_mode) and is_ours:
        return folder
    return Path(tempfile.mkdtemp(prefix="zoo-cache-"))  # somebody else's: never share with them
