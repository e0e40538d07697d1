"""A model to the hub: its own files and their hashes, in one commit that arrives whole or not.

`huggingface_hub` does the transfer: large files that have arrived are not sent twice, so a push
that broke off goes on when it is repeated. What is added here: only an artifact's own files go
(`zoo.hub.contents`), after the model has been loaded from them; what the hub has stored is compared
with what was read then; a failure is one sentence.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict, Unpack, overload

from zoo.core.messages import warn
from zoo.hub.catalog import EMBEDDED
from zoo.hub.checksums import to_text
from zoo.hub.contents import (
    CONFIG,
    EVALUATIONS,
    HISTORY,
    INDEX,
    README,
    SUMS,
    own_file,
    own_files,
    published,
)
from zoo.hub.fetch import client, refuse_revision
from zoo.hub.hub_errors import check_name, check_revision, told
from zoo.hub.local_hub import put, shelf
from zoo.hub.privacy import public, refuse_tokens, warn_of_interruption
from zoo.hub.sources import Source, altered

if TYPE_CHECKING:
    from huggingface_hub import HfApi

Show = Callable[[dict[str, int]], None]  # hears the bytes of each file


class Savable(Protocol):
    """A model that can be written as an artifact."""

    def save(self, directory: Path | str) -> Path:
        """Write the artifact."""
        ...


Artifact = Savable | str | os.PathLike[str]


class Settings(TypedDict, total=False):
    """Settings of `push` that do not change what it returns."""

    revision: str | None
    private: bool
    message: str
    users: bool
    hub: str | os.PathLike[str] | None
    token: str | bool | None
    show: Show | None


@overload
def push(
    artifact: Artifact, name: str, *, dry_run: Literal[False] = False, **settings: Unpack[Settings]
) -> str: ...
@overload
def push(
    artifact: Artifact, name: str, *, dry_run: Literal[True], **settings: Unpack[Settings]
) -> dict[str, int]: ...
def push(
    artifact: Artifact,
    name: str,
    *,
    revision: str | None = None,
    private: bool = False,
    message: str = "Publish a model with transfer-zoo",
    users: bool = False,
    hub: str | os.PathLike[str] | None = None,
    token: str | bool | None = None,
    dry_run: bool = False,
    show: Show | None = None,
) -> str | dict[str, int]:
    """Publish a model under a name, and say where it is then.

    What goes are config.json, the files that it names, the card with its pictures, the history, the
    evaluation results and the hashes of all of them; nothing else that lies in the folder.

    Args:
        artifact: a model, or the directory that `save` returned.
        name: `user/name`; what it held before is replaced, in a new commit.
        revision: a branch, made if there is none of that name; None is the main branch.
        private: whether only you see a repository that is new.
        message: the commit's message.
        users: whether what tells of single users goes as well; otherwise a recommender goes without
            them, see `Recommender.without_users`, with a card that is written anew.
        hub: a folder in the hub's place; None is `ZOO_HUB`, and without it the Hugging Face hub.
        token: token for the hub; None takes the one of your login.
        dry_run: whether to send nothing and return the files that would go, with their bytes.
        show: called with the files and their bytes before they are sent.

    Raises:
        ValueError: the name is malformed, the directory is no artifact that can be loaded, a model
            cannot do without its users, a file changed meanwhile, or the hub has stored something
            else than was sent.
        PermissionError: the hub does not let you write there.
        ConnectionError: the hub cannot be reached, or fails.
        OSError: the disk is full, or a folder cannot be written to.
    """
    check_name(name)
    check_revision(revision)
    if name.startswith(EMBEDDED):
        raise ValueError(
            f"a name with {EMBEDDED!r} must be that of a model that ships with the library, got "
            f"{name=}. Publish under your own name."
        )
    if (place := shelf(hub)) is not None:
        refuse_revision(revision, "a folder in the hub's place")
    with ExitStack() as stack:
        content, model = _content(stack.enter_context(_folder_of(artifact, name)), name)
        public = model if users or model is None else model.published()
        if public is not model:
            content, _ = _content(stack.enter_context(_folder_of(public, name)), name)
        sizes = {file: source.size for file, source in sorted(content.items())}
        if dry_run:
            return sizes
        if show is not None:
            show(sizes)
        if place is not None:
            return str(put(content, name, place))
        return _upload(content, name, revision, private, message, token)


@contextmanager
def _folder_of(artifact: Artifact, name: str) -> Iterator[Path]:
    if isinstance(artifact, (str, os.PathLike)):
        yield Path(artifact)
        return
    try:
        temporary = tempfile.TemporaryDirectory(prefix="zoo-push-")
    except OSError as error:
        raise OSError(
            f"a model must be saved before it is sent, got {error.strerror or error}. Free space "
            "for temporary files, or save the model and push its directory."
        ) from error
    with temporary as place:
        yield artifact.save(Path(place) / name.split("/")[1])


def _content(folder: Path, name: str) -> tuple[dict[str, Source], Any]:
    """What is sent, and the model that it holds; the card tells the name that it has there.

    Raises:
        ValueError: the directory is no whole artifact, holds a token, or changes meanwhile.
    """
    if not (folder / CONFIG).is_file():
        raise ValueError(
            f"what is published must be an artifact, got {str(folder)!r}, which has no "
            "config.json. Give a model, or the directory that save() returned."
        )
    before = {file: Source.of(own_file(folder, file)) for file in published(folder)}
    training, model = _loaded(folder, before)
    content = {file: Source.of(own_file(folder, file)) for file in before}
    if content != before:
        raise altered(str(folder))
    config, card = public(content[CONFIG].text, content[README].text, content)
    card = card.replace(f'zoo.load("{folder.name}")', f'zoo.load("{name}")')
    content |= {CONFIG: Source.of(config.encode()), README: Source.of(card.encode())}
    refuse_tokens({file: content[file].text for file in INDEX if file in content})
    warn_of_interruption(training)
    sums = to_text({file: source.sha256 for file, source in content.items()})
    return content | {SUMS: Source.of(sums.encode())}, model


def _loaded(folder: Path, files: Collection[str]) -> tuple[dict[str, Any], Any]:
    """Load the model as its readers will, and return the record of its training and the model.

    The model is None where the code of its network is not at hand.

    Raises:
        ValueError: it cannot be loaded, or a file that it names is not there.
    """
    from zoo import load
    from zoo.core.artifacts.artifact import read
    from zoo.core.config import MODULE

    weights = [file for file in own_files(folder) if file.endswith(".safetensors")]
    if missing := [file for file in (README, *weights) if file not in files]:
        raise ValueError(
            f"an artifact must be whole, got {str(folder)!r}, which lacks {missing}. Save it again."
        )
    config, model = read(folder).config, None
    if config.domain != MODULE:  # the network of a user's own module is in the user's code
        try:
            model = load(folder)
        except ModuleNotFoundError as error:
            warn(f"the model could not be tried before it is published ({error})")
    return config.training, model


def _upload(
    content: Mapping[str, Source],
    name: str,
    revision: str | None,
    private: bool,
    message: str,
    token: str | bool | None,
) -> str:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    api = client(token)
    additions = [CommitOperationAdd(file, one.content) for file, one in content.items()]
    _require_unchanged(additions, content)
    with told(name, revision, "write"):
        api.create_repo(name, private=private, exist_ok=True)
        if revision is not None:
            api.create_branch(name, branch=revision, exist_ok=True)
        there = api.list_repo_files(name, revision=revision)
        deletions = [CommitOperationDelete(file) for file in _stale(there, content)]
        commit = api.create_commit(
            name, [*additions, *deletions], commit_message=message, revision=revision
        )
    _require_stored(api, name, commit.oid, content)
    return f"{api.endpoint}/{name}"


def _require_unchanged(additions: Iterable[Any], content: Mapping[str, Source]) -> None:
    """Refuse to publish files that have changed since their hashes were taken."""
    changed = [
        one.path_in_repo
        for one in additions
        if one.upload_info.sha256.hex() != content[one.path_in_repo].sha256
    ]
    if changed:
        raise altered(changed)


def _require_stored(api: HfApi, name: str, commit: str, content: Mapping[str, Source]) -> None:
    """Compare the hashes of what the hub has stored with those of what was sent."""
    from huggingface_hub.hf_api import RepoFile

    try:
        stored = api.get_paths_info(name, list(content), revision=commit)
    except Exception as error:
        raise ConnectionError(
            f"the hub must say what it has stored, got no answer for {name=}, which has been "
            "published. Push again to have it compared, or rely on pull, which compares every file."
        ) from error
    hashes = {
        file.path: file.lfs.sha256 if file.lfs else file.blob_id
        for file in stored
        if isinstance(file, RepoFile)
    }
    wrong = {
        file: hashes.get(file)
        for file, source in content.items()
        if hashes.get(file) not in (source.sha256, source.blob)
    }
    if wrong:
        raise ValueError(
            f"the hub must have stored what was sent, got other hashes in {name=}: {wrong=}. Push "
            "again: no pull accepts them."
        )


def _stale(there: list[str], content: Mapping[str, Source]) -> list[str]:
    """Files that an earlier publication has left, of the kinds that this library publishes."""
    kinds = ("*.safetensors", "*.png", *INDEX, HISTORY, f"{EVALUATIONS}/*.yaml")
    return [
        file for file in there if file not in content and any(fnmatch(file, kind) for kind in kinds)
    ]
