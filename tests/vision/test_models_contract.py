"""Every backbone is a member of the zoo: one suite for all of them, with random weights."""

import pytest
import torch
from torch import nn

from tests.vision.shrunk import D_VIT, shrunk  # noqa: F401 - a fixture
from zoo.vision.models.backbones import build, sizes
from zoo.vision.models.classifier import build_classifier
from zoo.vision.models.torchvision_bodies import names

SMALLEST = [  # of each family of torchvision
    *("alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s"),
    *("googlenet", "inception_v3", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small"),
    *("regnet_x_400mf", "regnet_y_400mf", "resnet18", "resnext50_32x4d", "shufflenet_v2_x0_5"),
    *("squeezenet1_1", "swin_t", "swin_v2_t"),
]
TOO_LARGE = {"alexnet", "inception_v3", "resnext50_32x4d"}  # 25 million and up: the slow tests'
LARGER = ["vgg11", "vit_b_32"]  # their least members take a second; maxvit_t's takes 3 GB
TIMM = [
    ("timm/resnet10t", 32),
    ("timm/convnext_atto", 32),
    ("timm/vit_tiny_patch16_224", 32),
    pytest.param("timm/swin_tiny_patch4_window7_224", 64, marks=pytest.mark.slow),  # takes 230 MB
    ("timm/efficientnet_lite0", 32),
    ("timm/mobilenetv3_small_050", 32),
    ("timm/regnetx_002", 32),
    ("timm/densenet121", 32),
    ("timm/mixer_s32_224", 224),
    ("timm/levit_128s", 224),
    ("timm/caformer_s18", 64),
    pytest.param("timm/coat_lite_tiny", 224, marks=pytest.mark.slow),  # takes 300 MB
]


def check_membership(name: str, size: int) -> None:
    """Shape, layer groups, determinism and gradients of one backbone."""
    model = build_classifier(name, 3, pretrained=False, size=size)
    body = model.body
    x = torch.randn(2, 3, size, size)
    groups = model.layers()
    owned = [id(p) for group in groups for p in group.parameters()]
    assert sorted(owned) == sorted(id(p) for p in model.parameters())
    assert len(groups) >= 4  # three of the body, and the head
    assert model.training

    model.eval()
    features = model.features(x)
    assert features.shape[:2] == (2, body.n_features)
    assert features.ndim == (4 if body.spatial else 2)
    output = model(x)
    assert output.shape == (2, 3)
    assert torch.equal(output, model(x))
    finite: dict[int, bool] = {}

    def note(p: nn.Parameter) -> None:
        finite[id(p)] = bool(p.grad.isfinite().all())
        p.grad = None  # all gradients together would be as large as the network

    hooks = [p.register_post_accumulate_grad_hook(note) for p in model.parameters()]
    output.square().sum().backward()
    for hook in hooks:
        hook.remove()
    for group in groups:
        assert all(finite.get(id(p)) for p in group.parameters() if p.requires_grad), group.name


@pytest.mark.usefixtures("shrunk")
@pytest.mark.parametrize("name", sorted({*SMALLEST, "vit_b_32"} - TOO_LARGE))
def test_each_family_of_torchvision_is_a_member(name):
    check_membership(name, sizes(name).nearest(32))


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_every_classifier_of_torchvision_is_a_member(name):
    check_membership(name, sizes(name).nearest(32))


@pytest.mark.parametrize(("name", "size"), TIMM)
def test_each_kind_of_timm_network_is_a_member(name, size):
    check_membership(name, size)


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "squeezenet1_1", "googlenet", "alexnet"])
def test_the_stated_minimum_passes_and_one_pixel_less_is_refused(name):
    least = sizes(name).minimum
    body = build(name, pretrained=False, size=least).body.eval()
    assert min(body(torch.zeros(1, 3, least, least)).shape[2:]) >= 1
    if least > 1:
        with pytest.raises(ValueError, match=f"size={least - 1}"):
            body(torch.zeros(1, 3, least - 1, least))


def test_no_auxiliary_head_and_no_idle_layer_is_left():
    inception = build("inception_v3", pretrained=False, size=75).body
    assert not any("Aux" in name for name, _ in inception.named_modules())
    convnext = build("timm/convnext_atto", pretrained=False, size=32).body
    assert isinstance(convnext.trunk.model.head, nn.Identity)  # its norm comes after the pooling


def test_layer_groups_follow_replaced_parameters():
    body = build("timm/vit_tiny_patch16_224", pretrained=False, size=32).body
    state = {name: value.clone() for name, value in body.state_dict().items()}
    body.load_state_dict(state, assign=True)
    owned = {id(p) for group in body.layers() for p in group.parameters()}
    assert owned == {id(p) for p in body.parameters()}


def test_stages_run_from_the_input_to_the_head():
    model = build_classifier("resnet18", 2, pretrained=False, size=32)
    groups = model.layers()
    assert [group.name for group in groups] == [*(f"stage{i}" for i in range(5)), "head"]
    assert groups[0].modules[0] is model.body.trunk.conv1
    assert groups[4].modules == (model.body.trunk.layer4,)
    assert groups[5].modules == (model.head,)


@pytest.mark.usefixtures("shrunk")
def test_class_token_and_position_embedding_are_bare_in_the_first_group():
    vit = build("vit_b_32", pretrained=False, size=64).body
    first = vit.layers()[0]
    assert {p.shape for p in first.bare} == {(1, 1, D_VIT), (1, 5, D_VIT)}
    assert len(vit.layers()) == 3  # the stem, and two blocks with the norm in the last


def test_building_draws_no_warning_and_leaves_gradients_empty():
    body = build("timm/resnet10t", pretrained=False, size=32).body
    assert all(p.grad is None for p in body.parameters())
