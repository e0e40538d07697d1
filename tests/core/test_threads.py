"""How many threads compute: small steps one, large ones all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from zoo.core.batches import Data, TensorBatches
from zoo.core.run import Run
from zoo.core.task import regression
from zoo.core.threads import one_thread
from zoo.core.training.learner import Learner


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("width", "threads"), [(8, 1), (2**20, 2)])
def test_small_steps_are_computed_by_one_thread_and_large_ones_by_all(
    width: int, threads: int
) -> None:
    used = []

    class Count:
        def batch(self, fit, batch):
            used.append(torch.get_num_threads())
            return batch

    train = TensorBatches(torch.ones(32, width), torch.ones(32, 1), batch_size=32)
    run = Run(device="cpu", progress=False)
    learn = Learner(nn.Linear(width, 1), Data(train, None, None), regression(), run=run)
    learn.fit(1, 1e-4, callbacks=[Count()])

    assert (used, torch.get_num_threads()) == ([threads], 2)


def test_the_last_of_several_that_compute_alone_restores_the_threads() -> None:
    first, second = one_thread(), one_thread()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)  # not the one that was entered last
    assert torch.get_num_threads() == 1
    second.__exit__(None, None, None)
    assert torch.get_num_threads() == 2
