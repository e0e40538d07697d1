"""An archive as files in a folder, and the one digest that tells whether they are the right files.

The digest is over the extracted files, not over the archive: who packs the same files again, with
another compression or without the outer folder, gets the same digest; one wrong byte does not.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import IO

from zoo.core.names import require_distinct
from zoo.data.members import damage_as_a_sentence, members
from zoo.data.registry import DataSet

Tick = Callable[[int, int | None], None]  # bytes done, bytes in all (None: not known)

LITTER = ("__MACOSX", ".DS_Store", "._*", "Thumbs.db")  # what operating systems leave behind
MARKER = ".verified"  # in each finished folder; holds the digest of what lies there

# What an archive may hold beside the files: the part that is left out, folders, headers.
IGNORED_SHARE, IGNORED_BYTES = 16, 1 << 26
ENTRIES_PER_FILE, ENTRIES = 10, 10_000

_CHUNK = 1 << 18  # bytes


def digest(hashes: Mapping[str, str]) -> str:
    """The sha256 of the sorted (relative path, sha256 of the file) pairs, in hex.

    Example:
        >>> one = {"a": "00", "b": "11"}
        >>> digest(one) == digest(dict(reversed(one.items()))), digest(one) == digest({"a": "00"})
        (True, False)
    """
    lines = (f"{path}\0{sha}\n" for path, sha in sorted(hashes.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def top_folder(paths: Iterable[str]) -> str | None:
    """The one folder that all paths lie in, or None; `a/x` and `a/y` lie in `a`."""
    tops = {PurePosixPath(path).parts[0] if "/" in path else None for path in paths}
    return tops.pop() if len(tops) == 1 else None


def hash_folder(folder: Path, ignore: Iterable[str] = ()) -> dict[str, str]:
    """Relative path -> sha256 of every file under the folder, those to be ignored left out."""
    patterns = (*LITTER, *ignore)
    hashes = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not _ignored(name, patterns):
            with path.open("rb") as file:
                hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes


def unpack(
    archive: Path,
    target: Path,
    *,
    ignore: Iterable[str] = (),
    limit: int,
    files: int = 1_000_000,
    tick: Tick,
) -> dict[str, str]:
    """Write the archive's files under the target folder; relative path -> sha256 comes back.

    Args:
        archive: a zip, a tar of any usual compression, or one compressed file.
        target: where the files go, and nothing outside of it.
        ignore: patterns of files or folders that are left out, beside the litter of systems.
        limit: bytes that the files may have together; more is refused while unpacking.
        files: how many there may be.
        tick: hears of the progress.

    Raises:
        ValueError: the archive is damaged, too large, or holds a link, a name that is not plain,
            or names that some system takes for the same file.
    """
    hashes: dict[str, str] = {}
    spellings: dict[str, str] = {}
    patterns = (*LITTER, *ignore)
    written = 0
    with damage_as_a_sentence(archive):
        for n, member in enumerate(members(archive, longest_archive(limit))):
            if n >= ENTRIES_PER_FILE * files + ENTRIES or len(hashes) > files:
                raise ValueError(
                    f"the archive must hold {files} files, got more in {archive}. Get it again."
                )
            if member.is_folder or _ignored(member.name, patterns):
                continue
            require_distinct([member.name], spellings)
            _refuse_excess(written + (member.size or 0), limit, member.name, archive)
            sha = hashlib.sha256()
            with member.open() as source, _created(target / member.name, archive) as sink:
                while chunk := source.read(_CHUNK):
                    written += len(chunk)
                    _refuse_excess(written, limit, member.name, archive)
                    sha.update(chunk)
                    sink.write(chunk)
            hashes[member.name] = sha.hexdigest()
            tick(written, limit)
    return hashes


def install(archive: Path, data: DataSet, folder: Path, tick: Tick) -> None:
    """Unpack beside the folder, verify, and move into place; the caller holds the lock.

    Raises:
        ValueError: the archive is damaged or unsafe, or its files are not the data set's.
    """
    work = folder.with_name(f".{data.name}.tmp")
    shutil.rmtree(work, ignore_errors=True)  # of a process that was killed
    files = work / "files"
    files.mkdir(parents=True)
    try:
        hashes = unpack(
            archive, files, ignore=data.ignore, limit=data.unpacked, files=data.files, tick=tick
        )
        if top := top_folder(hashes):
            files = files / top
            hashes = {path.removeprefix(f"{top}/"): sha for path, sha in hashes.items()}
        got = digest(hashes)
        if got != data.digest:
            raise ValueError(
                f"the files of {data.name!r} must have the digest {data.digest[:12]}, got "
                f"{got!r} ({len(hashes)} files of {data.files}) in {archive}. Get it again."
            )
        (files / MARKER).write_text(data.digest)
        if folder.exists():  # an older edition
            folder.replace(work / "old")
        files.replace(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def longest_archive(unpacked: int) -> int:
    """Return how many bytes an archive of so many bytes of files may have, whatever is sent."""
    return IGNORED_SHARE * unpacked + IGNORED_BYTES


def is_verified(folder: Path, data: DataSet) -> bool:
    """Whether the folder was verified as this edition of the data set; its files are not read."""
    try:
        return (folder / MARKER).read_text().strip() == data.digest
    except (OSError, UnicodeDecodeError):  # none, or one that cannot be read
        return False


def adopted(folder: Path, data: DataSet) -> bool:
    """Whether a folder that someone unpacked by hand is the data set; it is marked then.

    Raises:
        FileExistsError: the folder is there, but it is neither ours nor the data set.
    """
    if not folder.exists() or (folder / MARKER).exists():  # nothing, or an older edition of ours
        return False
    got = digest(hash_folder(folder, data.ignore))
    if got != data.digest:
        raise FileExistsError(
            f"{folder} must not be there, or hold the files of {data.name!r} "
            f"(digest {data.digest[:12]}), got the digest {got!r}. Move it away."
        )
    (folder / MARKER).write_text(data.digest)
    return True


def _created(path: Path, archive: Path) -> IO[bytes]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("xb")
    except (FileExistsError, NotADirectoryError) as error:
        raise ValueError(
            f"a name must be in an archive once, got {path.name!a} twice in {archive}. Avoid it."
        ) from error


def _refuse_excess(size: int, limit: int, name: str, archive: Path) -> None:
    if size > limit:
        raise ValueError(
            f"files must have {limit} bytes in all, got more with {name!a} of {archive}. Repack it."
        )


def _ignored(name: str, patterns: Iterable[str]) -> bool:
    parts = PurePosixPath(name).parts
    return any(fnmatch(part, pattern) for part in parts for pattern in patterns)
