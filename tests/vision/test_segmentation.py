"""Segmentation: photos and masks in, masks at the photo's own size out."""

from __future__ import annotations

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import zoo
from tests.helpers.device import DEVICE
from tests.helpers.harm import config, harmed, refused
from tests.vision.small import RUN, TINY
from zoo.cli.app import app
from zoo.core.model import Model
from zoo.vision.data.augment import SIDE_ON
from zoo.vision.inspect.class_map import Segmentation, likeliest
from zoo.vision.inspect.drawings import places
from zoo.vision.segmentation.masks import find_masks, laid, open_masks
from zoo.vision.segmentation.model import PhotoSegmenter
from zoo.vision.segmentation.spec import SegmentationSpec
from zoo.vision.segmentation.task import task_of

pytestmark = pytest.mark.device

CLASSES = ("ground", "disc", "bar")
VOID = 9
SHAPE = (48, 64)


def draw(seed: int) -> tuple[Image.Image, Image.Image]:
    """A red disc and a blue bar on noise, and which pixel is which; a frame of void around."""
    rng = np.random.default_rng(seed)
    height, width = SHAPE
    pixels = rng.integers(60, 120, (height, width, 3), dtype=np.uint8)
    y, x = np.mgrid[:height, :width]
    mask = np.zeros(SHAPE, np.uint8)
    mask[np.hypot(y - rng.integers(12, 36), x - rng.integers(12, 30)) < 9] = 1
    left = int(rng.integers(40, 54))
    mask[8:40, left : left + 8] = 2
    pixels[mask == 1] = (220, 40, 40)
    pixels[mask == 2] = (40, 60, 220)
    mask[:2], mask[:, :2] = VOID, VOID
    return Image.fromarray(pixels), Image.fromarray(mask)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """photos/ and masks/, each with train and valid inside."""
    folder = tmp_path_factory.mktemp("scenes")
    for i in range(32):
        part = "train" if i < 24 else "valid"
        for kind, picture, name in zip(
            ("photos", "masks"), draw(i), (f"{i}.jpg", f"{i}_mask.png"), strict=True
        ):
            (folder / kind / part).mkdir(parents=True, exist_ok=True)
            picture.save(folder / kind / part / name, quality=95)
    return folder


def settings(**more: Any) -> dict[str, Any]:
    return {"classes": CLASSES, "ignore": VOID, "batch_size": 4, "run": RUN, **more}


@pytest.fixture(scope="module")
def model(scenes: Path) -> PhotoSegmenter:
    return zoo.vision.segmentation.train(
        scenes / "photos", scenes / "masks", model=TINY, epochs=6, lr=1e-2, **settings()
    )


@pytest.fixture(scope="module")
def directory(model: PhotoSegmenter, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model.save(tmp_path_factory.mktemp("saved") / "segmenter")


# ---- training ------------------------------------------------------------------------------------


def test_a_model_learns_to_segment(model: PhotoSegmenter) -> None:
    assert isinstance(model, Model)
    assert model.spec.shape == SHAPE
    assert 0.93 < model.metrics["accuracy"] < 1
    assert 0.75 < model.metrics["iou"] < 1
    assert model.evaluate() == pytest.approx(model.metrics, rel=1e-5)


def test_void_pixels_count_for_nothing() -> None:
    spec = SegmentationSpec(CLASSES, (2, 2), (0.5,) * 3, (0.5,) * 3, "bilinear", VOID)
    task = task_of(spec)
    output = torch.randn(1, 3, 2, 2, requires_grad=True)
    target = torch.tensor([[[0, VOID], [2, VOID]]])
    loss, count = task.loss(output, target)
    assert int(count) == 2
    (gradient,) = torch.autograd.grad(loss, output)
    assert gradient[0, :, :, 1].abs().max() == 0
    assert gradient[0, :, :, 0].abs().min() > 0
    wrong_in_void = torch.zeros(1, 3, 2, 2)
    wrong_in_void[0, 0, 0, 0] = wrong_in_void[0, 2, 1, 0] = 1
    metrics = task.metrics()
    for metric in metrics.values():
        metric.update(wrong_in_void, target)
    assert float(metrics["accuracy"].compute()) == 1


def test_photo_and_mask_move_together(scenes: Path) -> None:
    learn = zoo.vision.segmentation.learner(
        scenes / "photos",
        scenes / "masks",
        model=TINY,
        augment=replace(SIDE_ON, lighting=0.0),
        **settings(),
    )
    spec = learn.data.spec
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (spec.mean, spec.std))
    seen: set[int] = set()
    for batch in learn.data.train.epoch(0):
        x = batch.inputs[0] * std + mean
        red = (x[:, 0] > 0.6) & (x[:, 2] < 0.4)
        counts = batch.target != VOID
        agree = (red == (batch.target == 1))[counts].float().mean()
        assert agree > 0.97
        seen.update(batch.target.unique().tolist())
    assert seen == {0, 1, 2, VOID}
    first = next(iter(learn.data.train.epoch(0)))
    again = next(iter(learn.data.train.epoch(0)))
    other = next(iter(learn.data.train.epoch(1)))
    assert torch.equal(first.target, again.target)
    assert not torch.equal(first.target, other.target)


