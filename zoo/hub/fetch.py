"""A published model as a directory on this machine, every byte of it checked.

`huggingface_hub` finds, downloads and caches; what is added here: only an artifact's own files are
asked for, never a pickle, each is compared with the hash that the hub knows it by, also when it
comes from the cache, and every failure is one sentence. `HF_ENDPOINT`, `HF_HUB_OFFLINE`, `HF_HOME`
and `HF_TOKEN` have their usual meaning.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

FILES = ("config.json", "*.safetensors", "README.md", "history.csv", "*.png")
CLIENT = "transfer-zoo"  # how the hub sees us
TIMEOUT = 10.0  # seconds for the hub's first answer

_HEX = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")  # git's sha1 of a blob, or a sha256


def pull(
    name: str, *, revision: str | None = None, cache: str | os.PathLike[str] | None = None
) -> Path:
    """The directory of a published model, from the cache if the hub cannot be reached.

    Args:
        name: `user/name` of a repository on the hub.
        revision: a branch, a tag or a commit; None is the main branch.
        cache: where snapshots are kept; None is the hub client's own cache.

    Raises:
        ValueError: the name is malformed, or a file is not what the hub says it is.
        FileNotFoundError: there is no such repository or revision, or it holds no artifact.
        PermissionError: the repository is gated, or the token is not accepted.
        ConnectionError: the hub cannot be reached, and the cache does not hold the model.
    """
    if name.count("/") != 1:
        raise _bad_name(name)
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    endpoint = os.environ.get("HF_ENDPOINT") or None
    # what the client raises, and below it the HTTP library, which changes with its version
    failures: tuple[type[Exception], ...] = (
        *(HFValidationError, OSError),
        *(base for base in HfHubHTTPError.__bases__ if issubclass(base, Exception)),
    )
    info, away = None, None
    try:
        api = HfApi(endpoint=endpoint, library_name=CLIENT)
        info = api.model_info(name, revision=revision, timeout=TIMEOUT, files_metadata=True)
    except failures as error:
        away = error
        if not isinstance(told := _explained(error, name, revision), ConnectionError):
            raise told from error
    else:
        _refuse_without_config(name, _listed(info))
    try:
        snapshot = snapshot_download(
            name,
            revision=revision,
            cache_dir=None if cache is None else Path(cache),
            endpoint=endpoint,
            library_name=CLIENT,
            allow_patterns=list(FILES),
            local_files_only=info is None,
        )
    except failures as error:
        cause = away or error
        raise _explained(cause, name, revision) from cause
    folder = Path(snapshot)
    _refuse_without_config(name, [path.name for path in folder.iterdir()])
    _verify(name, folder, _listed(info) if info and info.sha == folder.name else {})
    return folder


def _bad_name(name: str) -> ValueError:
    return ValueError(
        "a model on the hub must be named user/name, of letters, digits, '-', '_' and '.', "
        f"however {name=}; copy the name from the model's page"
    )


def _refuse_without_config(name: str, files: Collection[str]) -> None:
    if "config.json" not in files:
        raise FileNotFoundError(
            f"a published model must have a config.json, however {name=} has only "
            f"{sorted(files)[:5]}; name a repository that was made by save or push"
        )


def _explained(error: Exception, name: str, revision: str | None) -> Exception:
    """The client's failure as one sentence."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, HFValidationError):
        return _bad_name(name)
    if isinstance(error, OSError) and error.errno is not None:
        return OSError(f"a model must be stored before it is read, however {name=}: {error}")
    cause = error if isinstance(error, HfHubHTTPError) else error.__cause__
    status = cause.response.status_code if isinstance(cause, HfHubHTTPError) else None
    if isinstance(cause, GatedRepoError):
        return PermissionError(
            f"{name=} is gated: ask for access on its page, then log in with `hf auth login`"
        )
    if isinstance(cause, RevisionNotFoundError):
        return FileNotFoundError(
            f"a revision must be a branch, tag or commit of {name!r}, however {revision=} is none; "
            "leave it out for the newest"
        )
    if isinstance(cause, RepositoryNotFoundError) or status == 404:
        return FileNotFoundError(
            f"the hub must have the model, however {name=} does not exist there, or is private; "
            "correct the name, or log in with `hf auth login`"
        )
    if status in (401, 403):
        return PermissionError(
            f"the hub must let you read the model, however it answers {status} for {name=}; "
            "renew the token with `hf auth login`"
        )
    offline = isinstance(error, OfflineModeIsEnabled)
    why = "HF_HUB_OFFLINE is set" if offline else f"the hub cannot be read ({_first_line(error)})"
    return ConnectionError(
        f"a model must be in the cache or on a hub within reach, however {name=} with {revision=} "
        f"is not in the cache and {why}; pull it once while the hub is reachable"
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _listed(info: ModelInfo) -> dict[str, str]:
    """File -> hash by which the hub knows it."""
    return {
        file.rfilename: (file.lfs.sha256 if file.lfs else file.blob_id) or ""
        for file in info.siblings or ()
    }


def _verify(name: str, folder: Path, listed: Mapping[str, str]) -> None:
    """Compare the artifact's files with their hashes; a wrong one is removed from the cache.

    Without the hub's list the hash is the name of the blob that the cache's link points to; a
    cache without links (some Windows file systems) has none, and is not checked then.
    """
    wrong = {}
    for path in sorted(folder.rglob("*")):
        file = path.relative_to(folder).as_posix()
        if not path.is_file() or not any(fnmatch(file, pattern) for pattern in FILES):
            continue
        blob = path.parent / path.readlink() if path.is_symlink() else path
        wanted = listed.get(file) or blob.name
        if _HEX.fullmatch(wanted) and (got := _hash(path, len(wanted))) != wanted:
            wrong[file] = got
            for damaged in {path.resolve(), blob, path}:
                damaged.unlink(missing_ok=True)
    if wrong:
        raise ValueError(
            f"files must be what the hub says they are, however in {name=} these have other "
            f"hashes: {wrong=}; they were removed from the cache, pull again"
        )


def _hash(path: Path, digits: int) -> str:
    with path.open("rb") as file:
        if digits == 64:
            return hashlib.file_digest(file, "sha256").hexdigest()
        content = file.read()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # as git does
