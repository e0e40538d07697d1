"""The classifier: a language model's encoder over a whole document, pooled, and a small head.

Howard & Ruder 2018, sec. 3.3: the document passes in pieces, each beginning with the state of the
one before (BPT3C); the head sees the last features beside their maximum and mean over all words
(concat pooling).
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.training.groups import LayerGroup
from zoo.text.data.rules import UNK_ID
from zoo.text.models.awd_lstm import FOR_CLASSIFIER, AwdLstm, State, exact_on_cpu
from zoo.text.recipe import BPTT, MAX_LEN

D_HEAD: Final = 50
HEAD_DROPOUT: Final = 0.1  # before the last layer, whatever drop_mult


class ClassifierNet(nn.Module):
    """Classes of documents.

    Args:
        n_words: words of the vocabulary.
        n_classes: number of outputs.
        d_embedding: width of a word's vector.
        d_hidden: width of the layers between.
        n_layers: layers of LSTM.
        drop_mult: factor for all five dropouts; `Dropouts.output` is that of the head.
        max_len: gradients reach the last so many words of each document; what stands before them is
            read and pooled all the same.
        bptt: words that pass at a time; gradients end between pieces.

    Attributes:
        arguments: what builds the network again, beside its vocabulary and classes.
        d_pooled: width of a document's vector.
        head_trained: whether the head knows the classes already.
        flips: whether each document is turned before it is read, as in an ensemble of directions.
    """

    name: ClassVar = "awd_lstm"

    def __init__(
        self,
        *,
        n_words: int,
        n_classes: int,
        d_embedding: int = 400,
        d_hidden: int = 1152,
        n_layers: int = 3,
        drop_mult: float = 1.0,
        max_len: int = MAX_LEN,
        bptt: int = BPTT,
    ) -> None:
        super().__init__()
        sizes = {"d_embedding": d_embedding, "d_hidden": d_hidden, "n_layers": n_layers}
        reach = {"max_len": max_len, "bptt": bptt}
        self.arguments: dict[str, Any] = {**sizes, "drop_mult": drop_mult, **reach}
        self.n_words, self.max_len, self.bptt = n_words, max_len, bptt
        self.head_trained = self.flips = False
        self.d_pooled = 3 * d_embedding
        dropouts = FOR_CLASSIFIER.times(drop_mult)
        self.encoder = AwdLstm(n_words=n_words, **sizes, dropouts=dropouts)
        self.head = nn.Sequential(
            nn.BatchNorm1d(self.d_pooled),
            nn.Dropout(dropouts.output),
            nn.Linear(self.d_pooled, D_HEAD),
            nn.ReLU(),
            nn.BatchNorm1d(D_HEAD),
            nn.Dropout(HEAD_DROPOUT),
            nn.Linear(D_HEAD, n_classes),
        )

    def forward(self, tokens: Tensor, lengths: Tensor, parts: Tensor | None = None) -> Tensor:
        """Logits. Shape: (B, T) int64, filled up after the end; (B,) -> (B, n_classes).

        The parts of words are for bags of words alone, see `DocumentBatches`. Numbers beyond the
        vocabulary are read as one unknown word. Lengths on a GPU are waited for; those on the CPU
        are not.
        """
        with exact_on_cpu(self, tokens):
            return self._logits(self.pooled(tokens, lengths))

    def _logits(self, pooled: Tensor) -> Tensor:
        # A product rounds a row by its place among others, and by where in memory it begins: in
        # evaluation on a CPU each goes alone, in memory of its own.
        if self.training or pooled.device.type != "cpu" or not len(pooled):
            logits: Tensor = self.head(pooled)
            return logits
        return torch.cat([self.head(row[None].clone()) for row in pooled])

    def pooled(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Last features, their maximum and their mean over real words. Shape: (B, 3 d).

        Each document passes until its own end and learns from its own last `max_len` words,
        whatever its company. In evaluation its features are the same to the last bit on a CPU: the
        LSTM rounds a single row in another way than two or more, and so gets no single one.
        """
        tokens = tokens.where(tokens < self.n_words, UNK_ID)
        if self.flips:
            tokens = flipped(tokens, lengths.to(tokens.device, non_blocking=True))
        with exact_on_cpu(self, tokens):
            return self._pooled(tokens, lengths)

    def _pooled(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        sizes = lengths.tolist()
        lengths = lengths.to(tokens.device, non_blocking=True)
        if sizes != sorted(sizes, reverse=True):
            order = lengths.argsort(descending=True, stable=True)
            return self._pooled(tokens[order], lengths[order])[order.argsort()]
        if len(tokens) == 1 and not self.training:
            tokens = tokens.expand(2, -1)
        pool, least = Pool(self.bptt), 1 if self.training else 2
        state: State = ()
        longest = max(sizes, default=1)
        for start in range(0, longest, self.bptt):
            stop = min(start + self.bptt, longest)
            n = sum(size > start for size in sizes)  # documents that go on
            n_far = sum(size - self.max_len >= stop for size in sizes)  # beyond the reach
            rows = max(n, least)
            before = tuple(part[:, :rows].detach() for part in state)
            with torch.set_grad_enabled(torch.is_grad_enabled() and n_far < n):
                features, state = self.encoder(tokens[:rows, start:stop], before)
            features = features[:n].float()
            if n_far and features.requires_grad:
                features = torch.cat([features[:n_far].detach(), features[n_far:]])
            pool.add(features, lengths[:n] - start)
        return pool.result(lengths)

    @property
    def bf16_on_cpu(self) -> bool:
        """See `Run.autocast_dtype`."""
        return self.encoder.bf16_on_cpu

    def layers(self) -> list[LayerGroup]:
        """Words, the layers of LSTM, the head."""
        words, head = (
            LayerGroup("words", (self.encoder.embedding,)),
            LayerGroup("head", (self.head,)),
        )
        lstms = [LayerGroup(f"lstm{i}", (lstm,)) for i, lstm in enumerate(self.encoder.lstms)]
        return [words, *lstms, head]


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

    Documents come longest first, so that those that have ended are the last rows. A sum is always
    over as many places that lie alike in memory: the order of its terms, and so its rounding, is
    the same in any company.

    Args:
        n_places: words of the longest piece.
    """

    def __init__(self, n_places: int) -> None:
        self.n_places = n_places
        self._open: tuple[Tensor, ...] = ()  # last, maximum and sum of documents that go on
        self._ended: list[tuple[Tensor, ...]] = []

    def add(self, features: Tensor, left: Tensor) -> None:
        """A piece of the documents that go on.

        Shape: (n, T, d); left (n,), words from the beginning of the piece to a document's end.
        """
        n, length, _ = features.shape
        places = torch.arange(length, device=features.device)
        real = (places < left[:, None])[:, :, None]  # (n, T, 1)
        last = features[torch.arange(n, device=features.device), left.clamp(max=length) - 1]
        most = features.masked_fill(~real, -torch.inf).amax(1)
        filled = F.pad(features * real, (0, 0, 0, self.n_places - length)).contiguous()
        total = filled.sum(1)
        if self._open:
            self._ended.append(tuple(part[n:] for part in self._open))
            _, most_before, total_before = (part[:n] for part in self._open)
            most, total = torch.maximum(most_before, most), total_before + total
        self._open = (last, most, total)

    def result(self, lengths: Tensor) -> Tensor:
        """Last, maximum and mean side by side. Shape: (B,) -> (B, 3 d)."""
        rows = zip(self._open, *reversed(self._ended), strict=True)
        last, most, total = (torch.cat(parts) for parts in rows)
        return torch.cat([last, most, total / lengths[:, None]], dim=1)
