"""Photos decoded once: resized 8-bit pixels in one memory-mapped file for each set of photos.

Decoding costs milliseconds per photo, a look into mapped memory microseconds, so that the second
epoch (and the second call) trains at the speed of the model. The file's name is a digest of every
photo's path and state on disk and of how it was resized: a changed photo is another file. The state
includes what a program cannot set back (inode, time of the last change of the inode), for archives
and `cp -p` give a replaced photo the size and the date of the old one.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import PIL
from numpy.typing import NDArray

from zoo.core.cache_folder import default_cache, expanded, make_room
from zoo.core.contents import Hashes, content_hashes
from zoo.core.messages import warn
from zoo.core.run import Run
from zoo.vision.data.images import Resize, UnreadableImage, read
from zoo.vision.data.pixel_file import BROKEN, LEFT, MAGIC, Pixels, Stored, Writer, open_pixels

Progress = Callable[[int, int], None]
In = TypeVar("In")
Out = TypeVar("Out")

SUFFIX: Final = ".photos"


@dataclass(frozen=True)
class Items:
    """Resized photos by number, out of the cache or, beyond its bound, decoded on the spot.

    Args:
        files: the different files.
        rows: the file of each item. Shape: (items,), int64.
        resize: how a file becomes an item.
        stored: what the cache holds of each file.
    """

    files: list[Path]
    rows: NDArray[np.int64]
    resize: Resize
    stored: Stored

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> Pixels:
        """The photo's pixels, not to be written to. Shape: (H, W, 3), uint8.

        Raises:
            UnreadableImage: it cannot be read.
        """
        file = int(self.rows[i])
        offset, height, width = self.stored.entries[file].tolist()
        if offset == BROKEN:
            raise UnreadableImage(self.stored.reasons[file])
        if offset == LEFT or self.stored.pixels is None:
            return np.asarray(read(self.files[file], self.resize))
        flat = self.stored.pixels[offset : offset + height * width * 3]
        return flat.reshape(height, width, 3)

    @property
    def unreadable(self) -> dict[int, str]:
        """Number of each item that cannot be read -> a sentence that says why."""
        reasons = self.stored.reasons
        return {i: reasons[file] for i, file in enumerate(self.rows.tolist()) if file in reasons}

    @property
    def paths(self) -> list[Path]:
        """The file of each item."""
        return [self.files[row] for row in self.rows.tolist()]

    def fingerprint(self) -> str:
        """A name for these items: what is in their files, their order, their size."""
        return hashlib.sha256(self.how().encode() + self.hashes.tobytes()).hexdigest()

    def how(self) -> str:
        """How files become pixels; another Pillow may decode otherwise, so it counts."""
        return repr((MAGIC, PIL.__version__, *self.resize))

    @property
    def hashes(self) -> Hashes:
        """A hash of the bytes of each item's file. Shape: (items,)."""
        return np.asarray(self.stored.hashes[self.rows])

    def take(self, rows: Iterable[int]) -> Items:
        """The items of these numbers, in that order."""
        return replace(self, rows=self.rows[np.fromiter(rows, dtype=np.int64)])


def cache_folder() -> Path:
    """Where decoded photos are kept: `ZOO_CACHE`, else `zoo/photos` in the user's cache folder."""
    return default_cache("photos", "ZOO_CACHE")


