"""From texts to numbers of word pieces, by a tokenizer of the library `tokenizers`.

A piece's number is the tokenizer's own, behind those of the marks that words have
(`zoo.text.data.rules`): so batches are filled up, and bags of words count, in one way for both.
Threads and forked processes may share one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np

from zoo.text.data.normalisation import encodable
from zoo.text.data.readable import Reading
from zoo.text.data.rules import SPECIAL
from zoo.text.data.tokenizer import Numbers

if TYPE_CHECKING:
    from tokenizers import Encoding
    from tokenizers import Tokenizer as PieceTokenizer

FIRST: Final = len(SPECIAL)  # the number of the tokenizer's piece 0
SIDE: Final = -1  # what stands for the first text in the frame of a pair; one less for the second
AT_ONCE: Final = 1024  # texts that are cut in one call
MANY: Final = 32  # texts of a call from which on the tokenizer's own threads share the work
LACKING: Final = (
    "encoders are built by the library transformers, which is not installed: "
    "pip install 'transfer-zoo[transformers]'"
)


class Pieces:
    """Cuts texts into word pieces.

    Args:
        tokenizer: the JSON text of a tokenizer.
        prefix: what is put before each text.
        lower: whether texts are read in small letters, whatever the tokenizer does.

    Attributes:
        n_pieces: numbers of the tokenizer's own, from 0.

    Raises:
        ValueError: the JSON text is that of no tokenizer.
        ModuleNotFoundError: the library is not installed.
    """

    def __init__(self, tokenizer: str, prefix: str = "", *, lower: bool = False) -> None:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise ModuleNotFoundError(LACKING) from error
        try:
            self._tokenizer: PieceTokenizer = Tokenizer.from_str(tokenizer)
        except Exception as error:  # the library raises nothing narrower
            raise ValueError(
                f"a tokenizer must be the JSON of the library tokenizers, got {tokenizer!r:.60} "
                f"({error!s:.200}). Save or fetch it again."
            ) from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._prefix, self._lower = prefix, lower
        self.n_pieces = max(self._tokenizer.get_vocab().values(), default=-1) + 1

    @property
    def json(self) -> str:
        """The JSON text of the tokenizer, which neither cuts texts off nor fills them up."""
        return str(self._tokenizer.to_str())

    def numbered(self, texts: Iterable[str]) -> Iterator[Numbers]:
        """Yield the numbers of each text's pieces. Shape: (n,), int32."""
        sources = map(self._source, texts)
        while some := list(islice(sources, AT_ONCE)):
            for encoding in self._encodings(some):
                yield np.array(encoding.ids, dtype=np.int32) + np.int32(FIRST)

    def word(self, number: int) -> str:
        """The piece of a number, as the tokenizer spells it; "" for a number of none."""
        return (self._tokenizer.id_to_token(number - FIRST) if number >= FIRST else None) or ""

    def reading(self, text: str) -> Reading:
        """A text as numbers of pieces, and the words that they make; the prefix is none of them."""
        source = self._source(text)
        encoding = self._tokenizer.encode(source, add_special_tokens=False)
        spans = encoding.offsets
        first = sum(end <= len(self._prefix) for _, end in spans)

        def shown(start: int, end: int) -> str:
            return source[spans[start][0] : spans[end - 1][1]].strip()

        starts = [i for i in range(first, len(spans)) if i == first or _begins(i, encoding, source)]
        (numbers,) = self.numbered([text])
        return Reading(numbers, starts, shown)

    def frame(self) -> tuple[list[int], list[int]]:
        """What the tokenizer puts before a text and after it, as numbers of its own."""
        inside = self._tokenizer.encode("a", add_special_tokens=False).ids
        whole = self._tokenizer.encode("a").ids
        place = next(i for i in range(len(whole)) if whole[i : i + len(inside)] == inside)
        return whole[:place], whole[place + len(inside) :]

    def framing(self, most: int, pad: int) -> str:
        """The JSON text of the tokenizer as other programs use it: it frames a text by itself.

        Args:
            most: pieces, those of the frame among them, after which a text is cut off.
            pad: number of the piece that fills up the shorter ones of several texts.
        """
        tokenizer = type(self._tokenizer).from_str(self.json)
        tokenizer.enable_truncation(most)
        tokenizer.enable_padding(pad_id=pad, pad_token=tokenizer.id_to_token(pad) or "[PAD]")
        return str(tokenizer.to_str())

    def pair_frame(self) -> list[list[int]]:
        """What the tokenizer puts around a pair of texts, see `zoo.text.models.pairs.Frame`."""
        whole = self._tokenizer.encode("a", "a")
        frame: list[list[int]] = []
        for piece, kind, side in zip(whole.ids, whole.type_ids, whole.sequence_ids, strict=True):
            one = [piece if side is None else SIDE - side, kind]
            if side is None or one not in frame:
                frame.append(one)
        return frame

    def _source(self, text: str) -> str:
        """A text as the tokenizer gets it."""
        text = encodable(text)
        return self._prefix + (text.lower() if self._lower else text)

    def _encodings(self, sources: list[str]) -> list[Encoding]:
        tokenizer = self._tokenizer
        if len(sources) < MANY:  # without threads, which a forked process could not have
            return [tokenizer.encode(one, add_special_tokens=False) for one in sources]
        return tokenizer.encode_batch_fast(sources, add_special_tokens=False)


@lru_cache(maxsize=4)
def pieces_of(tokenizer: str, prefix: str, *, lower: bool) -> Pieces:
    """As `Pieces`; specs of one tokenizer, as those of folds, share one."""
    return Pieces(tokenizer, prefix, lower=lower)


def _begins(i: int, encoding: Encoding, source: str) -> bool:
    """Whether a piece, not the first, begins a word: as the tokenizer says, else after a space."""
    words, spans = encoding.word_ids, encoding.offsets
    if len(set(words)) > 1:
        return words[i] != words[i - 1]
    return any(map(str.isspace, source[spans[i - 1][1] : spans[i][0] + 1]))
