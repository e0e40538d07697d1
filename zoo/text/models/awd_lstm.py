"""AWD-LSTM: LSTM layers with four of the five dropouts of Merity et al. 2017 (the fifth: decoder).

"Regularizing and Optimizing LSTM Language Models", sec. 2 to 4: whole words of the vocabulary, the
input and what passes between layers by one mask for all time steps, and recurrent weights
(DropConnect). A layer is one call of torch's fused LSTM (cuDNN's on a GPU); for training
in bfloat16 on a CPU that of `zoo.text.models.recurrence`.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.text.models.recurrence import lstm

State = tuple[Tensor, ...]
"""Hidden and cell state of each layer in turn. Shape: (1, B, width) each."""

INIT = 0.1  # words begin uniformly within so much of zero
BF16_PAYS: Final = 400  # width of a layer from which a CPU with units for bf16 trains faster in it


@dataclass(frozen=True, kw_only=True)
class Dropouts:
    """The five dropouts; the defaults are those of fastai's language model.

    Attributes:
        output: dropout of what the decoder or head gets.
        hidden: dropout between layers.
        input: dropout of embedded words.
        embedding: dropout of whole words.
        weight: dropout of recurrent weights.
    """

    output: float = 0.1
    hidden: float = 0.15
    input: float = 0.25
    embedding: float = 0.02
    weight: float = 0.2

    def __post_init__(self) -> None:
        wrong = {name: p for name, p in vars(self).items() if not 0 <= p < 1}
        if wrong:
            raise ValueError(f"dropouts must be below 1, got {wrong}. Lower drop_mult.")

    def times(self, drop_mult: float) -> Dropouts:
        """All of them by one factor."""
        return Dropouts(**{name: p * drop_mult for name, p in vars(self).items()})


FOR_CLASSIFIER = Dropouts(output=0.4, hidden=0.3, input=0.4, embedding=0.05, weight=0.5)


class LockedDropout(nn.Module):
    """Dropout with one mask for all time steps (Gal & Ghahramani 2016). Shape: (B, T, D)."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """The input times its mask."""
        if not self.training or self.p == 0:
            return x
        return x * _mask((len(x), 1, x.shape[2]), self.p, x)

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"


class WordEmbedding(nn.Module):
    """Vectors of words, of which whole words are dropped: wherever they stand in the batch.

    Args:
        n_words: words of the vocabulary.
        d: width of a vector.
        dropout: share of the vocabulary that is dropped.
    """

    def __init__(self, n_words: int, d: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.weight = nn.Parameter(torch.empty(n_words, d).uniform_(-INIT, INIT))

    def forward(self, tokens: Tensor) -> Tensor:
        """Vectors. Shape: (B, T) -> (B, T, d)."""
        vectors = F.embedding(tokens, self.weight)
        if not self.training or self.dropout == 0:
            return vectors
        mask = _mask((len(self.weight), 1), self.dropout, vectors)
        return vectors * F.embedding(tokens, mask)


class DropConnectLSTM(nn.LSTM):
    """One layer of LSTM, whose recurrent weights are dropped anew for each call (sec. 2).

    Args:
        d_in: width of the input.
        d_out: width of the output.
        dropout: share of the recurrent weights.
    """

    def __init__(self, d_in: int, d_out: int, dropout: float) -> None:
        super().__init__(d_in, d_out, batch_first=True)
        self.weight_dropout = dropout

    def forward(  # type: ignore[override]
        self, x: Tensor, state: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Outputs and last state. Shape: (B, T, d_in) -> (B, T, d_out), 2 x (1, B, d_out)."""
        weights: list[Any] = list(self._flat_weights)  # input, recurrent, two biases
        drops = self.training and self.weight_dropout > 0
        if drops:
            weights[1] = weights[1] * _mask(weights[1].shape, self.weight_dropout, weights[1])
        if self.training and _is_bf16_on_cpu(x):
            weight, bias = torch.cat(weights[:2], 1), weights[2] + weights[3]
            out, (h, c) = lstm(x.bfloat16(), state, weight, bias)
            return out, (h, c)
        with _quiet() if drops and x.is_cuda else contextlib.nullcontext():
            out, h, c = torch.lstm(x, state, weights, True, 1, 0.0, self.training, False, True)
        return out, (h, c)


