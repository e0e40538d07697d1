"""The rule for every file name that comes from outside: a repository, an archive, a config.

A name is plain when every system takes it as one file inside its folder, the same one. It is
checked before anything is opened, written or removed. Nothing here imports more than the standard
library, so that every part of the library can use it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path, PureWindowsPath

LONGEST_NAME = 255  # bytes, of the usual file systems
LONGEST_PATH = 1024  # bytes, below the folder

# Names of devices on Windows, with or without a suffix.
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])", re.IGNORECASE)
_SIGNS = '/\\:*?"<>|'  # separators, drives, streams and wildcards
_HIDDEN_KINDS = ("Cc", "Cs", "Zl", "Zp")  # control characters, half characters, line separators
_PLACE = re.compile(  # an absolute path in a text; no part of an address on the web
    r"(?<![\w.:/\\~-])(?:file:/{2,3}|(?:~|[A-Za-z]:|\\|/[^\s/\\'\"<>|,;()\[\]{}]+)[/\\])"
    r"(?:[^\s/\\'\"<>|,;()\[\]{}]+[/\\]?)+"
)
_WHOLE_PLACE = re.compile(r"(?:~|[A-Za-z]:|\\|/[^/\\\n]+)[/\\][^\n]+")
_TURNS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # of the direction


def is_file(path: Path) -> bool:
    """Whether a path leads to a file; a long text that is no path at all leads to none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def plain_name(name: object) -> str:
    r"""Return the name of a file if it is plain.

    Raises:
        ValueError: it is empty, a path, a device, too long, or not the same name everywhere.

    Example:
        >>> plain_name("model.safetensors")
        'model.safetensors'
        >>> plain_name("../model.safetensors")
        Traceback (most recent call last):
        ValueError: a file's name must be plain, got '../model.safetensors' with '/' in it. ...
    """
    if reason := _fault(name):
        raise ValueError(
            f"a file's name must be plain, got {_shown(name)} {reason}. It was not opened: get "
            "it from a source that you trust."
        )
    return str(name)


def plain_path(relative: object) -> str:
    """Return a path of plain names, joined by slashes, that stays below the folder it is for.

    Raises:
        ValueError: it does not, or one of its names is not plain.
    """
    parts = relative.split("/") if isinstance(relative, str) else [relative]
    reason = next((fault for part in parts if (fault := _fault(part))), "")
    if not reason and len(str(relative).encode()) > LONGEST_PATH:
        reason = f"of more than {LONGEST_PATH} bytes"
    if reason:
        raise ValueError(
            f"a file must stay inside its folder under plain names, got {_shown(relative)} "
            f"{reason}. It was not opened: get it from a source that you trust."
        )
    return "/".join(map(str, parts))


def inside(folder: Path, relative: object, *, links_into: Iterable[Path] = ()) -> Path:
    """Return the path of a file in a folder; neither its name nor a link leads out of there.

    Args:
        folder: where the file lies, or will lie.
        relative: path below the folder, of plain names.
        links_into: other folders that a symbolic link may lead to, such as a cache's store.

    Raises:
        ValueError: the file would be outside.
    """
    path = folder / plain_path(relative)
    try:
        target, roots = path.resolve(), [root.resolve() for root in (folder, *links_into)]
    except (OSError, RuntimeError) as error:  # links in a circle
        raise _outside(path) from error
    if not any(target.is_relative_to(root) for root in roots):
        raise _outside(path)
    return path


def require_distinct(paths: Iterable[str], spellings: dict[str, str] | None = None) -> None:
    """Refuse names that some system takes for the same file: twins in case or in Unicode.

    Args:
        paths: names, or paths of names joined by slashes.
        spellings: what earlier calls have seen, for paths that come one by one; it is added to.

    Raises:
        ValueError: two of the paths, or folders on the way to them, are such twins.
    """
    spellings = {} if spellings is None else spellings
    for path in paths:
        for part in accumulate(path.split("/"), "{}/{}".format):
            if spellings.setdefault(twin_key(part), part) != part:
                raise ValueError(
                    "names must differ by more than case or the form of their characters, got "
                    f"{_shown(spellings[twin_key(part)])} and {_shown(part)}. They were not "
                    "opened: get them from a source that you trust."
                )


def twin_key(name: str) -> str:
    """Text that is equal for names that differ in case or Unicode form alone.

    Example:
        >>> twin_key("CAFE\u0301") == twin_key("caf\u00e9")
        True
    """
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def without_folders(text: str) -> str:
    r"""Return a text in which paths of this machine are reduced to their last name.

    Example:
        >>> without_folders("Augment(grain='/home/me/grain.png')")
        "Augment(grain='grain.png')"
        >>> without_folders("https://example.org/a/b and data/pets")
        'https://example.org/a/b and data/pets'
    """
    if _WHOLE_PLACE.fullmatch(text):
        return PureWindowsPath(text).name
    return _PLACE.sub(lambda place: PureWindowsPath(place[0]).name, text)


def _fault(name: object) -> str:
    """What is wrong with a name, or an empty text."""
    if not isinstance(name, str):
        return "of another kind than text"
    if not name.strip(" ."):
        return "that names no file"
    odd = next((char for char in name if char in _SIGNS), None)
    if odd is not None:
        return f"with {odd!r} in it"
    if any(unicodedata.category(char) in _HIDDEN_KINDS or char in _TURNS for char in name):
        return "with a character in it that cannot be seen"
    if name[-1] in ". ":
        return "with a dot or a space at its end"
    if _DEVICES.fullmatch(name.split(".")[0].rstrip()):
        return "that is a device on Windows"
    if len(name.encode()) > LONGEST_NAME:
        return f"of more than {LONGEST_NAME} bytes"
    return ""


def _outside(path: Path) -> ValueError:
    return ValueError(
        f"a file must lie inside its folder, got {_shown(str(path))}, a link that leads out of it. "
        "Put the file itself there."
    )


def _shown(name: object) -> str:
    text = ascii(name)
    return text if len(text) <= 80 else f"{text[:60]}...{text[-10:]}"
