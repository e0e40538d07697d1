"""What prediction needs besides weights: how texts become numbers, and the classes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, Self

from zoo.core.annotations import Option
from zoo.core.checked import checked, format_of, to_json
from zoo.text.data.normalisation import Normalisation
from zoo.text.data.pairs import SIDES, Text, as_one, joined, joined_readings
from zoo.text.data.pieces import Pieces, pieces_of
from zoo.text.data.readable import Reading, readable, word_starts
from zoo.text.data.rules import SPECIAL
from zoo.text.data.tokenizer import Numberer, Numbers, Tokenizer
from zoo.text.data.vocabulary import Vocabulary

Label = str | int | bool
Column = str | int
Columns = Annotated[tuple[Column, ...], Option(fewest=1)]
Limit = Annotated[float, Option(low=-1e30, high=1e30)]
Asked = Literal["language-model", "classification", "multi-label", "regression"]


@dataclass(frozen=True, kw_only=True)
class TextSpec(ABC):
    """What the specs of all models of texts have: classes, columns, and a way to read texts.

    How a text becomes numbers is what differs, in two classes: `Spec` (words), and `PieceSpec`
    (word pieces). Fields of theirs come first; these are given by name.

    Attributes:
        classes: by number; empty for a language model, and where a text has a number.
        multi_label: whether a text has any number of them, instead of one.
        y_scale: mean and standard deviation of the numbers in training; None if texts have none.
        y_range: what numbers lie between, low and high; None for any.
        n_texts: texts of a row that are read together: 2 of pairs.
        text_column: name of the column of texts in the training table, if it has one; both names of
            pairs.
        label_columns: names of its columns of classes: one, or a tuple of columns of 0 and 1.
    """

    # what `Learner.set_data` may change: how texts are read, not what the network says
    FREE_FIELDS: ClassVar[tuple[str, ...]] = ("text_column", "label_columns")
    MOST_NUMBERS: ClassVar[int | None] = None  # of a batch, see `DocumentBatches`
    reverse = False  # whether texts are read from their end; a field of `Spec`

    classes: Annotated[tuple[Label, ...], Option(distinct=True)] = ()
    multi_label: bool = False
    y_scale: Annotated[
        tuple[Limit, Annotated[float, Option(above=0, high=1e30)]] | None, Option(absent=None)
    ] = None
    y_range: Annotated[tuple[Limit, Limit] | None, Option(absent=None)] = None
    n_texts: Annotated[int, Option(low=1, high=SIDES, absent=1)] = 1
    text_column: Annotated[Column | Columns | None, Option(absent=None)] = None
    label_columns: Annotated[Column | Columns | None, Option(absent=None)] = None

    @property
    def format(self) -> int:
        """The format of an artifact with this spec: 2 if readers of format 1 lack something."""
        return format_of(self)

    @property
    def task(self) -> Asked:
        """What is asked of a text, see `zoo.text.task`."""
        if self.y_scale is not None:
            return "regression"
        if not self.classes:
            return "language-model"
        return "multi-label" if self.multi_label else "classification"

    @property
    def n_out(self) -> int:
        """Outputs of the network of a classifier."""
        return 1 if self.task == "regression" else len(self.classes)

    @property
    def columns(self) -> tuple[Column | Columns | None, Column | Columns | None]:
        """The columns of texts and of classes that are read where none are named."""
        return self.text_column, self.label_columns

    def is_like(self, other: TextSpec) -> bool:
        """Whether one network serves both specs, even if they read texts in other ways."""
        if type(self) is not type(other):
            return False
        return self == replace(other, **{name: getattr(self, name) for name in self.FREE_FIELDS})

    @abstractmethod
    def numbered(self, texts: Iterable[Text]) -> Iterator[Numbers]:
        """Texts as numbers of words or word pieces, in the order of writing. Shape: (n,) each.

        Texts are pairs where the spec says so.
        """

    @abstractmethod
    def word(self, number: int) -> str:
        """What a number of `numbered` stands for; "" for any other."""

    @abstractmethod
    def reading(self, text: Text) -> Reading:
        """A text as numbers, and where its words are among them."""

    def to_json(self) -> dict[str, Any]:
        """Plain values for config.json."""
        return to_json(self)

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> Self:
        """The spec that `to_json` wrote.

        Raises:
            ValueError: fields are missing or make no sense; all are named.
        """
        spec = checked(cls, tree)
        spec.require_readable()
        if len(spec.classes) == 1:
            raise ValueError(f"classes must be several, got classes={spec.classes!r:.60}")
        if spec.y_scale is not None and spec.classes:
            raise ValueError(f"numbers have no classes, got classes={spec.classes!r:.60}")
        if spec.y_range is not None and spec.y_range[0] >= spec.y_range[1]:
            raise ValueError(f"y_range must rise, got y_range={spec.y_range}")
        return spec

    @abstractmethod
    def require_readable(self) -> None:
        """Refuse fields by which no text could be read.

        Raises:
            ValueError: there are some.
        """


@dataclass(frozen=True)
class Spec(TextSpec):
    """What prediction needs besides weights, where texts are read as words.

    Attributes:
        words: by number, the special tokens first.
        language: language of spaCy's tokenizer.
        reverse: whether texts are read from their end.
        normalisation: how texts are normalised before they are cut; "none" in format 1.
    """

    FREE_FIELDS: ClassVar[tuple[str, ...]] = (*TextSpec.FREE_FIELDS, "normalisation")

    words: Annotated[tuple[str, ...], Option(distinct=True)]
    language: str = "en"
    reverse: bool = False
    normalisation: Annotated[Normalisation, Option(absent="none")] = "unicode"

    def numbers(self, text: str) -> Numbers:
        """A text as numbers of words, in the order of reading. Shape: (n,), int32.

        A word that is not in the vocabulary has number 0 for a language model; for a classifier, of
        which a bag of words may be a part, it has a number of its own, not below that of words.
        """
        numbers = self.numberer(text)
        return numbers[::-1].copy() if self.reverse else numbers

    def numbered(self, texts: Iterable[Text]) -> Iterator[Numbers]:
        """See `TextSpec.numbered` and, for words that are not in the vocabulary, `numbers`."""
        return map(self.numberer, map(as_one, texts))

    def word(self, number: int) -> str:
        """See `TextSpec.word`."""
        return self.vocabulary.word(number)

    def reading(self, text: Text) -> Reading:
        """See `TextSpec.reading`."""
        whole = as_one(text)
        tokens = self.numberer.tokenizer(whole)

        def shown(start: int, end: int) -> str:
            return readable(tokens[start:end])

        return Reading(self.numberer(whole), word_starts(tokens), shown)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words, to look numbers up."""
        return Vocabulary(self.words)

    @cached_property
    def numberer(self) -> Numberer:
        """From texts to numbers in the order of writing."""
        return Numberer(Tokenizer(self.language, self.normalisation), self.number_of)

    @property
    def number_of(self) -> Callable[[str], int]:
        """From a word to its number, see `numbers`."""
        is_asked = self.task != "language-model"
        return self.vocabulary.own_number if is_asked else self.vocabulary.number

    def require_readable(self) -> None:
        """See `TextSpec.require_readable`."""
        if self.words[: len(SPECIAL)] != SPECIAL:
            raise ValueError(f"words must begin with {', '.join(SPECIAL)}, got {self.words!r:.60}")
        if not self.language.isidentifier():
            raise ValueError(f"language must be a code, got language={self.language!r:.60}")


