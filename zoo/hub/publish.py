"""A model to the hub: its own files and their hashes, in one commit that arrives whole or not.

`huggingface_hub` does the transfer: large files that have arrived are not sent twice, so a push
that broke off goes on when it is repeated. What is added here: only an artifact's files go, never
a pickle or a training state; what the hub has stored is compared with what was sent; a failure is
one sentence.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from zoo.hub.catalog import EMBEDDED
from zoo.hub.failures import check_name, told
from zoo.hub.fetch import CLIENT
from zoo.hub.shelf import put, shelf
from zoo.hub.sums import FILES, SUMS, published, sha256, to_text

_MESSAGE = "Publish a model with transfer-zoo"


class Savable(Protocol):
    """A model that can be written as an artifact."""

    def save(self, directory: Path | str) -> Path:
        """Write the artifact."""
        ...


def push(
    artifact: Savable | str | os.PathLike[str],
    name: str,
    *,
    revision: str | None = None,
    private: bool = False,
    message: str = _MESSAGE,
    hub: str | os.PathLike[str] | None = None,
) -> str:
    """Publish a model under a name, and say where it is then.

    Args:
        artifact: a model, or the directory that `save` returned.
        name: `user/name`; what it held before is replaced, in a new commit.
        revision: a branch, made if there is none of that name; None is the main branch.
        private: of a new repository: only you see it.
        message: of the commit.
        hub: a folder in the hub's place; None is `ZOO_HUB`, and without it the Hugging Face hub.

    Raises:
        ValueError: the name is malformed, the directory is no artifact, or the hub has stored
            something else than was sent.
        PermissionError: the hub does not let you write there.
        ConnectionError: the hub cannot be reached, or fails.
    """
    check_name(name)
    if name.startswith(EMBEDDED):
        raise ValueError(
            f"names with {EMBEDDED!r} are those of models that ship with the library, however "
            f"{name=}; publish under your own name"
        )
    with _folder_of(artifact, name) as folder:
        content = _content(folder, name)
        if (place := shelf(hub)) is not None:
            if revision is not None:
                raise ValueError(
                    f"a folder in the hub's place keeps one revision, however {revision=}; "
                    "leave it out"
                )
            return str(put(content, name, place))
        return _upload(content, name, revision, private, message)


@contextmanager
def _folder_of(artifact: Savable | str | os.PathLike[str], name: str) -> Iterator[Path]:
    if isinstance(artifact, (str, os.PathLike)):
        yield Path(artifact)
        return
    with tempfile.TemporaryDirectory(prefix="zoo-push-") as temporary:
        yield artifact.save(Path(temporary) / name.split("/")[1])


def _content(folder: Path, name: str) -> dict[str, Path | bytes]:
    """What is sent, with the sums of it; the card tells the name that the model has there.

    Raises:
        ValueError: the directory is no artifact.
    """
    files = list(published(folder))
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        members = config.get("members", ["model.safetensors"])
        missing = [file for file in ("README.md", *members) if file not in files]
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ValueError(
            f"what is published is an artifact, however {str(folder)!r} has no config.json that "
            f"can be read ({error}); give a model, or the directory that save() returned"
        ) from error
    if missing:
        raise ValueError(
            f"an artifact is whole, however {str(folder)!r} lacks {missing}; save the model again"
        )
    content: dict[str, Path | bytes] = {file: folder / file for file in files}
    card = (folder / "README.md").read_text(encoding="utf-8")
    named = card.replace(f'zoo.load("{folder.name}")', f'zoo.load("{name}")')
    content["README.md"] = named.encode()
    hashes = {file: _sha256(source) for file, source in content.items()}
    return content | {SUMS: to_text(hashes).encode()}


def _sha256(source: Path | bytes) -> str:
    return hashlib.sha256(source).hexdigest() if isinstance(source, bytes) else sha256(source)


def _upload(
    content: Mapping[str, Path | bytes],
    name: str,
    revision: str | None,
    private: bool,
    message: str,
) -> str:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
    from huggingface_hub.hf_api import RepoFile

    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, library_name=CLIENT)
    with told(name, revision, "write"):
        api.create_repo(name, private=private, exist_ok=True)
        if revision is not None:
            api.create_branch(name, branch=revision, exist_ok=True)
        there = api.list_repo_files(name, revision=revision)
        operations: list[Any] = [
            CommitOperationAdd(file, source) for file, source in content.items()
        ]
        operations += [CommitOperationDelete(file) for file in _stale(there, content)]
        commit = api.create_commit(name, operations, commit_message=message, revision=revision)
    try:
        stored = api.get_paths_info(name, list(content), revision=commit.oid)
    except Exception as error:
        raise ConnectionError(
            f"the hub must say what it has stored, however it does not for {name=}, which has been "
            "published; push again to have it compared, or rely on pull, which compares every file"
        ) from error
    hashes = {
        file.path: file.lfs.sha256 if file.lfs else file.blob_id
        for file in stored
        if isinstance(file, RepoFile)
    }
    wrong = {
        file: hashes.get(file)
        for file, source in content.items()
        if hashes.get(file) not in _names_of(source)
    }
    if wrong:
        raise ValueError(
            f"the hub must have stored what was sent, however in {name=} these have other hashes: "
            f"{wrong=}; push again: nobody's pull accepts them"
        )
    return f"{api.endpoint}/{name}"


def _stale(there: list[str], content: Mapping[str, Path | bytes]) -> list[str]:
    """Files of an earlier artifact that this one has not."""
    from fnmatch import fnmatch

    return [
        file for file in there if file not in content and any(fnmatch(file, kind) for kind in FILES)
    ]


def _names_of(source: Path | bytes) -> tuple[str, str]:
    """The hashes by which a hub may know a file: of a large one, and of git."""
    blob = source if isinstance(source, bytes) else source.read_bytes()
    return (
        hashlib.sha256(blob).hexdigest(),
        hashlib.sha1(b"blob %d\0" % len(blob) + blob).hexdigest(),
    )
