"""Several processes under torchrun, on loopback, with gloo."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, os, sys, torch
torch.set_num_threads(1)
from tests.core import tiny
from zoo.core.batches import Data, TensorBatches
from zoo.core.training.learner import Learner
from zoo.core.run import Run, rank_and_world
from zoo.core.task import classification

out, accumulate = sys.argv[1], int(sys.argv[2])
x = torch.randn(107, 8, generator=torch.Generator().manual_seed(0))
y = x[:, :3].argmax(1)
y[::7] = -100
torch.manual_seed(0)
batches = Data(TensorBatches(x, y, batch_size=10),
               TensorBatches(x[:31], y[:31], batch_size=10, shuffle=False))
learn = Learner(tiny.Net(), batches, classification(3, ignore_index=-100), clip=1.0,
                accumulate=accumulate, run=Run(out=out + "/run", progress=False))
learn.freeze()
learn.fit(1, 1e-2)
learn.unfreeze()
learn.fit_one_cycle(4, 1e-2)
scores = learn.evaluate()
if rank_and_world()[0] == 0:
    learn.save(out + "/end")
    open(out + "/losses.json", "w").write(json.dumps([learn.history.losses, scores]))
if rank_and_world()[1] > 1:
    # gloo's threads may still hold a tensor while the interpreter ends, which aborts the process
    # (github.com/pytorch/pytorch/pull/179291): leave together, and without that ending
    torch.distributed.barrier()
    sys.stderr.flush()
    os._exit(0)
"""


def losses(folder: Path, processes: int, accumulate: int = 1) -> tuple[list[float], dict]:
    folder.mkdir()
    script = folder / "program.py"
    script.write_text(PROGRAM)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [sys.executable, *(launcher if processes > 1 else []), str(script)]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [*command, str(folder), str(accumulate)],
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((folder / "losses.json").read_text())


@pytest.mark.parametrize("accumulate", [1, 2])
def test_two_processes_follow_the_loss_curve_of_one(accumulate: int, tmp_path) -> None:
    one, scores = losses(tmp_path / "one", 1)
    two, shared = losses(tmp_path / "two", 2, accumulate)
    assert len(one) == len(two) == 55
    assert two == pytest.approx(one, abs=1e-5)
    assert shared == pytest.approx(scores, abs=1e-5)
    assert one[-1] < one[0]
