"""torchtext 0.6's `Field`, `Vocab` and `Dataset`, from them and to them.

Reading them needs no torchtext: its objects are recognised by their attributes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from zoo.text.data.rules import BOS, EOS, PAD, SPECIAL, UNK
from zoo.text.data.tokenizer import Tokenizer
from zoo.text.spec import PieceSpec, Spec

if TYPE_CHECKING:
    from torchtext.data import Field

_OURS: Final = {"<unk>": UNK, "<pad>": PAD, "<sos>": BOS, "<bos>": BOS, "<eos>": EOS}


def to_field(spec: Spec) -> Field:
    """A torchtext field that cuts and numbers texts as a model does; its `vocab` has the words.

    Batches come as (tokens, lengths), one row for each text, as a classifier's network takes them.

    Args:
        spec: the spec of a model, `model.spec`.

    Raises:
        ModuleNotFoundError: torchtext is not installed.
        ValueError: the model reads texts from their end, which a field cannot; or it is no spec.
    """
    if isinstance(spec, PieceSpec):
        raise ValueError(
            "a field cuts texts into words, got the spec of an encoder, which reads word pieces. "
            "Take a model that reads words."
        )
    if not isinstance(spec, Spec):
        raise ValueError(
            f"to_field must be given a spec, got a {type(spec).__name__}. Try to_field(model.spec)."
        )
    try:
        from torchtext.data import Field
        from torchtext.vocab import Vocab
    except ImportError as error:
        raise ModuleNotFoundError(
            "fields are torchtext's, which is not installed: pip install 'transfer-zoo[torchtext]'"
        ) from error
    if spec.reverse:
        raise ValueError(
            "a field reads forward, got spec.reverse=True. Take a model that reads forward."
        )
    field = Field(
        tokenize=Tokenizer(spec.language, spec.normalisation),
        batch_first=True,
        include_lengths=True,
        pad_token=PAD,
        unk_token=UNK,
    )
    vocab = Vocab(Counter(), specials=list(spec.words))
    vocab.stoi = _Numbers(spec)
    field.vocab = vocab
    return field


def words_of(source: Any) -> tuple[str, ...]:
    """The words of a `Field`, a `Vocab` or any sequence, our special tokens first.

    Raises:
        ValueError: there are no words, as in a field whose vocabulary is not built.

    >>> words_of(["<unk>", "<pad>", "a", "film"])[8:]
    ('xxmaj', 'a', 'film')
    """
    words: Any = getattr(getattr(source, "vocab", source), "itos", source)
    if isinstance(words, str) or not isinstance(words, Sequence) or not words:
        raise ValueError(
            "words must be a list, or a torchtext Vocab or Field with one, got a "
            f"{type(source).__name__} without. Call build_vocab first."
        )
    return tuple(dict.fromkeys([*SPECIAL, *(_OURS.get(word, str(word)) for word in words)]))


def is_dataset(data: Any) -> bool:
    """Whether it is a torchtext data set."""
    return hasattr(data, "examples") and hasattr(data, "fields")


def table(dataset: Any) -> pd.DataFrame:
    """The fields of all examples but those that torchtext leaves out; texts in one piece."""
    names = [name for name, field in dataset.fields.items() if field is not None]
    rows = [[_whole(getattr(one, name)) for name in names] for one in dataset.examples]
    return pd.DataFrame(rows, columns=names, dtype=object)


class _Numbers(dict[str, int]):
    """The words' numbers; an unknown word gets the one that `Spec.numbers` gives it."""

    def __init__(self, spec: Spec) -> None:
        super().__init__((word, number) for number, word in enumerate(spec.words))
        self._number = spec.number_of

    def __missing__(self, word: str) -> int:
        """The number of an unknown word."""
        return self._number(word)


def _whole(value: Any) -> Any:
    is_cut = isinstance(value, (list, tuple)) and all(isinstance(word, str) for word in value)
    return " ".join(value) if is_cut else value
