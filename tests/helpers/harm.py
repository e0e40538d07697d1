"""Harm that is done to a stored artifact, and how loading it must end."""

from __future__ import annotations

import json
import pickle
import resource
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from zoo import ArtifactError

Harm = Callable[[Path], Any]
Attacks = dict[str, tuple[Harm, str]]
"""By name, what is done to the folder and what the refusal says of it."""

WEIGHTS = "model.safetensors"


def config(change: Callable[[dict[str, Any]], Any]) -> Harm:
    """A change to config.json."""

    def harm(folder: Path) -> None:
        path = folder / "config.json"
        tree = json.loads(path.read_text())
        change(tree)
        path.write_text(json.dumps(tree))

    return harm


def tensors(change: Callable[[dict[str, torch.Tensor]], Any]) -> Harm:
    """A change to the weights."""

    def harm(folder: Path) -> None:
        held = load_file(folder / WEIGHTS)
        change(held)
        save_file(held, folder / WEIGHTS)

    return harm


def changed(**values: Any) -> Harm:
    """Other values in config.json, by their path: model__args__k=3, spec__numbers__0__std=0."""

    def change(tree: Any) -> None:
        for name, value in values.items():
            *above, last = [int(part) if part.isdigit() else part for part in name.split("__")]
            _at(tree, above)[last] = value

    return config(change)


def without(*names: Any) -> Harm:
    """config.json without the field at this path."""

    def change(tree: Any) -> None:
        del _at(tree, names[:-1])[names[-1]]

    return config(change)


class Bomb:
    """A pickle that runs code when it is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("open('executed', 'w').close()",))


def pickled(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes(pickle.dumps(Bomb()))


def saved_by_torch(folder: Path) -> None:
    torch.save(Bomb(), folder / WEIGHTS)


def truncated(folder: Path) -> None:
    path = folder / WEIGHTS
    path.write_bytes(path.read_bytes()[: -min(1000, path.stat().st_size // 2)])


def harmed(directory: Path, place: Path, harm: Harm) -> Path:
    """A copy of the artifact in a place, harmed."""
    folder = Path(shutil.copytree(directory, place))
    harm(folder)
    return folder


def refused(load: Callable[[Path], Any], folder: Path, said: str) -> str:
    """That the artifact is refused in one sentence, and no code in it runs; the sentence."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with pytest.raises(ArtifactError, match=said) as caught:
            load(folder)
    assert not (folder / "executed").exists()
    message = str(caught.value)
    assert "\n" not in message
    return message


def refused_quickly(
    load: Callable[[Path], Any], folder: Path, said: str, *, seconds: float, megabytes: int
) -> None:
    """As `refused`, in a short sentence with a way out, within CPU seconds and memory."""
    memory, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    message = refused(load, folder, said)
    assert all(part in message for part in (", got ", ". "))
    assert len(message) < 900
    assert time.process_time() - began < seconds
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    assert grown < megabytes * 1000  # kilobytes


def _at(tree: Any, names: Any) -> Any:
    for name in names:
        tree = tree[name]
    return tree
