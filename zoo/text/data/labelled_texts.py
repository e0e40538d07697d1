"""Texts and their labels: one class each; any number of them, then a label is a tuple; a number."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from zoo.core.contents import Hashes
from zoo.core.messages import did_you_mean
from zoo.core.split import connected, numbered
from zoo.text.data.labels import Labels
from zoo.text.data.pairs import Text, sides
from zoo.text.data.texts import hashes_of, key_of
from zoo.text.spec import Asked, Label

RANGES: Final = 10  # of numbers at most, of which each part of a split gets its share
KINDS: Final = {
    "classification": "one class",
    "multi-label": "any number of classes",
    "regression": "a number",
}
SINGLE: Final = 0.9  # classes per label from which on texts and labels look swapped


@dataclass(frozen=True)
class Labelled:
    """Texts and the class of each, or the classes, or a number.

    Attributes:
        texts: one per row, or a pair of them.
        labels: one per row.
        named: classes that the data name, whether a text has them or not.
        is_valid: rows that the data set apart to validate on; None if they set none apart.
        names: what the user calls each row of all; None counts them from 0.
        rows: the number of each row among the user's; None if all are here.
        groups: number of each row's group, whose rows are held out together; None without groups.
    """

    texts: list[Text]
    labels: Labels
    named: tuple[Label, ...] = ()
    is_valid: NDArray[np.bool_] | None = None
    names: Sequence[Hashable] | None = None
    rows: NDArray[np.int64] | None = None
    groups: NDArray[np.int64] | None = None

    @property
    def keys(self) -> list[Any]:
        """A key for each row, the same for copies and for rows of a group."""
        own = [key_of(text) or ("", row) for row, text in enumerate(self.texts)]
        return own if self.groups is None else connected(numbered(own), self.groups).tolist()

    @property
    def task(self) -> Asked:
        """What the labels ask of a text."""
        if isinstance(self.labels[0], float):
            return "regression"
        return "multi-label" if isinstance(self.labels[0], tuple) else "classification"

    def check_kind(self, task: Asked) -> None:
        """Refuse labels of another kind than a model knows.

        Raises:
            ValueError: they are.
        """
        if self.task != task:
            raise ValueError(
                f"a label must be {KINDS[task]} for {task=}, got {self.labels[0]!r:.60}. Give "
                "labels of this kind."
            )

    def classes(self) -> tuple[Label, ...]:
        """The classes there are, sorted; none of numbers.

        Raises:
            ValueError: there are fewer than two, or about as many as texts.
        """
        if self.task == "regression":
            return ()
        names = {*self.named, *self._each()}
        classes = sorted(names, key=lambda one: (str(type(one)), one))
        if len(classes) < 2:
            raise ValueError(
                f"there must be at least two classes, got {classes}. Give texts of others too."
            )
        n = sum(1 for _ in self._each())
        if len(classes) >= max(SINGLE * n, 3) and not self.named:
            raise ValueError(
                f"classes must have several texts, got {len(classes)} classes in {n} labels, such "
                f"as {str(classes[0])!r:.60}. Check that texts and labels are not swapped."
            )
        return tuple(classes)

    def numbers(self, classes: Sequence[Label]) -> NDArray[Any]:
        """The number of each text's class, or for each class whether the text has it; or numbers.

        A label that is none of the classes may be one in another form: "1" for 1.

        Shape: (n,), int64, or (n, n_classes), float32; (n,), float32.

        Raises:
            ValueError: a label is none of the classes.
        """
        if self.task == "regression":
            return np.array(self.labels, dtype=np.float32)
        number_of = _numbers_of(classes, set(self._each()))
        unknown = [label for label in self._each() if label not in number_of]
        if unknown:
            raise ValueError(
                f"labels must be classes of the training, got {unknown[0]!r} ({len(unknown)} such "
                f"in all). {did_you_mean(unknown[0], classes)}"
            )
        if self.task == "classification":
            return np.array([number_of[label] for label in self._each()], dtype=np.int64)
        table = np.zeros((len(self.labels), len(classes)), dtype=np.float32)
        for row, own in zip(table, self.labels, strict=True):
            row[[number_of[label] for label in own]] = 1  # type: ignore[union-attr]
        return table

    def ranges(self, fraction: float) -> NDArray[np.int64]:
        """The range in which each text's number lies, of ranges of like many texts. Shape: (n,).

        Args:
            fraction: share of the texts in the part that is to have some of each range.
        """
        n = len(self.labels)
        ranks = np.argsort(np.argsort(self.numbers(()), kind="stable"), kind="stable")
        return np.asarray(ranks * min(max(int(n * fraction), 1), RANGES) // n)

    def take(self, rows: NDArray[Any]) -> Labelled:
        """The texts of some rows, in their order."""
        own: Any = [self.labels[i] for i in rows]
        texts = [self.texts[i] for i in rows]
        before = rows if self.rows is None else self.rows[rows]
        groups = None if self.groups is None else self.groups[rows]
        return replace(self, texts=texts, labels=own, is_valid=None, rows=before, groups=groups)

    def to_score(self) -> Labelled:
        """The texts that a model is scored on: those set apart for it, or all."""
        if self.is_valid is None or not self.is_valid.any():
            return self
        return self.take(np.flatnonzero(self.is_valid))

    @property
    def n_texts(self) -> int:
        """Texts of a row: 2 of pairs."""
        return len(sides(self.texts[0]))

    @property
    def n_letters(self) -> int:
        """Letters of all texts."""
        return sum(len(one) for text in self.texts for one in sides(text))

    def check_pairs(self, n_texts: int) -> None:
        """Refuse pairs where a model reads one text, and the other way round.

        Raises:
            ValueError: it is so.
        """
        if self.n_texts != n_texts:
            raise ValueError(
                f"a text must be {'one str' if n_texts == 1 else 'a pair of two str'} here, got "
                f"{self.texts[0]!r:.60}. Name {n_texts} column{'s' * (n_texts > 1)} as text."
            )

    @property
    def n_different(self) -> int:
        """How many different texts there are."""
        return len(set(map(key_of, self.texts)))

    def hashes(self) -> Hashes:
        """Content hashes of the texts that are not empty. Shape: (n,)"""
        return hashes_of(self.texts)

    def _each(self) -> list[Label]:
        own: Any = self.labels
        return list(chain.from_iterable(own)) if self.task == "multi-label" else own


def _numbers_of(classes: Sequence[Label], labels_: set[Label]) -> dict[Label, int]:
    """The number of the class that each label means, if there is one."""
    exact = {label: number for number, label in enumerate(classes)}
    forms = [_form(label) for label in classes]
    by_form = {form: number for number, form in enumerate(forms) if forms.count(form) == 1}
    other = {label: by_form[_form(label)] for label in labels_ if _form(label) in by_form}
    return other | exact


def _form(label: Label) -> str:
    return str(int(label) if isinstance(label, bool) else label).strip()
