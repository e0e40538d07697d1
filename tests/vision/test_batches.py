"""Batches of photos: a function of (seed, epoch, step) whatever the threads and processes."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from zoo.core.batches import Batch
from zoo.vision.data import datasets
from zoo.vision.data.augment import SIDE_ON, Augment, centre_crop
from zoo.vision.data.batches import PhotoBatches
from zoo.vision.data.dataset_items import HASHED, DatasetItems, TableRows, as_pairs
from zoo.vision.data.images import Resize

pytestmark = pytest.mark.device

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)


def photos(n: int = 21) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    sizes = [(37, int(rng.integers(37, 60)))[:: 1 if i % 2 else -1] for i in range(n)]
    return [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]


def batches(n: int = 21, **settings: Any) -> PhotoBatches:
    given = {"size": 32, "mean": MEAN, "std": STD, "batch_size": 4, "shuffle": True}
    return PhotoBatches(items=photos(n), targets=torch.arange(n), **{**given, **settings})


def same(first: list[Batch], second: list[Batch]) -> bool:
    return len(first) == len(second) and all(
        torch.equal(a.inputs[0], b.inputs[0]) and torch.equal(a.target, b.target)
        for a, b in zip(first, second, strict=True)
    )


def test_validation_is_the_normalised_centre_crop() -> None:
    found = batches(shuffle=False)
    seen = torch.cat([batch.inputs[0] for batch in found.epoch(0)])
    assert seen.shape == (21, 3, 32, 32)
    for i, x in enumerate(seen):
        crop = torch.from_numpy(centre_crop(found.items[i], 32).copy()).permute(2, 0, 1) / 255
        wanted = (crop - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
        assert torch.allclose(x, wanted, atol=1e-5)


@pytest.mark.parametrize("left_behind", [0, 255])
def test_what_memory_held_before_leaves_no_trace(left_behind: int, monkeypatch) -> None:
    rng = np.random.default_rng(0)
    sides = [(40 + n, 60 - n) for n in range(16)]  # frames of a batch are as large as its largest
    items = [rng.integers(0, 256, (*side, 3), dtype=np.uint8) for side in sides]
    settings: dict[str, Any] = {"augment": SIDE_ON, "batch_size": 16}
    data = replace(batches(), items=items, targets=torch.zeros(16, dtype=torch.int64), **settings)
    clean = next(data.epoch(0)).inputs[0]
    empty = torch.empty

    def dirty(*shape: Any, **options: Any) -> torch.Tensor:
        return empty(*shape, **options).fill_(left_behind)

    monkeypatch.setattr(torch, "empty", dirty)
    assert torch.equal(next(data.epoch(0)).inputs[0], clean)


def test_every_photo_comes_once_an_epoch_in_a_new_order() -> None:
    found = batches(augment=SIDE_ON)
    orders = [torch.cat([batch.target for batch in found.epoch(epoch)]) for epoch in range(3)]
    for order in orders:
        assert sorted(order.tolist()) == list(range(21))
    assert not torch.equal(orders[0], orders[1])


def test_batches_differ_in_size_by_at_most_one() -> None:
    for n in (17, 21, 32, 33):
        sizes = [len(batch.target) for batch in batches(n, batch_size=16).epoch(0)]
        assert len(sizes) == batches(n, batch_size=16).steps(0)
        assert max(sizes) - min(sizes) <= 1
        assert max(sizes) <= 16


def test_threads_do_not_change_batches() -> None:
    class Slow:
        def __init__(self) -> None:
            self.items = photos()

        def __len__(self) -> int:
            return len(self.items)

        def __getitem__(self, i: int) -> np.ndarray:
            time.sleep(0.002 * (i % 3))
            return self.items[i]

    found = batches(augment=SIDE_ON, threads=1)
    several = replace(found, items=Slow(), threads=4)
    assert same(list(found.epoch(2)), list(several.epoch(2)))


@pytest.mark.parametrize("augment", [None, SIDE_ON])
@pytest.mark.parametrize("start", [0, 3, 5, 6])
def test_an_epoch_from_a_step_on_is_the_tail_of_the_whole(
    augment: Augment | None, start: int
) -> None:
    found = batches(augment=augment)
    assert same(list(found.epoch(1, start)), list(found.epoch(1))[start:])


def test_augmentation_varies_from_epoch_to_epoch_and_with_the_seed() -> None:
    found = batches(4, augment=SIDE_ON, shuffle=False)
    first, second = (next(found.epoch(epoch)).inputs[0] for epoch in (0, 1))
    other = next(batches(4, augment=SIDE_ON, shuffle=False, seed=1).epoch(0)).inputs[0]
    assert not torch.allclose(first, second)
    assert not torch.allclose(first, other)


@pytest.mark.parametrize("augment", [None, SIDE_ON])
@pytest.mark.parametrize("world", [2, 3])
def test_the_parts_of_all_processes_make_the_whole_batch(
    augment: Augment | None, world: int
) -> None:
    whole = batches(augment=augment)
    parts = [list(whole.shard(rank, world).epoch(1)) for rank in range(world)]
    for step, batch in enumerate(whole.epoch(1)):
        x = torch.cat([part[step].inputs[0] for part in parts])
        assert torch.equal(torch.cat([part[step].target for part in parts]), batch.target)
        assert torch.allclose(x, batch.inputs[0], atol=1e-2)


def test_more_processes_than_photos_in_a_batch_are_refused() -> None:
    with pytest.raises(ValueError, match="got 3 photos for world=4"):
        batches().shard(0, 4)


def test_breaking_off_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    for batch in batches(augment=SIDE_ON, threads=4).epoch(0):
        assert len(batch.target) in (3, 4)
        break
    assert threading.active_count() == before


def test_an_error_in_a_thread_reaches_the_loop() -> None:
    found = batches()
    found.items[5] = np.zeros((8, 8, 3), np.uint8)  # type: ignore[index]
    with pytest.raises(ValueError, match="size=32 for height=8"):
        list(found.epoch(0))


@pytest.mark.parametrize("augment", [None, SIDE_ON])
def test_the_memory_format_is_the_one_wanted(augment: Augment | None) -> None:
    for channels_last in (True, False):
        x = next(batches(augment=augment, channels_last=channels_last).epoch(0)).inputs[0]
        assert x.is_contiguous(memory_format=torch.channels_last) == channels_last


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_sees_the_same_photos() -> None:
    for augment in (None, SIDE_ON):
        here = next(batches(augment=augment).epoch(0))
        there = next(batches(augment=augment, device="cuda").epoch(0))
        assert there.inputs[0].is_cuda
        assert torch.allclose(there.inputs[0].cpu(), here.inputs[0], atol=2e-2)
        assert torch.equal(there.target.cpu(), here.target)


def test_targets_may_be_rows() -> None:
    target = torch.rand(21, 5)
    found = PhotoBatches(items=photos(), targets=target, size=32, mean=MEAN, std=STD)
    assert torch.equal(next(found.epoch(0)).target, target)


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="n_photos=21, n_targets=20"):
        PhotoBatches(items=photos(), targets=torch.arange(20), size=32, mean=MEAN, std=STD)
    for wrong in (0, 2.5):
        with pytest.raises(ValueError, match=f"a whole number, 1 or more, got batch_size={wrong}"):
            batches(batch_size=wrong)


class Pairs:
    """A user's data set that hands out one image in some form."""

    def __init__(self, form: Callable[[Image.Image], object]) -> None:
        self.form = form

    def __len__(self) -> int:
        return 3

    def __getitem__(self, i: int) -> tuple[object, int]:
        return self.form(Image.fromarray(np.full((40, 50, 3), 51 * i, np.uint8))), i * 10


