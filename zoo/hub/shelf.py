"""A plain folder in the place of the hub: user/name/ with the same files as a repository.

The folder is named by `hub=` or by `ZOO_HUB`; nothing goes over the network then.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

Content = Mapping[str, Path | bytes]  # file in the repository -> where it lies, or what it is


def shelf(hub: str | os.PathLike[str] | None) -> Path | None:
    """The folder that stands for the hub, or None for the Hugging Face hub."""
    named = os.fspath(hub) if hub is not None else os.environ.get("ZOO_HUB")
    return Path(named).expanduser().absolute() if named else None


def models_on(folder: Path) -> Iterator[tuple[str, Path]]:
    """Name and folder of each model there, sorted."""
    for config in sorted(folder.glob("[!.]*/[!.]*/config.json")):
        yield config.parent.relative_to(folder).as_posix(), config.parent


def taken(name: str, folder: Path) -> Path:
    """The folder of a model.

    Raises:
        FileNotFoundError: there is none of that name; the message has the nearest.
    """
    known = dict(models_on(folder))
    if name in known:
        return known[name]
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "push it there first"
    raise FileNotFoundError(
        f"a model must lie on the hub's folder {str(folder)!r}, however {name=} does not; {hint}"
    )


def put(content: Content, name: str, folder: Path) -> Path:
    """Write a model beside its place, then move it there whole; two writers wait for each other."""
    from filelock import FileLock

    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        new, old = temporary / "new", temporary / "old"
        for file, source in content.items():
            path = new / file
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(source, bytes):
                path.write_bytes(source)
            else:
                shutil.copyfile(source, path)
        with FileLock(target.with_name(f".{target.name}.lock")):
            if target.exists():
                target.rename(old)
            new.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target
