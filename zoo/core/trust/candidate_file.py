"""What a comparison has measured of a candidate, in one file of the cache.

A file holds the predictions out of fold, the speed and the size of one candidate on some rows, so
that the second comparison of the same rows trains nothing. It is replaced whole.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from zoo.core.cache_folder import make_room
from zoo.core.split import Rows
from zoo.core.trust.candidates import Candidate

KEPT: Final = ".folds"  # suffix of the files
_PARTS: Final = ("said", "facts")


def kept(place: Path, limit: int, make: Callable[[], Candidate], **facts: Any) -> Candidate:
    """A candidate whose predictions out of fold, speed and size a file keeps.

    Where there is none it is made and asked, which may take long.

    Args:
        place: the file; its name tells all that the predictions depend on.
        limit: bytes of all that the cache keeps.
        make: makes the candidate.
        **facts: the other attributes of the candidate, see `Candidate`.
    """
    found = _read(place)
    if found is None:
        one = make()
        folds = one.out_of_fold()
        said = torch.full((len(one.targets), *folds[0][1].shape[1:]), torch.nan)
        for rows, predictions in folds:
            said[torch.from_numpy(rows)] = predictions.float()
        found = said, torch.tensor([one.seconds, one.MB], dtype=torch.float64)
        _keep(place, limit, dict(zip(_PARTS, found, strict=True)))
    said, (seconds, size) = found[0], found[1].tolist()

    def predict(train: Rows, valid: Rows) -> Tensor:
        return said[torch.from_numpy(valid)]

    return Candidate(predict=predict, seconds=seconds, MB=size, **facts)


def _read(place: Path) -> tuple[Tensor, Tensor] | None:
    """What a file holds; None if there is none that is whole."""
    try:
        tensors = load_file(place)
        os.utime(place)  # used just now
        return tensors[_PARTS[0]], tensors[_PARTS[1]]
    except (OSError, SafetensorError, KeyError):
        return None


def _keep(place: Path, limit: int, tensors: dict[str, Tensor]) -> None:
    """Write a file, whole or not at all; without room it is measured again next time."""
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    with contextlib.suppress(OSError, SafetensorError):
        place.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, part)
        part.replace(place)
        make_room(place, limit)
