"""Several processes as torchrun starts them, on loopback, with gloo."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.core import tiny
from tests.helpers.processes import fork
from zoo.core.batches import Data, TensorBatches
from zoo.core.run import Run, accelerator, rank_and_world
from zoo.core.task import classification
from zoo.core.training.learner import Learner

ACCUMULATED = (1, 2)
PROGRAM = """
import os, sys, torch
from {module} import both

torch.set_num_threads(1)
both(sys.argv[1])
# gloo's threads may still hold a tensor while the interpreter ends, which aborts the process
# (github.com/pytorch/pytorch/pull/179291): leave together, and without that ending
torch.distributed.barrier()
sys.stderr.flush()
os._exit(0)
"""


def both(folder: str) -> None:
    """What each of the processes does."""
    for accumulate in ACCUMULATED:
        train(folder, accumulate)


def train(folder: str, accumulate: int) -> None:
    """Train in two phases; the first process writes the losses and scores."""
    x = torch.randn(107, 8, generator=torch.Generator().manual_seed(0))
    y = x[:, :3].argmax(1)
    y[::7] = -100
    torch.manual_seed(0)
    batches = Data(
        TensorBatches(x, y, batch_size=10),
        TensorBatches(x[:31], y[:31], batch_size=10, shuffle=False),
    )
    learn = Learner(
        tiny.Net(), batches, classification(3, ignore_index=-100), clip=1.0,
        accumulate=accumulate, run=Run(out=f"{folder}/run-{accumulate}", progress=False),
    )  # fmt: skip
    learn.freeze()
    learn.fit(1, 1e-2)
    learn.unfreeze()
    learn.fit_one_cycle(4, 1e-2)
    scores = learn.evaluate()
    if rank_and_world()[0] == 0:
        learn.save(f"{folder}/end-{accumulate}")
        Path(folder, f"{accumulate}.json").write_text(json.dumps([learn.history.losses, scores]))


@pytest.fixture(scope="module")
def of_one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process writes, which has no others and accumulates nothing."""
    folder = tmp_path_factory.mktemp("one")
    alone = fork(folder / "printed", lambda: train(str(folder), 1))
    assert alone.wait(240) == 0, alone.err
    return folder / "1.json"


@pytest.fixture(scope="module", params=["forked", pytest.param("torchrun", marks=pytest.mark.slow)])
def of_two(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which two processes write, started as torchrun does or by it."""
    folder = tmp_path_factory.mktemp("two")
    {"forked": in_forks, "torchrun": by_torchrun}[request.param](folder)
    return folder


def in_forks(folder: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    group = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}

    def act(rank: int) -> None:
        names = {"RANK": rank, "LOCAL_RANK": rank, "MASTER_PORT": port}
        accelerator.cache_clear()  # the process that this is forked from is alone
        os.environ.update(group | {name: str(number) for name, number in names.items()})
        both(str(folder))
        torch.distributed.barrier()

    pair = [fork(folder / f"printed-{rank}", partial(act, rank)) for rank in range(2)]
    assert [process.wait(240) for process in pair] == [0, 0], pair[0].err + pair[1].err


def by_torchrun(folder: Path, module: str = __name__) -> None:
    """Have two processes do what `both` of a module does."""
    (folder / "program.py").write_text(PROGRAM.format(module=module))
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [sys.executable, *launcher, str(folder / "program.py"), str(folder)],
        env={
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PATH": "/usr/bin:/bin",
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("accumulate", ACCUMULATED)
def test_two_processes_follow_the_loss_curve_of_one(
    accumulate: int, of_one: Path, of_two: Path
) -> None:
    one, scores = read(of_one)
    two, shared = read(of_two / f"{accumulate}.json")
    assert len(one) == len(two) == 55
    assert two == pytest.approx(one, abs=1e-5)
    assert shared == pytest.approx(scores, abs=1e-5)
    assert one[-1] < one[0]


def read(path: Path) -> Any:
    return json.loads(path.read_text())
