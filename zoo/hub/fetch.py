"""A published model as a directory on this machine, every byte of it checked.

`huggingface_hub` finds, downloads and caches; what is added here: only an artifact's own files are
asked for, never a pickle, each is compared with the hash that the hub knows it by and with the one
that its publisher wrote down, also when it comes from the cache, weights are whole, and every
failure is one sentence. What a repository says decides no path: names are checked first, and what
is removed lies in the model's own part of the cache.
`HF_ENDPOINT`, `HF_HUB_OFFLINE`, `HF_HOME` and `HF_TOKEN` have their usual meaning. Pulls of one
model by several processes wait for each other, so that none removes what another has fetched.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.core.cache_folder import default_cache, expanded
from zoo.hub.catalog import EMBEDDED, embedded
from zoo.hub.checksums import sha256, wrong_files, wrong_index
from zoo.hub.contents import INDEX, SUMS, is_evaluation, own_file, own_files, published
from zoo.hub.hub_errors import CacheOnlyError, check_name, check_revision, explained, told
from zoo.hub.local_hub import shelf, taken

if TYPE_CHECKING:
    from huggingface_hub.hf_api import HfApi, ModelInfo

CLIENT = "transfer-zoo"  # how the hub sees us
TIMEOUT = 10.0  # seconds for the hub's first answer

_HEX = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")  # git's sha1 of a blob, or a sha256


class Access(NamedTuple):
    """How the hub is asked.

    Attributes:
        token: see `pull`.
        cache_alone: whether it is not asked at all.
        again: whether files come from there although the cache has them.
    """

    token: str | bool | None = None
    cache_alone: bool = False
    again: bool = False


def pull(
    name: str,
    *,
    revision: str | None = None,
    cache: str | os.PathLike[str] | None = None,
    hub: str | os.PathLike[str] | None = None,
    token: str | bool | None = None,
    local_files_only: bool = False,
    force_download: bool = False,
) -> Path:
    """The directory of a published model, from the cache if the hub cannot be reached.

    Args:
        name: `zoo/name` of an embedded model, or `user/name` of a repository on the hub.
        revision: a branch, a tag or a commit; None is the main branch.
        cache: where snapshots are kept; None is the hub client's own cache.
        hub: a folder in the hub's place; None is `ZOO_HUB`, and without it the Hugging Face hub.
        token: token for the hub; None or True takes the one of your login, False sends none.
        local_files_only: whether to take what the cache holds and ask no hub.
        force_download: whether to fetch files again that the cache holds.

    Raises:
        ValueError: the name is malformed, or a file is not what it was when it was published.
        FileNotFoundError: there is no such repository or revision, or it holds no artifact.
        PermissionError: the repository is gated, or the token is not accepted.
        ConnectionError: the hub cannot be reached, and the cache does not hold the model.
    """
    check_name(name)
    check_revision(revision)
    folder = shelf(hub)
    if name.startswith(EMBEDDED):
        refuse_revision(revision, "a model that ships with the library")
        return _sound(name, embedded(name))
    if folder is not None:
        refuse_revision(revision, "a folder in the hub's place")
        return _sound(name, taken(name, folder))
    root = _root(cache)
    with _alone(root / ".locks" / f"zoo--{name.replace('/', '--')}.lock"):
        return _fetched(name, revision, root, Access(token, local_files_only, force_download))


def pull_files(
    name: str, patterns: Iterable[str], *, cache: str | os.PathLike[str] | None = None
) -> Path:
    """A snapshot of some files of somebody else's repository, which holds no artifact of ours.

    Args:
        name: `user/name` of a repository on the hub.
        patterns: names of the files, with * for any letters; no others are asked for.
        cache: see `pull`.

    Raises:
        ValueError: see `pull`, as for the others.
        FileNotFoundError: there is no such repository, or it has no config.json.
        PermissionError: the repository is gated, or the token is not accepted.
        ConnectionError: the hub cannot be reached, and the cache does not hold the files.
    """
    check_name(name)
    root = _root(cache)
    with _alone(root / ".locks" / f"zoo--{name.replace('/', '--')}.lock"), _named(name):
        info, away = _info(name, None, Access())
        with told(name, None, "read", away):
            place = client().snapshot_download(
                name,
                cache_dir=root,
                allow_patterns=[*patterns],
                local_files_only=away is not None,
            )
        folder = _own_snapshot(Path(place), root)
        files = [path.relative_to(folder).as_posix() for path in folder.rglob("*.*")]
        listed = _listed(info) if info and info.sha == folder.name else {}
        _refuse_damage(folder, files, listed, {})
    return folder


def client(token: str | bool | None = None) -> HfApi:
    """The hub's client, for the address that the environment names now."""
    from huggingface_hub import HfApi

    endpoint = os.environ.get("HF_ENDPOINT") or None
    return HfApi(endpoint=endpoint, token=token, library_name=CLIENT)


def _root(cache: str | os.PathLike[str] | None) -> Path:
    """The folder of snapshots: the one named, the hub client's own, or ours if there is no home."""
    from huggingface_hub import constants

    if cache is not None:
        return expanded(cache, "cache")
    own = Path(constants.HF_HUB_CACHE)
    return default_cache("hub", "HF_HUB_CACHE") if own.parts[:1] == ("~",) else own


