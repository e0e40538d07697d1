"""The Batches contract: a training set is a function from (epoch, step) to a batch.

Order therefore depends on (seed, epoch) alone, never on threads or on what ran before, so that a
run can continue at any step and several processes can share one global batch.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Final, Generic, NamedTuple, Protocol, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.core.messages import few


class Batch(NamedTuple):
    """What one step sees: the core calls `model(*inputs)`.

    Attributes:
        inputs: what the model takes.
        target: what its output is compared with.
        rate: factor of the learning rate.
        on_cpu: numbers of the inputs that stay on the CPU, where the model needs their values.
    """

    inputs: tuple[Tensor, ...]
    target: Tensor
    rate: float = 1.0
    on_cpu: tuple[int, ...] = ()


class Batches(Protocol):
    """A data set as the core sees it."""

    def steps(self, epoch: int) -> int:
        """Number of batches in this epoch."""
        ...

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from step `start` on."""
        ...

    def shard(self, rank: int, world: int) -> Batches:
        """The part of every global batch that process `rank` of `world` works on."""
        ...


GATHERED_BYTES: Final = 2**17  # of shuffled rows at a time: many small batches, or one large one

S = TypeVar("S")


class Origin(NamedTuple):
    """Which of a user's rows are validated on.

    Attributes:
        names: what the user calls each row: all of them, in their order.
        valid: number of the row of each validation example, in the order of the batches.
    """

    names: Sequence[Hashable]
    valid: NDArray[np.int64]


class Data(NamedTuple, Generic[S]):
    """What a learner trains and validates on, and the spec: what prediction will need of it.

    `rows` are content hashes of the training rows, see `zoo.core.contents.content_hashes`; the
    model remembers them, so that scores on rows that it was trained on are told from others.
    `origin` tells where the validation part comes from, if it was drawn from the user's rows.
    """

    train: Batches
    valid: Batches | None = None
    spec: S = None  # type: ignore[assignment]
    rows: NDArray[np.uint64] | None = None
    origin: Origin | None = None


NO_VALIDATION: Final = (
    "scores need validation data, got none: the model was loaded without scores, or trained on "
    "everything. Pass labelled data, or train with valid=... or valid_fraction=0.2."
)


def require_same_network(before: object, after: object) -> None:
    """Refuse a spec that another network would be needed for.

    Args:
        before: spec of the data that a learner was made for; None allows everything.
        after: spec of the data that it is to go on with. A spec is a dataclass; its class names
            the fields that may differ in `FREE_FIELDS`.

    Raises:
        ValueError: another field differs.
    """
    if before is None or not is_dataclass(before):
        return
    free = getattr(before, "FREE_FIELDS", ())
    names = [one.name for one in fields(before) if one.name not in free]
    different = [n for n in names if getattr(before, n) != getattr(after, n, None)]
    if different:
        raise ValueError(
            "set_data must be given data that the network was made for, got others in "
            f"{few(different)}. Use finetune(model, data), or make them by learner(data, "
            "pretrained=model).data."
        )


def pinned(tensor: Tensor, device: torch.device | str) -> Tensor:
    """The tensor, in memory that a GPU copies from while the CPU goes on; itself elsewhere."""
    is_sent = tensor.device.type == "cpu" and torch.device(device).type == "cuda"
    return tensor.pin_memory() if is_sent else tensor


def seed_of(*parts: int) -> int:
    """One seed from several numbers, e.g. (seed, epoch, step), well mixed.

    >>> seed_of(0, 1) != seed_of(1, 0)
    True
    """
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> np.uint64(1))


def order(n: int, seed: int, epoch: int) -> Tensor:
    """A permutation of n rows that depends on (seed, epoch) alone. Shape: (n,), int64, CPU."""
    generator = torch.Generator().manual_seed(seed_of(seed, epoch))
    return torch.randperm(n, generator=generator)


def require_batch_size(batch_size: int) -> None:
    """Refuse a number of rows of a batch that is no whole number above 0.

    Raises:
        ValueError: it is none.
    """
    if not hasattr(batch_size, "__index__") or batch_size < 1:
        raise ValueError(
            f"batch_size must be a whole number, 1 or more, got {batch_size=}. Leave it out."
        )


