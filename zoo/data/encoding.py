"""How the bytes of a file become characters, one rule for texts and tables.

A byte order mark decides; without one a file is UTF-8, else Windows' Latin (cp1252), with a
warning. What is no text, such as a PDF or a picture, is refused by name.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
from collections.abc import Iterable
from functools import partial
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final

from zoo.core.messages import warn

COMPRESSED: Final = (".gz", ".bz2", ".xz")
LATIN: Final = "cp1252"  # of Windows; a file of texts that is no UTF-8 is most often this
BLOCK: Final = 1 << 20  # bytes read at a time

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_FORMATS = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive, as Word and Excel write them"),
    (b"\xd0\xcf\x11\xe0", "an old Word or Excel file"),
    (b"\x1f\x8b", "compressed by gzip"),
    (b"BZh", "compressed by bzip2"),
    (b"\xfd7zXZ", "compressed by xz"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd"),
    (b"PAR1", "Parquet"),
    (b"{\\rtf", "rich text"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
)


def opened(path: Path) -> IO[bytes]:
    """The bytes of a file, unpacked if its name ends in .gz, .bz2 or .xz."""
    reader: Any = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}.get(path.suffix.lower())
    return path.open("rb") if reader is None else reader(path, "rb")


def opened_text(path: Path, encoding: str) -> IO[str]:
    """The text of a file, its line ends as they are and what is no character as U+FFFD."""
    return TextIOWrapper(opened(path), encoding=encoding, errors="replace", newline="")


def decoded(raw: bytes, name: str = "") -> str:
    """The text that bytes hold: UTF-8, UTF-16 or UTF-32, or Windows' Latin where they are neither.

    Raises:
        ValueError: the bytes are no text.

    >>> decoded("café".encode()), decoded("café".encode("utf-16"))
    ('café', 'café')
    """
    return raw.decode(_encoding([raw], name), errors="replace")


def encoding_of(path: Path) -> str:
    """The encoding of a file, which is read through but never held.

    Raises:
        ValueError: the file does not hold text.
    """
    with opened(path) as file:
        return _encoding(iter(partial(file.read, BLOCK), b""), path.name)


def _encoding(blocks: Iterable[bytes], name: str) -> str:
    blocks = iter(blocks)
    head = next(blocks, b"")
    for mark, encoding in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return encoding
    for beginning, kind in _OTHER_FORMATS:
        if head.startswith(beginning):
            raise _no_text(name, kind)
    if wide := _wide(head):
        return wide
    decoder, is_utf8 = codecs.getincrementaldecoder("utf-8")(), True
    for block in chain([head], blocks, [b""]):  # at the end a character that is cut off shows
        if b"\0" in block:
            raise _no_text(name, "binary")
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError:
            is_utf8 = False
            decoder.reset()
    if not is_utf8:
        warn(
            "A file of texts is not UTF-8 and is read as Windows' Latin (cp1252). Save it as UTF-8 "
            "if its words look odd."
        )
    return "utf-8" if is_utf8 else LATIN


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of Latin letters is zero."""
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, others = head[first::2].count(0), head[1 - first :: 2].count(0)
        if zeros > len(head) / 4 and not others:
            return encoding
    return None


def _no_text(name: str, kind: str) -> ValueError:
    return ValueError(
        f"a file of texts or a table must hold plain text, got {name!r}, which is {kind}. Save "
        "what it says as a text file or as CSV."
    )
