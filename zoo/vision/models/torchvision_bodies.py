"""Bodies from torchvision's classifiers, all of them, by their torchvision names.

A convolutional network becomes the sequence of its own children up to the pooling; a layer group
starts wherever the resolution drops, which gives four or five groups. The vision transformer keeps
its own forward, with the class token as pooled features and a group for each block.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import torch
import torchvision
from torch import nn
from torchvision.models.swin_transformer import PatchMerging, PatchMergingV2
from torchvision.models.vision_transformer import VisionTransformer, interpolate_embeddings

from zoo.vision.data.preprocessing import Preprocessing
from zoo.vision.models.bodies import Body, Sizes
from zoo.vision.models.downloads import unfetched

_AFTER = {"avgpool", "classifier", "fc", "head", "heads", "dropout", "flatten"}  # the classifier
_AUXILIARY = {"aux1", "aux2", "AuxLogits"}  # heads that help training from scratch only
_CONTAINERS = {"features", "layers", "trunk_output", "blocks"}  # whose children are the sequence
_TRANSFORMED = {"googlenet", "inception_v3"}
_SWIN_MINIMUM = 32  # px; its record says 224, but windows are padded


def names() -> list[str]:
    """The names of all classifiers of the installed torchvision."""
    return cast("list[str]", torchvision.models.list_models(module=torchvision.models))


def is_known(name: str) -> bool:
    """Whether the installed torchvision has a classifier of this name."""
    return name in names()


def record(name: str) -> Any:
    """The default weights of a classifier: address, transforms, number of parameters, licence."""
    return torchvision.models.get_model_weights(name).DEFAULT


def licence(name: str) -> str:
    """The licence of the default weights; torchvision's own unless their record says otherwise."""
    return "CC-BY-NC-4.0" if "SWAG" in record(name).meta.get("license", "") else "BSD-3-Clause"


def preprocessing(name: str, size: int | None = None) -> Preprocessing:
    """What the default weights were trained with, at ``size`` or at their own.

    GoogLeNet's and Inception's weights want (x - .5) / .5. Torchvision turns ImageNet's statistics
    into that inside the network (``transform_input``); here the numbers say it themselves.
    """
    shown = record(name).transforms()
    own, mean, std = shown.crop_size[0], tuple(shown.mean), tuple(shown.std)
    if name in _TRANSFORMED:
        mean = std = (0.5, 0.5, 0.5)
    side, crop = own if size is None else size, own / shown.resize_size[0]
    return Preprocessing(side, mean, std, shown.interpolation.value, crop)


def sizes(name: str) -> Sizes:
    """The sizes that a body can be built for."""
    least = record(name).meta["min_size"][0]
    if name.startswith("vit_"):
        patch = int(name.rsplit("_", 1)[1])
        return Sizes(patch, multiple=patch)
    if name.startswith("maxvit"):
        return Sizes(least, multiple=least)
    return Sizes(_SWIN_MINIMUM if name.startswith("swin") else least)


def build_body(name: str, *, pretrained: bool, size: int) -> Body:
    """The body of a torchvision classifier, with the default weights where ``pretrained``.

    Raises:
        ValueError: The backbone does not take ``size``.
        ConnectionError: The weights are neither in torch's cache nor reachable.
    """
    sizes(name).check(name, size)
    model = _network(name, pretrained=pretrained, size=size)
    if pretrained:
        _load_weights(model, name, size)
    if isinstance(model, VisionTransformer):
        return _transformer_body(model, name, size)
    trunk = nn.Sequential(OrderedDict(_children(model)))
    fixed = name.startswith("maxvit")
    own = Sizes.only(size) if fixed else sizes(name)
    side = size if fixed else max(own.minimum, 32)
    with torch.no_grad():
        d = trunk.eval()(torch.zeros(1, 3, side, side)).shape[1]
    body = Body(trunk, _ordinals(trunk), n_features=d, spatial=True, sizes=own, name=name)
    return body.train()


def _transformer_body(model: VisionTransformer, name: str, size: int) -> Body:
    """Torchvision's vision transformer up to its class token (Dosovitskiy et al. 2021, sec. 3.1).

    Shape:
        - input: ``(B, 3, size, size)``
        - output: ``(B, hidden_dim)``, the class token after the last norm
    """
    model.heads = nn.Identity()
    trunk = nn.Sequential(OrderedDict(model=model))
    ordinals = {}
    for path, _ in trunk.named_parameters():
        block = re.search(r"encoder_layer_(\d+)\.", path)
        last = len(model.encoder.layers) if path.startswith("model.encoder.ln") else 0
        ordinals[path] = int(block[1]) + 1 if block else last
    width, only = model.hidden_dim, Sizes.only(size)
    return Body(trunk, ordinals, n_features=width, spatial=False, sizes=only, name=name)


def _network(name: str, *, pretrained: bool, size: int) -> nn.Module:
    """Random weights, in the form that the published ones fit."""
    options: dict[str, Any] = {}
    if name in _TRANSFORMED:
        options = {"aux_logits": pretrained, "init_weights": not pretrained}
    elif name.startswith("vit_"):
        options = {"image_size": size}
    elif name.startswith("maxvit"):
        options = {"input_size": (size, size)}
    return cast(nn.Module, torchvision.models.get_model(name, weights=None, **options))


def _load_weights(model: nn.Module, name: str, size: int) -> None:
    weights = record(name)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # torch.hub announces a download there
            state = weights.get_state_dict(progress=True, check_hash=True, weights_only=True)
    except OSError as error:
        raise unfetched(name, weights.url, error) from error
    if name.startswith("densenet"):  # its files are older than its names: "norm.1" is now "norm1"
        old = re.compile(r"(denselayer\d+\.(?:norm|conv))\.")
        state = {old.sub(r"\1", key): value for key, value in state.items()}
    if isinstance(model, VisionTransformer) and size != weights.transforms().crop_size[0]:
        state = interpolate_embeddings(size, model.patch_size, state)
    model.load_state_dict(state)


def _children(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The modules up to the pooling, in the order in which an image passes them."""
    for name, child in model.named_children():
        if name in _CONTAINERS:
            yield from child.named_children()
        elif name not in _AFTER | _AUXILIARY:
            yield name, child
    if isinstance(model, torchvision.models.DenseNet):
        yield "relu", nn.ReLU(inplace=True)  # its forward applies it after the last norm


def _ordinals(trunk: nn.Sequential) -> dict[str, int]:
    """The layer group of every parameter: the count of drops in resolution before or in it."""
    groups: dict[str, int] = {}
    ordinal = 0
    for name, child in trunk.named_children():
        ordinal += any(_drops_resolution(module) for module in child.modules())
        groups |= {f"{name}.{path}": ordinal for path, _ in child.named_parameters()}
    return groups


def _drops_resolution(module: nn.Module) -> bool:
    if isinstance(module, (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)):
        return bool(np.max(module.stride) > 1)
    return isinstance(module, (PatchMerging, PatchMergingV2))
