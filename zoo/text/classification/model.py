"""A trained classifier of texts: predict, evaluate, save, load, train on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.core.config import Config
from zoo.core.model import Model
from zoo.core.predictions import Labels, Prediction
from zoo.core.task import Task
from zoo.hub.publish import push
from zoo.text.classification.explain import Explanation, log_odds, parts_of, without
from zoo.text.data.documents import DocumentBatches
from zoo.text.data.labelled import read
from zoo.text.data.queries import one_text, texts_of
from zoo.text.data.stream import Stream
from zoo.text.data.tokenizer import Numbers
from zoo.text.models.classifier import ClassifierNet
from zoo.text.spec import Label, Spec
from zoo.text.task import check, task_of


class TextClassifier(Model[ClassifierNet, Spec]):
    """A model that tells classes of texts apart; what `finetune`, `train` and `load` return.

    Attributes:
        spec: the vocabulary, the language, the direction, the classes.
        history: the record of the training.
        metrics: scores on the validation part.
    """

    domain = "text"
    push = push

    @property
    def arguments(self) -> dict[str, Any]:
        """What builds the networks again, beside the spec."""
        flips = [member.flips for member in self.members]
        return self.members[0].arguments | ({"flips": flips} if any(flips) else {})

    def __repr__(self) -> str:
        return f"<text classifier for {len(self.spec.classes)} classes; {self._scored}>"

    def predict(self, texts: str | Iterable[Any], *, batch_size: int = 64) -> Any:
        """The prediction for a text, or a list of them for several, in their order.

        It is a `Prediction`, or `Labels` where a text may have several classes.

        Args:
            texts: one or several: a list, Series, array or iterator of them, or a table, of which
                the column of texts counts; an empty text is allowed.
            batch_size: texts that pass through the model at a time, those of like length together.
                What is said of a text does not depend on the others: on a CPU to the last bit.

        Raises:
            ValueError: something is no text, or a table has no column of texts.
        """
        several, alone = texts_of(texts, self.spec.text_column)
        if not several:
            return []
        logits = self._logits(stream_of(map(self.spec.numberer, several)), batch_size)
        decoded = self._task().decode(logits.flatten(0, 1)).view_as(logits).mean(0)
        found = [self._prediction(row) for row in decoded.double().tolist()]
        return found[0] if alone else found

    def evaluate(
        self,
        data: Any = None,
        *,
        text: str | None = None,
        label: str | Sequence[str] | None = None,
        batch_size: int = 64,
    ) -> dict[str, float]:
        """Loss and accuracy on labelled texts; of several classes a text, F1 and mean precision.

        Args:
            data: see `zoo.text.finetune`; of data with a part for validation, this part alone. None
                takes the validation part of the training, which a loaded model does not have.
            text: the column of texts; None takes that of the training.
            label: the column of classes, or several, see `zoo.text.finetune`; None takes those of
                the training.
            batch_size: texts that pass through the model at a time.

        Raises:
            ValueError: there are no texts, or of classes that the model does not know.
        """
        if data is None:
            return self._validation_scores()
        usual, several = self.spec.columns, self.spec.multi_label
        texts = read(data, text, label, usual=usual, several=several).to_score()
        texts.check_kind(multi_label=several)
        self._warn_of_seen_rows(texts.hashes())
        stream = stream_of(map(self.spec.numberer, texts.texts))
        labels = texts.numbers(self.spec.classes)
        return self._scores(self._batches(stream, labels, batch_size))

    def explain(self, text: str, label: Label | None = None) -> Explanation:
        """The words that spoke for a class, and those against it.

        The model reads the text once for each of its words, without it.

        Args:
            text: one.
            label: the class; None takes the likeliest.

        Raises:
            ValueError: the model does not know the class, or the text is none.
        """
        text = one_text(text)
        said = self.predict(text)
        classes = list(self.spec.classes)
        wanted = max(said.probabilities, key=said.probabilities.get) if label is None else label
        if wanted not in classes:
            raise ValueError(
                f"a model explains a class that it knows, however {label=} is none of "
                f"{classes[:10]}; name one of these"
            )
        parts = list(parts_of(self.spec.numberer.tokenizer(text)))
        variants = without(self.spec.numberer(text), [place for place, _ in parts])
        logits, number = self._logits(stream_of(variants)), classes.index(wanted)
        odds = log_odds(logits, number, multi_label=self.spec.multi_label).mean(0)
        fall = (odds[0] - odds[1:]).tolist()
        return Explanation(wanted, said, tuple(word for _, word in parts), tuple(fall))

    # ---- parts --------------------------------------------------------------------------------

    def _built(self) -> tuple[str, str, dict[str, Any]]:
        task = "multi-label" if self.spec.multi_label else "classification"
        return task, self.members[0].name, self.arguments

    def _example(self) -> str:
        return 'model.predict("I have seen better.")'

    def _task(self) -> Task:
        return task_of(self.spec)

    def _check_config(self, config: Config) -> None:
        check(config)

    def _batches(self, stream: Stream, labels: NDArray[Any], batch_size: int) -> DocumentBatches:
        return DocumentBatches(stream, labels, batch_size, shuffle=False, reverse=self.spec.reverse)

    def _logits(self, stream: Stream, batch_size: int = 64) -> Tensor:
        """Of each member and document, in their order. Shape: (n_members, n, n_classes)."""
        labels = np.zeros(stream.n_documents, dtype=np.int64)
        batches = self._batches(stream, labels, batch_size)
        outputs = self._placed.predict(batches.epoch(0), self._task())
        rows = [torch.stack(one.each).float().cpu() for one in outputs]
        sorted_by_length = torch.cat(rows, dim=1)
        found = torch.empty_like(sorted_by_length)
        found[:, torch.from_numpy(np.concatenate(batches.batches(0)))] = sorted_by_length
        return found

    def _prediction(self, probabilities: list[float]) -> Prediction[Label] | Labels[Label]:
        if self.spec.multi_label:
            return Labels.of(self.spec.classes, probabilities)
        return Prediction.of(self.spec.classes, probabilities)


def stream_of(documents: Iterable[Numbers]) -> Stream:
    """Documents in memory."""
    found = list(documents)
    ends = np.cumsum([len(one) for one in found])
    return Stream(np.concatenate(found), ends - [len(one) for one in found], ends)
