"""One epoch on Adult by fastai, by a bare torch loop and by `zoo.tabular`: the same network.

Embeddings by fastai's rule of thumb, numbers normalised by the batch, 200 and 100 units with ReLU
and batch norm, two outputs; one cycle. Each side gives its CPU seconds, the rows that it trained
on, and the accuracy on the rows held out.
"""

from __future__ import annotations

import itertools
import time
from typing import Final

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import zoo
from zoo.core.batches import Data, TensorBatches
from zoo.core.training.groups import layer_groups, parameter_groups
from zoo.core.training.learner import Learner
from zoo.core.training.schedules import one_cycle
from zoo.published.adult import TARGET
from zoo.tabular.data.prepared import Prepared, prepare
from zoo.tabular.data.splits import divide
from zoo.tabular.models.inputs import embedding_size
from zoo.tabular.models.network import build_network
from zoo.tabular.options import OPTIONS
from zoo.tabular.task import task_of

RATE, DECAY = 3e-3, 0.01
Found = tuple[float, int, float]
"""Seconds, rows, accuracy."""


def fastai_epoch(frame: pd.DataFrame, prepared: Prepared, seed: int, batch_size: int) -> Found:
    """By fastai's learner."""
    from benchmarks.tabular_by_fastai import NoValidation, learner, set_seed, silent

    _, valid = positions(frame, max(seed - 1, 0))
    set_seed(seed)
    learn = learner(frame, TARGET, valid, categories(frame), batch_size)
    with silent(learn):
        began = time.process_time()
        learn.fit_one_cycle(1, RATE, cbs=NoValidation())
        seconds = time.process_time() - began
        accuracy = float(learn.validate()[1])
    return seconds, len(learn.dls.train) * batch_size, accuracy


def bare_epoch(frame: pd.DataFrame, prepared: Prepared, seed: int, batch_size: int) -> Found:
    """By hand."""
    (x_cat, x_cont), y = prepared.train
    x_cat = x_cat.long()
    model = Bare(prepared.spec.table_rows, x_cont.shape[1]).train()
    optimizer = torch.optim.AdamW(
        parameter_groups(layer_groups(model), [RATE], DECAY),
        betas=(0.9, 0.99),
        eps=1e-5,
        fused=True,
    )
    steps = -(-len(y) // batch_size)
    began = time.process_time()
    rows = torch.randperm(len(y))
    for step in range(steps):
        factors = one_cycle(step, (steps,))
        for group in optimizer.param_groups:
            group["lr"], group["betas"] = RATE * factors.rate, (factors.momentum, 0.99)
        part = rows[step * len(y) // steps : (step + 1) * len(y) // steps]
        optimizer.zero_grad()
        output = model(x_cat.index_select(0, part), x_cont.index_select(0, part))
        F.cross_entropy(output, y.index_select(0, part)).backward()
        optimizer.step()
    seconds = time.process_time() - began
    assert prepared.valid is not None
    (x_cat, x_cont), truth = prepared.valid
    with torch.inference_mode():
        says = model.eval()(x_cat.long(), x_cont).argmax(1)
    return seconds, len(y), float((says == truth).float().mean())


def our_epoch(frame: pd.DataFrame, prepared: Prepared, seed: int, batch_size: int) -> Found:
    """By the learner as `zoo.tabular` sets it up."""
    spec = prepared.spec
    n_numbers = prepared.train[0][1].shape[1]
    net = build_network("mlp", spec.table_rows, n_numbers, 2, bins=0, dropout=0.0)
    sizes = {"batch_size": batch_size, "seed": seed}
    learn = Learner(
        net,
        Data(TensorBatches(*prepared.train, **sizes)),  # type: ignore[arg-type]
        task_of(spec),
        batchnorm="live",
        run=zoo.Run(device="cpu", seed=seed, progress=False),
    )
    began = time.process_time()
    learn.fit_one_cycle(1, RATE)
    seconds = time.process_time() - began
    assert prepared.valid is not None
    valid = TensorBatches(*prepared.valid, batch_size=4096, shuffle=False)
    return seconds, len(prepared.train[1]), learn.evaluate(valid)["accuracy"]


class Bare(nn.Module):
    """The network as one writes it: a table for each column, put side by side with the numbers.

    Shape: as `TableNet`.
    """

    def __init__(self, rows: list[int], n_numbers: int) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(n, embedding_size(n)) for n in rows)
        for table in self.tables:
            nn.init.trunc_normal_(table.weight, std=0.01)  # type: ignore[arg-type]
        self.norm = nn.BatchNorm1d(n_numbers)
        widths = [sum(map(embedding_size, rows)) + n_numbers, 200, 100]
        layers: list[nn.Module] = []
        for i, o in itertools.pairwise(widths):
            layers += [nn.Linear(i, o), nn.ReLU(inplace=True), nn.BatchNorm1d(o)]
        self.layers_ = nn.Sequential(*layers, nn.Linear(widths[-1], 2))

    def forward(self, x_cat: Tensor, x_cont: Tensor) -> Tensor:
        """Two outputs a row."""
        vectors = [table(x_cat[:, i]) for i, table in enumerate(self.tables)]
        output: Tensor = self.layers_(torch.cat([*vectors, self.norm(x_cont)], 1))
        return output


def positions(frame: pd.DataFrame, seed: int) -> tuple[list[int], list[int]]:
    """Rows of the split that `prepare` makes with this seed."""
    numbered = frame.reset_index(drop=True)
    train, valid = divide(numbered, OPTIONS.complete({"run": zoo.Run(seed=seed)}), numbered[TARGET])
    assert valid is not None
    return train.index.tolist(), valid.index.tolist()


def categories(frame: pd.DataFrame) -> list[str]:
    """The columns that `zoo.tabular` takes as categories, so that fastai has the same."""
    spec = prepare(frame, TARGET, OPTIONS.complete({})).spec
    return [str(category.name) for category in spec.categories]


SIDES: Final = {"fastai": fastai_epoch, "bare": bare_epoch, "ours": our_epoch}
