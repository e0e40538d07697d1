"""A trained classifier of texts: predict, evaluate, save, load, train on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo.core import loop
from zoo.core.memory import keep_freed_blocks
from zoo.core.task import Task, classification
from zoo.core.trained import Trained
from zoo.hub.publish import push
from zoo.text.documents import DocumentBatches
from zoo.text.labelled import read
from zoo.text.models.classifier import ClassifierNet
from zoo.text.spec import Label, Spec
from zoo.text.stream import Stream


@dataclass(frozen=True)
class Prediction:
    """What the model says of one text.

    Attributes:
        label: the likeliest class.
        probability: of that class, 0..1.
        probabilities: of every class.
    """

    label: Label
    probability: float
    probabilities: dict[Label, float] = field(repr=False)


class TextClassifier(Trained[ClassifierNet]):
    """A model that tells classes of texts apart; what `finetune`, `train` and `load` return.

    Attributes:
        spec: the vocabulary, the language, the direction, the classes.
        history: the record of the training.
        metrics: scores on the validation part.
        arguments: of the network.
    """

    domain = "text"
    push = push

    def __init__(
        self,
        members: Sequence[ClassifierNet],
        spec: Spec,
        *,
        arguments: dict[str, Any],
        **record: Any,
    ) -> None:
        super().__init__([member.eval() for member in members], spec, **record)
        self.arguments = arguments

    def __repr__(self) -> str:
        scores = ", ".join(f"{name} {value:.3f}" for name, value in self.metrics.items())
        return f"<text classifier for {len(self.spec.classes)} classes; {scores or 'not scored'}>"

    def predict(self, texts: str | Iterable[str], *, batch_size: int = 64) -> Any:
        """The prediction for a text, or a list of them for several, in their order.

        Args:
            texts: one or several; an empty one is allowed.
            batch_size: texts that pass through the model at a time, those of like length together.

        Raises:
            ValueError: something is no text.
        """
        alone = isinstance(texts, str) or not isinstance(texts, Iterable)
        several: list[Any] = [texts] if alone else list(texts)
        odd = [text for text in several if not isinstance(text, str)]
        if odd:
            raise ValueError(
                f"a text is a str, however {odd[0]!r:.60} is a {type(odd[0]).__name__} "
                f"({len(odd)} such in all); convert it"
            )
        if not several:
            return []
        batches = self._batches(several, np.zeros(len(several), dtype=np.int64), batch_size)
        rows: list[Tensor] = []
        self._predict(batches, rows)
        order = np.concatenate(batches.batches(0))
        probabilities = np.empty((len(order), len(self.spec.classes)))
        probabilities[order] = torch.cat(rows).double().numpy()
        found = [self._prediction(row) for row in probabilities.tolist()]
        return found[0] if alone else found

    def evaluate(
        self,
        data: Any = None,
        *,
        text: str | None = None,
        label: str | None = None,
        batch_size: int = 64,
    ) -> dict[str, float]:
        """Loss and accuracy on labelled texts.

        Args:
            data: see `zoo.text.finetune`; None takes the validation part of the training, which a
                loaded model does not have.
            text: the column of texts.
            label: the column of classes.
            batch_size: texts that pass through the model at a time.

        Raises:
            ValueError: there are no texts, or of classes that the model does not know.
        """
        if data is None:
            if self._learner is None or self._learner.data.valid is None:
                raise ValueError(
                    "a model without validation texts is scored on others, however data=None; "
                    "pass some"
                )
            batches: Any = self._learner.data.valid
        else:
            found = read(data, text, label)
            batches = self._batches(found.texts, found.numbers(self.spec.classes), batch_size)
        return loop.evaluate(self._ready, batches.epoch(0), self._task(), self._device, self._dtype)

    # ---- parts --------------------------------------------------------------------------------

    def _built(self) -> tuple[str, str, dict[str, Any]]:
        return "classification", "awd_lstm", self.arguments

    def _example(self) -> str:
        return 'model.predict("I have seen better.")'

    def _task(self) -> Task:
        return classification(len(self.spec.classes))

    def _with(self, networks: Sequence[ClassifierNet], **record: Any) -> TextClassifier:
        return TextClassifier(networks, self.spec, arguments=self.arguments, **record)

    @cached_property
    def _device(self) -> torch.device:
        device = self.run.torch_device()
        if device.type == "cpu":
            keep_freed_blocks()
        return device

    @cached_property
    def _dtype(self) -> torch.dtype | None:
        return self.run.autocast_dtype(self._device)

    @property
    def _ready(self) -> list[ClassifierNet]:
        return [member.to(self._device) for member in self.members]

    def _batches(self, texts: Sequence[str], labels: Any, batch_size: int) -> DocumentBatches:
        return DocumentBatches(
            stream_of(self.spec, texts),
            labels,
            batch_size,
            shuffle=False,
            reverse=self.spec.reverse,
        )

    def _predict(self, batches: DocumentBatches, rows: list[Tensor]) -> None:
        loop.predict_batches(
            self._ready,
            batches.epoch(0),
            self._task(),
            self._device,
            self._dtype,
            lambda outputs, mean, target: rows.append(mean.cpu()),
        )

    def _prediction(self, probabilities: list[float]) -> Prediction:
        by_class = dict(zip(self.spec.classes, probabilities, strict=True))
        label = max(by_class, key=by_class.__getitem__)
        return Prediction(label, by_class[label], by_class)


def stream_of(spec: Spec, texts: Iterable[str]) -> Stream:
    """Documents in memory, in the order of writing."""
    found = [spec.numberer(text) for text in texts]
    ends = np.cumsum([len(one) for one in found])
    return Stream(np.concatenate(found), ends - [len(one) for one in found], ends)
