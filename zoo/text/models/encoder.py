"""A classifier on a pretrained encoder of the library transformers: word pieces, pooled, a head.

The encoder's vector of a text is pooled as its publisher says. A text that is longer than the
encoder reads at once is cut into windows of like length, of whose vectors the mean counts.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.batches import bounds
from zoo.core.training.groups import LayerGroup
from zoo.text.data.pieces import FIRST, LACKING
from zoo.text.data.rules import FIELD_ID
from zoo.text.models.pairs import Frame, cut, framed

Pooling = Literal["mean", "cls", "max", "lasttoken"]

N_BLOCK_GROUPS: Final = 3  # layer groups of the blocks between embeddings and head
MOST_LAYERS: Final = 256
LEARNT_WINDOWS: Final = 8  # of a text, the first, that gradients reach
AT_ONCE: Final = 2**14  # word pieces, filled up, that pass at a time where nothing is learnt
_NOT_OURS: Final = {  # what a config may say beside the encoder: code, precision, labels, outputs
    *("model_type", "auto_map", "architectures", "dtype", "torch_dtype", "quantization_config"),
    *("id2label", "label2id", "problem_type", "return_dict", "transformers_version"),
    *("output_attentions", "output_hidden_states"),
}


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

    def forward(self, tokens: Tensor, lengths: Tensor, parts: Tensor | None = None) -> Tensor:
        """Logits. Shape: (B, T) int64, filled up after the end; (B,) -> (B, n_classes).

        The tokens are numbers as `Pieces` gives them, without a frame. The parts of words are for
        bags of words alone, see `DocumentBatches`. Lengths on a GPU are waited for.
        """
        vectors = self.pooled(tokens, lengths)
        with torch.autocast(vectors.device.type, enabled=False):  # the last layer is in fp32
            logits: Tensor = self.head(vectors)
        return logits

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

    def layers(self) -> list[LayerGroup]:
        """Embeddings, the blocks in a few groups, the head."""
        blocks = blocks_of(self.encoder)
        n = min(N_BLOCK_GROUPS, len(blocks))
        inside = {module for block in blocks for module in block.modules()}
        early, late = _around(self.encoder, inside)
        cuts = [bounds(len(blocks), n, i) for i in range(n)]
        groups = [tuple(blocks[low:high]) for low, high in cuts]
        groups[-1] += late.modules
        bare = [()] * (n - 1) + [late.bare]
        return [
            early,
            *(LayerGroup(f"blocks{i}", own, bare[i]) for i, own in enumerate(groups)),
            LayerGroup("head", (self.head,)),
        ]

    def _windows(self, tokens: Tensor, windows: Windows) -> Tensor:
        """The pooled vector of each window, in their order. Shape: (B, T) -> (W, d), float32."""
        if not (self.training and torch.is_grad_enabled()):
            order = np.argsort(windows.sizes, kind="stable")[::-1]
            chunks = [self._vectors(tokens, windows.take(some)) for some in _chunks(order, windows)]
            return torch.cat(chunks)[torch.from_numpy(order.argsort()).to(tokens.device)]
        learnt = windows.numbers < LEARNT_WINDOWS
        if learnt.all():
            return self._vectors(tokens, windows)
        near, far = np.flatnonzero(learnt), np.flatnonzero(~learnt)
        with torch.no_grad():
            rest = [self._vectors(tokens, windows.take(some)) for some in _chunks(far, windows)]
        vectors = torch.cat([self._vectors(tokens, windows.take(near)), *rest])
        return vectors[torch.from_numpy(np.concatenate([near, far]).argsort()).to(tokens.device)]

    def _vectors(self, tokens: Tensor, windows: Windows) -> Tensor:
        """The pooled vector of windows that pass together. Shape: (B, T) -> (W, d), float32."""
        types: dict[str, Tensor] = {}
        if self.pair:
            pieces, sizes, kinds = self._framed_pairs(tokens, windows)
            types = {"token_type_ids": kinds} if self.reads_types else {}
        else:
            pieces, sizes = self._framed(tokens, windows)
        mask = torch.arange(pieces.shape[1], device=pieces.device) < sizes[:, None]
        found = self.encoder(input_ids=pieces, attention_mask=mask.long(), **types)
        hidden = found.last_hidden_state
        return POOLS[self.pooling](hidden.float(), mask[:, :, None], sizes)

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


def plain_config(tree: Mapping[str, Any]) -> dict[str, Any]:
    """What a config says of an encoder itself, fit for JSON; nothing of the code that runs it.

    Args:
        tree: the content of the config.json of an encoder.

    Raises:
        ModuleNotFoundError: transformers is not installed.
        ValueError: transformers knows no such encoder, or it has a decoder too.
    """
    name = tree.get("model_type")
    usual = config_of({"model_type": name}).to_dict()
    stated = {key: value for key, value in tree.items() if _is_ours(key)}
    whole = config_of(stated | {"model_type": name}).to_dict()  # older spellings brought up to date
    return {"model_type": name} | {
        key: value
        for key, value in whole.items()
        if _is_ours(key) and key in usual and (key in stated or value != usual[key])
    }


def library() -> Any:
    """The library transformers.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    try:
        import transformers
    except ImportError as error:
        raise ModuleNotFoundError(LACKING) from error
    return transformers


