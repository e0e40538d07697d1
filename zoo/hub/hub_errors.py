"""What goes wrong between here and the hub, as one sentence with the way out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from zoo.core.names import plain_name

Doing = Literal["read", "write"]

ON_HUB = re.compile(r"\w[\w.-]*/\w[\w.-]*")  # not ./a, /a, ~/a or a/b/c

_REVISION = re.compile(r"\w[\w.-]*(/\w[\w.-]*)*", re.ASCII)


class CacheOnlyError(ConnectionError):
    """That the hub is not asked, because the caller wants what the cache holds."""


def check_name(name: str) -> None:
    """Refuse what is no `user/name`.

    Raises:
        ValueError: it is not, or one of its parts is no plain name of a folder.
    """
    if not isinstance(name, str) or not ON_HUB.fullmatch(name):
        raise bad_name(name)
    for part in name.split("/"):
        plain_name(part)


def check_revision(revision: str | None) -> None:
    """Refuse what names no revision; None is the main branch.

    Raises:
        ValueError: it is empty, or cannot be the name of a branch, tag or commit.
    """
    if revision is not None and not (isinstance(revision, str) and _REVISION.fullmatch(revision)):
        raise ValueError(
            f"a revision must be a branch, tag or commit, got {revision=}. Leave it out for main."
        )


def bad_name(name: str) -> ValueError:
    """The sentence for a malformed name."""
    return ValueError(
        "a model on the hub must be named user/name, of letters, digits, '-', '_' and '.', "
        f"got {name=}. Copy the name from the model's page."
    )


@contextmanager
def told(
    name: str, revision: str | None, doing: Doing, away: Exception | None = None
) -> Iterator[None]:
    """Whatever the client raises, its HTTP library or the parsing of an odd answer: a sentence.

    Args:
        name: see `explained`, as are the next two.
        revision: the revision.
        doing: what is done.
        away: why the hub was away before, of which any error now is a consequence.
    """
    try:
        yield
    except Exception as error:
        raise explained(away or error, name, revision, doing) from (away or error)


def explained(error: Exception, name: str, revision: str | None, doing: Doing) -> Exception:
    """The client's failure as one sentence.

    Args:
        error: what it raised.
        name: the model's name.
        revision: the revision that was asked for.
        doing: whether the model was to be read or written.
    """
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, HFValidationError):
        return bad_name(name)
    if doing == "read" and isinstance(error, OSError) and error.errno is not None:
        return OSError(
            f"a model must be stored before it is read, got {name=}, which was not ({error}). "
            "Free space or correct the rights of the cache."
        )
    cause = error if isinstance(error, HfHubHTTPError) else error.__cause__
    status = cause.response.status_code if isinstance(cause, HfHubHTTPError) else None
    if isinstance(cause, GatedRepoError):
        return PermissionError(
            f"a gated model must be shared with you first, got {name=}. Ask for access on its "
            "page, then log in with `hf auth login`."
        )
    if isinstance(cause, RevisionNotFoundError):
        return FileNotFoundError(
            f"a revision must be one of {name!r}, got {revision=}. Leave it out for the newest."
        )
    if doing == "read" and (isinstance(cause, RepositoryNotFoundError) or status == 404):
        return FileNotFoundError(
            f"a model must be on the hub, got {name=}, which does not exist there or is private. "
            "Correct the name, or log in with `hf auth login`."
        )
    if status in (401, 403) or (doing == "write" and status == 404):
        return PermissionError(
            f"the hub must let you {doing} the model, got status {status} for {name=}. Log in "
            "with `hf auth login`, with a token that may do so."
        )
    return _out_of_reach(error, name, revision, doing)


def _out_of_reach(
    error: Exception, name: str, revision: str | None, doing: Doing
) -> ConnectionError:
    from huggingface_hub.errors import OfflineModeIsEnabled

    deepest = error
    while isinstance(deepest.__cause__, Exception):
        deepest = deepest.__cause__
    offline = isinstance(error, OfflineModeIsEnabled)
    why = "HF_HUB_OFFLINE is set" if offline else f"the hub fails ({_first_line(deepest)})"
    why = "local_files_only=True asks no hub" if isinstance(error, CacheOnlyError) else why
    if doing == "write":
        return ConnectionError(
            f"publishing needs a hub within reach, got {name=}, which was not published: {why}. "
            "Push again; what has arrived is not sent twice."
        )
    return ConnectionError(
        f"a model must be in the cache or on a hub within reach, got {name=} with {revision=}, "
        f"which is not in the cache and {why}. Pull it once while the hub is reachable."
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