def steps_of(n: int, batch_size: int) -> int:
    """Number of batches of at most `batch_size` rows; an odd row joins a batch of two.

    Batch norms cannot learn from a single row, so no batch has one unless `n` or `batch_size` is 1.

    >>> steps_of(10, 4), steps_of(5, 2), steps_of(5, 1)
    (3, 2, 5)
    """
    steps = math.ceil(n / batch_size)
    return steps if batch_size == 1 else min(steps, max(n // 2, 1))


def bounds(n: int, steps: int, step: int, rank: int = 0, world: int = 1) -> tuple[int, int]:
    """Half-open row range `[low, high)` of one process's part of a global batch.

    Batches of an epoch differ in size by at most one row, so none is tiny (batch normalisation
    needs several) and none is dropped; so do the processes' parts of a batch.

    >>> [bounds(10, 3, step) for step in range(3)]
    [(0, 3), (3, 6), (6, 10)]
    >>> [bounds(10, 3, 2, rank, world=2) for rank in range(2)]
    [(6, 8), (8, 10)]
    """
    low, high = step * n // steps, (step + 1) * n // steps
    size = high - low
    return low + rank * size // world, low + (rank + 1) * size // world


def drawn(n: int, share: float, fewest: int = 1) -> NDArray[np.int64]:
    """Numbers of a share of n rows, the same in each call, in their order; at least `fewest`.

    >>> len(drawn(100, 0.1)), len(drawn(100, 0.1, 32)), len(drawn(20, 0.1, 32))
    (10, 32, 20)
    """
    k = min(max(math.ceil(share * n), fewest), n)
    return np.sort(np.random.default_rng(0).permutation(n)[:k])


class TensorBatches:
    """A data set of whole tensors on one device, sliced there: ratings, tables, features.

    Args:
        inputs: tensors that share their first dimension, the row.
        target: a tensor with one row for each row of the inputs.
        batch_size: at most this many rows in a (global) batch; see `steps_of` for two.
        shuffle: draw a new order for every epoch; False keeps the rows in order.
        seed: the order is a function of (seed, epoch).

    Raises:
        ValueError: the tensors are empty or differ in their number of rows.
    """

    def __init__(
        self,
        inputs: Tensor | Sequence[Tensor],
        target: Tensor,
        *,
        batch_size: int = 64,
        shuffle: bool = True,
        seed: int = 0,
        device: torch.device | str | None = None,
    ) -> None:
        given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
        rows = [len(tensor) for tensor in (*given, target)]
        if len(set(rows)) != 1 or rows[0] == 0:
            raise ValueError(
                f"inputs and target need the same number of rows, at least one, got {rows=}. "
                "Slice them alike before making batches."
            )
        require_batch_size(batch_size)
        self.inputs = tuple(tensor.to(device) for tensor in given)
        self.target = target.to(device)
        self.batch_size, self.shuffle, self.seed = batch_size, shuffle, seed
        self.rank, self.world = 0, 1

    def __len__(self) -> int:
        return len(self.target)

    def steps(self, epoch: int) -> int:
        """Number of batches in an epoch: the same for each."""
        return steps_of(len(self), self.batch_size)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from step `start` on, as slices on the device.

        Shuffled rows of several small batches are gathered at once, in hardly more time than one's.
        """
        steps, tensors = self.steps(epoch), (*self.inputs, self.target)
        rows = None
        if self.shuffle:
            device = self.target.device
            rows = pinned(order(len(self), self.seed, epoch), device).to(device, non_blocking=True)
        batch_bytes = sum(tensor[0].nbytes for tensor in tensors) * len(self) / steps
        at_once = max(int(GATHERED_BYTES / max(batch_bytes, 1)), 1)
        for first in range(start, steps, at_once):
            some = range(first, min(first + at_once, steps))
            spans = [bounds(len(self), steps, step, self.rank, self.world) for step in some]
            columns: list[Sequence[Tensor]]
            if rows is None:
                columns = [[tensor[low:high] for low, high in spans] for tensor in tensors]
            else:
                part = torch.cat([rows[low:high] for low, high in spans])
                sizes = [high - low for low, high in spans]
                columns = [
                    tensor.index_select(0, part).split_with_sizes(sizes) for tensor in tensors
                ]
            for *inputs, target in zip(*columns, strict=True):
                yield Batch(tuple(inputs), target)

    def part(self, share: float, fewest: int = 1) -> Self:
        """A share of the rows, see `drawn`."""
        rows = torch.from_numpy(drawn(len(self), share, fewest)).to(self.target.device)
        other, inputs = object.__new__(type(self)), tuple(one[rows] for one in self.inputs)
        other.__dict__.update(self.__dict__, inputs=inputs, target=self.target[rows])
        return other

    def shard(self, rank: int, world: int) -> Self:
        """The same tensors, of which this process takes its part of every batch."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, rank=rank, world=world)
        return other
