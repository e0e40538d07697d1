"""A small data set, archives of it, and an empty cache for every test."""

from __future__ import annotations

import hashlib
import io
import random
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zoo.data import download
from zoo.data.archive import digest
from zoo.data.registry import DataSet

from .server import Files, serve

FILES = {
    "train/a.bin": random.Random(1).randbytes(300_000),
    "train/b.txt": b"two\n",
    "valid/c.txt": b"three\n",
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZOO_DATA", str(tmp_path / "cache"))
    monkeypatch.delenv("ZOO_DATA_MIRROR", raising=False)
    monkeypatch.setattr(download, "WAIT", 0.01)
    return tmp_path / "cache"


def zipped(files: dict[str, bytes], top: str = "toy/") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(top + name, content)
    return buffer.getvalue()


def tarred(files: dict[str, bytes], top: str = "toy/", mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(top + name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def data_set(address: str | None = None, **changes: object) -> DataSet:
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    fields: dict[str, object] = {
        "name": "toy",
        "title": "three files",
        "domain": "vision",
        "archive": "toy-v1.tar.gz",
        "address": address,
        "how": "ask its author",
        "licence": "none",
        "citation": "none",
        "files": len(FILES),
        "unpacked": sum(map(len, FILES.values())),
        "digest": digest(hashes),
        "ignore": ("*.feat",),
    }
    return DataSet(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture
def files() -> Iterator[Callable[..., Files]]:
    """Makes a server of the given content, with the faults given."""
    servers = []

    def start(content: dict[str, bytes], **faults: object) -> Files:
        made = Files(content, **faults)  # type: ignore[arg-type]
        servers.append(serve(made))
        return made

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def contents(folder: Path) -> dict[str, bytes]:
    """The files under the folder, without what begins with a dot."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
