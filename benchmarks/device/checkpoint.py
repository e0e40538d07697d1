"""A model as files small enough to be fetched one by one, and these put together again."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path
from typing import Final

from zoo.core.artifacts import artifact
from zoo.core.config import CARD
from zoo.text import LanguageModel

NAME: Final = "lstm-wiki-400"
PIECES: Final = f"{NAME}.tar.*"
PIECE: Final = 15 * 2**20  # bytes of a file


def keep(model: LanguageModel, work: Path, out: Path, piece: int = PIECE) -> None:
    """Write the artifact with halved matrices, as pieces of one archive.

    Args:
        model: what is kept.
        work: folder for what is made on the way.
        out: folder of the pieces; those of an earlier call are replaced.
        piece: bytes of a piece at most.
    """
    whole, half = work / NAME, work / f"{NAME}-half" / NAME
    for folder in (whole, half.parent):
        shutil.rmtree(folder, ignore_errors=True)
    stored = artifact.read(model.save(whole))
    weights = [artifact.halved(tensors) for tensors in stored.weights]
    card = (whole / CARD).read_text(encoding="utf-8")
    artifact.write(half, stored.config, weights, stored.history, card)
    archive = half.with_suffix(".tar")
    with tarfile.open(archive, "w") as tar:
        tar.add(half, arcname=".")
    for old in out.glob(PIECES):
        old.unlink()
    with archive.open("rb") as file:
        for i, part in enumerate(iter(lambda: file.read(piece), b"")):
            (out / f"{NAME}.tar.{i}").write_bytes(part)


def restored(out: Path, target: Path) -> Path:
    """Put the pieces together again: an artifact that `zoo.load` reads.

    Raises:
        FileNotFoundError: there are none.
    """
    pieces = sorted(out.glob(PIECES), key=lambda path: int(path.suffix[1:]))
    if not pieces:
        raise FileNotFoundError(f"a checkpoint must lie there, got no {NAME}.tar.0 in {out}.")
    target.mkdir(parents=True, exist_ok=True)
    archive = target / f"{NAME}.tar"
    archive.write_bytes(b"".join(piece.read_bytes() for piece in pieces))
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
    archive.unlink()
    return target
