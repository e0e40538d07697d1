"""Ratings a second beside fastai 2.8 and a bare torch loop, and the time to fastai's own RMSE.

MovieLens-100k, a random fifth held out by seed. Row `same`: dot products of 50 factors with biases,
range 0 to 5.5, batches of 64, five epochs of one cycle at 5e-3, weight decay .1, validated after
each epoch, on all three sides, in turn and in one process. Each side's whole fit is timed, without
imports and without reading the file: `fastai` by `collab_learner`; `bare` is the shortest loop over
tensors that does the same (torch's embeddings, fused AdamW, OneCycleLR); `ours` by
`zoo.collab.learner(...)` and `fit_one_cycle`.

Row `default`: the whole call `zoo.collab.train` with default settings, which has to end below the
RMSE that fastai's recipe reached on the same split, against fastai's fit.

`pip install fastai` first; it is no dependency of the project. Cost: 3 minutes on two cores.

    python -m benchmarks.collab_speed          # writes results/collab_speed.csv
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import zoo
from scripts.lib.record import append
from zoo.published import movielens

EPOCHS, BATCH_SIZE, FACTORS, LR, DECAY, SCALE = 5, 64, 50, 5e-3, 0.1, (0.0, 5.5)
Side = Callable[[pd.DataFrame, pd.DataFrame, int], tuple[float, float]]
"""Training part, validation part, epochs -> seconds and RMSE."""


def ours(train: pd.DataFrame, valid: pd.DataFrame, epochs: int) -> tuple[float, float]:
    """By a learner with fastai's settings."""
    began = time.perf_counter()
    learn = zoo.collab.learner(
        train,
        valid=valid,
        n_factors=FACTORS,
        batch_size=BATCH_SIZE,
        weight_decay=DECAY,
        y_range=SCALE,
        run=zoo.Run(progress=False),
    )
    learn.fit_one_cycle(epochs, LR)
    return time.perf_counter() - began, learn.history.rows[-1]["rmse"]


def default(train: pd.DataFrame, valid: pd.DataFrame, epochs: int) -> tuple[float, float]:
    """The whole call as a user types it."""
    began = time.perf_counter()
    model = zoo.collab.train(train, valid=valid, run=zoo.Run(progress=False))
    return time.perf_counter() - began, model.metrics["rmse"]


class DotBias(nn.Module):
    """What fastai's `EmbeddingDotBias` computes."""

    def __init__(self, n_users: int, n_items: int) -> None:
        super().__init__()
        self.users, self.items = nn.Embedding(n_users, FACTORS), nn.Embedding(n_items, FACTORS)
        self.user_bias, self.item_bias = nn.Embedding(n_users, 1), nn.Embedding(n_items, 1)
        for table in (self.users, self.items, self.user_bias, self.item_bias):
            nn.init.trunc_normal_(table.weight, std=0.01)

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """Shape: (B,) and (B,) -> (B,)."""
        x = (self.users(users) * self.items(items)).sum(1)
        x = x + self.user_bias(users)[:, 0] + self.item_bias(items)[:, 0]
        low, high = SCALE
        return low + (high - low) * torch.sigmoid(x)


def bare(train: pd.DataFrame, valid: pd.DataFrame, epochs: int) -> tuple[float, float]:
    """A loop over tensors with nothing around it."""
    began = time.perf_counter()
    users, items, target, valid_users, valid_items, valid_target = (
        torch.from_numpy(part[name].to_numpy(dtype=kind, copy=True))
        for part in (train, valid)
        for name, kind in (("user", np.int64), ("item", np.int64), ("rating", np.float32))
    )
    torch.manual_seed(0)
    n, steps = len(target), -(-len(target) // BATCH_SIZE)
    net = DotBias(1 + int(max(users.max(), valid_users.max())),
                  1 + int(max(items.max(), valid_items.max())))  # fmt: skip
    optimizer = torch.optim.AdamW(
        net.parameters(), LR, betas=(0.9, 0.99), eps=1e-5, weight_decay=DECAY, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LR, epochs * steps, pct_start=0.25, base_momentum=0.85, max_momentum=0.95
    )
    rmse = float("nan")
    for _ in range(epochs):
        for rows in torch.randperm(n).split(BATCH_SIZE):
            loss = F.mse_loss(net(users[rows], items[rows]), target[rows])
            loss.backward()
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        with torch.inference_mode():
            rmse = F.mse_loss(net(valid_users, valid_items), valid_target).sqrt().item()
    return time.perf_counter() - began, rmse


def by_fastai(train: pd.DataFrame, valid: pd.DataFrame, epochs: int) -> tuple[float, float]:
    """By fastai's collaborative learner."""
    from fastai.collab import TabularCollab, collab_learner
    from fastai.metrics import rmse
    from fastai.tabular.all import Categorify, TransformBlock

    from benchmarks.by_fastai import silent

    began = time.perf_counter()
    both = pd.concat([train, valid], ignore_index=True)[["user", "item", "rating"]]
    parts = list(range(len(train))), list(range(len(train), len(both)))
    table = TabularCollab(
        both,
        [Categorify],
        ["user", "item"],
        y_names=["rating"],
        y_block=TransformBlock(),
        splits=parts,
    )
    loaders = table.dataloaders(bs=BATCH_SIZE)
    learn = collab_learner(loaders, n_factors=FACTORS, y_range=SCALE, metrics=rmse)
    with silent(learn):
        learn.fit_one_cycle(epochs, LR, wd=DECAY)
    return time.perf_counter() - began, float(learn.recorder.values[-1][-1])


SIDES: dict[str, Side] = {"ours": ours, "bare": bare, "fastai": by_fastai, "default": default}


def main() -> None:
    """All sides in turn, rows of seconds and RMSE, then the ratios of medians."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    flags.add_argument("--rounds", type=int, default=3)
    flags.add_argument("--smoke", action="store_true", help="one round, one epoch, no record")
    chosen = flags.parse_args()
    import benchmarks.by_fastai  # noqa: F401  says so if fastai is missing

    epochs = 1 if chosen.smoke else EPOCHS
    seconds: dict[str, list[float]] = {name: [] for name in SIDES}
    errors: dict[str, list[float]] = {name: [] for name in SIDES}
    for number in range(1 if chosen.smoke else chosen.rounds):
        ratings = movielens.ratings()
        held = np.random.default_rng(number).permutation(len(ratings)) < len(ratings) // 5
        names = list(SIDES) if number % 2 == 0 else list(SIDES)[::-1]
        for name in names:
            took, error = SIDES[name](ratings[~held], ratings[held], epochs)
            seconds[name].append(took)
            errors[name].append(error)
            values = {"side": name, "round": number, "epochs": epochs, "rmse": error}
            if chosen.smoke:
                print(values, f"{took:.2f} s")
            else:
                append("collab_speed.csv", **values, seconds=took)
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    mean = {name: statistics.mean(values) for name, values in errors.items()}
    print(
        f"same model: {middle['fastai'] / middle['ours']:.1f} times as fast as fastai, "
        f"{middle['ours'] / middle['bare']:.2f} times the bare loop's time; "
        f"RMSE {mean['ours']:.4f}, fastai {mean['fastai']:.4f}\n"
        f"default settings: {middle['fastai'] / middle['default']:.1f} times as fast to RMSE "
        f"{mean['default']:.4f}"
    )


if __name__ == "__main__":
    main()
