"""A GPU computes what the CPU does: predictions, losses and weights of three steps in each domain.

The CPU in fp32 is the reference. Where no other device is given, the CPU's own bf16 is compared.
Networks are the zoo's; data are made here of numbers, so that neither timm nor spaCy is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import zoo
from tests.collab import small as collab
from tests.helpers.device import IS_CPU, run_here
from tests.tabular import small as tabular
from zoo.core.batches import Data
from zoo.core.run import Run
from zoo.core.task import classification
from zoo.core.training.evaluation import predict_batches
from zoo.core.training.learner import Learner
from zoo.text.data.batches import StreamBatches
from zoo.text.data.documents import DocumentBatches
from zoo.text.data.stream import Stream
from zoo.text.models import language_model
from zoo.text.models.classifier import ClassifierNet
from zoo.text.models.language_model import LanguageNet
from zoo.vision.data.augment import SIDE_ON
from zoo.vision.data.batches import PhotoBatches
from zoo.vision.data.pixel_file import Pixels
from zoo.vision.models.head import Head
from zoo.vision.models.torchvision_bodies import build_body
from zoo.vision.unet.pairs import PairBatches

pytestmark = pytest.mark.device

STEPS, LR = 3, 3e-5
TOLERANCES = {"fp32": 1e-4, "bf16": 2e-2}  # norm of the difference by that of the reference
N_WORDS = 40
SIZES = {"n_words": N_WORDS, "d_embedding": 16, "d_hidden": 24, "n_layers": 2, "drop_mult": 0.0}

NORMAL = {"mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25)}

Make = Callable[[Run], Learner]


class Noise:
    """Photos of noise, by number."""

    def __len__(self) -> int:
        return 24

    def __getitem__(self, i: int) -> Pixels:
        return np.random.default_rng(i).integers(0, 256, (40, 48, 3), dtype=np.uint8)

    def fingerprint(self) -> str:
        return "noise"


def photos(run: Run) -> Learner:
    torch.manual_seed(0)
    body = build_body("squeezenet1_1", pretrained=False, size=32)
    head = Head(body.n_features, 3, dropout=0.0, hidden=None)
    network = nn.Sequential(body, head).to(memory_format=torch.channels_last)
    valid = PhotoBatches(
        items=Noise(), targets=torch.arange(len(Noise())) % 3, size=32, batch_size=8,
        device=run.torch_device(), **NORMAL,
    )  # fmt: skip
    train = replace(valid, augment=SIDE_ON, shuffle=True)
    return Learner(network, Data(train, valid), classification(3), run=run)


class NoisyMasks(Noise):
    """Photos of noise and masks of two classes, some pixels of which do not count."""

    hashes = np.zeros(0, np.uint64)

    def pair(self, i: int, draws: Tensor | None) -> tuple[Pixels, Pixels]:
        photo = self[i][:32, :32]
        mask = (photo[..., 0] > 128).astype(np.uint8)
        mask[:4] = 255
        return photo, mask


def masks(run: Run) -> Learner:
    from zoo.vision.unet.network import build_unet

    torch.manual_seed(0)
    network = build_unet("squeezenet1_1", 2, pretrained=False, shape=(32, 32))
    device = run.torch_device()
    valid = PairBatches(pairs=NoisyMasks(), batch_size=8, device=device, **NORMAL)
    train = replace(valid, train=True, augment=SIDE_ON)
    task = classification(2, ignore_index=255)
    return Learner(network, Data(train, valid), task, batchnorm="live", run=run)


def stream(n: int) -> Stream:
    """So many documents of numbers."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 40, n)
    return Stream.of(rng.integers(9, N_WORDS, lengths.sum(), dtype=np.int32), lengths)


def words(run: Run) -> Learner:
    torch.manual_seed(0)
    batches = StreamBatches(stream(24), batch_size=4, bptt=16)
    return Learner(LanguageNet(**SIZES), Data(batches, batches), language_model.task(), run=run)


def texts(run: Run) -> Learner:
    torch.manual_seed(0)
    network = ClassifierNet(**SIZES, n_classes=2, bptt=16)
    network.head[5].p = 0.0
    documents = DocumentBatches(stream(96), np.arange(96) % 2, batch_size=32)
    return Learner(network, Data(documents, documents), classification(2), run=run)


def rows(run: Run) -> Learner:
    return tabular.learner(dropout=0.0, embedding_dropout=0.0, run=run)


def ratings(run: Run) -> Learner:
    return zoo.collab.learner(collab.ratings(), batch_size=64, run=run)


LEARNERS = (photos, masks, words, texts, rows, ratings)


class StopAfterSteps:
    def step_end(self, fit) -> None:
        fit.stop = fit.step == STEPS


def results(make: Make, run: Run) -> dict[str, Tensor]:
    """What a learner predicts, loses and becomes, on the CPU."""
    learn = make(run)
    before = predictions(learn)
    learn.fit(1, LR, callbacks=[StopAfterSteps()])
    weights = [p.detach().flatten().cpu() for p in learn.model.parameters()]
    losses = torch.tensor(learn.history.losses)
    assert len(losses) == STEPS
    after = predictions(learn)
    return {"before": before, "losses": losses, "weights": torch.cat(weights), "after": after}


def predictions(learn: Learner) -> Tensor:
    """Those for the validation part, end to end."""
    batches, place = learn.data.valid.epoch(0), (learn.device, learn.dtype)
    outputs = predict_batches([learn.model], batches, learn.task, *place)
    return torch.cat([one.mean.flatten().cpu() for one in outputs])


@pytest.mark.parametrize("precision", TOLERANCES)
@pytest.mark.parametrize("make", LEARNERS, ids=lambda make: make.__name__)
def test_the_device_computes_what_the_cpu_does(make: Make, precision: str) -> None:
    if IS_CPU and precision == "fp32":
        pytest.skip("the CPU in fp32 is the reference itself")
    if make in (rows, ratings) and precision == "bf16":
        pytest.skip("tables are computed in fp32 whatever is asked for")
    expected = results(make, run_here(device="cpu", precision="fp32"))
    said = results(make, run_here(precision=precision))
    for name, reference in expected.items():
        difference = float((said[name] - reference).norm() / reference.norm())
        assert difference < TOLERANCES[precision], name


@pytest.mark.parametrize("make", LEARNERS, ids=lambda make: make.__name__)
def test_a_deterministic_run_repeats_bit_by_bit(make: Make) -> None:
    first, second = (results(make, run_here(deterministic=True)) for _ in range(2))
    for name, reference in first.items():
        assert torch.equal(second[name], reference), name
