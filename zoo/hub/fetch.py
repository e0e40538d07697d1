"""A published model as a directory on this machine, every byte of it checked.

`huggingface_hub` finds, downloads and caches; what is added here: only an artifact's own files are
asked for, never a pickle, each is compared with the hash that the hub knows it by and with the one
that its publisher wrote down, also when it comes from the cache, and every failure is one sentence.
`HF_ENDPOINT`, `HF_HUB_OFFLINE`, `HF_HOME` and `HF_TOKEN` have their usual meaning. Pulls of one
model by several processes wait for each other, so that none removes what another has fetched.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.hub.catalog import EMBEDDED, embedded
from zoo.hub.failures import check_name, explained
from zoo.hub.shelf import shelf, taken
from zoo.hub.sums import FILES, SUMS, published, wrong_files

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

CLIENT = "transfer-zoo"  # how the hub sees us
TIMEOUT = 10.0  # seconds for the hub's first answer

_HEX = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")  # git's sha1 of a blob, or a sha256


def pull(
    name: str,
    *,
    revision: str | None = None,
    cache: str | os.PathLike[str] | None = None,
    hub: str | os.PathLike[str] | None = None,
) -> Path:
    """The directory of a published model, from the cache if the hub cannot be reached.

    Args:
        name: `zoo/name` of an embedded model, or `user/name` of a repository on the hub.
        revision: a branch, a tag or a commit; None is the main branch.
        cache: where snapshots are kept; None is the hub client's own cache.
        hub: a folder in the hub's place; None is `ZOO_HUB`, and without it the Hugging Face hub.

    Raises:
        ValueError: the name is malformed, or a file is not what it was when it was published.
        FileNotFoundError: there is no such repository or revision, or it holds no artifact.
        PermissionError: the repository is gated, or the token is not accepted.
        ConnectionError: the hub cannot be reached, and the cache does not hold the model.
    """
    check_name(name)
    folder = shelf(hub)
    if name.startswith(EMBEDDED):
        return _sound(name, embedded(name))
    if folder is not None:
        return _sound(name, taken(name, folder))
    from huggingface_hub import constants

    root = Path(cache or constants.HF_HUB_CACHE)
    with _alone(root / ".locks" / f"zoo--{name.replace('/', '--')}.lock"):
        return _fetched(name, revision, root)


def _fetched(name: str, revision: str | None, cache: Path) -> Path:
    """The checked snapshot of a repository."""
    from huggingface_hub import HfApi, snapshot_download

    endpoint = os.environ.get("HF_ENDPOINT") or None
    info, away = None, None
    try:
        api = HfApi(endpoint=endpoint, library_name=CLIENT)
        info = api.model_info(name, revision=revision, timeout=TIMEOUT, files_metadata=True)
    except Exception as error:
        away = error
        if not isinstance(said := explained(error, name, revision, "read"), ConnectionError):
            raise said from error
    else:
        _refuse_without_config(name, _listed(info))
    try:
        snapshot = snapshot_download(
            name,
            revision=revision,
            cache_dir=cache,
            endpoint=endpoint,
            library_name=CLIENT,
            allow_patterns=[*FILES, SUMS],
            local_files_only=info is None,
        )
    except Exception as error:
        cause = away or error
        raise explained(cause, name, revision, "read") from cause
    folder = Path(snapshot)
    _verify(name, folder, _listed(info) if info and info.sha == folder.name else {})
    _refuse_without_config(name, [path.name for path in folder.iterdir()])
    return folder


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One pull of a model at a time; a cache that cannot be written to needs no lock."""
    from filelock import FileLock

    held: AbstractContextManager[object]
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        held = FileLock(lock).acquire()
    except OSError:
        held = nullcontext()
    with held:
        yield


def _sound(name: str, folder: Path) -> Path:
    """A folder of this machine whose files are what they were when they were published."""
    if wrong := wrong_files(folder):
        raise ValueError(
            f"files must be what they were when {name!r} was published, however in {str(folder)!r} "
            f"{wrong=}; publish or install it again"
        )
    return folder


def _refuse_without_config(name: str, files: Collection[str]) -> None:
    if "config.json" not in files:
        raise FileNotFoundError(
            f"a published model must have a config.json, however {name=} has only "
            f"{sorted(files)[:5]}; name a repository that was made by save or push"
        )


def _listed(info: ModelInfo) -> dict[str, str]:
    """File -> hash by which the hub knows it."""
    return {
        file.rfilename: (file.lfs.sha256 if file.lfs else file.blob_id) or ""
        for file in info.siblings or ()
    }


def _verify(name: str, folder: Path, listed: Mapping[str, str]) -> None:
    """Compare the artifact's files with their hashes; a wrong one is removed from the cache.

    Without the hub's list the hash is the name of the blob that the cache's link points to; a
    cache without links (some Windows file systems) has none, and is checked by the publisher's
    hashes alone.
    """
    wrong = wrong_files(folder)
    for file in [*published(folder), SUMS]:
        path = folder / file
        wanted = listed.get(file) or _blob(path).name
        if path.is_file() and _HEX.fullmatch(wanted) and (got := _hash(path, wanted)) != wanted:
            wrong[file] = got
    if not wrong:
        return
    for file in wrong:
        for damaged in {(folder / file).resolve(), _blob(folder / file), folder / file}:
            damaged.unlink(missing_ok=True)
    raise ValueError(
        f"files must be what the hub and the publisher say they are, however in {name=} these "
        f"have other hashes: {wrong=}; they were removed from the cache, pull again"
    )


def _blob(path: Path) -> Path:
    return path.parent / path.readlink() if path.is_symlink() else path


def _hash(path: Path, wanted: str) -> str:
    """By the same rule as the wanted one: sha256, or sha1 as git does."""
    with path.open("rb") as file:
        if len(wanted) == 64:
            return hashlib.file_digest(file, "sha256").hexdigest()
        content = file.read()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
