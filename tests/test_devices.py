"""What runs on a GPU stays there: one batch of each kind of model on a device that is not there.

Fake tensors have shapes, types and a device, but no values: an operation that mixes devices raises,
and so does one that waits for a value on the CPU. The network and a batch are moved as `.to` would
move them, so a tensor that the network holds and forgot to register stays behind and is caught;
so is a copy that the CPU would wait for. What fake tensors cannot do without a GPU is backward and
autocast.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
    unset_fake_temporarily,
)
from torch.utils._python_dispatch import TorchDispatchMode

import zoo
from tests.collab import small as collab
from tests.conformance import RUN
from tests.helpers.digits import write_photos
from tests.stored.make_format_1 import SIDE, SMALL_BODY, scene
from tests.tabular import small as tabular
from tests.text import small as text
from tests.vision.small import TINY
from zoo.core.batches import Batch, Batches, TensorBatches
from zoo.core.task import Task, classification, multi_label
from zoo.core.training.evaluation import to_device
from zoo.core.training.learner import Learner
from zoo.core.training.mixing import CutMix, MixUp
from zoo.vision.data.batches import PhotoBatches
from zoo.vision.unet.pairs import PairBatches

CUDA = torch.device("cuda", 0)


RELEASE = tuple(map(int, torch.__version__.split(".")[:2]))
pytestmark = pytest.mark.skipif(
    RELEASE < (2, 11), reason="torch 2.7 wants a driver for fake tensors too"
)

WAITS = (DataDependentOutputException, DynamicOutputShapeException)
"""What is raised where the CPU would wait for a value of the device."""


class NoWaitingCopies(TorchDispatchMode):
    """Raises where a copy from one device to another would have the CPU wait for its end."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.ops.aten._pin_memory.default:
            return args[0]  # no driver, no memory of its
        if func is torch.ops.aten._to_copy.default and not kwargs.get("non_blocking"):
            here, there = args[0].device, torch.device(kwargs.get("device") or args[0].device)
            assert here == there, f"a copy from {here} to {there} that the CPU waits for"
        return func(*args, **kwargs)


@contextmanager
def on_fake_cuda() -> Iterator[FakeTensorMode]:
    """Fake tensors inside; recurrent layers without cuDNN, which would look for a driver."""
    fake = FakeTensorMode(allow_non_fake_inputs=True)
    with torch.no_grad(), torch.backends.cudnn.flags(enabled=False), fake, NoWaitingCopies():
        yield fake


def moved(tensor: Tensor, mode: FakeTensorMode) -> Tensor:
    """A tensor of the CPU as `.to("cuda")` would return it."""
    return mode.from_tensor(tensor).to(CUDA, non_blocking=True)


def moved_network(network: nn.Module, mode: FakeTensorMode) -> nn.Module:
    """A copy whose parameters and buffers are on the device; other attributes stay."""
    with unset_fake_temporarily():
        twin = copy.deepcopy(network)
    for module in twin.modules():
        for name, weight in list(module.named_parameters(recurse=False)):
            setattr(module, name, nn.Parameter(moved(weight, mode), weight.requires_grad))
        for name, buffer in list(module.named_buffers(recurse=False)):
            setattr(module, name, moved(buffer, mode))
    return twin


def moved_metric(metric: Any, mode: FakeTensorMode) -> Any:
    twin = moved_network(metric, mode)
    for name in metric._defaults:
        state = getattr(metric, name)
        there = [] if isinstance(state, list) else moved(state, mode)
        setattr(twin, name, there)
    twin._device = CUDA
    return twin


def first_batch(batches: Batches, mode: FakeTensorMode) -> Batch:
    """The first batch of an epoch, made on the device as the batches themselves make it."""
    if isinstance(batches, TensorBatches):
        there = copy.copy(batches)
        there.inputs = tuple(moved(x, mode) for x in batches.inputs)
        there.target = moved(batches.target, mode)
        return next(there.epoch(0))
    if isinstance(batches, PhotoBatches | PairBatches):
        with unset_fake_temporarily():
            rows = torch.arange(min(4, len(batches)))
            draws = batches.augment and batches.augment.draws(len(rows), 0)
            assembled = batches._assemble(rows, draws)
        values = [x if x is None else mode.from_tensor(x) for x in assembled]
        there = replace(batches, device=CUDA)
        return there._to_device(tuple(values)) if len(values) > 3 else there._to_device(*values)
    with unset_fake_temporarily():
        batch = next(batches.epoch(0))
    return to_device(batch, CUDA)


# ---- one learner of each kind, on the CPU --------------------------------------------------------


def photo_folder(work: Path) -> Path:
    return write_photos(work / "digits", n_train=12, n_valid=4, side=SIDE)


def photos(work: Path) -> Learner:
    return zoo.vision.learner(
        photo_folder(work),
        model=TINY,
        size=SIDE,
        label_smoothing=0.1,
        run=RUN,
    )


def several_labels(work: Path) -> Learner:
    paths = [str(path) for path in sorted(photo_folder(work).rglob("*.png"))]
    kinds = [f"{Path(path).parent.name} small" for path in paths]
    table = pd.DataFrame({"file": paths, "kinds": kinds})
    return zoo.vision.learner(
        table, columns=("file", "kinds"), separator=" ", model=TINY, size=SIDE, run=RUN
    )


