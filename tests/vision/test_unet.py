"""A U-Net stands on every backbone whose features are a map."""

import copy
import json

import pytest
import torch
from torch import nn

from tests.vision.shrunk import shrunk  # noqa: F401 - a fixture
from zoo.core.training.groups import layer_groups
from zoo.vision.models.backbones import build, sizes
from zoo.vision.models.taps import find_taps, tapped
from zoo.vision.unet.network import build_unet

BODIES = [
    *("efficientnet_lite0", "resnet18", "squeezenet1_1", "mobilenet_v3_small"),
    *("shufflenet_v2_x0_5", "timm/convnext_atto", "timm/test_efficientnet", "timm/regnetx_002"),
]
LARGER = [
    *("alexnet", "convnext_tiny", "densenet121", "googlenet", "inception_v3", "maxvit_t"),
    *("mnasnet0_5", "regnet_y_400mf", "swin_t", "swin_v2_t", "vgg11"),
    *("timm/caformer_s18", "timm/densenet121", "timm/resnet10t"),
    *("timm/mobilenetv3_small_050", "timm/swin_tiny_patch4_window7_224"),
]


def check_unet(name: str) -> None:
    """Output of the input's size, maps that halve it, groups, gradients."""
    side = sizes(name).nearest(64)
    model = build_unet(name, 5, pretrained=False, shape=(side, side))
    levels = [tap.level for tap in model.taps]
    assert levels == sorted(set(levels))
    assert len(levels) >= 3
    layer_groups(model)  # refuses a parameter in no group or in several
    model.eval()
    x = torch.randn(2, 3, side, side)
    with tapped() as maps:
        model.body(x)
    for tap in model.taps:
        found = maps[tap.level]
        assert found.shape[:2] == (2, tap.n_features)
        assert found.shape[2] == found.shape[3] == pytest.approx(side / 2**tap.level, abs=2)
    output = model(x)
    assert output.shape == (2, 5, side, side)
    output.square().mean().backward()
    for group in model.layers():
        gradients = [p.grad for p in group.parameters() if p.requires_grad]
        assert all(g is not None and g.isfinite().all() for g in gradients), group.name


@pytest.mark.parametrize("name", BODIES)
def test_a_unet_stands_on_each_kind_of_body(name: str) -> None:
    check_unet(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGER)
def test_a_unet_stands_on_the_larger_bodies(name: str) -> None:
    check_unet(name)


def test_maps_are_the_last_of_their_size() -> None:
    body = build("efficientnet_lite0", pretrained=False, size=64).body
    paths = [tap.path.removeprefix("trunk.model.") for tap in find_taps(body)]
    assert paths == ["blocks.0", "blocks.1", "blocks.2", "blocks.4"]


@pytest.mark.usefixtures("shrunk")
def test_a_body_that_pools_its_features_is_refused() -> None:
    with pytest.raises(ValueError, match=r"got vit_b_32, which pools them.*Use a conv"):
        build_unet("vit_b_32", 2, pretrained=False, shape=(64, 64))


def test_shapes_need_be_no_multiples_and_no_squares() -> None:
    model = build_unet("timm/test_efficientnet", 3, pretrained=False, shape=(45, 70)).eval()
    assert model(torch.randn(1, 3, 45, 70)).shape == (1, 3, 45, 70)
    with pytest.raises(ValueError, match="size=20"):
        build_unet("efficientnet_lite0", 3, pretrained=False, shape=(64, 20))


def test_arguments_rebuild_a_unet_that_takes_its_weights() -> None:
    model = build_unet(
        "timm/test_efficientnet", 3, pretrained=False, shape=(64, 48), residual=True
    ).eval()
    nn.init.normal_(model.decoder.last.weight)
    twin = build_unet(**json.loads(json.dumps(model.arguments())), pretrained=False)
    twin.load_state_dict(model.state_dict())
    x = torch.randn(2, 3, 64, 48)
    assert torch.equal(model(x), twin.eval()(x))


def test_a_restoring_unet_begins_as_the_identity() -> None:
    model = build_unet("resnet18", 3, pretrained=False, shape=(64, 64), residual=True).eval()
    photo = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(model((photo - model.mean) / model.std), photo)


def test_a_copy_draws_by_itself() -> None:
    model = build_unet("timm/test_efficientnet", 2, pretrained=False, shape=(64, 64)).eval()
    twin, x = copy.deepcopy(model), torch.randn(1, 3, 64, 64)
    before = model(x)
    for p in twin.parameters():
        nn.init.zeros_(p)
    assert twin(x).abs().max() == 0
    assert torch.equal(model(x), before)