@pytest.mark.parametrize(
    "form",
    [
        lambda image: image,
        np.asarray,
        lambda image: torch.from_numpy(np.array(image)).permute(2, 0, 1),
        lambda image: torch.from_numpy(np.array(image)).permute(2, 0, 1) / 255,
        lambda image: torch.from_numpy(np.array(image.convert("L")))[None],
        lambda image: np.asarray(image.convert("RGBA")),
    ],
    ids=["pillow", "array", "bytes tensor", "float tensor", "grey tensor", "alpha array"],
)
def test_a_users_data_set_becomes_items(form: Callable[[Image.Image], object]) -> None:
    items = DatasetItems(Pairs(form), Resize(36))
    assert items.labels().tolist() == [0, 10, 20]
    assert [items[i].shape for i in range(3)] == [(36, 45, 3)] * 3
    assert [int(items[i].mean()) for i in range(3)] == [0, 51, 102]
    targets = torch.from_numpy(items.labels())
    found = PhotoBatches(items=items, targets=targets, size=32, mean=MEAN, std=STD)
    assert next(found.epoch(0)).inputs[0].shape == (3, 3, 32, 32)


def test_normalised_tensors_are_refused() -> None:
    items = DatasetItems(Pairs(lambda _: torch.randn(3, 40, 40)), Resize(36))
    with pytest.raises(ValueError, match=r"got Tensor of array.shape=\(40, 40, 3\)"):
        items[1]


