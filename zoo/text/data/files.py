"""Files of texts: which ones count, how their bytes become characters, which are for validation."""

from __future__ import annotations

import codecs
import os
import warnings
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

TRAIN_NAMES: Final = ("train", "training")
VALID_NAMES: Final = ("valid", "val", "validation", "dev", "test")  # the first there is taken
LATIN: Final = "cp1252"  # of Windows; a file of texts that is no UTF-8 is most often this

_BLOCK = 1 << 20  # bytes read at a time
_NO_TEXTS = ("thumbs.db", "desktop.ini", "icon\r", "__macosx", "__pycache__")
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


def path_of(name: str | os.PathLike[str]) -> Path:
    """The path of a file or folder that is there.

    Raises:
        FileNotFoundError: there is none, or the name is none of a file.
    """
    path = Path(name)
    try:
        is_there = path.exists()
    except (OSError, ValueError):  # too long, or with characters that no name has
        is_there = False
    if not is_there:
        raise FileNotFoundError(
            f"texts must come from a file or folder, got {str(name)[:100]!r}, which does not "
            "exist. Put texts themselves into a list."
        )
    return path


def visible(folder: Path, pattern: str = "*") -> list[Path]:
    """The paths in a folder, sorted, without those that systems and editors leave there."""
    return sorted(path for path in folder.glob(pattern) if _is_visible(path, folder))


def parts_in(folder: Path, kinds: Iterable[str]) -> tuple[Path | None, Path | None]:
    """The training and the validation part of a folder that has both by name.

    A part is a folder, or a file such as "train.csv" or "wiki.train.tokens".

    Args:
        folder: where the parts lie.
        kinds: how files that may be a part end, such as ".csv".
    """
    named: dict[str, Path] = {}
    for path in visible(folder):
        if path.is_dir():
            named[path.name.lower()] = path
        elif path.suffix.lower() in kinds:
            named.setdefault(path.stem.lower().split(".")[-1], path)
    train, valid = (
        next((named[name] for name in names if name in named), None)
        for names in (TRAIN_NAMES, VALID_NAMES)
    )
    return (train, valid) if train and valid else (None, None)


def text_of(path: Path) -> str:
    """The text of a file.

    Raises:
        ValueError: the file does not hold text.
    """
    return decoded(path.read_bytes(), path.name)


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
    with path.open("rb") as file:
        return _encoding(iter(partial(file.read, _BLOCK), b""), path.name)


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
    for block in _with_end(head, blocks):
        if b"\0" in block:
            raise _no_text(name, "binary")
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError:
            is_utf8 = False
            decoder.reset()
    if not is_utf8:
        warnings.warn(
            "A file of texts is not UTF-8 and is read as Windows' Latin (cp1252). Save it as UTF-8 "
            "if its words look odd.",
            UserWarning,
            stacklevel=2,
        )
    return "utf-8" if is_utf8 else LATIN


def _with_end(head: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """All blocks, then an empty one, at which a character that is cut off shows."""
    yield head
    yield from blocks
    yield b""


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of Latin letters is zero."""
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, others = head[first::2].count(0), head[1 - first :: 2].count(0)
        if zeros > len(head) / 4 and not others:
            return encoding
    return None


def _no_text(name: str, kind: str) -> ValueError:
    return ValueError(
        f"a file of texts must hold plain text, got {name!r}, which is {kind}. Save what it says "
        "as a text file or a table, or take it out of the folder."
    )


def _is_visible(path: Path, folder: Path) -> bool:
    return not any(
        part.startswith((".", "~$")) or part.endswith("~") or part.lower() in _NO_TEXTS
        for part in path.relative_to(folder).parts
    )
