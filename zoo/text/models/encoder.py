"""A classifier on a pretrained encoder of the library transformers: word pieces, pooled, a head.

The encoder's vector of a text is pooled as its publisher says. A text that is longer than the
encoder reads at once is cut into windows of like length, of whose vectors the mean counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.batches import bounds
from zoo.core.training.groups import LayerGroup
from zoo.text.data.pieces import FIRST
from zoo.text.data.rules import FIELD_ID
from zoo.text.models.bodies import body_of, groups_of, longest, n_types_of
from zoo.text.models.contrast import Learnt
from zoo.text.models.pairs import Frame, cut, framed

Pooling = Literal["mean", "cls", "max", "lasttoken"]

LEARNT_WINDOWS: Final = 8  # of a text, the first, that gradients reach
AT_ONCE: Final = 2**14  # word pieces, filled up, that pass at a time where nothing is learnt,
ON_CPU: Final = 2**9  # or so many: what a CPU computes in its caches, and fills up with least
WIDE: Final = 384  # numbers of a vector from which on bf16 trains 1.5 times as fast on Zen 4


class EncoderNet(nn.Module):
    """Classes of documents of word pieces.

    Args:
        config: the encoder's config as transformers has it, `model_type` among it.
        n_classes: number of outputs.
        pooling: how the vectors of pieces become one: their mean, that of the first or the last, or
            the maximum of each number.
        normalise: whether the vector is brought to length 1.
        max_tokens: pieces that the encoder reads at once, those of the frame among them.
        before: pieces of the frame before a text, as numbers of the tokenizer.
        after: those after it.
        pad: number of the piece that fills up short texts.
        pair: frame of pairs of texts, each with the mark of fields between its texts; empty if
            texts are no pairs. Of a pair that is longer than `max_tokens`, the end of its longer
            text is left out.

    Attributes:
        room: numbers of a window of a text, or of a pair.
        arguments: what builds the network again, beside its classes.
        d_pooled: width of a text's vector.
        max_tokens: see above.
        head_trained: whether the head knows the classes already.
        flips: that texts are read as they are written.

    Raises:
        ModuleNotFoundError: transformers is not installed.
        ValueError: the config is that of no encoder, or does not go with the other arguments.
    """

    name: ClassVar = "encoder"
    flips = False

    def __init__(
        self,
        *,
        config: Mapping[str, Any],
        n_classes: int,
        pooling: Pooling = "mean",
        normalise: bool = False,
        max_tokens: int = 512,
        before: Sequence[int] = (),
        after: Sequence[int] = (),
        pad: int = 0,
        pair: Frame = (),
    ) -> None:
        super().__init__()
        self.arguments: dict[str, Any] = {
            "config": dict(config),
            "pooling": pooling,
            "normalise": normalise,
            "max_tokens": max_tokens,
            "before": list(before),
            "after": list(after),
            "pad": pad,
        }
        if pair:
            self.arguments["pair"] = [list(one) for one in pair]
        self.pair: Frame = self.arguments.get("pair", ())
        self.pooling, self.normalise = pooling, normalise
        self.before, self.after, self.pad = [*before], [*after], pad
        self.encoder = body_of(config)
        self.max_tokens = max_tokens
        self.room = max_tokens - len(self.before) - len(self.after)
        if pair:
            self.room = max_tokens - sum(piece >= 0 for piece, _ in pair) + 1
        most, n_pieces = longest(self.encoder), self.encoder.config.vocab_size
        if self.room < (3 if pair else 1) or max_tokens > most:
            raise ValueError(f"max_tokens must leave room within {most}, got {max_tokens=}")
        inside = [piece for piece, _ in pair if piece >= 0]
        if not all(0 <= piece < n_pieces for piece in (*before, *after, *inside, pad)):
            raise ValueError(
                f"the frame's pieces must be below {n_pieces}, got {before}, {after}, {inside}"
            )
        n_types = n_types_of(self.encoder)
        self.reads_types = n_types > 1
        if self.reads_types and not all(0 <= kind < n_types for _, kind in pair):
            raise ValueError(f"types of pieces must be below {n_types}, got {pair}")
        self.d_pooled: int = self.encoder.config.hidden_size
        self.head = nn.Linear(self.d_pooled, n_classes)
        self.head_trained = False

    def forward(
        self, tokens: Tensor, lengths: Tensor, parts: Tensor | None = None
    ) -> Tensor | Learnt:
        """Logits, and in training vectors beside them, for a loss that contrasts texts.

        Shape: (B, T) int64, filled up after the end; (B,) -> (B, n_classes).

        The tokens are numbers as `Pieces` gives them, without a frame. The parts of words are for
        bags of words alone, see `DocumentBatches`. Lengths on a GPU are waited for.
        """
        vectors = self.pooled(tokens, lengths)
        with torch.autocast(vectors.device.type, enabled=False):  # the last layer is in fp32
            logits: Tensor = self.head(vectors)
        return Learnt(logits, vectors) if self._learns else logits

    def pooled(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """The vector of each text. Shape: (B, T), (B,) -> (B, d), float32."""
        if self.pair:
            tokens, lengths = cut(tokens, lengths, self.room)
        windows = Windows.of(lengths.tolist() or [0], self.room)
        vectors = self._windows(tokens, windows)
        n_each = np.bincount(windows.rows)
        if n_each.max() > 1:
            rows, counts = (
                torch.from_numpy(one).to(vectors.device) for one in (windows.rows, n_each)
            )
            total = vectors.new_zeros(len(n_each), vectors.shape[1])
            vectors = total.index_add(0, rows, vectors) / counts[:, None]
        if self.normalise:
            vectors = F.normalize(vectors, dim=1)
        return vectors[: len(lengths)]  # of no texts, as a process may have, none

    def read(self, pieces: Tensor, mask: Tensor, types: Tensor | None = None) -> Tensor:
        """The pooled vector of each window as the encoder gets it: the tokenizer's own pieces.

        Shape: (W, L) int64, the frame among them; (W, L), True where a piece is; (W, L) int64, the
        types of pieces, of pairs -> (W, d), float32.
        """
        more = {} if types is None else {"token_type_ids": types}
        found = self.encoder(input_ids=pieces, attention_mask=mask.long(), **more)
        hidden = found.last_hidden_state
        return POOLS[self.pooling](hidden.float(), mask[:, :, None], mask.sum(1))

    @property
    def bf16_on_cpu(self) -> bool:
        """See `Run.autocast_dtype`."""
        return self.d_pooled >= WIDE

    @property
    def _learns(self) -> bool:
        return self.training and torch.is_grad_enabled()

    def layers(self) -> list[LayerGroup]:
        """Embeddings, the blocks in a few groups, the head."""
        return [*groups_of(self.encoder), LayerGroup("head", (self.head,))]

    def _windows(self, tokens: Tensor, windows: Windows) -> Tensor:
        """The pooled vector of each window, in their order. Shape: (B, T) -> (W, d), float32."""
        most = ON_CPU if tokens.device.type == "cpu" else AT_ONCE
        if not self._learns:
            order = np.argsort(windows.sizes, kind="stable")[::-1]
            chunks = [self._vectors(tokens, some) for some in windows.chunks(order, most)]
            return torch.cat(chunks)[torch.from_numpy(order.argsort()).to(tokens.device)]
        learnt = windows.numbers < LEARNT_WINDOWS
        if learnt.all():
            return self._vectors(tokens, windows)
        near, far = np.flatnonzero(learnt), np.flatnonzero(~learnt)
        with torch.no_grad():
            rest = [self._vectors(tokens, some) for some in windows.chunks(far, most)]
        vectors = torch.cat([self._vectors(tokens, windows.take(near)), *rest])
        return vectors[torch.from_numpy(np.concatenate([near, far]).argsort()).to(tokens.device)]

    def _vectors(self, tokens: Tensor, windows: Windows) -> Tensor:
        """The pooled vector of windows that pass together. Shape: (B, T) -> (W, d), float32."""
        types: Tensor | None = None
        if self.pair:
            pieces, sizes, kinds = self._framed_pairs(tokens, windows)
            types = kinds if self.reads_types else None
        else:
            pieces, sizes = self._framed(tokens, windows)
        mask = torch.arange(pieces.shape[1], device=pieces.device) < sizes[:, None]
        return self.read(pieces, mask, types)

    def framed(self, tokens: Tensor, windows: Windows) -> tuple[Tensor, Tensor]:
        """Pieces of windows of single texts, the frame among them, and where a piece is.

        Shape: (B, T), numbers as `Pieces` gives them -> (W, L) each, int64 and bool.
        """
        pieces, sizes = self._framed(tokens, windows)
        return pieces, torch.arange(pieces.shape[1], device=pieces.device) < sizes[:, None]

    def _framed_pairs(self, tokens: Tensor, windows: Windows) -> tuple[Tensor, Tensor, Tensor]:
        """Pieces of pairs, one window each, how many, and their types; see `framed`."""
        if not len(tokens):  # of no texts
            tokens = torch.full((1, 1), FIELD_ID, device=tokens.device)
        rows, sizes = (
            torch.from_numpy(one).to(tokens.device, non_blocking=True)
            for one in (windows.rows, windows.sizes)
        )
        own = tokens[rows, : max(int(windows.sizes.max()), 1)]
        return framed(own, sizes.clamp(min=1), self.pair, self.pad)

    def _framed(self, tokens: Tensor, windows: Windows) -> tuple[Tensor, Tensor]:
        """Pieces of windows as the encoder reads them, and how many. Shape: (W, L), (W,)."""
        device, n_before = tokens.device, len(self.before)
        rows, starts, sizes = (
            torch.from_numpy(one).to(device, non_blocking=True)[:, None]
            for one in (windows.rows, windows.starts, windows.sizes)
        )
        width = int(windows.sizes.max(initial=0))
        places = torch.arange(width + n_before + len(self.after), device=device) - n_before  # (L,)
        if tokens.shape[1] and len(tokens):
            pieces = tokens[rows, (starts + places).clamp(0, tokens.shape[1] - 1)] - FIRST
        else:
            pieces = places.expand(len(rows), -1)
        pieces = pieces.where((places >= 0) & (places < sizes), self.pad)
        for i, piece in enumerate(self.before):
            pieces[:, i] = piece
        for i, piece in enumerate(self.after):
            pieces = pieces.masked_fill(places == sizes + i, piece)
        return pieces, sizes[:, 0] + n_before + len(self.after)


class Windows(NamedTuple):
    """Parts of texts that an encoder reads at once.

    Shape: (W,) each, int64: the text's row, where it begins there, its size, its number there.
    """

    rows: Any
    starts: Any
    sizes: Any
    numbers: Any

    @classmethod
    def of(cls, lengths: Sequence[int], room: int) -> Windows:
        """As few as can be of each text, of like sizes; one of an empty text.

        >>> Windows.of([3, 5, 0], room=4).sizes.tolist()
        [3, 2, 3, 0]
        """
        each = []
        for row, length in enumerate(lengths):
            n = max(-(-length // room), 1)
            for i in range(n):
                low, high = bounds(length, n, i)
                each.append((row, low, high - low, i))
        return cls(*np.array(each, dtype=np.int64).T.copy())

    def take(self, some: Any) -> Windows:
        """The windows of these numbers."""
        return Windows(*(one[some] for one in self))

    def chunks(self, order: Any, most: int) -> Iterator[Windows]:
        """Yield the windows of these numbers in parts that pass together, of one or more.

        Args:
            order: numbers of windows, the longest first.
            most: pieces of a part at most, those that fill it up among them.
        """
        start, widest = 0, 0
        for i, size in enumerate(self.sizes[order].tolist()):
            widest = max(widest, size)
            if i > start and (i + 1 - start) * widest > most:
                yield self.take(order[start:i])
                start, widest = i, size
        yield self.take(order[start:])


def _mean(hidden: Tensor, mask: Tensor, sizes: Tensor) -> Tensor:
    return (hidden * mask).sum(1) / sizes[:, None].clamp(min=1)


def _first(hidden: Tensor, mask: Tensor, sizes: Tensor) -> Tensor:
    return hidden[:, 0]


def _most(hidden: Tensor, mask: Tensor, sizes: Tensor) -> Tensor:
    return hidden.masked_fill(~mask, -torch.inf).amax(1)


def _last(hidden: Tensor, mask: Tensor, sizes: Tensor) -> Tensor:
    return hidden[torch.arange(len(hidden), device=hidden.device), sizes - 1]


POOLS: Final[dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]]] = {
    "mean": _mean,
    "cls": _first,
    "max": _most,
    "lasttoken": _last,
}
"""From hidden (B, T, d), mask (B, T, 1) and sizes (B,) to one vector each, (B, d)."""
