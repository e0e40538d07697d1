"""Photos are decoded once, whatever happens to the cache in between."""

from __future__ import annotations

import os
import shutil
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.helpers.disk import full_disk
from zoo.core.cache_folder import STALE
from zoo.core.messages import each_once, warn
from zoo.core.run import Run
from zoo.vision.data import cache
from zoo.vision.data.cache import Items, cache_folder, file_hash, in_order, open_items
from zoo.vision.data.images import Resize, UnreadableImage, read


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Twelve JPEGs of different sizes."""
    rng = np.random.default_rng(0)
    paths = []
    for i in range(12):
        size = (int(rng.integers(40, 90)), int(rng.integers(40, 90)))
        image = Image.fromarray(rng.integers(0, 256, (5, 5, 3), np.uint8)).resize(size)
        paths.append(tmp_path / f"{i}.jpg")
        image.save(paths[-1])
    return paths


def opened(paths: list[Path], progress: Any = None, **settings: Any) -> Items:
    run = Run(cache=paths[0].parent / "cache", **settings)
    return open_items(paths, Resize(32), run, progress)


def n_cached(items: Items) -> int:
    """How many items come out of the cache."""
    is_cached = items.stored.entries[items.rows, 0] >= 0
    return 0 if items.stored.pixels is None else int(is_cached.sum())


def stored(paths: list[Path]) -> list[Path]:
    return sorted((paths[0].parent / "cache").glob("*"))


def forbid_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(cache, "_try_read", fail)
    monkeypatch.setattr(cache, "read", fail)


def assert_right(items: Items, wanted: list[np.ndarray]) -> None:
    assert len(items) == len(wanted)
    for i, pixels in enumerate(wanted):
        assert items[i].dtype == np.uint8
        assert np.array_equal(items[i], pixels)


def decoded(paths: list[Path]) -> list[np.ndarray]:
    return [np.asarray(read(path, Resize(32))) for path in paths]


def test_items_are_the_resized_photos_and_read_only(photos: list[Path]) -> None:
    items = opened(photos)
    assert_right(items, decoded(photos))
    assert all(min(items[i].shape[:2]) == 32 for i in range(12))
    assert n_cached(items) == 12
    assert not items.unreadable
    with pytest.raises(ValueError, match="read-only"):
        items[0][0] = 0


def test_a_second_opening_decodes_nothing(
    photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = decoded(photos)
    opened(photos)
    forbid_decoding(monkeypatch)
    assert_right(opened(photos), wanted)


def test_neither_order_nor_repeats_nor_relative_paths_need_another_cache(
    photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = decoded(photos)
    opened(photos)
    forbid_decoding(monkeypatch)
    monkeypatch.chdir(photos[0].parent)
    mixed = [*photos[::-1], Path("3.jpg")]
    items = open_items(mixed, Resize(32), Run(cache="cache"))
    assert_right(items, [*wanted[::-1], wanted[3]])
    assert len(stored(photos)) == 1


def test_chosen_items_keep_their_pixels(photos: list[Path]) -> None:
    wanted = decoded(photos)
    assert_right(opened(photos).take(np.array([5, 2, 2])), [wanted[5], wanted[2], wanted[2]])


def test_a_changed_photo_is_decoded_anew(photos: list[Path]) -> None:
    opened(photos)
    Image.new("RGB", (50, 50), "red").save(photos[3])
    assert np.abs(opened(photos)[3].astype(int) - [255, 0, 0]).max() < 3


def test_a_photo_replaced_by_one_of_its_size_and_date_is_decoded_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    means = []
    for shade in (10, 200, 90):
        Image.new("RGB", (40, 40), (shade, shade, shade)).save(path)
        os.utime(path, (315532800, 315532800))
        means.append(int(opened([path])[0].mean()))
    assert means == [10, 200, 90]


def test_items_are_named_by_what_is_in_their_files(photos: list[Path], tmp_path: Path) -> None:
    (tmp_path / "moved").mkdir()
    moved = [Path(shutil.copy(path, tmp_path / "moved")) for path in photos]
    assert opened(moved).fingerprint() == opened(photos).fingerprint()
    assert opened(photos[::-1]).fingerprint() != opened(photos).fingerprint()
    assert opened(photos).hashes.tolist() == [int(file_hash(path)) for path in photos]
    photos[3].write_bytes(photos[2].read_bytes())
    changed = opened(photos)
    assert changed.fingerprint() != opened(moved).fingerprint()
    assert changed.hashes[2] == changed.hashes[3]


def test_size_and_filter_have_caches_of_their_own(photos: list[Path], tmp_path: Path) -> None:
    run = Run(cache=tmp_path / "cache")
    for side, filter_ in [(32, "bilinear"), (32, "bicubic"), (24, "bilinear")]:
        resize = Resize(side, filter_)  # type: ignore[arg-type]
        assert np.array_equal(
            open_items(photos, resize, run)[0], np.asarray(read(photos[0], resize))
        )
    assert len(stored(photos)) == 3


@pytest.mark.parametrize("damage", ["cut", "longer", "header", "index", "empty", "text"])
def test_a_damaged_cache_is_rebuilt(photos: list[Path], damage: str) -> None:
    opened(photos)
    (file,) = stored(photos)
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[{"header": 17, "index": -40}.get(damage, 0)] ^= 1
    contents = {"cut": whole[:-1000], "longer": whole + b"x", "empty": b"", "text": b"x" * 500}
    file.write_bytes(contents.get(damage, bytes(flipped)))
    assert_right(opened(photos), decoded(photos))
    assert file.read_bytes() == whole


def test_an_interrupted_filling_leaves_nothing_behind(photos: list[Path]) -> None:
    def interrupt(done: int, n: int) -> None:
        if done == 7:
            raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        opened(photos, progress=interrupt)
    assert stored(photos) == []
    assert threading.active_count() == before
    assert_right(opened(photos), decoded(photos))


@pytest.mark.parametrize("gigabytes", [0, 2e-5])
def test_beyond_its_bound_photos_are_decoded_to_the_same_pixels(
    photos: list[Path], gigabytes: float
) -> None:
    items = opened(photos, cache_gb=gigabytes)
    assert n_cached(items) == 0 if gigabytes == 0 else 0 < n_cached(items) < 12
    assert_right(items, decoded(photos))
    assert sum(file.stat().st_size for file in stored(photos)) < gigabytes * 1e9 + 1000
    again = opened(photos, cache_gb=gigabytes)
    assert n_cached(again) == n_cached(items)
    assert_right(again, decoded(photos))
    assert n_cached(opened(photos)) == 12


def test_the_least_recently_used_cache_makes_room(
    photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = [photos[:4], photos[4:8], photos[8:]]
    first, second = (opened(part).stored.pixels.nbytes for part in sets[:2])  # type: ignore[union-attr]
    for file, age in zip(sorted(stored(photos), key=lambda f: f.stat().st_mtime_ns), (50, 90)):  # noqa: B905
        os.utime(file, (time.time() - age,) * 2)
    opened(sets[0])  # used just now, so the second is the oldest
    old = photos[0].parent / "cache" / ".dead.part"
    old.touch()
    os.utime(old, (time.time() - 2 * STALE,) * 2)
    opened(sets[2], cache_gb=(first + second) / 1e9)
    assert not old.exists()
    assert len(stored(photos)) == 2
    forbid_decoding(monkeypatch)
    assert n_cached(opened(sets[0])) == 4
    assert n_cached(opened(sets[2])) == 4
    with pytest.raises(AssertionError):
        opened(sets[1])


def test_a_full_disk_means_decoding_and_one_warning(photos: list[Path]) -> None:
    with (
        full_disk(),
        pytest.warns(UserWarning, match=r"cannot be written .*; free") as caught,
    ):
        items = opened(photos)
    assert len(caught) == 1
    assert n_cached(items) == 0
    assert stored(photos) == []
    assert_right(items, decoded(photos))
    assert n_cached(opened(photos)) == len(photos)


def test_a_folder_that_is_no_folder_means_decoding_and_a_warning(photos: list[Path]) -> None:
    (photos[0].parent / "cache").touch()
    with pytest.warns(UserWarning, match="cannot be written"):
        items = opened(photos)
    assert_right(items, decoded(photos))


def test_unreadable_files_are_listed_and_remembered(photos: list[Path]) -> None:
    photos[2].write_bytes(photos[2].read_bytes()[:300])
    photos[5].unlink()
    for _ in range(2):
        items = opened([*photos, photos[2]])
        assert sorted(items.unreadable) == [2, 5, 12]
        assert "2.jpg cannot be read as an image" in items.unreadable[2]
        assert "no such file" in items.unreadable[5]
        with pytest.raises(UnreadableImage, match=r"5\.jpg"):
            items[5]
        good = [i for i in range(12) if i not in (2, 5)]
        assert_right(items.take(good), decoded([photos[i] for i in good]))


def test_simultaneous_openings_all_get_whole_items(photos: list[Path]) -> None:
    found: list[Items] = []
    workers = [
        threading.Thread(target=lambda: found.append(opened(photos, threads=2))) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 4
    for items in found:
        assert_right(items, decoded(photos))
    assert len(stored(photos)) == 1


def test_progress_counts_every_photo_of_a_first_call_alone(photos: list[Path]) -> None:
    seen: list[tuple[int, int]] = []
    opened(photos, progress=lambda done, n: seen.append((done, n)))
    assert seen == [(i + 1, 12) for i in range(12)]
    opened(photos, progress=lambda done, n: seen.append((done, n)))
    assert len(seen) == 12


def test_the_folder_follows_the_users_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_CACHE", "/some/where")
    assert cache_folder() == Path("/some/where")
    monkeypatch.delenv("ZOO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_folder() == Path("/xdg/zoo/photos")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache/zoo/photos"


def test_no_photos_make_no_items(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(open_items([], Resize(32), Run(cache=tmp_path))) == 0


def test_work_ahead_is_bounded_and_in_order() -> None:
    started: list[int] = []

    def work(i: int) -> int:
        started.append(i)
        time.sleep(0.001 * (i % 3))
        return i

    for i, result in enumerate(in_order(work, range(20), threads=3, ahead=4)):
        assert result == i
        assert len(started) <= i + 6


def test_threads_that_say_the_same_say_it_once() -> None:
    def work(i: int) -> None:
        warn("some photos are grey")

    with pytest.warns(UserWarning, match="grey") as said, each_once():
        list(in_order(work, range(9), threads=3))
    assert len(said) == 1
