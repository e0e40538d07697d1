"""Seeds mean the same for ever: what was trained with one can be trained again."""

from __future__ import annotations

import pytest
import torch

from zoo.core.batches import order, seed_of
from zoo.core.run import seeded


@pytest.mark.parametrize(
    ("parts", "seed"),
    [
        ((0,), 7896617691693857887),  # np.random.SeedSequence(parts).generate_state(1, np.uint64)
        ((0, 1), 2918264622725855778),  # without its last bit
        ((1, 0), 3717377837946358015),
        ((7, 3, 11), 8602975696911919822),
    ],
)
def test_the_seed_of_several_numbers_is_that_of_numpy(parts: tuple[int, ...], seed: int) -> None:
    assert seed_of(*parts) == seed


def test_an_epoch_has_the_order_that_its_seed_says() -> None:
    generator = torch.Generator().manual_seed(2918264622725855778)  # of seed 0, epoch 1
    assert torch.equal(order(50, 0, 1), torch.randperm(50, generator=generator))


def test_seeded_draws_are_those_of_torch_with_that_seed_and_no_other() -> None:
    expected = torch.rand(4, generator=torch.Generator().manual_seed(5))
    for state in (1, 2):  # whatever was drawn before
        torch.manual_seed(state)
        with seeded(5):
            assert torch.equal(torch.rand(4), expected)
        with seeded(6):
            assert not torch.equal(torch.rand(4), expected)
