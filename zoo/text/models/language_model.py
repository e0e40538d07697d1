"""The language model: an AWD-LSTM with a softmax over the vocabulary that shares its word vectors.

Merity et al. 2017: tied weights (sec. 4.5), penalties on large and on quickly changing activations
(AR and TAR, sec. 4.6).
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.task import Task
from zoo.core.training.groups import LayerGroup
from zoo.text.models.awd_lstm import AwdLstm, Dropouts, LockedDropout, State, exact_on_cpu
from zoo.text.models.sampled import sampled_cross_entropy
from zoo.text.recipe import AR, TAR

READ: Final = 512  # words that are read at a time before the next is drawn: a prompt may be long


class Output(NamedTuple):
    """What the loss looks at.

    Shape: raw and dropped, the last layer's output before and after the output dropout:
    (B, T, d_embedding); vectors (n_words, d_embedding) and bias (n_words,) of the decoder; logits,
    where the loss takes all words: (B, T, n_words).
    """

    raw: Tensor
    dropped: Tensor
    vectors: Tensor
    bias: Tensor
    logits: Tensor | None


class TiedDecoder(nn.Module):
    """Logits of the next word: products with the words' own vectors, and a bias for each.

    Args:
        n_words: words of the vocabulary.
        dropout: probability on the features.
        skips_logits: give none in training, since the loss looks at a part of them (`task`).
    """

    def __init__(self, n_words: int, dropout: float, *, skips_logits: bool = False) -> None:
        super().__init__()
        self.skips_logits = skips_logits
        self.dropout = LockedDropout(dropout)
        self.bias = nn.Parameter(torch.zeros(n_words))

    def forward(self, raw: Tensor, vectors: Tensor) -> Output:
        """Shape: (B, T, d), (n_words, d) -> logits (B, T, n_words)."""
        dropped = self.dropout(raw)
        skips = self.training and self.skips_logits
        logits = None if skips else F.linear(dropped, vectors, self.bias)
        return Output(raw, dropped, vectors, self.bias, logits)


class LanguageNet(nn.Module):
    """Predicts each next word; in training the state of one batch goes on in the next.

    Args:
        n_words: words of the vocabulary.
        d_embedding: width of a word's vector.
        d_hidden: width of the layers between.
        n_layers: layers of LSTM.
        drop_mult: factor for all five dropouts.
        skips_logits: see `TiedDecoder`.

    Attributes:
        arguments: what builds the network again, beside its vocabulary.
        carried: the state after the last batch of `forward`; empty before any. What generates calls
            `next_words`, which keeps none.
    """

    name: ClassVar = "awd_lstm"

    def __init__(
        self,
        *,
        n_words: int,
        d_embedding: int = 400,
        d_hidden: int = 1152,
        n_layers: int = 3,
        drop_mult: float = 1.0,
        skips_logits: bool = False,
    ) -> None:
        super().__init__()
        sizes = {"d_embedding": d_embedding, "d_hidden": d_hidden, "n_layers": n_layers}
        self.arguments: dict[str, Any] = {**sizes, "drop_mult": drop_mult}
        dropouts = Dropouts().times(drop_mult)
        self.encoder = AwdLstm(n_words=n_words, **sizes, dropouts=dropouts)
        self.decoder = TiedDecoder(n_words, dropouts.output, skips_logits=skips_logits)
        self.carried: State = ()

    def forward(self, tokens: Tensor, fresh: Tensor) -> Output:
        """Logits of each next word.

        Shape: tokens (B, T) int64; fresh (B,) bool, rows whose stream restarts.
        """
        fits = bool(self.carried) and self.carried[0].shape[1] == len(tokens)
        anew = fresh[None, :, None]
        before = tuple(part.masked_fill(anew, 0) for part in self.carried) if fits else ()
        with exact_on_cpu(self, tokens):
            raw, after = self.encoder(tokens, before)
            self.carried = tuple(part.detach() for part in after)
            output: Output = self.decoder(raw, self.encoder.embedding.weight)
        return output

    @property
    def bf16_on_cpu(self) -> bool:
        """See `Run.autocast_dtype`."""
        return self.encoder.bf16_on_cpu

    def next_words(self, tokens: Tensor, state: State = ()) -> tuple[Tensor, State]:
        """Logits of the word after some more, and the state there; the network stays as it is.

        Shape: (B, T) int64 -> (B, n_words), float32.

        Args:
            tokens: at least one word.
            state: the state after the words before; none begins anew.
        """
        with exact_on_cpu(self, tokens):
            for start in range(0, tokens.shape[1], READ):
                raw, state = self.encoder(tokens[:, start : start + READ], state)
            output: Output = self.decoder(raw[:, -1:], self.encoder.embedding.weight)
        assert output.logits is not None  # in evaluation
        return output.logits[:, -1].float(), state

    def layers(self) -> list[LayerGroup]:
        """The layers of LSTM, then the words, which are input and output at once.

        The words come last since new ones are what a language model has to learn first.
        """
        groups = [LayerGroup(f"lstm{i}", (lstm,)) for i, lstm in enumerate(self.encoder.lstms)]
        return [*groups, LayerGroup("words", (self.encoder.embedding, self.decoder))]


def task(ar: float = AR, tar: float = TAR, sampled: int = 0) -> Task:
    """Cross entropy of the next word; in training with AR and TAR.

    Args:
        ar: weight of the mean square of the dropped-out activations.
        tar: weight of the mean square of their changes from word to word, before dropout.
        sampled: words that count in training: so many most frequent ones, and as many drawn; 0
            takes all. For a network that `skips_logits`.
    """

    def loss(output: Output, target: Tensor) -> tuple[Tensor, int]:
        mean, count = _cross_entropy(output, target, sampled)
        if ar:
            mean = mean + ar * output.dropped.float().square().mean()
        if tar and output.raw.shape[1] > 1:
            mean = mean + tar * output.raw.diff(dim=1).float().square().mean()
        return mean, count

    return Task(loss, _logits, valid_loss=_cross_entropy)


def _cross_entropy(output: Output, target: Tensor, sampled: int = 0) -> tuple[Tensor, int]:
    words = target.flatten()
    if output.logits is None:
        features = output.dropped.flatten(0, 1)
        mean = sampled_cross_entropy(features, output.vectors, output.bias, words, sampled)
    else:
        mean = F.cross_entropy(output.logits.flatten(0, 1), words)
    return mean, words.numel()


def _logits(output: Output) -> Tensor:
    assert output.logits is not None  # in evaluation
    return output.logits
