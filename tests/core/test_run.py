from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.core.tiny import QUIET, learner
from zoo.core.memory import keep_freed_blocks
from zoo.core.run import Run, cpu_units, deterministic, seeded


def test_a_wrong_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="precision='int8'"):
        Run(precision="int8")


def test_resuming_needs_a_folder() -> None:
    with pytest.raises(ValueError, match="out=None"):
        Run(resume=True)


@pytest.mark.parametrize("device", ["cuda:99", "gpu"])
def test_a_device_that_is_not_there_is_one_sentence(device: str) -> None:
    with pytest.raises(ValueError, match=f"device='{device}'"):
        Run(device=device).torch_device()


def test_automatic_precision_on_a_cpu_is_fp32_unless_measured_faster() -> None:
    cpu = torch.device("cpu")
    assert Run().autocast_dtype(cpu) is None
    expected = torch.bfloat16 if cpu_units() else None
    assert Run().autocast_dtype(cpu, bf16_on_cpu=True) is expected
    assert Run(precision="bf16").autocast_dtype(cpu) is torch.bfloat16


def test_the_memory_of_a_process_is_managed_otherwise_only_on_demand() -> None:
    keep_freed_blocks.cache_clear()
    learner()
    assert keep_freed_blocks.cache_info().currsize == 0
    learner(run=replace(QUIET, keep_memory=True))
    assert keep_freed_blocks.cache_info().currsize == 1


def test_seeded_generators_come_back() -> None:
    before = torch.get_rng_state()
    with seeded(5):
        first = torch.rand(3)
    assert torch.equal(before, torch.get_rng_state())
    with seeded(5):
        assert torch.equal(first, torch.rand(3))


def test_deterministic_is_the_users_again_afterwards() -> None:
    with deterministic(True):
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"threads": 0}, r"threads=0 \(1 or more\)"),
        ({"save_every": -1.0}, r"save_every=-1\.0"),
        ({"save_every": float("nan")}, "save_every=nan"),
        ({"cache_gb": -1.0}, r"cache_gb=-1\.0"),
        ({"seed": 2**70}, r"below 2\*\*63"),
    ],
)
def test_circumstances_out_of_range_are_refused(wrong, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Run(**wrong)


def test_photos_are_decoded_by_as_many_threads_as_there_are_cores_but_eight_at_most() -> None:
    assert Run().n_threads == min(os.cpu_count() or 1, 8)
    assert Run(threads=3).n_threads == 3


def test_a_seed_of_numpy_becomes_pythons() -> None:
    assert type(Run(seed=np.int64(3)).seed) is int  # type: ignore[arg-type]
    assert Run(seed=np.int64(3)) == Run(seed=3)  # type: ignore[arg-type]