class AwdLstm(nn.Module):
    """Words in, features of the last layer out; it keeps no state of its own.

    Args:
        n_words: words of the vocabulary.
        d_embedding: width of a word's vector, and of the last layer.
        d_hidden: width of the layers before.
        n_layers: layers of LSTM.
        dropouts: all but `output` are used here.

    Example:
        >>> encoder = AwdLstm(n_words=100, d_embedding=8, d_hidden=16, n_layers=2)
        >>> features, state = encoder(torch.zeros(3, 5, dtype=torch.int64))
        >>> features.shape, [s.shape[2] for s in state]
        (torch.Size([3, 5, 8]), [16, 16, 8, 8])
    """

    def __init__(
        self,
        *,
        n_words: int,
        d_embedding: int = 400,
        d_hidden: int = 1152,
        n_layers: int = 3,
        dropouts: Dropouts | None = None,
    ) -> None:
        super().__init__()
        drop = dropouts or Dropouts()
        widths = [d_embedding, *[d_hidden] * (n_layers - 1), d_embedding]
        self.embedding = WordEmbedding(n_words, d_embedding, drop.embedding)
        self.input_dropout = LockedDropout(drop.input)
        self.lstms = nn.ModuleList(
            DropConnectLSTM(widths[i], widths[i + 1], drop.weight) for i in range(n_layers)
        )
        self.hidden_dropout = LockedDropout(drop.hidden)

    def forward(self, tokens: Tensor, state: State = ()) -> tuple[Tensor, State]:
        """Features and last state. Shape: (B, T) int64 -> (B, T, d_embedding).

        Args:
            tokens: numbers of words.
            state: state after the words before; an empty one means zeros.
        """
        x = self.input_dropout(self.embedding(tokens))
        before = state or self.zero_state(len(tokens), x)
        after: list[Tensor] = []
        for i, layer in enumerate(self.lstms):
            if i:
                x = self.hidden_dropout(x)
            h, c = (part.to(x.dtype) for part in before[2 * i : 2 * i + 2])
            x, last = layer(x, (h, c))
            after += last
        return x, tuple(after)

    @property
    def bf16_on_cpu(self) -> bool:
        """Whether it is wide enough to train faster in bf16 on a CPU with units for it."""
        return max(layer.hidden_size for layer in self._layers) >= BF16_PAYS

    def zero_state(self, n_rows: int, like: Tensor) -> State:
        """The state before any word, on the device and of the type of a tensor."""
        sizes = [layer.hidden_size for layer in self._layers]
        return tuple(like.new_zeros(1, n_rows, size) for size in sizes for _ in "hc")

    @property
    def _layers(self) -> list[DropConnectLSTM]:
        layers: Any = self.lstms
        return list(layers)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the warning that cuDNN has to compact weights: they are new ones at each call."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "RNN module weights are not part of single")
        yield


def exact_on_cpu(network: nn.Module, tokens: Tensor) -> contextlib.AbstractContextManager[Any]:
    """Leave autocast for what a network predicts and scores on a CPU; it is for training there.

    In bfloat16 perplexities came out up to one per cent too low.
    """
    if network.training or tokens.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
        return contextlib.nullcontext()
    return torch.autocast("cpu", enabled=False)


def _is_bf16_on_cpu(x: Tensor) -> bool:
    """Whether a CPU computes in bfloat16 by autocast, and no compiler would unroll a loop."""
    return (
        x.device.type == "cpu"
        and not torch.compiler.is_compiling()
        and torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") is torch.bfloat16
    )


def _mask(shape: tuple[int, ...], p: float, like: Tensor) -> Tensor:
    """Zeros with probability p, else 1 / (1 - p).

    A CPU draws one number after another, so there each gives four entries of 16 bits, and p is
    rounded to as many.
    """
    if like.device.type != "cpu":
        return like.new_empty(shape).bernoulli_(1 - p).div_(1 - p)
    n, n_zero = math.prod(shape), min(round(p * 2**16), 2**16 - 1)
    drawn = like.new_empty(-(-n // 4), dtype=torch.int64).random_(-(2**63), None)
    kept = drawn.view(torch.int16)[:n].view(shape) >= n_zero - 2**15
    return kept.to(like.dtype).mul_(2**16 / (2**16 - n_zero))
