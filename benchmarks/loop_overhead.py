"""What the learner costs beside a bare torch loop: <= 3 % a photo step, <= 60 microseconds a step.

The bare loop is what a careful practitioner writes: shuffled tensors sliced by rows, fused AdamW
with no decay on norms and biases, a rate that is constant or torch's `OneCycleLR`, then zero_grad,
forward, cross entropy, backward, step. Both sides train their own copy of one model on the same
tensors in fp32, in one process, a fresh optimizer a round, and take turns in going first, so that a
slow moment of the machine meets both. Rounds of the learner are whole calls of `fit`: its
bookkeeping (losses, the copy that a loss that is not finite falls back on) is in the figure.

Cost: about 4 minutes on two cores.

    python -m benchmarks.loop_overhead         # writes results/loop_overhead.csv
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import VisionTransformer, resnet18, resnet50

from benchmarks.collab_speed import DotBias
from scripts.lib.record import append
from zoo.core.batches import Data, TensorBatches, bounds
from zoo.core.run import Run
from zoo.core.task import classification, regression
from zoo.core.training.groups import layer_groups, parameter_groups
from zoo.core.training.learner import Learner
from zoo.core.training.schedules import constant, one_cycle

RATE, DECAY = 1e-3, 0.01
N_USERS, N_ITEMS = 943, 1682
Network = Literal["resnet18", "resnet50", "vit_s", "mlp", "dot_bias"]
Inputs = tuple[Tensor, ...]
Side = Callable[[], None]


@dataclass(frozen=True)
class Case:
    """One model and what it may cost.

    Attributes:
        name: in the table.
        n_classes: width of the outputs; `dot_bias` has none.
        batch_size: rows per step.
        steps: a round.
        rounds: pairs to measure.
        target: largest median of `unit`.
        unit: "ratio" of the learner's time to the bare loop's, or "us" a step above it.
        schedule: schedule of the rate, on both sides.
        side: pixels of the photos.
        device: where both sides train.
        precision: "fp32", or "bf16" by autocast.
    """

    name: Network
    n_classes: int
    batch_size: int
    steps: int
    rounds: int
    target: float
    unit: Literal["ratio", "us"]
    schedule: Literal["constant", "one_cycle"] = "constant"
    side: int = 128
    device: str = "cpu"
    precision: Literal["fp32", "bf16"] = "fp32"


class Pair(NamedTuple):
    """Microseconds a step of both sides, one after the other."""

    first: str
    bare: float
    learner: float

    @property
    def above(self) -> float:
        """Microseconds that the learner adds to a step."""
        return self.learner - self.bare

    @property
    def ratio(self) -> float:
        """The learner's time over the bare loop's."""
        return self.learner / self.bare


CASES = (
    Case("resnet18", 10, 16, 12, 9, 1.03, "ratio"),
    Case("mlp", 3, 64, 2000, 15, 60.0, "us"),
    Case("mlp", 3, 64, 2000, 15, 60.0, "us", "one_cycle"),
)


def main() -> None:
    """Every case, pair by pair, then its median, smallest and largest value."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--only", choices=["resnet18", "mlp"])
    flags.add_argument("--smoke", action="store_true", help="a few steps, no record")
    chosen = flags.parse_args()
    for case in CASES:
        if chosen.only in (None, case.name):
            measure(case, smoke=chosen.smoke)


