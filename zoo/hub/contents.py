"""Which files belong to a published model: those that its config.json and its card name.

Whatever else lies in the folder of an artifact (training states, photos, notes, other models, any
sub-folder but the evaluation results) is neither published nor fetched. Names in these files are
checked by `zoo.core.names` before one of them is opened.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from zoo.core.names import inside, plain_name, require_distinct

CONFIG, README, FACTS, SUMS = "config.json", "README.md", "card.json", "SHA256SUMS"
HISTORY = "history.csv"
INDEX: Final = (CONFIG, README, FACTS, SUMS)  # the files that name the others
EVALUATIONS: Final = ".eval_results"  # folder of what the hub shows as evaluation results
LARGEST_INDEX: Final = 1 << 28  # bytes of one of them; vocabularies take some millions

_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
_DATA = (".safetensors", ".json", ".csv", ".md", *_PICTURES)  # kinds that run nothing
_PRIVATE = ("training-", "trained-on")  # how files begin that tell of a run or of single rows
_SHOWN = re.compile(r"!\[[^\]\n]{0,1000}\]\(([^()\s]{1,255})\)")  # ![words](picture)


def own_files(folder: Path) -> list[str]:
    """Names of the files that belong to the artifact in a folder, sorted, present or not.

    Raises:
        ValueError: its config or card names a file in another way than by a plain name.
    """
    config, facts = read_object(folder / CONFIG), read_object(folder / FACTS)
    named = {*INDEX, HISTORY, *_members(config), *_listed(config)} - {SUMS}
    if isinstance(picture := facts.get("picture"), str) and picture:
        if not plain_name(picture).lower().endswith(_PICTURES):
            raise ValueError(
                f"a card's picture must end in one of {_PICTURES}, got {picture!a:.80}. Save it so."
            )
        named.add(picture)
    if text := read_text(folder / README):
        named.update(name for name in _SHOWN.findall(text) if _is_picture(name))
    require_distinct(named)
    return sorted(named)


def published(folder: Path) -> list[str]:
    """Relative paths of the artifact's files that are there, sorted; without the list of hashes.

    Raises:
        ValueError: a file is named by more than a plain name, or is a link that leads elsewhere.
    """
    names = [*own_files(folder), *_evaluations(folder)]
    return sorted(name for name in names if own_file(folder, name).is_file())


def own_file(folder: Path, name: str) -> Path:
    """Path of a file of the artifact; in the hub client's cache a link to its store.

    Raises:
        ValueError: it would lie outside.
    """
    stores: list[Path] = []
    if folder.parent.name == "snapshots" and folder.parents[1].name.startswith("models--"):
        stores = [folder.parents[1] / "blobs", folder.parents[2] / "blobs"]
    return inside(folder, name, links_into=stores)


def is_evaluation(name: str) -> bool:
    """Whether a path is that of evaluation results.

    Example:
        >>> is_evaluation(".eval_results/accuracy.yaml"), is_evaluation(".eval_results/a/b.yaml")
        (True, False)
    """
    folder, _, file = name.partition("/")
    return folder == EVALUATIONS and file.endswith(".yaml") and _is_plain(file)


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one where there is none."""
    try:
        tree = json.loads(read_text(path))
    except (ValueError, RecursionError):
        return {}
    return tree if isinstance(tree, dict) else {}


def read_text(path: Path) -> str:
    """The text of an ordinary file of bounded size, else an empty one."""
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_INDEX:
            return ""
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _members(config: dict[str, Any]) -> Iterator[str]:
    """Weight files."""
    names = config.get("members", ["model.safetensors"])
    for name in names if isinstance(names, list) else [names]:
        if not plain_name(name).endswith(".safetensors"):
            raise ValueError(
                f"weights must be safetensors files, got the member {name!a:.80}. Save them again."
            )
        yield name


def _listed(config: dict[str, Any]) -> Iterator[str]:
    """What else the config says that the artifact holds, but kinds of files that never travel."""
    names = config.get("files", [])
    for name in names if isinstance(names, list) else [names]:
        is_data = plain_name(name).lower().endswith(_DATA)
        if is_data and not name.startswith((".", *_PRIVATE)):
            yield name


def _is_picture(name: str) -> bool:
    return name.lower().endswith(_PICTURES) and name[0] != "." and _is_plain(name)


def _is_plain(name: str) -> bool:
    try:
        return bool(plain_name(name))
    except ValueError:
        return False


def _evaluations(folder: Path) -> Iterable[str]:
    own = folder / EVALUATIONS
    paths = [] if own.is_symlink() else own.glob("*.yaml")
    return filter(is_evaluation, (f"{EVALUATIONS}/{path.name}" for path in paths))