def config_of(tree: Mapping[str, Any]) -> Any:
    """The config object of transformers; see `plain_config` for the errors."""
    settings = {key: value for key, value in tree.items() if key != "model_type"}
    name = tree.get("model_type")
    auto = library().AutoConfig
    try:
        with quiet():
            config = auto.for_model(name, **settings)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"an encoder must be one that this version of transformers knows, got model_type="
            f"{name!r:.60} ({str(error).splitlines()[0]:.200}). Install a newer one."
        ) from error
    if getattr(config, "is_encoder_decoder", False):
        raise ValueError(
            f"an encoder must have no decoder, got model_type={name!r:.60}, which has one. Take "
            "BERT or another encoder, such as 'minilm'."
        )
    return config


def _is_ours(key: str) -> bool:
    """Whether a key of a config tells of the encoder, and not of how code runs it."""
    return key not in _NOT_OURS and not key.startswith("_") and "implementation" not in key


def body_of(config: Mapping[str, Any]) -> Any:
    """The encoder with random weights, without a layer after the vectors of pieces.

    Raises:
        ModuleNotFoundError: transformers is not installed.
        ValueError: see `plain_config`.
    """
    built = config_of(plain_config(config))
    if not 1 <= getattr(built, "num_hidden_layers", 0) <= MOST_LAYERS:
        raise ValueError(f"an encoder must have 1 to {MOST_LAYERS} layers, got {config!r:.200}")
    with quiet():
        body = library().AutoModel.from_config(built, trust_remote_code=False)
    return without_pooler(body)


def without_pooler(body: Any) -> Any:
    """The encoder without its layer for pairs of sentences, which no vector of a piece needs."""
    if getattr(body, "pooler", None) is not None:
        body.pooler = None
    return body


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Leave out what transformers prints and warns of while it builds or reads an encoder."""
    logging = library().utils.logging
    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()


def longest(body: nn.Module) -> int:
    """Pieces that an encoder has positions for; some families begin theirs after the padding's."""
    tables = [
        module
        for name, module in body.named_modules()
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding)
    ]
    if tables:
        return min(one.num_embeddings - _after_padding(one.padding_idx) for one in tables)
    stated = getattr(body.config, "max_position_embeddings", None)  # of turning or relative ones
    return int(stated) if isinstance(stated, int) and stated > 0 else 2**31


def n_types_of(body: Any) -> int:
    """Types of pieces that an encoder tells apart; 1 if it reads none."""
    reads = "token_type_ids" in inspect.signature(body.forward).parameters
    return max(int(getattr(body.config, "type_vocab_size", 0) or 0), 1) if reads else 1


def _after_padding(index: int | None) -> int:
    return 0 if index is None else index + 1


def blocks_of(body: nn.Module) -> list[nn.Module]:
    """The encoder's blocks, input first: the list of modules with the most parameters."""
    lists = [module for module in body.modules() if isinstance(module, nn.ModuleList)]
    if not lists:
        raise ValueError(f"an encoder must have a list of blocks, got {type(body).__name__}")
    return [*max(lists, key=lambda one: sum(p.numel() for p in one.parameters()))]


def _around(body: nn.Module, inside: set[nn.Module]) -> tuple[LayerGroup, LayerGroup]:
    """What stands before the blocks, embeddings wherever they are, and what comes after."""
    groups: list[tuple[list[nn.Module], list[nn.Parameter]]] = [([], []), ([], [])]
    is_late = False
    for module in body.modules():
        is_late |= module in inside
        own = [*module.parameters(recurse=False)]
        if module in inside or not own:
            continue
        modules, bare = groups[is_late and not isinstance(module, nn.Embedding)]
        if next(module.children(), None) is None:
            modules.append(module)
        else:
            bare.extend(own)
    (first, second), (third, fourth) = groups
    early = LayerGroup("embeddings", tuple(first), tuple(second))
    return early, LayerGroup("late", tuple(third), tuple(fourth))


def _chunks(order: Any, windows: Windows) -> Iterator[Any]:
    """Numbers of windows that pass together: as many as `AT_ONCE` holds, or one."""
    start, widest = 0, 0
    for i, size in enumerate(windows.sizes[order].tolist()):
        widest = max(widest, size)
        if i > start and (i + 1 - start) * widest > AT_ONCE:
            yield order[start:i]
            start, widest = i, size
    yield order[start:]


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
