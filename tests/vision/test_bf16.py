"""bf16 on a CPU: the same gradients, last layers in fp32, and only where a record says so."""

import csv
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import zoo
from tests.vision.small import TINY, here
from zoo.core import run as circumstances
from zoo.core.training.learner import Learner
from zoo.vision.models import classifier
from zoo.vision.models.backbones import BF16_ON_CPU
from zoo.vision.models.classifier import build_classifier
from zoo.vision.models.depthwise import fast_gradients

RECORD = Path(__file__).parents[2] / "results/vision_bf16.csv"
PAYS = 1.1  # times as fast in the worst round


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "bias"),
    [(3, 2, 0, False), (5, 1, 2, True), (5, 2, 2, False), (4, 2, 1, True), ((3, 7), 1, 0, False)],
)
def test_fast_gradients_are_those_of_torch(
    kernel: Any, stride: int, padding: int, bias: bool
) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(6, 6, kernel, stride, padding, groups=6, bias=bias)
    x = torch.randn(3, 6, 11, 12).to(memory_format=torch.channels_last).requires_grad_()

    def gradients(fast: bool) -> list[torch.Tensor]:
        with torch.autocast("cpu", torch.bfloat16), fast_gradients(x if fast else x.to("meta")):
            out = conv(x)
        assert ("Depthwise" in type(out.grad_fn).__name__) is fast
        grad = torch.linspace(-1, 1, out.numel()).view_as(out)
        return [out, *torch.autograd.grad(out, [x, *conv.parameters()], grad.bfloat16())]

    for ours, theirs in zip(gradients(True), gradients(False), strict=True):
        assert ours.dtype is theirs.dtype
        torch.testing.assert_close(ours, theirs, rtol=0.01, atol=0.01)


def test_fp32_and_predictions_are_left_to_torch() -> None:
    conv = nn.Conv2d(4, 4, 5, groups=4)
    x = torch.randn(1, 4, 8, 8)
    with fast_gradients(x):
        assert "Convolution" in type(conv(x).grad_fn).__name__
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad(), fast_gradients(x):
        assert conv(x).grad_fn is None


def test_the_last_layers_compute_in_fp32() -> None:
    model = build_classifier(TINY, 3, pretrained=False, size=32).eval()
    x = torch.randn(2, 3, 32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        logits, features = model(x), model.features(x)
    assert features.dtype is torch.bfloat16
    assert torch.equal(logits, model.head(features.float()))
    with torch.autocast("cpu", torch.bfloat16):
        assert model(torch.randn(2, model.head.width)).dtype is torch.float32


def test_training_follows_the_record_and_scores_stay_in_fp32(
    photos: Path, monkeypatch: Any
) -> None:
    def learner() -> Learner[Any, Any]:
        return zoo.vision.learner(photos, model=TINY, size=32, run=here())

    assert learner().dtype is None
    monkeypatch.setattr(classifier, "BF16_ON_CPU", {TINY})
    monkeypatch.setattr(circumstances, "cpu_units", list)
    assert learner().dtype is None
    monkeypatch.setattr(circumstances, "cpu_units", lambda: ["AMX"])
    learn = learner()
    assert learn.dtype is torch.bfloat16
    learn.fit(1, 1e-3)
    scores = learn.evaluate()
    assert scores == learn.as_model().evaluate()
    in_bf16 = learn.history.rows[-1]["valid_loss"]
    assert scores["loss"] == pytest.approx(in_bf16, rel=0.05)
    assert scores["loss"] != in_bf16


def test_the_names_are_those_whose_record_pays() -> None:
    with RECORD.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["network"] for row in rows if float(row["train_low"]) >= PAYS} == BF16_ON_CPU