def _fetched(name: str, revision: str | None, cache: Path, access: Access) -> Path:
    """The checked snapshot of a repository: from the hub, or from the cache if that is away."""
    info, away = _info(name, revision, access)

    def snapshot(files: Iterable[str], commit: str | None) -> Path:
        with told(name, revision, "read", away):
            folder = client(access.token).snapshot_download(
                name,
                revision=commit,
                cache_dir=cache,
                force_download=access.again and away is None,
                allow_patterns=[escape(file) for file in files],
                local_files_only=away is not None,
            )
        return _own_snapshot(Path(folder), cache)

    with _named(name):
        folder = snapshot(INDEX, revision)
        listed = _listed(info) if info and info.sha == folder.name else {}
        _refuse_damage(folder, INDEX, listed, wrong_index(folder))
        _refuse_without_config(name, [path.name for path in folder.iterdir()])
        snapshot([*own_files(folder), *filter(is_evaluation, listed)], folder.name)
        _refuse_damage(folder, [*published(folder), SUMS], listed, wrong_files(folder))
        _refuse_broken(folder)
    return folder


def _info(name: str, revision: str | None, access: Access) -> tuple[Any, Exception | None]:
    """What the hub says of a repository; or None, and why it cannot be reached.

    Raises:
        ValueError: the repository holds no model, or may not be read.
    """
    if access.cache_alone:
        return None, CacheOnlyError()
    try:
        api = client(access.token)
        info = api.model_info(name, revision=revision, timeout=TIMEOUT, files_metadata=True)
    except Exception as error:
        if not isinstance(said := explained(error, name, revision, "read"), ConnectionError):
            raise said from error
        return None, error
    _refuse_without_config(name, _listed(info))
    return info, None


def _own_snapshot(folder: Path, cache: Path) -> Path:
    """The snapshot's folder, if the hub has named it by nothing but a commit.

    Raises:
        ValueError: it is somewhere else.
    """
    if not _HEX.fullmatch(folder.name) or cache.resolve() not in folder.resolve().parents:
        raise ValueError(
            f"a hub must name a commit by its hash, got {folder.name!a:.80}. Use another hub."
        )
    return folder


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One pull of a model at a time; a cache that cannot be written to needs no lock."""
    from filelock import FileLock

    with ExitStack() as held:
        with suppress(OSError):
            lock.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(FileLock(lock))
        yield


def refuse_revision(revision: str | None, what: str) -> None:
    """Refuse a revision where there is only one.

    Raises:
        ValueError: another one than the main branch is wished.
    """
    if revision not in (None, "main"):
        raise ValueError(f"{what} keeps one revision, got {revision=}. Leave it out.")


def _sound(name: str, folder: Path) -> Path:
    """A folder of this machine whose files are what they were when they were published."""
    with _named(name):
        if wrong := wrong_files(folder):
            raise ValueError(
                f"files must be what they were when it was published, got {wrong=} in "
                f"{str(folder)!r}. Publish or install it again."
            )
        _refuse_broken(folder)
    return folder


def _refuse_broken(folder: Path) -> None:
    """Refuse an artifact that is not whole; its weights' headers are read, not the weights.

    Raises:
        ValueError: a file is missing, cut off or named by more than a plain name.
    """
    from safetensors import SafetensorError, safe_open

    from zoo.core.config import read_config

    present = published(folder)
    weights = [file for file in own_files(folder) if file.endswith(".safetensors")]
    for file in dict.fromkeys([*read_config(folder).members, *weights]):
        try:
            if file not in present:
                raise FileNotFoundError("it is missing")
            with safe_open(own_file(folder, file), "numpy"):
                pass
        except (SafetensorError, OSError) as error:
            raise ValueError(
                f"weights must be a whole safetensors file, got {file!r} of which the reader "
                f"says: {error}. Have the model published again."
            ) from error


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Say which model is refused."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{name!r} is not a whole model: {error}") from error


def _refuse_without_config(name: str, files: Collection[str]) -> None:
    if "config.json" not in files:
        raise FileNotFoundError(
            f"a published model must have a config.json, got {name=}, which has only "
            f"{sorted(files)[:5]}. Name a repository that save or push wrote."
        )


def _listed(info: ModelInfo) -> dict[str, str]:
    """File -> hash by which the hub knows it."""
    return {
        file.rfilename: (file.lfs.sha256 if file.lfs else file.blob_id) or ""
        for file in info.siblings or ()
    }


def _refuse_damage(
    folder: Path, files: Iterable[str], listed: Mapping[str, str], wrong: Mapping[str, str]
) -> None:
    """Compare the artifact's files with the hub's hashes; a wrong one is removed from the cache.

    Without the hub's list the hash is the name of the blob that the cache's link points to; a
    cache without links (some Windows file systems) has none, and is checked by the publisher's
    hashes alone.

    Args:
        folder: a snapshot.
        files: the files to compare.
        listed: hash of each file as the hub knows it.
        wrong: what differs from the publisher's hashes.

    Raises:
        ValueError: a file is not what it should be.
    """
    wrong = dict(wrong)
    paths = {file: own_file(folder, file) for file in [*files, *wrong]}
    for file, path in paths.items():
        wanted = listed.get(file) or _blob(path).name
        if path.is_file() and _HEX.fullmatch(wanted) and (got := _hash(path, wanted)) != wanted:
            wrong[file] = got
    for file in wrong:
        _forget(paths[file])
    if wrong:
        raise ValueError(
            "files must be what the hub and the publisher say they are, got other hashes: "
            f"{wrong=}. They were removed from the cache: pull again."
        )


def _forget(path: Path) -> None:
    """Remove a file from the cache: the link, and what it leads to in the model's own store."""
    for damaged in {path.resolve(), _blob(path), path}:
        damaged.unlink(missing_ok=True)


def _blob(path: Path) -> Path:
    return path.parent / path.readlink() if path.is_symlink() else path


def _hash(path: Path, wanted: str) -> str:
    """By the same rule as the wanted one: sha256, or sha1 as git does."""
    if len(wanted) == 64:
        return sha256(path)
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