def masks(work: Path) -> Learner:
    pictures(work)
    return zoo.vision.segmentation.learner(
        work / "photos", work / "masks", model=SMALL_BODY, batch_size=4, valid_fraction=0.25,
        classes=("ground", "disc", "bar"), ignore=2, run=RUN,
    )  # fmt: skip


def restoration(work: Path) -> Learner:
    pictures(work)
    return zoo.vision.restoration.learner(
        work / "photos", model=SMALL_BODY, size=SIDE, batch_size=4, valid_fraction=0.25,
        perceptual=0.0, run=RUN,
    )  # fmt: skip


def pictures(work: Path) -> None:
    for i in range(8):
        for kind, picture in zip(("photos", "masks"), scene(i), strict=True):
            (work / kind).mkdir(exist_ok=True)
            picture.save(work / kind / f"{i}.png")


def words(work: Path) -> Learner:
    return zoo.text.lm_learner(
        text.reviews(60)["review"], model="awd_lstm", batch_size=8, bptt=16, run=RUN, **text.TINY
    )


def texts(work: Path) -> Learner:
    return zoo.text.learner(
        text.reviews(60), text="review", label="liked", model="awd_lstm", batch_size=8, run=RUN
    )


def classes_of_rows(work: Path) -> Learner:
    return tabular.learner(label_smoothing=0.1)


def numbers_of_rows(work: Path) -> Learner:
    return tabular.learner(target="amount", ignore=["bought"])


def ratings(work: Path) -> Learner:
    return zoo.collab.learner(collab.ratings(), batch_size=64, run=RUN)


def rating_nets(work: Path) -> Learner:
    return zoo.collab.learner(collab.ratings(), model="embedding_net", batch_size=64, run=RUN)


LEARNERS = (
    photos, several_labels, masks, restoration, words, texts, classes_of_rows, numbers_of_rows,
    ratings, rating_nets,
)  # fmt: skip


@pytest.mark.parametrize("make", LEARNERS, ids=lambda make: make.__name__)
def test_a_batch_stays_on_its_device(make: Callable[[Path], Learner], tmp_path: Path) -> None:
    learn = make(tmp_path)
    metrics = learn.task.metrics()
    with on_fake_cuda() as mode:
        network = moved_network(learn.model, mode)
        for part, source in {"train": learn.data.train, "valid": learn.data.valid}.items():
            network.train(part == "train")
            batch = first_batch(source, mode)
            output = network(*batch.inputs)
            loss = learn.task.loss if part == "train" else learn.task.valid_loss or learn.task.loss
            mean, count = loss(output, batch.target)
            assert mean.device == CUDA, "the loss"
            assert isinstance(count, int) or count.device == CUDA, "the number of targets"
            decoded = learn.task.decode(output)
            assert decoded.device == CUDA, "the predictions"
            for name, metric in metrics.items():
                there = moved_metric(metric, mode)
                with suppress(*WAITS):  # torchmetrics looks for NaN and for what it ignores
                    there.update(decoded.float(), batch.target)
                    assert there.compute().device == CUDA, name


@pytest.mark.parametrize("edit", [MixUp(2), CutMix(2)], ids=lambda edit: type(edit).__name__)
def test_mixed_photos_stay_on_their_device(edit: Any) -> None:
    fit = SimpleNamespace(first_epoch=0, epoch=0, step=0)
    with on_fake_cuda() as mode:
        photos, labels = torch.rand(4, 3, 8, 8), torch.tensor([0, 1, 1, 0])
        batch = edit.batch(fit, Batch((moved(photos, mode),), moved(labels, mode)))
    assert batch.inputs[0].device == batch.target.device == CUDA


def test_a_tensor_that_stays_behind_is_caught() -> None:
    class Forgetful(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shift = torch.ones(2)  # no buffer

        def forward(self, x: Tensor) -> Tensor:
            return x + self.shift

    network, x = Forgetful(), torch.ones(3, 2)
    with on_fake_cuda() as mode, pytest.raises((RuntimeError, AssertionError)):
        moved_network(network, mode)(moved(x, mode))


def test_class_weights_are_moved_once(tmp_path: Path) -> None:
    learn = zoo.vision.learner(
        photo_folder(tmp_path), model=TINY, size=SIDE, class_weights="balanced",
        run=replace(RUN, device="meta"),
    )  # fmt: skip
    assert learn.task.weights is not None
    assert learn.task.weights.is_meta


@pytest.mark.parametrize("make", [classification, multi_label])
def test_weights_of_classes_are_used_where_they_are(make: Callable[..., Task]) -> None:
    with on_fake_cuda() as mode:
        task = make(3, weights=moved(torch.ones(3), mode), label_smoothing=0.1)
        output = moved(torch.ones(4, 3), mode)
        target = torch.zeros(4, dtype=torch.int64) if make is classification else output
        mean, count = task.loss(output, moved(target, mode))
        assert mean.device == CUDA
        assert isinstance(count, int) or count.device == CUDA


def test_a_copy_that_is_waited_for_is_caught() -> None:
    with on_fake_cuda(), pytest.raises(AssertionError, match="from cpu to cuda:0"):
        torch.ones(3).to(CUDA)


def test_a_value_that_is_waited_for_is_caught() -> None:
    with on_fake_cuda() as mode, pytest.raises(WAITS):
        float(moved(torch.ones(3), mode).sum())
