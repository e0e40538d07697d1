"""What prediction needs besides weights: the words by number, how texts are cut, the classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, ClassVar

from zoo.core.annotations import Option
from zoo.core.checked import checked, format_of, to_json
from zoo.text.data.normalisation import Normalisation
from zoo.text.data.rules import SPECIAL
from zoo.text.data.tokenizer import Numberer, Numbers, Tokenizer
from zoo.text.data.vocabulary import Vocabulary

Label = str | int | bool
Column = str | int
Columns = Annotated[tuple[Column, ...], Option(fewest=1)]


@dataclass(frozen=True)
class Spec:
    """What prediction needs besides weights.

    Attributes:
        words: by number, the special tokens first.
        language: language of spaCy's tokenizer.
        reverse: whether texts are read from their end.
        classes: by number; empty for a language model.
        multi_label: whether a text has any number of them, instead of one.
        text_column: name of the column of texts in the training table, if it has one.
        label_columns: names of its columns of classes: one, or a tuple of columns of 0 and 1.
        normalisation: how texts are normalised before they are cut; "none" in format 1.
    """

    # what `Learner.set_data` may change: how texts are read, not what the network says
    FREE_FIELDS: ClassVar = ("text_column", "label_columns", "normalisation")

    words: Annotated[tuple[str, ...], Option(distinct=True)]
    language: str = "en"
    reverse: bool = False
    classes: Annotated[tuple[Label, ...], Option(distinct=True)] = ()
    multi_label: bool = False
    text_column: Annotated[Column | None, Option(absent=None)] = None
    label_columns: Annotated[Column | Columns | None, Option(absent=None)] = None
    normalisation: Annotated[Normalisation, Option(absent="none")] = "unicode"

    @property
    def format(self) -> int:
        """The format of an artifact with this spec: 2 with columns or a normalisation."""
        return format_of(self)

    @property
    def columns(self) -> tuple[Column | None, Column | tuple[Column, ...] | None]:
        """The columns of texts and of classes that are read where none are named."""
        return self.text_column, self.label_columns

    def is_like(self, other: Spec) -> bool:
        """Whether one network serves both specs, even if they read texts in other ways."""
        return self == replace(other, **{name: getattr(self, name) for name in self.FREE_FIELDS})

    def numbers(self, text: str) -> Numbers:
        """A text as numbers of words, in the order of reading. Shape: (n,), int32.

        A word that is not in the vocabulary has number 0 for a language model; for a classifier, of
        which a bag of words may be a part, it has a number of its own, not below that of words.
        """
        numbers = self.numberer(text)
        return numbers[::-1].copy() if self.reverse else numbers

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
        return self.vocabulary.own_number if self.classes else self.vocabulary.number

    def to_json(self) -> dict[str, Any]:
        """Plain values for config.json."""
        return to_json(self)

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> Spec:
        """The spec that `to_json` wrote.

        Raises:
            ValueError: fields are missing or make no sense; all are named.
        """
        spec = checked(cls, tree)
        if spec.words[: len(SPECIAL)] != SPECIAL:
            raise ValueError(f"words must begin with {', '.join(SPECIAL)}, got {spec.words!r:.60}")
        if not spec.language.isidentifier():
            raise ValueError(f"language must be a code, got language={spec.language!r:.60}")
        if len(spec.classes) == 1:
            raise ValueError(f"classes must be several, got classes={spec.classes!r:.60}")
        return spec
