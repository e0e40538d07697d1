"""One process per folder: a lock on the folder itself, which leaves no file behind."""

from __future__ import annotations

import functools
import os
import weakref
from pathlib import Path
from typing import ClassVar

try:
    import fcntl
except ModuleNotFoundError:  # Windows has no locks on folders
    fcntl = None  # type: ignore[assignment]


class FolderLock:
    """The lock of a folder, shared by all who ask for it in this process.

    It ends when nobody holds the object any more, or with the process. File systems without locks,
    and Windows, grant it to everyone.

    Raises:
        FileExistsError: another process holds it.
    """

    _held: ClassVar[weakref.WeakValueDictionary[Path, FolderLock]] = weakref.WeakValueDictionary()

    def __init__(self, descriptor: int) -> None:
        self.release = weakref.finalize(self, os.close, descriptor)

    @classmethod
    def of(cls, folder: Path) -> FolderLock | None:
        """The lock of an existing folder; None where the file system has no locks."""
        place = folder.resolve()
        if (known := cls._held.get(place)) is not None or fcntl is None:
            return known
        descriptor = os.open(place, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise FileExistsError(
                f"a folder holds one run at a time, got {folder.name!r}, which another process "
                "trains or saves into. Wait for it, or choose another folder."
            ) from None
        except OSError:
            os.close(descriptor)
            return None
        _release_in_children()
        lock = cls(descriptor)
        cls._held[place] = lock
        return lock

    @classmethod
    def release_all(cls) -> None:
        """Let go of every lock in this process; a parent from which it was forked keeps its own."""
        for lock in list(cls._held.values()):
            lock.release()
        cls._held.clear()


@functools.cache
def _release_in_children() -> None:
    """Have forked processes not hold their parent's locks: a worker may outlive a killed parent."""
    os.register_at_fork(after_in_child=FolderLock.release_all)