def measure(case: Case, *, smoke: bool) -> None:
    """Time the two sides in turn; a row for each pair of rounds."""
    steps, rounds = (max(case.steps // 10, 2), 2) if smoke else (case.steps, case.rounds)
    found: list[float] = []
    for i, pair in enumerate(pairs(case, steps, rounds)):
        found.append(pair.ratio if case.unit == "ratio" else pair.above)
        row = {
            "case": case.name,
            "schedule": case.schedule,
            "pair": i,
            "first": pair.first,
            "steps": steps,
            "bare_us": pair.bare,
            "learner_us": pair.learner,
            "above_us": pair.above,
            "ratio": pair.ratio,
        }
        print(row) if smoke else append("loop_overhead.csv", **row)
    print(
        f"{case.name}, {case.schedule} rate: median {statistics.median(found):.4g} {case.unit}, "
        f"{min(found):.4g} to {max(found):.4g} over {rounds} pairs (target <= {case.target:g})\n"
    )


def pairs(case: Case, steps: int, rounds: int, **run: Any) -> Iterator[Pair]:
    """Both sides in turn, after a warm-up.

    Args:
        case: the model; its own steps and rounds are not looked at.
        steps: steps of a round.
        rounds: number of pairs.
        **run: further circumstances of the learner, such as `compile=True`.
    """
    model, inputs, y = model_and_data(case, steps)
    sides = {
        "learner": learner_round(case, model, inputs, y, **run),
        "bare": bare_round(case, model, inputs, y),
    }
    for side in sides.values():
        side()
    for i in range(rounds):
        names = list(sides) if i % 2 == 0 else list(sides)[::-1]
        took = {name: 1e6 * timed(sides[name], case.device) / steps for name in names}
        yield Pair(names[0], took["bare"], took["learner"])


def timed(side: Side, device: str = "cpu") -> float:
    """Seconds of one round, to the end of its work on the device."""
    wait = torch.cuda.synchronize if torch.device(device).type == "cuda" else lambda: None
    wait()
    began = time.perf_counter()
    side()
    wait()
    return time.perf_counter() - began


def model_and_data(case: Case, steps: int) -> tuple[nn.Module, Inputs, Tensor]:
    """A fresh model; inputs, normalised, and targets on the device, one epoch's worth of rows."""
    torch.manual_seed(0)
    device, n = torch.device(case.device), steps * case.batch_size
    if case.name == "dot_bias":
        ids = [torch.randint(count, (n,), device=device) for count in (N_USERS, N_ITEMS)]
        return DotBias(N_USERS, N_ITEMS).to(device), tuple(ids), torch.rand(n, device=device) * 5
    y = torch.randint(case.n_classes, (n,), device=device)
    if case.name == "mlp":
        layers = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, case.n_classes))
        return layers.to(device), (torch.randn(n, 20, device=device),), y
    model = photo_network(case.name, case.n_classes, case.side)
    x = torch.randn(n, 3, case.side, case.side, device=device)
    like_photos = {"memory_format": torch.channels_last}
    return model.to(device, **like_photos), (x.contiguous(**like_photos),), y


def photo_network(name: str, n_classes: int, side: int) -> nn.Module:
    """A network of torchvision, with random weights; ViT-S by the sizes of Touvron et al. 2021."""
    if name == "vit_s":
        return VisionTransformer(
            image_size=side,
            patch_size=16,
            num_layers=12,
            num_heads=6,
            hidden_dim=384,
            mlp_dim=1536,
            num_classes=n_classes,
        )
    return {"resnet18": resnet18, "resnet50": resnet50}[name](num_classes=n_classes)


def learner_round(case: Case, model: nn.Module, inputs: Inputs, y: Tensor, **run: Any) -> Side:
    """An epoch by the learner."""
    data = Data(TensorBatches(inputs, y, batch_size=case.batch_size))
    learn = Learner(
        copy.deepcopy(model),
        data,
        regression() if case.name == "dot_bias" else classification(case.n_classes),
        optimizer=adamw,
        weight_decay=DECAY,
        run=Run(device=case.device, precision=case.precision, progress=False, **run),
    )
    schedule = partial(one_cycle, pct_start=0.3) if case.schedule == "one_cycle" else constant

    def side() -> None:
        learn.fit(1, RATE, schedule)

    return side


def bare_round(case: Case, model: nn.Module, inputs: Inputs, y: Tensor) -> Side:
    """An epoch by hand."""
    model = copy.deepcopy(model).train()
    steps = len(y) // case.batch_size
    loss_of = F.mse_loss if case.name == "dot_bias" else F.cross_entropy
    kind = y.device.type
    context = partial(torch.autocast, kind, torch.bfloat16) if case.precision == "bf16" else None

    def side() -> None:
        optimizer = adamw(parameter_groups(layer_groups(model), [RATE], DECAY))
        schedule = None
        if case.schedule == "one_cycle":
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps + 1)
        rows = torch.randperm(len(y)).to(y.device)
        for step in range(steps):
            low, high = bounds(len(y), steps, step)
            part = rows[low:high]
            optimizer.zero_grad()
            with context() if context else nullcontext():
                output = model(*[x.index_select(0, part) for x in inputs])
                loss = loss_of(output, y.index_select(0, part))
            loss.backward()
            optimizer.step()
            if schedule is not None:
                schedule.step()

    return side


def adamw(groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """The optimizer of both sides."""
    return torch.optim.AdamW(groups, betas=(0.9, 0.99), eps=1e-5, fused=True)


if __name__ == "__main__":
    main()