def test_a_saved_body_or_model_is_where_training_goes_on_from(
    model: PhotoSegmenter, scenes: Path
) -> None:
    data = scenes / "photos", scenes / "masks"
    same = zoo.vision.segmentation.learner(*data, pretrained=model, **settings())
    assert all(
        torch.equal(a, b)
        for a, b in zip(model.members[0].state_dict().values(), same.model.state_dict().values())  # noqa: B905
    )
    other = zoo.vision.segmentation.learner(
        *data, pretrained=model, **settings(classes=(*CLASSES, "more"))
    )
    body = {name: t for name, t in other.model.state_dict().items() if name.startswith("body.")}
    assert all(torch.equal(model.members[0].state_dict()[name], t) for name, t in body.items())
    assert other.model.decoder.last.out_channels == 4
    with pytest.raises(ValueError, match=r"answers for whole photos.*Use its backbone"):
        zoo.vision.learner(scenes / "photos", pretrained=model, run=RUN)


# ---- prediction ----------------------------------------------------------------------------------


def test_masks_come_back_at_the_photos_own_size(model: PhotoSegmenter, scenes: Path) -> None:
    path = scenes / "photos" / "valid" / "25.jpg"
    found = model.predict(path)
    assert isinstance(found, Segmentation)
    assert found.labels.shape == SHAPE
    with Image.open(path) as photo:
        larger = photo.resize((256, 192), Image.Resampling.BICUBIC)
    enlarged = model.predict(larger)
    assert enlarged.labels.shape == (192, 256)
    assert (enlarged.labels[::4, ::4] == found.labels).mean() > 0.9
    several = model.predict([larger, path], batch_size=1)
    assert (several[1].labels == found.labels).all()
    truth = np.asarray(Image.open(scenes / "masks" / "valid" / "25_mask.png"))
    counts = truth != VOID
    assert (found.labels == truth)[counts].mean() > 0.9
    assert next(iter(found.shares)) == "ground"
    assert sum(found.shares.values()) == pytest.approx(1)


def test_a_saved_mask_is_coloured_and_still_the_numbers(
    model: PhotoSegmenter, scenes: Path, tmp_path: Path
) -> None:
    found = model.predict(scenes / "photos" / "valid" / "26.jpg")
    found.save(tmp_path / "mask.png")
    with Image.open(tmp_path / "mask.png") as mask:
        assert mask.mode == "P"
        assert (np.asarray(mask) == found.labels).all()
        assert len(mask.convert("RGB").getcolors()) == len(np.unique(found.labels))


def test_the_likeliest_class_is_that_of_enlarged_shares() -> None:
    shares = torch.rand(5, 6, 7)
    enlarged = torch.nn.functional.interpolate(shares[None], (13, 20), mode="bilinear")[0]
    assert (likeliest(shares, (13, 20)) == enlarged.argmax(0).numpy()).all()


