"""Segmentation: photos and masks in, masks at the photo's own size out."""

from __future__ import annotations

import json
import shutil
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
from tests.harm import config, harmed, refused
from tests.vision.small import RUN, TINY
from zoo.cli.app import app
from zoo.core.model import Model
from zoo.vision.augment import SIDE_ON
from zoo.vision.masks import find_masks, open_masks
from zoo.vision.segmenter import PhotoSegmenter
from zoo.vision.segments import Segmentation, likeliest, task_of

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
        TINY, scenes / "photos", scenes / "masks", epochs=10, lr=1e-2, **settings()
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
    spec = zoo.vision.segmentation.SegmentationSpec(
        CLASSES, (2, 2), (0.5,) * 3, (0.5,) * 3, "bilinear", VOID
    )
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
        TINY,
        scenes / "photos",
        scenes / "masks",
        random_weights=True,
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
    same = zoo.vision.segmentation.learner(model, *data, **settings())
    assert all(
        torch.equal(a, b)
        for a, b in zip(model.members[0].state_dict().values(), same.model.state_dict().values())  # noqa: B905
    )
    other = zoo.vision.segmentation.learner(model, *data, **settings(classes=(*CLASSES, "more")))
    body = {name: t for name, t in other.model.state_dict().items() if name.startswith("body.")}
    assert all(torch.equal(model.members[0].state_dict()[name], t) for name, t in body.items())
    assert other.model.decoder.last.out_channels == 4
    with pytest.raises(ValueError, match=r"answers for whole photos.*take its backbone"):
        zoo.vision.learner(model, scenes / "photos", run=RUN)


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
    with pytest.raises(ValueError, match="photos=None; pass folders"):
        loaded.evaluate()


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


def test_an_exported_segmenter_says_the_same(
    model: PhotoSegmenter, scenes: Path, tmp_path: Path
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="pip install 'transfer-zoo[onnx]'")
    pytest.importorskip("onnxscript", reason="pip install 'transfer-zoo[onnx]'")
    path = model.export(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    files = sorted((scenes / "photos" / "valid").iterdir())[:3]
    pixels = np.stack([np.asarray(Image.open(file)) for file in files])
    (found,) = session.run(None, {"photos": pixels})
    assert found.shape == (3, 3, *SHAPE)
    assert np.abs(found - model._draw(pixels).numpy()).max() < 1e-4
    told = session.get_modelmeta().custom_metadata_map
    assert json.loads(told["labels"]) == list(CLASSES)
    assert json.loads(told["spec"])["shape"] == list(SHAPE)


def test_the_commands_train_draw_and_refuse(scenes: Path, tmp_path: Path) -> None:
    def run(*words: object) -> Any:
        return CliRunner().invoke(app, [str(word) for word in words])

    out = tmp_path / "segmenter"
    data = [scenes / "photos", scenes / "masks", "--ignore", VOID, "--size", "48x64"]
    done = run("vision", "segment", *data, "--pretrained", "efficientnet_lite0", "--epochs", 0,
               "--classes", "ground, disc, bar", "--out", out, "--device", "cpu")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "iou" in done.output
    photo = scenes / "photos" / "valid" / "25.jpg"
    drawn = run("vision", "draw", out, photo, "--out", tmp_path / "drawn")
    assert drawn.exit_code == 0, drawn.output
    assert drawn.output.startswith(f"{tmp_path / 'drawn' / '25.png'}  ")
    with Image.open(tmp_path / "drawn" / "25.png") as mask:
        assert mask.size == (64, 48)
    refused = run("predict", out, photo)
    assert refused.exit_code == 1
    assert "draws pictures; use: zoo vision draw" in refused.output
    wrong = run("vision", "segment", *data[:2], "--size", "48")
    assert "however size='48'; write such as 180x240" in wrong.output


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
    opened = open_masks(found, SHAPE, "bilinear", 2)
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
    found = open_masks(find_masks(tmp_path / "photos", tmp_path / "masks"), SHAPE, "bilinear", 1)
    assert (found.masks == numbers).all()


def broken(scenes: Path, tmp_path: Path) -> tuple[Path, Path]:
    shutil.copytree(scenes / "photos" / "valid", tmp_path / "photos")
    shutil.copytree(scenes / "masks" / "valid", tmp_path / "masks")
    return tmp_path / "photos", tmp_path / "masks"


def test_mistakes_with_masks_are_one_clear_sentence(scenes: Path, tmp_path: Path) -> None:
    photos, masks = broken(scenes, tmp_path)
    learner = zoo.vision.segmentation.learner
    with pytest.raises(
        ValueError, match=r"of n_classes=3 there are \[9\] beside ignore=None; name"
    ):
        learner(TINY, photos, masks, random_weights=True, **settings(ignore=None))
    with pytest.raises(ValueError, match="masks=None; give it"):
        learner(TINY, photos, random_weights=True, **settings())
    with pytest.raises(ValueError, match="vit_tiny_patch16_224 pools its features"):
        learner("timm/vit_tiny_patch16_224", photos, masks, random_weights=True,
                **settings(size=32))  # fmt: skip
    (masks / "25_mask.png").rename(masks / "other.png")
    with pytest.raises(ValueError, match=r"of 8 there is none for .*25\.jpg; rename"):
        find_masks(photos, masks)
    draw(0)[0].save(masks / "25.png")
    with pytest.raises(ValueError, match=r"however .*25\.png has mode='RGB'; store"):
        learner(TINY, photos, masks, random_weights=True, **settings())
    Image.new("L", (64, 20)).save(masks / "25.png")
    with pytest.raises(ValueError, match=r"25\.png has 64 x 20, 25\.jpg 64 x 48; scale"):
        find_masks(photos, masks)
    (masks / "25.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"25\.png cannot be read"):
        find_masks(photos, masks)
    with pytest.raises(FileNotFoundError, match="nowhere is none; correct"):
        find_masks(photos, "nowhere")
