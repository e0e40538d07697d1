"""Several files that enter a folder together: all of them, or none.

New files are written to a hidden folder inside the target, which may be a mount point. Its renaming
to `.zoo-saved` is the moment of the save; then they move to their places one by one, config.json
last. Whoever finds a `.zoo-saved` finishes the moves, so that a kill loses neither the older files
nor the newer ones.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from safetensors import SafetensorError

from zoo.core.lock import FolderLock
from zoo.core.output_places import output_folder

LAST: Final = ("config.json", "training-finished.json")  # in this order, after all others
_SAVING, _SAVED = ".zoo-saving", ".zoo-saved"

Obsolete = Callable[[Path], list[Path]]
"""From the folder of the new files to those of the target that do not belong beside them."""


@contextlib.contextmanager
def saved_together(target: Path, obsolete: Obsolete) -> Iterator[Path]:
    """Yield an empty folder; what is written to it is in the target afterwards.

    Args:
        target: folder, made if it is missing.
        obsolete: files of the target to remove.

    Raises:
        OSError: there is no room or no permission; the target is as it was.
        FileExistsError: another process trains or saves into the target.
    """
    is_new = not target.exists()
    staging = target / _SAVING
    try:
        output_folder(target)
        lock = FolderLock.of(target)
        finish(target, obsolete)
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
        yield staging
        _flush(staging)
        staging.rename(target / _SAVED)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(staging, ignore_errors=True)
        if is_new:
            with contextlib.suppress(OSError):
                target.rmdir()
        if isinstance(error, FileExistsError):
            raise
        raise OSError(
            f"a save needs room and permission to write in {str(target)!r}, got {error}. What lay "
            "there is unchanged: free some space, or save to another folder.",
        ) from error
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    finish(target, obsolete)
    del lock


def finish(target: Path, obsolete: Obsolete) -> None:
    """Finish a save that was killed while its files moved to their places, if there is one."""
    saved = target / _SAVED
    if not saved.is_dir() or saved.is_symlink():
        return
    for path in obsolete(saved):
        path.unlink(missing_ok=True)
    late = [saved / name for name in LAST if (saved / name).exists()]
    for path in [*(path for path in saved.iterdir() if path not in late), *late]:
        path.replace(target / path.name)
    saved.rmdir()


def _flush(folder: Path) -> None:
    """Have the disk hold every file before the folder is renamed."""
    for path in folder.iterdir():
        with path.open("rb+") as file:
            os.fsync(file.fileno())
