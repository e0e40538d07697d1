"""A plain folder in the place of the hub: user/name/ with the same files as a repository.

The folder is named by `hub=` or by `ZOO_HUB`; nothing goes over the network then.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from zoo.core.cache_folder import expanded
from zoo.core.messages import did_you_mean
from zoo.core.names import inside, twin_key
from zoo.hub.hub_errors import ON_HUB
from zoo.hub.sources import Source, altered


def shelf(hub: str | os.PathLike[str] | None) -> Path | None:
    """The folder that stands for the hub, or None for the Hugging Face hub."""
    named = os.fspath(hub) if hub is not None else os.environ.get("ZOO_HUB")
    return expanded(named, "the hub's folder") if named else None


def models_on(folder: Path) -> Iterator[tuple[str, Path]]:
    """Name and folder of each model there, sorted."""
    for config in sorted(folder.glob("[!.]*/[!.]*/config.json")):
        name = config.parent.relative_to(folder).as_posix()
        if ON_HUB.fullmatch(name) and config.is_file():
            yield name, config.parent


def taken(name: str, folder: Path) -> Path:
    """The folder of a model.

    Raises:
        FileNotFoundError: there is none of that name; the message has the nearest.
    """
    with contextlib.suppress(OSError):  # a folder that can only be read
        _restore(folder / name)
    models = dict(models_on(folder))
    if name in models:
        return models[name]
    raise FileNotFoundError(
        f"a model must have been pushed to the hub's folder {str(folder)!r}, got {name=}. "
        f"{did_you_mean(name, list(models))}"
    )


def put(content: Mapping[str, Source], name: str, folder: Path) -> Path:
    """Write a model beside its place, then move it there whole; two writers wait for each other.

    Raises:
        ValueError: a model of nearly the same name is there, or a file changed meanwhile.
        OSError: the folder is full or cannot be written to; what lay there is unchanged.
    """
    from filelock import FileLock

    _refuse_twin(name, folder)
    target = folder / name
    try:
        _restore(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=f".{target.name}.", dir=target.parent, ignore_cleanup_errors=True
        ) as temporary:
            new = Path(temporary) / "new"
            new.mkdir()
            for file, source in content.items():
                _write(source, inside(new, file))
            with FileLock(target.with_name(f".{target.name}.lock")):
                _exchange(new, target, new.with_name("old"))
    except OSError as error:
        raise OSError(
            f"a model must be written to the hub's folder, got {str(folder)!r} "
            f"({error.strerror or error}). What lay there is unchanged: free some space."
        ) from error
    return target


def _write(source: Source, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    if isinstance(source.content, bytes):
        path.write_bytes(source.content)
        return
    shutil.copyfile(source.content, path)
    if Source.of(path).sha256 != source.sha256:
        raise altered(path.name)


def _exchange(new: Path, target: Path, old: Path) -> None:
    if target.exists():
        target.rename(old)
    try:
        new.rename(target)
    except BaseException:  # Ctrl-C too: what is in the temporary folder is about to be removed
        if old.exists() and not target.exists():
            old.rename(target)
        raise


def _restore(target: Path) -> None:
    """Put back what a push that was killed between its two renames had moved away."""
    from filelock import FileLock

    if target.exists() or not target.parent.is_dir():
        return
    own = re.compile(rf"\.{re.escape(target.name)}\.[a-z0-9_]{{8}}")  # as mkdtemp names them
    for place in target.parent.iterdir():
        if own.fullmatch(place.name) and (place / "old").is_dir():
            with FileLock(target.with_name(f".{target.name}.lock")):
                if not target.exists():
                    (place / "old").rename(target)
            return


def _refuse_twin(name: str, folder: Path) -> None:
    """Refuse a name that some system takes for that of another model on the folder."""
    for other, _ in models_on(folder):
        if other != name and twin_key(other) == twin_key(name):
            raise ValueError(
                "names must differ by more than case or the form of their characters, got "
                f"{name!r} beside {other!r}. Publish under that name, or under another one."
            )
