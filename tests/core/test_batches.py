from __future__ import annotations

from itertools import chain

import pytest
import torch

from zoo.core import batches
from zoo.core.batches import TensorBatches, require_same_network


def rows(data: TensorBatches, epoch: int = 0, start: int = 0) -> list[list[int]]:
    return [batch.target.tolist() for batch in data.epoch(epoch, start)]


def make(n: int = 23, batch_size: int = 5, **more) -> TensorBatches:
    return TensorBatches(torch.arange(n).float(), torch.arange(n), batch_size=batch_size, **more)


def test_every_row_comes_once_and_no_batch_is_tiny() -> None:
    for n in range(1, 40):
        seen = rows(make(n))
        assert len(seen) == make(n).steps(0)
        assert sorted(chain(*seen)) == list(range(n))
        assert max(map(len, seen)) - min(map(len, seen)) <= 1
        assert max(map(len, seen)) <= 5


def test_no_batch_has_a_single_row() -> None:
    for n in range(2, 12):
        sizes = [len(batch) for batch in rows(make(n, 2))]
        assert sorted(sizes) == [2] * (n // 2 - n % 2) + [3] * (n % 2)
    assert [len(batch) for batch in rows(make(3, 1))] == [1, 1, 1]


def test_order_depends_on_seed_and_epoch_alone() -> None:
    torch.manual_seed(0)
    first = rows(make(seed=7), epoch=3)
    torch.manual_seed(1)
    assert rows(make(seed=7), epoch=3) == first
    assert rows(make(seed=7), epoch=4) != first
    assert rows(make(seed=8), epoch=3) != first


def test_an_epoch_can_start_at_any_step() -> None:
    for start in range(6):
        assert rows(make(), epoch=2, start=start) == rows(make(), epoch=2)[start:]


@pytest.mark.parametrize("gathered", [1, 150, 300])
def test_batches_do_not_depend_on_how_many_are_gathered_at_once(
    monkeypatch: pytest.MonkeyPatch, gathered: int
) -> None:
    expected = rows(make(), epoch=2)
    shards = [rows(make().shard(rank, 2), epoch=2, start=1) for rank in range(2)]
    monkeypatch.setattr(batches, "GATHERED_BYTES", gathered)  # a batch has about 55 bytes
    assert rows(make(), epoch=2) == expected
    assert [rows(make().shard(rank, 2), epoch=2, start=1) for rank in range(2)] == shards


@pytest.mark.parametrize("world", [2, 3])
def test_shards_together_are_the_global_batch(world: int) -> None:
    shards = [rows(make().shard(rank, world), epoch=1) for rank in range(world)]
    joined = [list(chain(*parts)) for parts in zip(*shards, strict=True)]
    assert joined == rows(make(), epoch=1)


def test_inputs_and_targets_stay_together() -> None:
    for batch in make().epoch(0):
        assert torch.equal(batch.inputs[0].long(), batch.target)


@pytest.mark.parametrize(("n", "m"), [(3, 4), (0, 0)])
def test_tensors_of_different_length_are_refused(n: int, m: int) -> None:
    with pytest.raises(ValueError, match=rf"rows=\[{n}, {m}\]"):
        TensorBatches(torch.zeros(n), torch.zeros(m))


def test_a_batch_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="batch_size=0"):
        make(batch_size=0)


def test_a_spec_that_is_no_dataclass_asks_for_no_network() -> None:
    require_same_network({"classes": 2}, {"classes": 3})
    require_same_network(None, object())
