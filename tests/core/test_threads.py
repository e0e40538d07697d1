"""How many threads compute: small steps one, large ones all."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch
from threadpoolctl import threadpool_info
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


def test_contexts_that_overlap_in_several_threads_restore_what_was() -> None:
    def numbers() -> dict[str, int]:
        pools = {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()}
        return pools | {"torch": torch.get_num_threads()}

    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with one_thread():
            inside.set()
            leave.wait(10)

    before = numbers()
    thread = threading.Thread(target=other)
    with one_thread():
        with one_thread():
            assert set(numbers().values()) == {1}
        thread.start()
        inside.wait(10)
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    leave.set()
    thread.join()
    assert numbers() == before