@dataclass(frozen=True)
class PieceSpec(TextSpec):
    """What prediction needs besides weights, where a pretrained encoder reads word pieces.

    Attributes:
        tokenizer: the JSON text of a tokenizer of the library `tokenizers`.
        prefix: what is put before each text; of a pair, before the first.
        lower: whether texts are read in small letters, whatever the tokenizer does.
    """

    MOST_NUMBERS: ClassVar[int | None] = 2**12

    tokenizer: str
    prefix: str = ""
    lower: bool = False

    @property
    def format(self) -> int:
        """The format of an artifact with this spec: readers of format 1 know no word pieces."""
        return 2

    def numbered(self, texts: Iterable[Text]) -> Iterator[Numbers]:
        """See `TextSpec.numbered`."""
        if self.n_texts == 1:
            return self.pieces.numbered(map(as_one, texts))
        first, second = zip(*texts, strict=True)
        return map(joined, self.pieces.numbered(first), self._second.numbered(second))

    def word(self, number: int) -> str:
        """See `TextSpec.word`."""
        return self.pieces.word(number)

    def reading(self, text: Text) -> Reading:
        """See `TextSpec.reading`."""
        if isinstance(text, str):
            return self.pieces.reading(text)
        first, second = text
        return joined_readings(self.pieces.reading(first), self._second.reading(second))

    @cached_property
    def pieces(self) -> Pieces:
        """From texts to numbers of word pieces."""
        return pieces_of(self.tokenizer, self.prefix, lower=self.lower)

    @property
    def _second(self) -> Pieces:
        """As `pieces`, for the second text of a pair, which has no prefix."""
        return pieces_of(self.tokenizer, "", lower=self.lower)

    def require_readable(self) -> None:
        """See `TextSpec.require_readable`."""
        assert self.pieces
