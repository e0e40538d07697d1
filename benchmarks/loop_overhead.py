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
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import resnet18

from scripts.lib.record import append
from zoo.core.batches import Data, TensorBatches, bounds
from zoo.core.run import Run
from zoo.core.task import classification
from zoo.core.training.groups import layer_groups, parameter_groups
from zoo.core.training.learner import Learner
from zoo.core.training.schedules import constant, one_cycle

RATE, DECAY = 1e-3, 0.01


@dataclass(frozen=True)
class Case:
    """One model and what it may cost.

    Attributes:
        name: in the table.
        n_classes: width of the outputs.
        batch_size: rows per step.
        steps: a round.
        rounds: pairs to measure.
        target: largest median of `unit`.
        unit: "ratio" of the learner's time to the bare loop's, or "us" a step above it.
        schedule: schedule of the rate, on both sides.
    """

    name: Literal["resnet18", "mlp"]
    n_classes: int
    batch_size: int
    steps: int
    rounds: int
    target: float
    unit: Literal["ratio", "us"]
    schedule: Literal["constant", "one_cycle"] = "constant"


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
    model, x, y = model_and_data(case, steps)
    sides = {"learner": learner_round(case, model, x, y), "bare": bare_round(case, model, x, y)}
    for side in sides.values():
        side()  # warm up
    found: list[float] = []
    for i in range(rounds):
        names = list(sides) if i % 2 == 0 else list(sides)[::-1]
        seconds = {name: timed(sides[name]) / steps for name in names}
        ratio = seconds["learner"] / seconds["bare"]
        above = 1e6 * (seconds["learner"] - seconds["bare"])
        found.append(ratio if case.unit == "ratio" else above)
        row = {
            "case": case.name,
            "schedule": case.schedule,
            "pair": i,
            "first": names[0],
            "steps": steps,
            "bare_us": 1e6 * seconds["bare"],
            "learner_us": 1e6 * seconds["learner"],
            "above_us": above,
            "ratio": ratio,
        }
        print(row) if smoke else append("loop_overhead.csv", **row)
    print(
        f"{case.name}, {case.schedule} rate: median {statistics.median(found):.4g} {case.unit}, "
        f"{min(found):.4g} to {max(found):.4g} over {rounds} pairs (target <= {case.target:g})\n"
    )


def timed(side: Callable[[], None]) -> float:
    """Seconds of one round."""
    began = time.perf_counter()
    side()
    return time.perf_counter() - began


def model_and_data(case: Case, steps: int) -> tuple[nn.Module, Tensor, Tensor]:
    """A fresh model; inputs, normalised, and labels in memory, one epoch's worth of rows."""
    torch.manual_seed(0)
    n = steps * case.batch_size
    y = torch.randint(case.n_classes, (n,))
    if case.name == "mlp":
        layers = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, case.n_classes))
        return layers, torch.randn(n, 20), y
    model = resnet18(num_classes=case.n_classes).to(memory_format=torch.channels_last)
    x = torch.randn(n, 3, 128, 128).contiguous(memory_format=torch.channels_last)
    return model, x, y


def learner_round(case: Case, model: nn.Module, x: Tensor, y: Tensor) -> Callable[[], None]:
    """An epoch by the learner."""
    data = Data(TensorBatches(x, y, batch_size=case.batch_size))
    run = Run(device="cpu", precision="fp32", progress=False)
    learn = Learner(
        copy.deepcopy(model),
        data,
        classification(case.n_classes),
        optimizer=adamw,
        weight_decay=DECAY,
        run=run,
    )
    schedule = partial(one_cycle, pct_start=0.3) if case.schedule == "one_cycle" else constant

    def side() -> None:
        learn.fit(1, RATE, schedule)

    return side


def bare_round(case: Case, model: nn.Module, x: Tensor, y: Tensor) -> Callable[[], None]:
    """An epoch by hand."""
    model = copy.deepcopy(model).train()
    steps = len(y) // case.batch_size

    def side() -> None:
        optimizer = adamw(parameter_groups(layer_groups(model), [RATE], DECAY))
        schedule = None
        if case.schedule == "one_cycle":
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps + 1)
        rows = torch.randperm(len(y))
        for step in range(steps):
            low, high = bounds(len(y), steps, step)
            part = rows[low:high]
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x.index_select(0, part)), y.index_select(0, part))
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
