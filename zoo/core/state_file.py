"""A tree of dicts, lists, numbers, strings and tensors in one safetensors file, written atomically.

Tensors get names, the rest becomes JSON in the file's header. Nothing is ever unpickled.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

_TENSOR: Final = "__tensor__"


def save(path: Path, tree: dict[str, Any]) -> None:
    """Write the tree to the file; a reader sees the old state or the new one, never a part.

    Raises:
        OSError: the disk is full or the folder cannot be written; the old state is kept.
    """
    tensors: dict[str, Tensor] = {}
    header = json.dumps(_lift(tree, "", tensors))
    metadata = {"tree": header, "digest": _digest(header, tensors)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            save_file(tensors, temporary, metadata)
    except (SafetensorError, OSError) as error:
        raise OSError(
            f"the training state needs room to be written, got {error}. The one saved before is "
            f"kept: free space under {path.parent} and resume."
        ) from error


def load(path: Path) -> dict[str, Any]:
    """Read a tree back, tensors on the CPU.

    Raises:
        ValueError: the file is not a training state.
    """
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
        if metadata.get("digest") != _digest(metadata["tree"], tensors):
            raise ValueError("its content is not what was written")
        tree: dict[str, Any] = _lower(json.loads(metadata["tree"]), tensors)
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise ValueError(
            "a training state must be a safetensors file that this library wrote, got "
            f"{path.name}, which is not ({error}). Delete it to start over."
        ) from error
    return tree


def is_unfinished(path: Path) -> bool | None:
    """Whether a training state has a fit under way, by its header; None if there is no state."""
    try:
        with safe_open(path, "pt") as file:
            return json.loads((file.metadata() or {})["tree"])["open"] is not None
    except (SafetensorError, OSError, KeyError, ValueError, TypeError):
        return None


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file to write, which then takes the place of `path` in one step.

    What a kill left of an earlier one is removed: a folder belongs to one run. `.tmp` and six
    characters are what safetensors calls a file while it writes it.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    for pattern in (f".{path.name}.*.tmp", ".tmp??????"):
        for left in path.parent.glob(pattern):
            left.unlink(missing_ok=True)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _digest(header: str, tensors: dict[str, Tensor]) -> str:
    """Checksum of a state: a damaged file must not train on in silence."""
    digest = hashlib.sha256(header.encode())
    for name in sorted(tensors):
        digest.update(tensors[name].reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _lift(tree: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """The tree as JSON values, its tensors moved to `tensors`."""
    if isinstance(tree, Tensor):
        tensors[name] = tree.detach().cpu().contiguous().clone()
        return {_TENSOR: name}
    if isinstance(tree, dict):
        return {key: _lift(value, f"{name}/{key}", tensors) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_lift(value, f"{name}/{i}", tensors) for i, value in enumerate(tree)]
    return tree


def _lower(tree: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(tree, dict):
        if _TENSOR in tree:
            return tensors[tree[_TENSOR]]
        return {key: _lower(value, tensors) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_lower(value, tensors) for value in tree]
    return tree