@pytest.mark.parametrize("shape", [(61, 47), (3, 4)])
def test_a_large_mask_is_made_in_bands(
    shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = torch.rand(4, 9, 8, generator=torch.Generator().manual_seed(0))
    whole = likeliest(shares, shape)
    monkeypatch.setattr("zoo.vision.inspect.class_map.BAND", 10 * shape[1] // 4)
    assert (likeliest(shares, shape) == whole).all()


# ---- artifact, export, command line --------------------------------------------------------------


def test_a_loaded_segmenter_draws_the_same(
    model: PhotoSegmenter, directory: Path, scenes: Path
) -> None:
    loaded = zoo.load(directory, run=RUN)
    assert isinstance(loaded, PhotoSegmenter)
    assert loaded.spec == model.spec
    path = scenes / "photos" / "valid" / "27.jpg"
    assert (loaded.predict(path).labels == model.predict(path).labels).all()
    scores = loaded.evaluate(scenes / "photos" / "valid", scenes / "masks" / "valid")
    assert scores == pytest.approx(model.metrics, rel=1e-4)
    assert loaded.evaluate() == model.metrics


def test_a_network_that_its_weights_do_not_fit_is_refused_before_it_is_built(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harm = config(lambda tree: tree["model"].update(name="regnet_y_16gf"))
    folder = harmed(directory, tmp_path / "other", harm)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("it was built in full")

    monkeypatch.setattr("zoo.core.artifacts.artifact.load_weights", never)
    refused(zoo.load, folder, "weights must fit")


def test_a_damaged_spec_is_refused(directory: Path, tmp_path: Path) -> None:
    for change in (
        {"shape": [48]},
        {"classes": ["one"]},
        {"ignore": 300},
        {"shape": [32, 32]},
        {"mean": "none"},
    ):
        harm = config(lambda tree, change=change: tree["spec"].update(change))
        folder = harmed(directory, tmp_path / str(change), harm)
        refused(zoo.load, folder, "must describe a network")


def test_the_commands_train_draw_and_refuse(scenes: Path, directory: Path, tmp_path: Path) -> None:
    def run(*words: object) -> Any:
        return CliRunner().invoke(app, [str(word) for word in words])

    out = tmp_path / "segmenter"
    data = [scenes / "photos", scenes / "masks", "--ignore", VOID, "--size", 48, 64]
    names = [word for name in ("ground", "disc", "bar") for word in ("--classes", name)]
    done = run("vision", "segmentation", "finetune", directory, *data, *names,
               "--epochs", 0, "--out", out, "--device", DEVICE)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "iou" in done.output
    photo = scenes / "photos" / "valid" / "25.jpg"
    drawn = run("predict", out, photo, "--out", tmp_path / "drawn", "-k", 2)
    assert drawn.exit_code == 0, drawn.output
    assert drawn.output.startswith(f"{photo}  {tmp_path / 'drawn' / '25.png'}  ")
    with Image.open(tmp_path / "drawn" / "25.png") as mask:
        assert mask.size == (64, 48)
    record = json.loads(run("predict", out, photo, "--out", tmp_path / "as-json", "--json").stdout)
    assert list(record) == ["file", "picture", "shares"]
    assert record["shares"].keys() == {"ground", "disc", "bar"}
    scored = run("evaluate", out, scenes / "photos", scenes / "masks")
    assert "iou" in scored.stdout, scored.output


def test_drawing_writes_over_nothing(
    model: PhotoSegmenter, directory: Path, tmp_path: Path
) -> None:
    def run(*words: object) -> Any:
        return CliRunner().invoke(app, ["predict", *map(str, (directory, *words))])

    photos = tmp_path / "photos"
    for name in ("left/0.png", "right/0.png", "left/0.jpg"):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        draw(0)[0].save(photos / name)
    before = {path: path.read_bytes() for path in photos.rglob("*.*")}
    done = run(photos, "--out", photos / "drawn")
    assert done.exit_code == 0, done.output
    drawn = sorted(path.relative_to(photos / "drawn") for path in photos.glob("drawn/*/*.png"))
    assert list(map(str, drawn)) == ["left/0.jpg.png", "left/0.png.png", "right/0.png.png"]
    again = run(photos, "--out", photos / "drawn")
    assert again.exit_code == 1
    assert "is there already. Choose another folder with --out" in " ".join(again.output.split())
    beside = run(photos / "left" / "0.png", "--out", photos / "left")
    assert beside.exit_code == 1
    assert {path: path.read_bytes() for path in before} == before
    assert not list((tmp_path / "photos").glob("left/0.png.png"))


def test_drawings_of_equal_names_get_names_of_their_own(tmp_path: Path) -> None:
    for name in ("a/0.png", "b/0.png", "b/c/0.png", "b/c/1.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    out = tmp_path / "out"

    def names(*photos: str) -> list[str]:
        found = places([tmp_path / photo for photo in photos], out).values()
        return [str(path.relative_to(out)) for path in found]

    assert names("b") == ["0.png", "c/0.png", "c/1.png"]
    assert names("a/0.png", "b/c/1.png") == ["0.png", "1.png"]
    assert names("a/0.png", "b/0.png") == ["a/0.png.png", "b/0.png.png"]
    assert names("a", "b/c") == ["a/0.png.png", "c/0.png.png", "c/1.png.png"]
    assert names("a/0.png", "a") == ["0.png"]
    with pytest.raises(ValueError, match=r"must be a file, got .*2\.png\. Correct"):
        names("a/2.png")


@pytest.mark.filterwarnings("default")
def test_a_broken_photo_is_left_out_of_the_drawings(
    model: PhotoSegmenter, directory: Path, tmp_path: Path
) -> None:
    draw(0)[0].save(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("no picture")
    words = ["predict", str(directory), str(tmp_path), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "b.png cannot be read" in done.stderr
    assert "it is left out" in done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.png"]


def test_the_command_tells_what_is_paired(scenes: Path) -> None:
    words = [
        "vision",
        "segmentation",
        "check",
        str(scenes / "photos"),
        str(scenes / "masks"),
        "--ignore",
        str(VOID),
    ]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "24 pairs to train on, 8 to validate on" in done.output
    assert "9 is ignored" in done.output


# ---- data ----------------------------------------------------------------------------------------


def test_folders_and_tables_give_the_same_pairs(scenes: Path) -> None:
    found = find_masks(scenes / "photos", scenes / "masks")
    assert len(found) == 32
    assert found.is_valid is not None
    assert found.is_valid.sum() == 8
    frame = pd.DataFrame({"photo": map(str, found.photos), "mask": map(str, found.masks)})
    table = find_masks(frame.assign(valid=found.is_valid))
    assert (table.photos, table.masks) == (found.photos, found.masks)
    assert (table.is_valid == found.is_valid).all()
    lists = find_masks(found.photos, found.masks)
    assert (lists.photos, lists.masks) == (found.photos, found.masks)
    with pytest.raises(ValueError, match="got 32 photos and 31 masks"):
        find_masks(found.photos, found.masks[1:])
    for odd in ((found.photos, None), (3, None), (scenes / "photos", {"a": 1})):
        with pytest.raises(ValueError, match=r"two lists of paths, got \w+ and \w+\. Try"):
            find_masks(*odd)
    opened = open_masks(laid(found, 2), SHAPE, "bilinear", 2)
    assert opened.masks.shape == (32, *SHAPE)
    assert set(np.unique(opened.masks)) == {0, 1, 2, VOID}


def test_palette_and_grey_rgb_masks_are_read_as_numbers(tmp_path: Path) -> None:
    photo, mask = draw(0)
    numbers = np.asarray(mask)
    for place in ("photos", "masks"):
        (tmp_path / place).mkdir()
    mask.putpalette([7, 7, 7] * 256)
    mask.save(tmp_path / "masks" / "a.png")
    Image.fromarray(np.repeat(numbers[..., None], 3, 2)).save(tmp_path / "masks" / "b.png")
    for name in "ab":
        photo.save(tmp_path / "photos" / f"{name}.jpg")
    pairs = laid(find_masks(tmp_path / "photos", tmp_path / "masks"), 1)
    found = open_masks(pairs, SHAPE, "bilinear", 1)
    assert (found.masks == numbers).all()


def learner_of(photos: Any, masks: Any = None, **more: Any) -> Any:
    settings = {"size": (32, 32), "model": TINY, "augment": "none", "run": RUN, **more}
    return zoo.vision.segmentation.learner(photos, masks, **settings)


def scenes_in(folder: Path, n: int, **masks: Any) -> Path:
    """n scenes side by side, their masks' values as the function `values` changes them."""
    values = masks.get("values", lambda mask: mask)
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        photo, mask = draw(i)
        photo.save(folder / f"{i}.jpg")
        Image.fromarray(values(np.asarray(mask))).save(folder / f"{i}_mask.png")
    return folder


def test_photos_and_masks_side_by_side_are_told_apart(tmp_path: Path) -> None:
    folder = scenes_in(tmp_path / "all", 6)
    for masks in (None, folder):
        learn = learner_of(folder, masks, ignore=VOID)
        used = {p.name for b in (learn.data.train, learn.data.valid) for p in b.pairs.photos}
        assert used == {f"{i}.jpg" for i in range(6)}


def test_black_and_white_masks_have_two_classes(tmp_path: Path) -> None:
    folder = scenes_in(tmp_path / "all", 8, values=lambda mask: (mask == 1) * np.uint8(255))
    model = zoo.vision.segmentation.train(folder, model=TINY, size=(32, 32), epochs=1, run=RUN)
    assert model.spec.classes == ("0", "255")
    assert model.spec.values == (0, 255)
    loaded = zoo.load(model.save(tmp_path / "model"), run=RUN)
    assert loaded.spec == model.spec
    assert json.loads((tmp_path / "model" / "config.json").read_text())["format"] == 1
    with pytest.warns(UserWarning, match="75% of the 8 rows were trained on"):
        scores = loaded.evaluate(folder)
    assert 0 <= scores["iou"] <= 1
    assert set(np.unique(loaded.predict(folder / "0.jpg").labels)) <= {0, 1}
    named = learner_of(folder, classes=np.array(["ground", "disc"]))
    assert named.data.spec.classes == ("ground", "disc")
    assert {0, 1} == {int(v) for v in named.data.train.pairs.masks.flat}


def test_a_void_border_of_255_counts_for_nothing(tmp_path: Path) -> None:
    folder = scenes_in(
        tmp_path / "all", 6, values=lambda m: np.where(m == VOID, 255, m).astype(np.uint8)
    )
    with pytest.warns(UserWarning, match="values 0 to 2 and 255, .* count for nothing; say ign"):
        learn = learner_of(folder)
    assert learn.data.spec.classes == ("0", "1", "2")
    assert learn.data.spec.ignore == 255


def test_ignored_pixels_of_numbered_values_count_for_nothing(tmp_path: Path) -> None:
    folder = scenes_in(tmp_path / "all", 6, values=lambda m: np.where(m == VOID, 0, m + 1))
    learn = learner_of(folder, classes=CLASSES, ignore=0)  # 1 to 3 are the classes, 0 is void
    assert learn.data.spec.values == (1, 2, 3)
    target = next(iter(learn.data.valid.epoch(0))).target
    assert set(target.unique().tolist()) == {0, 1, 2, 255}
    output = torch.randn(len(target), 3, 32, 32)
    assert int(learn.task.loss(output, target)[1]) == int((target != 255).sum())
    assert set(learn.evaluate()) == {"loss", "accuracy", "iou"}


def test_a_photo_that_exif_turns_lies_on_its_raw_mask(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x112] = 6
    for i in range(6):
        photo, mask = draw(i)
        photo.save(tmp_path / f"{i}.jpg", quality=95, exif=exif)
        mask.save(tmp_path / f"{i}_mask.png")
    learn = learner_of(tmp_path, size=None, ignore=VOID)
    assert learn.data.spec.shape == SHAPE[::-1]
    for i in range(len(learn.data.train)):
        pixels, labels = learn.data.train.pairs.pair(i, None)
        red = (pixels[..., 0] > 150) & (pixels[..., 2] < 100)
        assert (red == (labels == 1))[labels != VOID].mean() > 0.97


def test_a_broken_photo_leaves_training_with_one_warning(tmp_path: Path) -> None:
    folder = scenes_in(tmp_path / "all", 9)
    whole = (folder / "3.jpg").read_bytes()
    (folder / "3.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "._4.jpg").write_text("a file manager's")
    with pytest.warns(UserWarning, match=r"1 of 9 photos are left out: .*3\.jpg") as told:
        learn = learner_of(folder, ignore=VOID, batch_size=2)
    assert len(told) == 1
    assert len(learn.data.train) + len(learn.data.valid) == 8
    learn.fit(1)


def test_an_odd_photo_joins_a_batch_of_two(tmp_path: Path) -> None:
    learn = learner_of(scenes_in(tmp_path / "all", 6), ignore=VOID, batch_size=2)
    assert len(learn.data.train) == 5
    assert sorted(len(batch.target) for batch in learn.data.train.epoch(0)) == [2, 3]
    learn.fit(1)
    alone = learner_of(scenes_in(tmp_path / "all", 6), ignore=VOID, batch_size=1)
    assert [len(batch.target) for batch in alone.data.train.epoch(0)] == [1] * 5
    with pytest.raises(ValueError, match="several values per channel to learn from, got a single"):
        alone.fit(1)


def test_copies_of_scenes_and_earlier_training_never_reach_validation(tmp_path: Path) -> None:
    folder = scenes_in(tmp_path / "all", 10)
    for i in range(10):
        shutil.copy(folder / f"{i}.jpg", folder / f"copy{i}.jpg")
        shutil.copy(folder / f"{i}_mask.png", folder / f"copy{i}_mask.png")
    learn = learner_of(folder, ignore=VOID)
    train, valid = learn.data.train.pairs, learn.data.valid.pairs
    assert not set(train.hashes) & set(valid.hashes)
    learn.fit(1)
    model = learn.as_model()
    again = zoo.vision.segmentation.learner(
        folder, pretrained=model, ignore=VOID, size=(32, 32), run=replace(RUN, seed=1)
    )
    assert set(again.data.valid.pairs.hashes) <= set(valid.hashes)
    one = pd.DataFrame({"photo": [folder / "1.jpg"], "mask": [folder / "1_mask.png"]}).astype(str)
    with pytest.raises(ValueError, match="1 of 1 validation photos that are trained on too"):
        learner_of(folder, ignore=VOID, valid=one)


def test_a_marked_validation_part_alone_is_scored(model: PhotoSegmenter, scenes: Path) -> None:
    assert model.evaluate(scenes / "photos", scenes / "masks") == pytest.approx(model.metrics)


def test_the_report_tells_what_is_trained_on(tmp_path: Path) -> None:
    folder = scenes_in(tmp_path / "all", 6)
    (folder / "5_mask.png").unlink()
    (folder / "7_mask.png").write_bytes((folder / "1_mask.png").read_bytes())
    with pytest.warns(UserWarning, match=r"1 photos have no mask .*5\.jpg; 1 .*7_mask"):
        report = zoo.vision.segmentation.check(folder, ignore=VOID, run=RUN)
    lines = str(report).splitlines()
    assert lines[0] == "4 pairs to train on, 1 to validate on"
    assert lines[1:3] == ["1 photos without a mask: 5.jpg", "1 masks without a photo: 7_mask.png"]
    assert lines[3].startswith("pixels of masks: 0 is 0 (")
    assert re.search(r"1 is 1 \(\d+\.\d %\), 2 is 2 .*, 9 is ignored \(\d\.\d %\)$", lines[3])


def test_batches_tell_photos_masks_and_settings_apart(tmp_path: Path) -> None:
    def fingerprint(folder: Path, **more: Any) -> str:
        found: str = learner_of(folder, **{"ignore": VOID, **more}).data.train.fingerprint()
        return found

    one = scenes_in(tmp_path / "one", 6)
    same = scenes_in(tmp_path / "same", 6)
    first = fingerprint(one)
    assert fingerprint(one) == fingerprint(same) == first
    other_mask = scenes_in(tmp_path / "mask", 6, values=lambda m: np.where(m == 2, 1, m))
    changed = [
        fingerprint(other_mask), fingerprint(one, size=(32, 48)), fingerprint(one, batch_size=2),
        fingerprint(one, augment="side_on"), fingerprint(one, run=replace(RUN, seed=3)),
    ]  # fmt: skip
    draw(99)[0].save(same / "2.jpg")
    assert len({first, *changed, fingerprint(same)}) == 7


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"ignore": -1}, "a whole number, from 0 to 255, or None, got ignore=-1"),
        ({"ignore": 300}, "got ignore=300"),
        ({"ignore": 2.5}, r"got ignore=2\.5"),
        ({"ignore": "255"}, "got ignore='255'"),
        ({"classes": ["x", "x", "y"]}, "all different, .*got classes="),
        ({"classes": "abc"}, "a list, .*got classes='abc'"),
        ({"classes": [None, "x"]}, "got classes="),
        ({"classes": 3}, "a list, .*got classes=3"),
        ({"clip": "1"}, "got clip='1'"),
        ({"valid_fraction": "0.2"}, "got valid_fraction='0.2'"),
    ],
)
def test_settings_that_make_no_sense_are_refused_before_photos_are_read(
    setting: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        learner_of("nowhere", "nowhere", **setting)


def test_columns_of_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="columns must come with a table of paths, got columns="):
        learner_of(tmp_path, tmp_path, columns=("photo", "mask"))


def test_settings_are_taken_however_they_are_written(tmp_path: Path) -> None:
    folder = scenes_in(tmp_path / "all", 6)
    spec = learner_of(folder, classes=[0, 1, 2], ignore=np.float64(9)).data.spec
    assert spec.classes == ("0", "1", "2")
    assert type(spec.ignore) is int
    assert spec == spec.from_json(json.loads(json.dumps(spec.to_json())))


def test_an_ensemble_is_no_start_of_a_training(model: PhotoSegmenter, scenes: Path) -> None:
    two = PhotoSegmenter([model.members[0], model.members[0]], model.spec, run=RUN)
    with pytest.raises(ValueError, match="one network, got an ensemble of 2"):
        zoo.vision.segmentation.learner(
            scenes / "photos", scenes / "masks", pretrained=two, **settings()
        )


def test_threads_that_share_a_segmenter_draw_what_one_draws(
    model: PhotoSegmenter, scenes: Path
) -> None:
    photos = sorted((scenes / "photos").rglob("*.jpg"))[:16]
    alone = [model.predict(photo).labels for photo in photos]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(model.predict, photos))
    assert all((one == other.labels).all() for one, other in zip(alone, together, strict=True))


def broken(scenes: Path, tmp_path: Path) -> tuple[Path, Path]:
    shutil.copytree(scenes / "photos" / "valid", tmp_path / "photos")
    shutil.copytree(scenes / "masks" / "valid", tmp_path / "masks")
    return tmp_path / "photos", tmp_path / "masks"


def test_mistakes_with_masks_are_one_clear_sentence(scenes: Path, tmp_path: Path) -> None:
    photos, masks = broken(scenes, tmp_path)
    learner = zoo.vision.segmentation.learner
    with pytest.raises(ValueError, match=r"got \[9\] with n_classes=3 and ignore=None\. Name"):
        learner(photos, masks, model=TINY, **settings(ignore=None))
    with pytest.raises(ValueError, match=r"got 24\.jpg, 25\.jpg, .*cat_mask\.png, move them"):
        learner(photos, model=TINY, **settings())
    with pytest.raises(ValueError, match="got timm/vit_tiny_patch16_224, which pools them"):
        learner(photos, masks, model="timm/vit_tiny_patch16_224",
                **settings(size=32))  # fmt: skip
    (masks / "25_mask.png").unlink()
    draw(0)[0].save(masks / "25.png")
    with pytest.raises(ValueError, match=r"got .*25\.png with mode='RGB'\. Store"):
        learner(photos, masks, model=TINY, **settings())
    Image.new("L", (64, 20)).save(masks / "25.png")
    with pytest.raises(ValueError, match=r"25\.png has 64 x 20, 25\.jpg 64 x 48\. Scale"):
        learner(photos, masks, model=TINY, **settings())
    (masks / "25.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"25\.png, which cannot be read"):
        learner(photos, masks, model=TINY, **settings())
    with pytest.raises(FileNotFoundError, match=r"got .*nowhere'\. Correct"):
        find_masks(photos, "nowhere")
