"""Photos decoded once: resized 8-bit pixels in one memory-mapped file for each set of photos.

Decoding costs milliseconds per photo, a look into mapped memory microseconds, so that the second
epoch (and the second call) trains at the speed of the model. The file's name is a digest of every
photo's path and state on disk and of how it was resized: a changed photo is another file. The state
includes what a program cannot set back (inode, time of the last change of the inode), for archives
and `cp -p` give a replaced photo the size and the date of the old one.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import PIL
from numpy.typing import NDArray

from zoo.core.cache_folder import default_cache, expanded
from zoo.core.messages import warn
from zoo.core.split import Hashes, content_hashes
from zoo.vision.data.images import Resize, UnreadableImage, read
from zoo.vision.data.pixel_file import BROKEN, LEFT, MAGIC, Pixels, Stored, Writer, open_pixels

Progress = Callable[[int, int], None]
In = TypeVar("In")
Out = TypeVar("Out")

SUFFIX: Final = ".photos"
STALE: Final = 24 * 3600  # seconds after which an unfinished file of a dead process is removed


@dataclass(frozen=True)
class Items:
    """Resized photos by number, out of the cache or, beyond its bound, decoded on the spot.

    Args:
        files: the different files.
        index: offset, height and width of each file's pixels. Shape: (files, 3), int64.
        rows: the file of each item. Shape: (items,), int64.
        pixels: the mapped cache; None without one.
        resize: how a file becomes an item.
        reasons: number of a file that cannot be read -> a sentence that says why.
        contents: a hash of the bytes of each file. Shape: (files,).
    """

    files: list[Path]
    index: NDArray[np.int64]
    rows: NDArray[np.int64]
    pixels: Pixels | None
    resize: Resize
    reasons: dict[int, str]
    contents: Hashes

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> Pixels:
        """The photo's pixels, not to be written to. Shape: (H, W, 3), uint8.

        Raises:
            UnreadableImage: it cannot be read.
        """
        file = int(self.rows[i])
        offset, height, width = self.index[file].tolist()
        if offset == BROKEN:
            raise UnreadableImage(self.reasons[file])
        if offset == LEFT or self.pixels is None:
            return np.asarray(read(self.files[file], *self.resize))
        flat = self.pixels[offset : offset + height * width * 3]
        return flat.reshape(height, width, 3)

    @property
    def unreadable(self) -> dict[int, str]:
        """Number of each item that cannot be read -> a sentence that says why."""
        bad = np.flatnonzero(self.index[self.rows, 0] == BROKEN)
        return {int(i): self.reasons[int(self.rows[i])] for i in bad}

    @property
    def cached(self) -> int:
        """How many items come out of the cache."""
        return int((self.index[self.rows, 0] >= 0).sum()) if self.pixels is not None else 0

    @property
    def paths(self) -> list[Path]:
        """The file of each item."""
        return [self.files[row] for row in self.rows.tolist()]

    def fingerprint(self) -> str:
        """A name for these items: what is in their files, their order, their size."""
        record = hashlib.sha256(repr((MAGIC, PIL.__version__, *self.resize)).encode())
        record.update(self.hashes.tobytes())
        return record.hexdigest()

    @property
    def hashes(self) -> Hashes:
        """A hash of the bytes of each item's file. Shape: (items,)."""
        return np.asarray(self.contents[self.rows])

    def take(self, rows: Iterable[int]) -> Items:
        """The items of these numbers, in that order."""
        return replace(self, rows=self.rows[np.fromiter(rows, dtype=np.int64)])


def cache_folder() -> Path:
    """Where decoded photos are kept: `ZOO_CACHE`, else `zoo/photos` in the user's cache folder."""
    return default_cache("photos", "ZOO_CACHE")


def open_items(
    paths: Sequence[Path],
    resize: Resize,
    *,
    folder: Path | str | None = None,
    cache_gb: float = 8.0,
    threads: int = 2,
    progress: Progress | None = None,
) -> Items:
    """The photos as items, all resized alike; the first call for them decodes each once.

    Files that cannot be read do not raise: they are listed in `unreadable`. If the cache cannot be
    written, because the disk is full or the folder is not ours, a warning says so and photos are
    decoded whenever they are asked for: the same pixels, later.

    Args:
        paths: the photos; their order and repeats do not matter to the cache.
        resize: how photos become items (see `zoo.vision.data.images.read`).
        folder: where the cache lies; None takes `cache_folder()`.
        cache_gb: gigabytes to keep on disk: photos beyond it are decoded in every epoch, and the
            files of other photos, least recently used first, make room.
        threads: number of threads that decode.
        progress: told (photos done, photos in all) after each photo of a first call.
    """
    if cache_gb < 0 or threads < 1:
        raise ValueError(
            "cache_gb must be 0 or more and threads 1 or more, got "
            f"{cache_gb=}, {threads=}. Raise them."
        )
    where = cache_folder() if folder is None else expanded(folder, "cache")
    absolute = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100 - keeps links
    files = sorted(set(absolute))
    number = {file: i for i, file in enumerate(files)}
    rows = np.array([number[path] for path in absolute], dtype=np.int64)
    limit = int(cache_gb * 1e9)
    place = where / (_digest_of(files, resize) + SUFFIX)
    stored = open_pixels(place, len(files), limit)
    if stored is None:
        fresh = _fill(place, files, resize, limit, threads, progress)
        # Another process may have made room by removing what was just written: no harm.
        stored = open_pixels(place, len(files), limit) or fresh
        if (fresh.entries[:, 0] >= 0).any():
            make_room(place, limit)
    return Items(files, stored.entries, rows, stored.pixels, resize, stored.reasons, stored.hashes)


