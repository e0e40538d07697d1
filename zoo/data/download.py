"""One file from an address: continued where a connection broke, whole by its length."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data.archive import Tick

if TYPE_CHECKING:
    from http.client import HTTPResponse

ATTEMPTS = 5  # requests for one archive; what came before a drop is kept
WAIT = 0.5  # seconds after the first failed attempt, doubled after each further one
TIMEOUT = 30.0  # seconds without a byte

_CHUNK = 1 << 16  # bytes
_ABSENT = (403, 404, 410)  # stores of files answer 403 for what they do not have
_PASSING = (408, 416, 429, 500, 502, 503, 504)  # worth another attempt


class _PassingError(Exception):
    """A failure of the network that another attempt may not meet."""


def download(url: str, downloads: Path, tick: Tick, longest: int) -> Path:
    """The archive at the address, whole by its length; an interrupted one is continued.

    Args:
        url: the address.
        downloads: folder for archives that are under way.
        tick: hears of the progress.
        longest: bytes that it may have; a server that sends more is refused.

    Raises:
        FileNotFoundError: the address answers that there is no such file.
        ConnectionError: it did not answer, failed at every attempt, or sends too much.
    """
    archive = downloads / url.rsplit("/", 1)[-1]
    part = archive.with_name(f"{archive.name}.part")
    downloads.mkdir(parents=True, exist_ok=True)
    reason = ""
    for attempt in range(ATTEMPTS):
        try:
            if not archive.exists():
                _receive(url, part, tick, longest)
                part.replace(archive)
            return archive
        except _PassingError as error:
            reason = str(error)
        if attempt + 1 < ATTEMPTS:
            time.sleep(WAIT * 2**attempt)
    raise ConnectionError(f"{url} failed {ATTEMPTS} times, at last because {reason}")


def _receive(url: str, part: Path, tick: Tick, longest: int) -> None:
    """Bring the part to its full length with one request."""
    note = part.with_name(f"{part.name}.json")  # what the part is a part of
    have, validator, known = _progress_of(url, part, note)
    if have == known and known is not None:
        return
    headers = {"User-Agent": "transfer-zoo"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if validator:
            headers["If-Range"] = validator
    with _opened(url, headers, note) as response:
        total: int | None
        if response.status == 206:
            total = known
            if response.headers["Content-Range"] != f"bytes {have}-{(known or 0) - 1}/{known}":
                note.unlink()
                raise _PassingError("the file changed meanwhile")
        else:  # the whole file, whatever was asked for
            have = 0
            total = _number(response.headers["Content-Length"])
            tag = response.headers["ETag"] or ""
            validator = response.headers["Last-Modified"] if tag[:1] != '"' else tag  # no weak tag
            note.write_text(json.dumps([url, validator, total]))
        with part.open("ab" if have else "wb") as file:
            while chunk := _read(response):
                if have + len(chunk) > longest:
                    note.unlink()
                    raise ConnectionError(f"{url} sends more than {longest} bytes")
                have += file.write(chunk)
                tick(have, total)
    if total is not None and have != total:
        raise _PassingError(f"{have} of {total} bytes came")
    note.unlink()


def _progress_of(url: str, part: Path, note: Path) -> tuple[int, str | None, int | None]:
    """Bytes at hand, the server's word for this edition, bytes in all; zeros to start afresh."""
    try:
        noted, validator, total = json.loads(note.read_text())
        have = part.stat().st_size
    except (FileNotFoundError, ValueError, TypeError):  # nothing yet, or cut off in writing
        return 0, None, None
    is_part = noted == url and isinstance(total, int) and have <= total
    return (have, validator, total) if is_part else (0, None, None)


def _opened(url: str, headers: dict[str, str], note: Path) -> HTTPResponse:
    from http.client import HTTPException, HTTPResponse
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    try:
        response = urlopen(Request(url, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        error.close()
        if error.code in _ABSENT:
            raise FileNotFoundError(f"{url} answers {error.code}") from error
        if error.code not in _PASSING:
            raise ConnectionError(f"{url} answers {error.code} {error.reason}") from error
        if error.code == 416:  # the part is longer than the file
            note.unlink(missing_ok=True)
        raise _PassingError(f"it answers {error.code} {error.reason}") from error
    except (OSError, HTTPException) as error:
        if _is_lasting(reason := getattr(error, "reason", error)):
            raise ConnectionError(f"{url} cannot be reached ({reason})") from error
        raise _PassingError(str(error)) from error
    assert isinstance(response, HTTPResponse)
    return response


def _is_lasting(reason: object) -> bool:
    """Whether no further attempt would change it: no such host, nobody there, a wrong seal."""
    from socket import gaierror
    from ssl import SSLCertVerificationError

    return isinstance(reason, (gaierror, ConnectionRefusedError, SSLCertVerificationError))


def _read(response: HTTPResponse) -> bytes:
    from http.client import HTTPException

    try:
        return response.read(_CHUNK)
    except (OSError, HTTPException) as error:
        raise _PassingError(f"the connection broke ({error!r})") from error


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() else None