class Numbers:
    """A data set of 100 blank images that counts how many of them are asked for."""

    def __init__(self, **attributes: Any) -> None:
        self.targets, self.asked = [i % 3 for i in range(100)], 0
        vars(self).update(attributes)

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, i: int) -> tuple[Image.Image, int]:
        self.asked += 1
        return Image.new("RGB", (40, 40), (i, 0, 0)), self.label(self.targets[i])

    def label(self, target: int) -> int:
        return target


class Renumbered(Numbers):
    """A data set whose labels are not its `targets`."""

    def label(self, target: int) -> int:
        return 2 - target


def test_known_targets_of_a_data_set_are_taken_with_few_images_decoded() -> None:
    data = Numbers()
    assert DatasetItems(data, Resize(36)).labels().tolist() == data.targets
    assert 0 < data.asked < 20


@pytest.mark.parametrize(
    "data",
    [Renumbered(), Renumbered(target_transform=lambda target: 2 - target)],
    ids=["a method", "a target_transform"],
)
def test_labels_are_those_that_a_data_set_returns(data: Numbers) -> None:
    expected = [2 - i % 3 for i in range(100)]
    assert DatasetItems(data, Resize(36)).labels().tolist() == expected


class Hub:
    """A table of the Hugging Face hub: rows are mappings, features tell the columns' kinds."""

    column_names = ("id", "picture", "animal")

    def __init__(self, names: list[str] | None, labels: list[Any]) -> None:
        kinds = {"id": type("Value", (), {}), "picture": type("Image", (), {})}
        kind = type("ClassLabel", (), {"names": names}) if names else type("Value", (), {})
        self.features, self.labels = (
            {**{k: v() for k, v in kinds.items()}, "animal": kind()},
            labels,
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self.labels
        content = io.BytesIO()
        Image.new("RGB", (40, 40), (key, 0, 0)).save(content, "PNG")
        picture = {"bytes": content.getvalue(), "path": None}
        return {"id": key, "picture": picture, "animal": self.labels[key]}


def test_a_table_of_the_hub_is_a_data_set() -> None:
    pairs = as_pairs(Hub(["cat", "dog"], [0, 1, 1]))
    assert isinstance(pairs, TableRows)
    assert pairs.classes == ["cat", "dog"]
    items = DatasetItems(pairs, Resize(36))
    assert items.labels().tolist() == [0, 1, 1]
    assert [int(items[i][..., 0].mean()) for i in range(3)] == [0, 1, 2]
    named = as_pairs(Hub(None, ["dog", "cat", "dog"]), ("picture", "animal"))
    assert (named.classes, DatasetItems(named, Resize(36)).labels().tolist()) == (
        ["cat", "dog"],
        [1, 0, 1],
    )
    with pytest.raises(ValueError, match="got 'label' for one of"):
        as_pairs(Hub(None, [0, 1]))


def test_classes_of_a_data_set_are_told_apart_by_their_names() -> None:
    dogs_first = as_pairs(Hub(["dog", "cat"], [0, 1, 1]))
    found = datasets.labelled(dogs_first, ("ape", "cat", "dog"), "classification")
    assert found.tolist() == [2, 1, 1]
    with pytest.raises(ValueError, match="got dog beside ape, cat"):
        datasets.labelled(dogs_first, ("ape", "cat"), "classification")


def test_images_of_a_data_set_are_told_apart_by_content() -> None:
    hashes = DatasetItems(Numbers(), Resize(36)).hashes()
    assert hashes is not None
    assert len(set(hashes.tolist())) == 100
    again = DatasetItems(Numbers(), Resize(64)).hashes()
    assert again is not None
    assert hashes.tolist() == again.tolist()
    large = Numbers(targets=[0] * (HASHED + 1))
    assert DatasetItems(large, Resize(36)).hashes() is None
    assert large.asked == 0
