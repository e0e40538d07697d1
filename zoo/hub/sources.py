"""One file that is published: a small one in memory, weights where they lie, and their hashes."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

_CHUNK = 1 << 20  # bytes


@dataclass(frozen=True)
class Source:
    """What a file holds, as it was when it was read.

    Attributes:
        content: bytes of a small file, the path of weights.
        sha256: hash of the content in hex, by which a hub knows a large file.
        blob: git's hash of it, by which a hub knows a small one.
        size: number of bytes.
    """

    content: bytes | Path
    sha256: str
    blob: str
    size: int

    @classmethod
    def of(cls, content: bytes | Path) -> Source:
        """Read a file, or take its content."""
        if isinstance(content, Path) and content.suffix != ".safetensors":
            content = content.read_bytes()
        with BytesIO(content) if isinstance(content, bytes) else content.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            sha256, blob = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size)
            while chunk := file.read(_CHUNK):
                sha256.update(chunk)
                blob.update(chunk)
        return cls(content, sha256.hexdigest(), blob.hexdigest(), size)

    @property
    def text(self) -> str:
        """The content as text.

        Raises:
            ValueError: it is none.
        """
        assert isinstance(self.content, bytes)
        try:
            return self.content.decode()
        except UnicodeDecodeError as error:
            raise ValueError(
                f"cards and configs must be UTF-8, got other bytes ({error}). Save the model again."
            ) from error


def altered(what: object) -> ValueError:
    """The sentence for an artifact that was written to while it was published."""
    return ValueError(
        f"an artifact must stay as it is while it is published, got another {what!r}. Push again "
        "when nothing writes there."
    )