def open_items(
    paths: Sequence[Path], resize: Resize, run: Run, progress: Progress | None = None
) -> Items:
    """The photos as items, all resized alike; the first call for them decodes each once.

    Files that cannot be read do not raise: they are listed in `unreadable`. If the cache cannot be
    written, because the disk is full or the folder is not ours, a warning says so and photos are
    decoded whenever they are asked for: the same pixels, later.

    Args:
        paths: the photos; their order and repeats do not matter to the cache.
        resize: how photos become items (see `zoo.vision.data.images.read`).
        run: where the cache lies, the threads that decode, and the gigabytes to keep on disk:
            photos beyond them are decoded in every epoch, and the files of other photos, least
            recently used first, make room.
        progress: told (photos done, photos in all) after each photo of a first call.
    """
    where = cache_folder() if run.cache is None else expanded(run.cache, "cache")
    absolute = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100 - keeps links
    files = sorted(set(absolute))
    number = {file: i for i, file in enumerate(files)}
    rows = np.array([number[path] for path in absolute], dtype=np.int64)
    limit = int(run.cache_gb * 1e9)
    place = where / (_digest_of(files, resize) + SUFFIX)
    stored = open_pixels(place, len(files), limit)
    if stored is None:
        writer = Writer(place, limit)
        fresh = _fill(writer, files, resize, run.n_threads, progress)
        # Another process may have made room by removing what was just written: no harm.
        stored = open_pixels(place, len(files), limit) or fresh
        if (fresh.entries[:, 0] >= 0).any():
            make_room(place, limit)
    return Items(files, rows, resize, stored)


def in_order(
    make: Callable[[In], Out], jobs: Sequence[In], *, threads: int, ahead: int | None = None
) -> Iterator[Out]:
    """`make` of each job, in their order, by threads at most `ahead` (four each) jobs early.

    Whoever stops iterating leaves no thread behind: closing the generator waits for the few jobs
    that run and drops the rest.
    """
    if len(jobs) == 1:  # a thread would cost more than it saves
        yield make(jobs[0])
        return
    remaining = iter(jobs)

    def submit(job: In) -> Future[Out]:
        return pool.submit(copy_context().run, make, job)  # what is said once, is once of all

    pool = ThreadPoolExecutor(threads, thread_name_prefix="zoo-photos")
    try:
        first = itertools.islice(remaining, ahead or 4 * threads)
        waiting: deque[Future[Out]] = deque(map(submit, first))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(map(submit, itertools.islice(remaining, 1)))
            yield result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _digest_of(files: list[Path], resize: Resize) -> str:
    """A name for these files as they are now; another Pillow may decode otherwise, so it counts."""
    digest = hashlib.sha256(repr((MAGIC, PIL.__version__, *resize)).encode())
    for file in files:
        try:
            stat = file.stat()
            state: tuple[int, ...] = (stat.st_size, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns)
        except OSError:
            state = ()
        digest.update(repr((str(file), *state)).encode(errors="surrogateescape"))
    return digest.hexdigest()[:32]


def _fill(
    writer: Writer, files: list[Path], resize: Resize, threads: int, progress: Progress | None
) -> Stored:
    """Decode every file; write what fits under a name of its own, then move it to its place."""
    index, reasons = np.full((len(files), 3), LEFT, dtype=np.int64), dict[int, str]()
    hashes = np.zeros(len(files), dtype=np.uint64)
    with writer:
        results = in_order(lambda path: _try_read(path, resize), files, threads=threads)
        for row, (result, hashes[row]) in enumerate(results):
            if isinstance(result, str):
                index[row], reasons[row] = BROKEN, result
            else:
                index[row] = writer.add(result), *result.shape[:2]
            if progress is not None:
                progress(row + 1, len(files))
        writer.finish(index, hashes, reasons)
    if writer.error is not None:
        index[index[:, 0] >= 0, 0] = LEFT
        folder = writer.place.parent
        warn(
            f"the cache of decoded photos cannot be written ({writer.error}), so photos are "
            f"decoded in every epoch; free space in {folder} or set ZOO_CACHE to a folder"
        )
    return Stored(index, hashes, reasons, None)


def _try_read(path: Path, resize: Resize) -> tuple[Pixels | str, np.uint64]:
    """The photo's pixels, or why there are none, and a hash of its file."""
    try:
        return np.asarray(read(path, resize)), file_hash(path)
    except UnreadableImage as error:
        return str(error), np.uint64(0)
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}", np.uint64(0)


def file_hash(path: Path) -> np.uint64:
    """A hash of a file's bytes, in little memory."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "blake2b").digest()
    return np.uint64(content_hashes([digest])[0])
