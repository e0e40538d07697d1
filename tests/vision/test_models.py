"""The head, and the classifier as a whole."""

import json

import pytest
import torch
from torch import nn

from zoo.vision.models.classifier import build_classifier
from zoo.vision.models.head import Head, pooled


def test_the_default_head_is_the_one_of_fastai():
    head = Head(16, 3, dropout=0.5)
    kinds = [type(layer) for layer in head.layers]
    once = [nn.BatchNorm1d, nn.Dropout, nn.Linear]
    assert kinds == [*once, nn.ReLU, *once]
    assert [layer.p for layer in head.layers if isinstance(layer, nn.Dropout)] == [0.25, 0.5]
    first, last = (layer for layer in head.layers if isinstance(layer, nn.Linear))
    assert (first.in_features, first.out_features, first.bias) == (32, 512, None)
    assert (last.in_features, last.out_features) == (512, 3)
    assert torch.equal(last.bias, torch.zeros(3))


def test_dense_layers_start_kaiming_normal():
    torch.manual_seed(0)
    weight = Head(512, 2).layers[2].weight
    assert weight.std().item() == pytest.approx((2 / 1024) ** 0.5, rel=0.01)


def test_pooling_equals_that_of_torch():
    x = torch.randn(2, 5, 7, 4)
    average = nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)
    largest = nn.functional.adaptive_max_pool2d(x, 1).flatten(1)
    torch.testing.assert_close(pooled(x, "avg"), average)
    torch.testing.assert_close(pooled(x, "avgmax"), torch.cat([average, largest], 1))


@pytest.mark.parametrize("hidden", [None, 8])
@pytest.mark.parametrize("pool", ["avg", "avgmax"])
@pytest.mark.parametrize("spatial", [True, False])
def test_every_form_of_the_head_takes_its_features(hidden, pool, spatial):
    head = Head(6, 4, hidden=hidden, pool=pool, spatial=spatial)
    x = torch.randn(3, 6, 2, 2) if spatial else torch.randn(3, 6)
    assert head(x).shape == (3, 4)


def test_the_simple_head_is_dropout_and_one_layer():
    head = Head(6, 4, hidden=None, pool="avg", dropout=0.2)
    assert [type(layer) for layer in head.layers] == [nn.Dropout, nn.Linear]
    x = torch.randn(3, 6, 2, 2)
    torch.testing.assert_close(head.eval()(x), head.layers[1](x.mean((2, 3))))


def test_arguments_rebuild_a_classifier_that_takes_its_weights():
    model = build_classifier(
        "timm/vit_tiny_patch16_224", 3, pretrained=False, size=32, hidden=None, dropout=0.1
    )
    arguments = json.loads(json.dumps(model.arguments()))
    twin = build_classifier(**arguments, pretrained=False)
    twin.load_state_dict(model.state_dict())
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(model.eval()(x), twin.eval()(x))
    assert twin.arguments() == model.arguments()
    assert twin.preprocessing == model.preprocessing


def test_arguments_pin_the_size_that_was_left_open():
    model = build_classifier("resnet18", 2, pretrained=False)
    assert model.arguments()["size"] == 224


def test_output_is_the_head_of_the_features():
    model = build_classifier("resnet18", 2, pretrained=False, size=32).eval()
    x = torch.randn(2, 3, 64, 64)
    assert model.features(x).shape == (2, 512, 2, 2)
    assert torch.equal(model(x), model.head(model.features(x)))


def test_one_batch_can_be_overfitted():
    torch.manual_seed(0)
    model = build_classifier("mobilenet_v3_small", 2, pretrained=False, size=32, dropout=0.0)
    x, y = torch.randn(8, 3, 32, 32), torch.arange(8) % 2
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(15):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
