"""Small real models and data that the core's tests train."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from tests.helpers.device import run_here
from zoo.core.batches import Batch, Data, TensorBatches
from zoo.core.run import Run
from zoo.core.task import classification
from zoo.core.training.groups import LayerGroup
from zoo.core.training.learner import Learner

QUIET = run_here()


class Net(nn.Module):
    """Three layer groups, batch norm and dropout on demand."""

    def __init__(self, *, norm: bool = False, dropout: float = 0.0) -> None:
        super().__init__()
        self.first = nn.Linear(8, 16)
        self.middle = nn.Sequential(
            nn.BatchNorm1d(16) if norm else nn.Identity(), nn.ReLU(), nn.Linear(16, 16), nn.ReLU()
        )
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(16, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.middle(self.first(x)))

    def layers(self) -> list[LayerGroup]:
        return [
            LayerGroup("first", (self.first,)),
            LayerGroup("middle", (self.middle,)),
            LayerGroup("head", (self.head,)),
        ]


class Recurrent(nn.Module):
    """A next-token model whose hidden state is carried from batch to batch."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(12, 8)
        self.rnn = nn.GRU(8, 16, batch_first=True)
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(16, 12)
        self.carried: tuple[Tensor, ...] = ()

    def forward(self, tokens: Tensor, fresh: Tensor) -> Tensor:
        hidden = self.carried[0] if self.carried else self.head.weight.new_zeros(1, len(tokens), 16)
        hidden = hidden * (~fresh).view(1, -1, 1)
        out, hidden = self.rnn(self.embed(tokens), hidden)
        self.carried = (hidden.detach(),)
        return self.head(self.drop(out)).transpose(1, 2)  # (B, 12, T)


class StreamBatches:
    """Token streams cut into pieces of varying length; the rate follows the length."""

    def __init__(self, n_streams: int = 4, length: int = 200) -> None:
        generator = torch.Generator().manual_seed(3)
        noise = torch.randint(0, 2, (n_streams, length), generator=generator)
        self.tokens = (torch.arange(length) * 5 + noise) % 12

    def _cuts(self, epoch: int) -> list[int]:
        size = 9 + epoch % 3
        return [*range(0, self.tokens.shape[1] - 1, size), self.tokens.shape[1] - 1]

    def steps(self, epoch: int) -> int:
        return len(self._cuts(epoch)) - 1

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        cuts = self._cuts(epoch)
        for step in range(start, len(cuts) - 1):
            low, high = cuts[step], cuts[step + 1]
            fresh = torch.full((len(self.tokens),), step == 0)
            piece = self.tokens[:, low : high + 1]
            yield Batch((piece[:, :-1], fresh), piece[:, 1:], rate=(high - low) / 9)

    def shard(self, rank: int, world: int) -> StreamBatches:
        part = object.__new__(StreamBatches)
        part.tokens = self.tokens.tensor_split(world)[rank]
        return part


def data(n: int = 110, batch_size: int = 16) -> Data:
    """Three classes that a small net learns."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(n + 50, 8, generator=generator)
    y = x[:, :3].argmax(1)
    train = TensorBatches(x[:n], y[:n], batch_size=batch_size)
    return Data(train, TensorBatches(x[n:], y[n:], batch_size=batch_size, shuffle=False))


def learner(run: Run = QUIET, *, norm: bool = False, dropout: float = 0.0, **more: Any) -> Learner:
    """A learner whose weights depend on the seed alone."""
    torch.manual_seed(run.seed)
    given = {"data": data(), "task": classification(3), **more}
    return Learner(Net(norm=norm, dropout=dropout), run=run, **given)


def recurrent_learner(run: Run = QUIET, *, length: int = 200, **more: Any) -> Learner:
    """A learner on token streams."""
    torch.manual_seed(run.seed)
    batches = Data(StreamBatches(length=length), StreamBatches(2, 60))
    return Learner(Recurrent(), batches, classification(12), run=run, **more)


def weights(owner: Learner | nn.Module) -> dict[str, Tensor]:
    """A copy of all weights and buffers, on the CPU."""
    model = owner if isinstance(owner, nn.Module) else owner.model
    return {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    """Bit by bit."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
