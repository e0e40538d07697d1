"""The files of an archive, one after another, none of them trusted.

Every name is checked before its file is opened. What an archive makes this process read, count or
hold in memory is bounded by what the files should have, whatever its headers say.
"""

from __future__ import annotations

import errno
import importlib
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from zoo.core.names import plain_path

TARS = (".tar.xz", ".tar.gz", ".tgz", ".tar.bz2", ".tar")
SINGLES = (".xz", ".gz", ".bz2")  # one compressed file, not a folder
SUFFIXES = (".zip", *TARS, *SINGLES)

LONGEST_HEADER = 1 << 20  # bytes that a tar's reader may ask for at once; names are far shorter
_MODULES = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\0": "lzma"}  # by how a file begins


class Member(NamedTuple):
    """A file or folder of an archive.

    Attributes:
        name: path below the folder that the archive is unpacked to.
        is_folder: whether it is a folder, which holds nothing itself.
        is_plain: whether it is an ordinary file: no link, no device, not encrypted.
        size: bytes that the archive says it has; None if it does not say.
        open: opens it for reading.
    """

    name: str
    is_folder: bool
    is_plain: bool
    size: int | None
    open: Callable[[], IO[bytes]]


def stem(file_name: str) -> str:
    """Return the name without its compression, by which a repacked archive is known.

    Example:
        >>> stem("aclImdb_v1.tar.gz"), stem("articles.jsonl.xz")
        ('aclImdb_v1', 'articles.jsonl')
    """
    for suffix in SUFFIXES:
        if file_name.endswith(suffix):
            return file_name.removesuffix(suffix)
    raise ValueError(f"an archive must end in one of {SUFFIXES}, got {file_name=}. Repack it.")


def members(archive: Path, longest: int) -> Iterator[Member]:
    """Yield what the archive holds, names checked, links and devices refused.

    Args:
        archive: a zip, a tar of any usual compression, or one compressed file.
        longest: bytes of a tar that may be read in all, whether its files are wanted or not.

    Raises:
        ValueError: the archive holds what no data set needs.
        Exception: it is damaged; see `damage_as_a_sentence`.
    """
    if archive.name.endswith(".zip"):
        untrusted = _zip_members(archive)
    elif archive.name.endswith(TARS):
        untrusted = _tar_members(archive, longest)
    else:
        single = partial(_decompressed, archive)
        untrusted = iter([Member(stem(archive.name), False, True, None, single)])
    for member in untrusted:
        yield member._replace(name=_checked_name(archive, member))


def _checked_name(archive: Path, member: Member) -> str:
    # What tar and zip may write: "./a", "a//b", and "a/" for a folder.
    name = PurePosixPath(member.name).as_posix()
    if member.is_folder and name == ".":
        return name
    try:
        plain_path(name)
    except ValueError as error:
        raise ValueError(f"in {archive}: {error}") from None
    if not member.is_plain:
        raise ValueError(
            f"an archive must hold ordinary files and folders alone, got {name=} in {archive}, a "
            "link, a device or encrypted. Do not use the archive."
        )
    return name


# ---- zip ----------------------------------------------------------------------------------------


def _zip_members(archive: Path) -> Iterator[Member]:
    from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

    with ZipFile(archive) as file:
        for info in file.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            plain = kind in (0, stat.S_IFDIR if info.is_dir() else stat.S_IFREG)
            plain = plain and not info.flag_bits & 1  # encrypted
            if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
                raise NotImplementedError(f"compression {info.compress_type} of {info.filename!a}")
            # zipfile cuts a name at NUL, which is a trick: the name as it stands is what is checked
            name = info.orig_filename if "\0" in info.orig_filename else info.filename
            yield Member(name, info.is_dir(), plain, info.file_size, partial(file.open, info))


# ---- tar ----------------------------------------------------------------------------------------


class _Bounded:
    """A stream that is read forward in bounded pieces up to a bounded length."""

    def __init__(self, stream: IO[bytes], longest: int) -> None:
        self.stream, self.longest = stream, longest

    def read(self, size: int) -> bytes:
        if not 0 <= size <= LONGEST_HEADER:
            raise EOFError(f"a header asks for {size} bytes at once")
        self._refuse_beyond(self.tell() + size)
        return self.stream.read(size)

    def seek(self, offset: int) -> int:
        self._refuse_beyond(offset)
        return self.stream.seek(offset)

    def tell(self) -> int:
        return self.stream.tell()

    def _refuse_beyond(self, position: int) -> None:
        if not 0 <= position <= self.longest:
            raise EOFError(f"it goes on beyond {self.longest} bytes")


def _tar_members(archive: Path, longest: int) -> Iterator[Member]:
    import tarfile

    with _decompressed(archive) as stream:
        bounded: Any = _Bounded(stream, longest)
        with tarfile.open(fileobj=bounded, mode="r:") as file:
            for info in file:
                if info.size < 0:
                    raise EOFError(f"{info.name!a} has a size below 0")
                source: Any = partial(file.extractfile, info)  # none for links, which are refused
                plain = info.isreg() or info.isdir()
                yield Member(info.name, info.isdir(), plain, info.size, source)


# ---- compression --------------------------------------------------------------------------------


def _decompressed(archive: Path) -> IO[bytes]:
    """The archive's content, decompressed as its first bytes say."""
    with archive.open("rb") as file:
        start = file.read(6)
    for beginning, module in _MODULES.items():
        if start.startswith(beginning):
            content: IO[bytes] = importlib.import_module(module).open(archive)
            return content
    if archive.name.endswith(SINGLES) and not archive.name.endswith(TARS):
        raise EOFError("it does not begin as a compressed file does")
    return archive.open("rb")


@contextmanager
def damage_as_a_sentence(archive: Path) -> Iterator[None]:
    """Turn whatever the formats raise for damage into one sentence."""
    import lzma
    import struct
    import tarfile
    import zipfile
    import zlib

    formats = (zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, struct.error)
    general = (EOFError, UnicodeError, OverflowError, RuntimeError, LookupError, OSError)
    try:
        yield
    except (*formats, *general) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # the disk, not the archive
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"an archive must be whole, got {archive}, which is damaged or not one "
            f"({reason:.200}). Get it again."
        ) from error
