"""An archive as files in a folder, and the one digest that tells whether they are the right files.

The digest is over the extracted files, not over the archive: who packs the same files again, with
another compression or without the outer folder, gets the same digest; one wrong byte does not.
"""

from __future__ import annotations

import hashlib
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatch
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from zoo.data.registry import DataSet

if TYPE_CHECKING:
    from tarfile import TarFile, TarInfo

Tick = Callable[[int, int | None], None]  # bytes done, bytes in all (None: not known)

TARS = (".tar.xz", ".tar.gz", ".tgz", ".tar.bz2", ".tar")
SINGLES = (".xz", ".gz", ".bz2")  # one compressed file, not a folder
SUFFIXES = (".zip", *TARS, *SINGLES)
LITTER = ("__MACOSX", ".DS_Store", "._*", "Thumbs.db")  # what operating systems leave behind

MARKER = ".verified"  # in each finished folder; holds the digest of what lies there

_CHUNK = 1 << 18  # bytes


class _Member(NamedTuple):
    name: str
    plain: bool  # an ordinary file: no link, no device
    open: Callable[[], IO[bytes]]


def stem(file_name: str) -> str:
    """The name without its compression, by which a repacked archive is found.

    Example:
        >>> stem("aclImdb_v1.tar.gz"), stem("articles.jsonl.xz")
        ('aclImdb_v1', 'articles.jsonl')
    """
    for suffix in SUFFIXES:
        if file_name.endswith(suffix):
            return file_name.removesuffix(suffix)
    raise ValueError(f"an archive must end in one of {SUFFIXES}, however {file_name=}; repack it")


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
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not _ignored(name, patterns):
            with path.open("rb") as file:
                found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def unpack(
    archive: Path, target: Path, *, ignore: Iterable[str] = (), limit: int, tick: Tick
) -> dict[str, str]:
    """Write the archive's files under the target folder; relative path -> sha256 comes back.

    Args:
        archive: a zip, a tar of any usual compression, or one compressed file.
        target: where the files go, and nothing outside of it.
        ignore: patterns of files or folders that are left out, beside the litter of systems.
        limit: bytes that the files may have together; more is refused while unpacking.
        tick: hears of the progress.

    Raises:
        ValueError: the archive is damaged, too large, or holds a link or a path that leads outside.
    """
    hashes: dict[str, str] = {}
    written = 0
    with _damage_told(archive):
        for member in _members(archive):
            if _ignored(member.name, (*LITTER, *ignore)):
                continue
            _refuse_unsafe(archive, member)
            name = PurePosixPath(member.name).as_posix()
            sha = hashlib.sha256()
            with member.open() as source, _created(target / name, archive) as sink:
                while chunk := source.read(_CHUNK):
                    written += len(chunk)
                    _refuse_excess(written, limit, name, archive)
                    sha.update(chunk)
                    sink.write(chunk)
            hashes[name] = sha.hexdigest()
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
        hashes = unpack(archive, files, ignore=data.ignore, limit=data.unpacked, tick=tick)
        if top := top_folder(hashes):
            files = files / top
            hashes = {path.removeprefix(f"{top}/"): sha for path, sha in hashes.items()}
        got = digest(hashes)
        if got != data.digest:
            raise ValueError(
                f"the files of {data.name!r} must have the digest {data.digest[:12]}, however "
                f"{got=} ({len(hashes)} files of {data.files}) in {archive}; get the archive again"
            )
        (files / MARKER).write_text(data.digest)
        if folder.exists():  # an older edition
            folder.replace(work / "old")
        files.replace(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def is_verified(folder: Path, data: DataSet) -> bool:
    """Whether the folder was verified as this edition of the data set; its files are not read."""
    try:
        return (folder / MARKER).read_text().strip() == data.digest
    except (FileNotFoundError, NotADirectoryError):
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
            f"(digest {data.digest[:12]}), however {got=}; move it away"
        )
    (folder / MARKER).write_text(data.digest)
    return True


def _created(path: Path, archive: Path) -> IO[bytes]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("xb")
    except (FileExistsError, NotADirectoryError) as error:
        raise ValueError(
            f"a name may be in an archive once, however {path.name=} is in {archive} twice; "
            "do not use it"
        ) from error


def _refuse_unsafe(archive: Path, member: _Member) -> None:
    name = member.name
    path = PureWindowsPath(name)  # splits at / and at \, and knows drives
    if path.anchor or ".." in path.parts:
        raise ValueError(
            f"files must stay in the target folder, however {archive} holds {name=}; do not use it"
        )
    if not member.plain:
        raise ValueError(
            f"an archive may hold files and folders only, however {name=} in {archive} is a link "
            "or a device; do not use it"
        )


def _refuse_excess(written: int, limit: int, name: str, archive: Path) -> None:
    if written > limit:
        raise ValueError(
            f"the files must have {limit} bytes in all, however {name=} in {archive} passes that; "
            "get the archive again"
        )


def _ignored(name: str, patterns: Iterable[str]) -> bool:
    parts = PurePosixPath(name).parts
    return any(fnmatch(part, pattern) for part in parts for pattern in patterns)


@contextmanager
def _damage_told(archive: Path) -> Iterator[None]:
    """Whatever the formats raise for damage becomes one sentence."""
    import lzma
    import tarfile
    import zipfile
    import zlib

    broken = (zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError)
    try:
        yield
    except (*broken, NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk, not the archive
        raise ValueError(
            f"the archive must be whole, however {archive} is damaged ({error}); get it again"
        ) from error


def _members(archive: Path) -> Iterator[_Member]:
    name = archive.name
    if name.endswith(".zip"):
        yield from _zip_members(archive)
    elif name.endswith(TARS):
        yield from _tar_members(archive)
    else:
        yield _Member(stem(name), True, partial(_single, archive))


def _zip_members(archive: Path) -> Iterator[_Member]:
    from zipfile import ZipFile

    with ZipFile(archive) as file:
        for info in file.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            plain = kind in (0, stat.S_IFREG) and not info.flag_bits & 1  # bit 0: encrypted
            if not info.is_dir():
                yield _Member(info.filename, plain, partial(file.open, info))


def _tar_members(archive: Path) -> Iterator[_Member]:
    import tarfile

    with tarfile.open(archive) as file:
        for info in file:
            if not info.isdir():
                yield _Member(info.name, info.isreg(), partial(_tar_file, file, info))


def _tar_file(file: TarFile, info: TarInfo) -> IO[bytes]:
    source = file.extractfile(info)
    if source is None:  # neither a file nor a link to one, which was refused before
        raise ValueError(f"a member must be a file, however {info.name=} is none; do not use it")
    return source


def _single(archive: Path) -> IO[bytes]:
    import bz2
    import gzip
    import lzma

    if archive.suffix == ".xz":
        return lzma.open(archive)
    if archive.suffix == ".bz2":
        return bz2.open(archive)
    return cast(IO[bytes], gzip.open(archive))
