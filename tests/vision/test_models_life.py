"""Every backbone lives through the zoo: frozen, trained, saved, loaded, exported; random weights.

A few quick ones here; all of `test_models_contract` by `pytest -m slow`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import zoo
from tests.vision.small import RUN
from tests.vision.test_models_contract import LARGER, SMALLEST, TIMM
from zoo.core.batches import Data, TensorBatches
from zoo.core.task import classification
from zoo.core.training.fit import Fit
from zoo.core.training.learner import Learner
from zoo.vision.classification.model import PhotoModel
from zoo.vision.classification.spec import spec_of
from zoo.vision.models.backbones import sizes
from zoo.vision.models.classifier import Classifier, build_classifier

ALL = [*((name, sizes(name).nearest(32)) for name in SMALLEST + LARGER), *TIMM]
QUICK = [("mobilenet_v3_small", 32), ("squeezenet1_1", 32), ("timm/resnet10t", 32)]
CLASSES = ("a", "b", "c")
ENOUGH = 0.3  # of the first loss: what overfitting a batch must reach
LEAST_NORM = {"inception_v3": 107}  # px at which its last map has more than one value a channel


def batch(size: int, n: int = 6) -> tuple[Tensor, Tensor]:
    """Pictures of noise, each with a tint of its class."""
    generator = torch.Generator().manual_seed(0)
    target = torch.arange(n) % len(CLASSES)
    tint = torch.eye(3)[target][..., None, None]
    return torch.randn(n, 3, size, size, generator=generator) + tint, target


def network(name: str, size: int) -> Classifier:
    torch.manual_seed(0)
    return build_classifier(
        name, len(CLASSES), pretrained=False, size=size, hidden=None, pool="avg", dropout=0.0
    )


def learner(model: Classifier, size: int) -> Learner:
    x, target = batch(size)
    data = Data(TensorBatches(x, target, batch_size=len(x), shuffle=False))
    task = classification(len(CLASSES))
    return Learner(model, data, task, clip=1.0, batchnorm="live", run=RUN)


class StopAt:
    """Ends a fit whose loss is small enough."""

    def __init__(self, loss: float) -> None:
        self.loss = loss

    def step_end(self, fit: Fit) -> None:
        fit.stop = float(fit.pending[-1][0]) < self.loss


def check_freezing(name: str, size: int) -> None:
    """What is frozen stays, every other group moves."""
    model = network(name, size)
    learn = learner(model, size)
    before = {key: p.detach().clone() for key, p in model.named_parameters()}
    middle = len(learn.groups) // 2
    learn.freeze_to(middle)
    learn.fit(1, 1e-2)
    moved = [
        any(not torch.equal(p, before[key]) for key, p in model.named_parameters() if p in owned)
        for owned in (set(group.parameters()) for group in learn.groups)
    ]
    assert moved == [i >= middle for i in range(len(moved))]


def check_overfitting(name: str, size: int) -> None:
    """One batch is learnt by heart, from the first layer to the head."""
    losses: list[float] = []
    for lr in (1e-3, 1e-4, 1e-2):
        learn = learner(network(name, size), size)
        first = learn.evaluate(learn.data.train)["loss"]
        learn.fit(40, lr, callbacks=[StopAt(ENOUGH * first)])
        losses.append(min(learn.history.losses))
        if losses[-1] < ENOUGH * first:
            return
    raise AssertionError(f"{name} has learnt nothing by heart: {losses=}")


def a_model(name: str, size: int) -> PhotoModel:
    member = network(name, size).eval()
    return PhotoModel([member], spec_of(CLASSES, member.preprocessing), run=RUN)


def check_stored(name: str, size: int, folder: Path) -> None:
    """A loaded model gives the same outputs."""
    model, x = a_model(name, size), batch(size)[0]
    loaded = zoo.load(model.save(folder / "model"), run=RUN)
    assert torch.equal(loaded.members[0](x), model.members[0](x))
    assert loaded.spec == model.spec


def check_exported(name: str, size: int, folder: Path) -> None:
    """onnxruntime says what the model says, of any number of photos."""
    import onnxruntime

    model = a_model(name, size)
    path = model.export(folder / "model.onnx")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    photos = np.random.default_rng(0).integers(0, 256, (3, size, size, 3), dtype=np.uint8)
    for some in (list(photos), [photos[0]]):
        (found,) = session.run(None, {"photos": model.pixels(some)})
        said = [list(one.probabilities.values()) for one in model.predict(some)]
        assert np.abs(found - np.array(said)).max() < 1e-4
    told = session.get_modelmeta().custom_metadata_map
    assert json.loads(told["labels"]) == list(CLASSES)
    assert json.loads(told["spec"])["size"] == size


def needs_onnx() -> None:
    for module in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(module, reason="pip install 'transfer-zoo[onnx]'")


@pytest.mark.parametrize(("name", "size"), QUICK)
def test_a_backbone_freezes_learns_and_is_stored(name: str, size: int, tmp_path: Path) -> None:
    check_freezing(name, size)
    check_overfitting(name, size)
    check_stored(name, size, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), ALL)
def test_every_backbone_freezes_learns_and_is_stored(name: str, size: int, tmp_path: Path) -> None:
    size = LEAST_NORM.get(name, size)
    check_freezing(name, size)
    check_overfitting(name, size)
    check_stored(name, size, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), ALL)
def test_every_backbone_is_exported(name: str, size: int, tmp_path: Path) -> None:
    needs_onnx()
    check_exported(name, size, tmp_path)
