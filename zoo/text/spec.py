"""What prediction needs besides weights: the words by number, how texts are cut, the classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, get_args

from zoo.text.data.normalisation import Normalisation
from zoo.text.data.rules import SPECIAL
from zoo.text.data.tokenizer import Numberer, Numbers, Tokenizer
from zoo.text.data.vocabulary import Vocabulary

Label = str | int | bool
Column = str | int


@dataclass(frozen=True)
class Spec:
    """What prediction needs besides weights.

    Attributes:
        words: by number, the special tokens first.
        language: of spaCy's tokenizer.
        reverse: whether texts are read from their end.
        classes: by number; empty for a language model.
        multi_label: whether a text has any number of them, instead of one.
        text_column: name of the column of texts in the training table, where one was given.
        label_columns: names of its columns of classes: one, or a tuple of columns of 0 and 1.
        normalisation: how texts are normalised before they are cut; "none" in format 1.
    """

    FREE_FIELDS: ClassVar = ("text_column", "label_columns")  # see `Learner.set_data`

    words: tuple[str, ...]
    language: str = "en"
    reverse: bool = False
    classes: tuple[Label, ...] = ()
    multi_label: bool = False
    text_column: Column | None = None
    label_columns: Column | tuple[Column, ...] | None = None
    normalisation: Normalisation = "unicode"

    @property
    def format(self) -> int:
        """The format of an artifact with this spec: 2 with columns or a normalisation."""
        return 2 if self._of_format_2() else 1

    @property
    def columns(self) -> tuple[Column | None, Column | tuple[Column, ...] | None]:
        """The columns of texts and of classes that are read where none are named."""
        return self.text_column, self.label_columns

    def numbers(self, text: str) -> Numbers:
        """A text as numbers of words, in the order of reading. Shape: (n,), int32."""
        found = self.numberer(text)
        return found[::-1].copy() if self.reverse else found

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words, to look numbers up."""
        return Vocabulary(self.words)

    @cached_property
    def numberer(self) -> Numberer:
        """From texts to numbers in the order of writing."""
        return Numberer(Tokenizer(self.language, self.normalisation), self.vocabulary.number)

    def to_json(self) -> dict[str, Any]:
        """Plain values for config.json."""
        return {
            "words": list(self.words),
            "language": self.language,
            "reverse": self.reverse,
            "classes": list(self.classes),
            "multi_label": self.multi_label,
        } | self._of_format_2()

    def _of_format_2(self) -> dict[str, Any]:
        """The fields that a reader of format 1 does not know, where they say something."""
        labels = self.label_columns
        fields = {
            "text_column": self.text_column,
            "label_columns": list(labels) if isinstance(labels, tuple) else labels,
            "normalisation": None if self.normalisation == "none" else self.normalisation,
        }
        return {name: value for name, value in fields.items() if value is not None}

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> Spec:
        """The spec that `to_json` wrote.

        Raises:
            ValueError: fields are missing or make no sense; all are named.
        """
        checks: dict[str, Callable[[Any], bool]] = {
            "words": _are_words,
            "language": lambda value: isinstance(value, str) and value.isidentifier(),
            "reverse": lambda value: isinstance(value, bool),
            "classes": _are_classes,
        }
        wrong = [
            name for name, sound in checks.items() if name not in tree or not sound(tree[name])
        ]
        multi_label = tree.get("multi_label", False)  # not there before there was a choice
        if not isinstance(multi_label, bool):
            wrong.append("multi_label")
        text, labels = tree.get("text_column"), tree.get("label_columns")
        labels = tuple(labels) if isinstance(labels, list) else labels
        if not (text is None or _is_column(text)):
            wrong.append("text_column")
        if not (labels is None or _is_column(labels) or _are_columns(labels)):
            wrong.append("label_columns")
        normalisation = tree.get("normalisation", "none")  # as in format 1
        if normalisation not in get_args(Normalisation):
            wrong.append("normalisation")
        if wrong:
            raise ValueError(f"a spec has {', '.join(checks)}, each sound, however {wrong=}")
        words, classes = tuple(tree["words"]), tuple(tree["classes"])
        later: dict[str, Any] = {"text_column": text, "label_columns": labels}
        later["normalisation"] = normalisation
        return cls(words, tree["language"], tree["reverse"], classes, multi_label, **later)


def _are_words(value: object) -> bool:
    return (
        isinstance(value, list)
        and all(isinstance(word, str) for word in value)
        and tuple(value[: len(SPECIAL)]) == SPECIAL
        and len(set(value)) == len(value)
    )


def _is_column(value: object) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def _are_columns(value: object) -> bool:
    return isinstance(value, tuple) and len(value) > 0 and all(map(_is_column, value))


def _are_classes(value: object) -> bool:
    return (
        isinstance(value, list)
        and all(isinstance(one, (str, int)) for one in value)
        and len(set(value)) == len(value)
        and len(value) != 1
    )
