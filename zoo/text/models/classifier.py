"""The classifier: a language model's encoder over a whole document, pooled, and a small head.

Howard & Ruder 2018, sec. 3.3: the document passes in pieces, each beginning with the state of the
one before (BPT3C); the head sees the last features beside their maximum and mean over all words
(concat pooling).
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from zoo.core.groups import LayerGroup
from zoo.text.models.awd_lstm import FOR_CLASSIFIER, AwdLstm, Dropouts, State

D_HEAD: Final = 50
HEAD_DROPOUT: Final = 0.1  # before the last layer, whatever drop_mult
MAX_LEN: Final = 1440


class ClassifierNet(nn.Module):
    """Classes of documents.

    Args:
        n_words: of the vocabulary.
        n_classes: outputs.
        d_embedding: width of a word's vector.
        d_hidden: width of the layers between.
        n_layers: of LSTM.
        dropouts: all five; `output` is the head's first.
        max_len: gradients reach the last so many words of the longest document of a batch; what
            stands before them is read and pooled all the same.
        bptt: words that pass at a time; gradients end between pieces.

    Attributes:
        head_trained: whether the head knows the classes already.
        flips: read each document from the other end than it is given; in an ensemble.
    """

    def __init__(
        self,
        *,
        n_words: int,
        n_classes: int,
        d_embedding: int = 400,
        d_hidden: int = 1152,
        n_layers: int = 3,
        dropouts: Dropouts | None = None,
        max_len: int = MAX_LEN,
        bptt: int = 72,
    ) -> None:
        super().__init__()
        drop = dropouts or FOR_CLASSIFIER
        self.max_len, self.bptt = max_len, bptt
        self.head_trained = self.flips = False
        self.encoder = AwdLstm(
            n_words=n_words,
            d_embedding=d_embedding,
            d_hidden=d_hidden,
            n_layers=n_layers,
            dropouts=drop,
        )
        self.head = nn.Sequential(
            nn.BatchNorm1d(3 * d_embedding),
            nn.Dropout(drop.output),
            nn.Linear(3 * d_embedding, D_HEAD),
            nn.ReLU(),
            nn.BatchNorm1d(D_HEAD),
            nn.Dropout(HEAD_DROPOUT),
            nn.Linear(D_HEAD, n_classes),
        )

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Logits. Shape: (B, T) int64, filled up after the end; (B,) -> (B, n_classes)."""
        if self.flips:
            tokens = flipped(tokens, lengths)
        logits: Tensor = self.head(self.pooled(tokens, lengths))
        return logits

    def pooled(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Last features, their maximum and their mean over real words. Shape: (B, 3 d)."""
        pool: Pool | None = None
        state: State = ()
        reach = tokens.shape[1] - self.max_len
        for start in range(0, tokens.shape[1], self.bptt):
            piece = tokens[:, start : start + self.bptt]
            with torch.set_grad_enabled(torch.is_grad_enabled() and start + self.bptt > reach):
                features, state = self.encoder(piece, tuple(part.detach() for part in state))
                pool = pool or Pool(features, lengths)
                pool.add(features.float(), start)
        assert pool is not None
        return pool.result()

    def layers(self) -> list[LayerGroup]:
        """Words, the layers of LSTM, the head."""
        lstms = [LayerGroup(f"lstm{i}", (lstm,)) for i, lstm in enumerate(self.encoder.lstms)]
        return [
            LayerGroup("words", (self.encoder.embedding,)),
            *lstms,
            LayerGroup("head", (self.head,)),
        ]


def flipped(tokens: Tensor, lengths: Tensor) -> Tensor:
    """Each document from its end; what fills it up stays behind.

    Shape: (B, T), (B,) -> (B, T).

    >>> flipped(torch.tensor([[5, 6, 7], [8, 1, 1]]), torch.tensor([3, 1]))
    tensor([[7, 6, 5],
            [8, 1, 1]])
    """
    places = torch.arange(tokens.shape[1], device=tokens.device)
    turned = lengths[:, None] - 1 - places
    return tokens.gather(1, torch.where(turned >= 0, turned, places))


class Pool:
    """Last, maximum and mean of features that come in pieces; padding counts for nothing.

    Args:
        like: features of a piece. Shape: (B, T, d).
        lengths: real words of each document. Shape: (B,).
    """

    def __init__(self, like: Tensor, lengths: Tensor) -> None:
        self.lengths = lengths
        self.total = like.new_zeros(len(like), like.shape[2], dtype=torch.float32)
        self.last, self.most = self.total, torch.full_like(self.total, -torch.inf)

    def add(self, features: Tensor, start: int) -> None:
        """A piece that begins at a place. Shape: (B, T, d)."""
        n = features.shape[1]
        places = torch.arange(start, start + n, device=features.device)
        real = (places < self.lengths[:, None])[:, :, None]  # (B, T, 1)
        self.total = self.total + (features * real).sum(1)
        self.most = torch.maximum(self.most, features.masked_fill(~real, -torch.inf).amax(1))
        end = self.lengths - 1 - start
        rows = torch.arange(len(features), device=features.device)
        here = ((end >= 0) & (end < n))[:, None]
        self.last = torch.where(here, features[rows, end.clamp(0, n - 1)], self.last)

    def result(self) -> Tensor:
        """Last, maximum and mean side by side. Shape: (B, 3 d)."""
        return torch.cat([self.last, self.most, self.total / self.lengths[:, None]], dim=1)
