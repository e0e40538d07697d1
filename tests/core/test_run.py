from __future__ import annotations

import pytest
import torch

from zoo.core.run import Run, _cpu_has_bf16, deterministic, seeded


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
    expected = torch.bfloat16 if _cpu_has_bf16() else None
    assert Run().autocast_dtype(cpu, bf16_on_cpu=True) is expected
    assert Run(precision="bf16").autocast_dtype(cpu) is torch.bfloat16


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