def in_order(
    make: Callable[[In], Out], jobs: Sequence[In], *, threads: int, ahead: int
) -> Iterator[Out]:
    """`make` of each job, in their order, made by threads at most `ahead` jobs early.

    Whoever stops iterating leaves no thread behind: closing the generator waits for the few jobs
    that run and drops the rest.
    """
    if len(jobs) == 1:  # a thread would cost more than it saves
        yield make(jobs[0])
        return
    remaining = iter(jobs)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="zoo-photos")
    try:
        first = itertools.islice(remaining, ahead)
        waiting: deque[Future[Out]] = deque(pool.submit(make, job) for job in first)
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(make, job) for job in itertools.islice(remaining, 1))
            yield result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _digest_of(files: list[Path], resize: Resize) -> str:
    """A name for these files as they are now; another Pillow may decode otherwise, so it counts."""
    digest = hashlib.sha256(repr((MAGIC, PIL.__version__, *resize)).encode())
    for file in files:
        try:
            stat = file.stat()
            dates = stat.st_mtime_ns, stat.st_ctime_ns
            state: tuple[object, ...] = (str(file), stat.st_size, stat.st_ino, *dates)
        except OSError:
            state = (str(file),)
        digest.update(repr(state).encode(errors="surrogateescape"))
    return digest.hexdigest()[:32]


def _fill(
    place: Path,
    files: list[Path],
    resize: Resize,
    limit: int,
    threads: int,
    progress: Progress | None,
) -> Stored:
    """Decode every file; write what fits under a name of its own, then move it to its place."""
    index, reasons = np.full((len(files), 3), LEFT, dtype=np.int64), dict[int, str]()
    hashes = np.zeros(len(files), dtype=np.uint64)
    with Writer(place, limit) as writer:
        made = in_order(
            lambda path: _try_read(path, resize), files, threads=threads, ahead=4 * threads
        )
        for row, (result, hashes[row]) in enumerate(made):
            if isinstance(result, str):
                index[row], reasons[row] = BROKEN, result
            else:
                index[row] = writer.add(result), *result.shape[:2]
            if progress is not None:
                progress(row + 1, len(files))
        writer.finish(index, hashes, reasons)
    if writer.error is not None:
        index[index[:, 0] >= 0, 0] = LEFT
        warn(
            f"the cache of decoded photos cannot be written ({writer.error}), so photos are "
            f"decoded in every epoch; free space in {place.parent} or set ZOO_CACHE to a folder"
        )
    return Stored(index, hashes, reasons, None)


def _try_read(path: Path, resize: Resize) -> tuple[Pixels | str, np.uint64]:
    """The photo's pixels, or why there are none, and a hash of its file."""
    try:
        return np.asarray(read(path, *resize)), file_hash(path)
    except UnreadableImage as error:
        return str(error), np.uint64(0)
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}", np.uint64(0)


def file_hash(path: Path) -> np.uint64:
    """A hash of a file's bytes, in little memory."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "blake2b").digest()
    return np.uint64(content_hashes([digest])[0])


def make_room(kept: Path, limit: int) -> None:
    """Remove the least recently used cache files, but `kept`, until all are within the limit."""
    with contextlib.suppress(OSError):
        for part in kept.parent.glob(".*.part"):
            if time.time() - part.stat().st_mtime > STALE:
                part.unlink(missing_ok=True)
        kinds = ("*.photos", "*.features")
        others = [path for kind in kinds for path in kept.parent.glob(kind) if path != kept]
        stats = {path: path.stat() for path in others}
        total = sum(stat.st_size for stat in stats.values())
        total += kept.stat().st_size if kept.exists() else 0
        for path in sorted(others, key=lambda path: stats[path].st_mtime_ns):
            if total <= limit:
                break
            path.unlink(missing_ok=True)
            total -= stats[path].st_size
