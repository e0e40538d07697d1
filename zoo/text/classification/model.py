"""A trained classifier of texts: predict, evaluate, save, load, train on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Unpack, overload

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.core.config import Config
from zoo.core.explanation import LOG_ODDS, Explanation, label_among, log_odds
from zoo.core.export import How
from zoo.core.interface import Field, Interface, reply_of, shown_parts
from zoo.core.model import Model
from zoo.core.neighbours import most_alike
from zoo.core.predictions import HowSure, record_of
from zoo.core.task import Task
from zoo.core.trust.cloud import Cloud
from zoo.core.trust.unknown import Statistics, marked
from zoo.hub.mixin import HubMixin
from zoo.text.classification.explain import MarkedText, parts_of, without
from zoo.text.data.documents import DocumentBatches
from zoo.text.data.labelled import read
from zoo.text.data.pair_queries import pairs_in, pairs_of
from zoo.text.data.pairs import Text
from zoo.text.data.queries import one_text, texts_in, texts_of
from zoo.text.data.stream import Stream, in_memory
from zoo.text.data.warnings import warn_of_empty, warn_of_long_pairs
from zoo.text.models.classifier import ClassifierNet
from zoo.text.models.encoder import EncoderNet
from zoo.text.spec import Label, PieceSpec, TextSpec
from zoo.text.task import Answer, answer_of, check, task_of


class Asked(HowSure, total=False):
    """Options of `predict`."""

    batch_size: int


class TextClassifier(HubMixin, Model[ClassifierNet | EncoderNet, TextSpec]):
    """A model that tells classes of texts apart; what `finetune`, `train` and `load` return.

    Attributes:
        spec: how texts are read (words and language, or word pieces), the classes.
        history: the record of the training.
        metrics: scores on the validation part.
    """

    domain = "text"

    @property
    def arguments(self) -> dict[str, Any]:
        """What builds the networks again, beside the spec."""
        flips = [member.flips for member in self.members]
        return self.members[0].arguments | ({"flips": flips} if any(flips) else {})

    def __repr__(self) -> str:
        n = len(self.spec.classes)
        what = f"classifier for {n} classes" if n else "model for a number"
        return f"<text {what}; {self._scored}>"

    @overload
    def predict(self, texts: str, **options: Unpack[Asked]) -> Answer: ...
    @overload
    def predict(self, texts: Iterable[Any], **options: Unpack[Asked]) -> list[Answer]: ...
    @overload
    def predict(
        self, texts: os.PathLike[str], **options: Unpack[Asked]
    ) -> Answer | list[Answer]: ...
    def predict(
        self,
        texts: str | Iterable[Any] | os.PathLike[str],
        *,
        batch_size: int = 64,
        coverage: float | None = None,
        randomised: bool = False,
        unknown: bool | float = False,
    ) -> Answer | list[Answer]:
        """Tell the class of a text, or a list of classes for several texts, in their order.

        A text gets a `Prediction`, or `Labels` where it may have several classes, or a float.

        Args:
            texts: a text, or a pair as a tuple of two where the model reads pairs; or a list,
                Series, array or iterator of them, or a table or the `Path` of one, of which the
                columns of texts count. A warning tells of empty texts, and of pairs that are longer
                than an encoder reads at once.
            batch_size: texts that pass through the model at a time, those of like length together.
                The prediction for a text does not depend on the others: on a CPU to the last bit,
                of an encoder but for rounding.
            coverage: how often the truth shall be in what is predicted, such as 0.9: a
                `PredictionSet` of classes or an `Interval` of numbers for each text, by the ranks
                of errors on held-out texts (`zoo.core.trust.conformal`).
            randomised: exactly as often: sets of classes may be empty then.
            unknown: whether each prediction says as its `unknown` if its text is unlike those of
                the training (`zoo.core.trust.unknown`). True calls one of a hundred ordinary texts
                so, another number another share.

        Raises:
            ValueError: something is no text, or a table has no column of texts; a coverage, or what
                is unknown, is asked for of a model that was not judged on held-out texts.
        """
        several, alone = self._texts(texts)
        if not several:
            return []
        decoded = self._decoded(self._logits(self._stream(several), batch_size))
        if coverage is not None:
            answers = self._covered(decoded, coverage, randomised)
        else:
            answers = [answer_of(self.spec, row) for row in decoded.double().tolist()]
        if unknown is not False:
            answers = marked(answers, self._verdicts(partial(self._strangeness, several), unknown))
        return answers[0] if alone else answers

    def records(
        self,
        files: Sequence[Path | str],
        *,
        k: int = 1,
        coverage: float | None = None,
        unknown: bool | float = False,
    ) -> Iterator[dict[str, Any]]:
        """See `Model.records`; a file is a text or a table of texts, a str may be a text."""
        read_files: Any = texts_in if self.spec.n_texts == 1 else pairs_in
        for places, texts in read_files(files, self.spec.text_column):
            answers = self.predict(texts, coverage=coverage, unknown=unknown)
            for place, answer in zip(places, answers, strict=True):
                yield place | record_of(answer, k)

    def evaluate(
        self,
        data: Any = None,
        *,
        text: str | Sequence[str] | None = None,
        label: str | Sequence[str] | None = None,
        batch_size: int = 64,
    ) -> dict[str, float]:
        """Score the model on labelled texts: loss and accuracy.

        Where a text may have several classes, the scores are loss, F1 and mean precision; of
        numbers, loss, RMSE and MAE. A warning tells if the model was trained on the texts.

        Args:
            data: labelled texts, see `zoo.text.finetune`; if the data set a part aside for
                validation, this part alone counts. None gives the metrics of the training's
                validation part.
            text: column of texts, or both of pairs; None takes that of the training.
            label: column of classes, or several, see `zoo.text.finetune`; None takes that of the
                training.
            batch_size: texts that pass through the model at a time.

        Raises:
            ValueError: there are no texts, or texts of classes that the model does not know.
        """
        if data is None:
            return self._validation_scores()
        return self._scores(self._labelled(data, text, label, batch_size))

    def explain(self, text: Text, label: Label | None = None) -> Explanation[MarkedText]:
        """Find the words that spoke for a class, and those against it, or that moved a number.

        The model reads the text once for each of its words, without this word. If it was trained
        with `keep_examples=True`, `alike` lists the training texts that are most alike.

        Args:
            text: a single text, or a single pair.
            label: the class to explain; None takes the likeliest, or the number.

        Raises:
            ValueError: the model does not know the class, or `text` is no single text.
        """
        own = self._one_text(text)
        answer: Any = self.predict(own)
        explained = self._explained(answer, label)
        reading = self.spec.reading(own)
        parts = list(parts_of(reading))
        variants = without(reading.numbers, [place for place, _ in parts])
        said = self._decoded(self._logits(in_memory(variants)).double())
        if not isinstance(answer, float):
            said = log_odds(said, self.spec.classes.index(explained))
        words, falls = tuple(word for _, word in parts), tuple((said[0] - said[1:]).tolist())
        unit = "units of the number" if isinstance(answer, float) else LOG_ODDS
        picture = MarkedText(explained, words, falls)
        alike = None if self.examples is None else self._alike(self.embed([own])[0])
        return Explanation(explained, answer, words, falls, unit, picture=picture, alike=alike)

    def interface(self) -> Interface:
        """See `Model.interface`: a text, or both of a pair; marked words tell why."""
        column, is_pair = self.spec.text_column, self.spec.n_texts > 1
        names: tuple[Any, ...] = ("text" if column is None else column,)
        if is_pair:
            names = column if isinstance(column, tuple) else ("first text", "second text")

        def answer(*texts: str) -> Any:
            return self.predict(texts if is_pair else texts[0])

        return Interface(
            tuple(Field(str(name), "text") for name in names),
            lambda *texts: reply_of(answer(*texts)),
            shown_parts(self.spec.classes),
            lambda *texts: self.explain(texts if is_pair else texts[0]),
        )

    def embed(
        self, texts: str | Iterable[Any] | os.PathLike[str], *, batch_size: int = 64
    ) -> NDArray[np.float32]:
        """Give the vector that the network has of each text, before its head: (n, d), float32.

        A single text has one row. Of an encoder that is as published the vectors are its
        publisher's; training moves them. Of an LSTM they are its last features beside their
        maximum and mean. Bags of words have no part in them.

        Args:
            texts: see `predict`.
            batch_size: see `predict`.

        Raises:
            ValueError: something is no text, or the model is an ensemble.
        """
        if len(self.members) > 1:
            raise ValueError(
                f"vectors must be those of one network, got an ensemble of {len(self.members)}. "
                "Take one of its members."
            )
        several, _ = self._texts(texts)
        if not several:
            return np.zeros((0, self.members[0].d_pooled), dtype=np.float32)
        stream = self._stream(several)
        batches = self._batches(stream, np.zeros(len(several), dtype=np.int64), batch_size)
        vectors = self._placed.vectors(
            batches.epoch(0), lambda net, inputs: net.pooled(*inputs[:2])
        )
        return np.asarray(vectors[batches.places().numpy()])

    def similar(
        self, text: str, k: int = 5, *, among: Iterable[Any] | os.PathLike[str]
    ) -> pd.DataFrame:
        """Find the texts that are most alike one: text, similarity, the nearest first.

        Alike are texts whose vectors (`embed`) point most nearly the same way (cosine); the search
        is exact. The index has the places of the texts among those given.

        Args:
            text: a single text.
            k: number of texts at most.
            among: texts to search, see `predict`.

        Raises:
            ValueError: something is no text, there are none, or the model is an ensemble.

        Example:
            model.similar("Refund, please", k=3, among=questions)
        """
        texts, _ = self._texts(among)
        one = self.embed([self._one_text(text)])[0]
        return most_alike(one, self.embed(texts), k, text=texts)

    def export(self, path: str | os.PathLike[str], **how: Unpack[How]) -> Path:
        """Write a file, and its tokenizer as `NAME.tokenizer.json` beside it, see `Model.export`.

        It takes what the tokenizer gives, `input_ids` and `attention_mask`, and `texts`, and has
        `probabilities` as `predict` has. See `zoo.text.models.export`, which shows how another
        program uses both.

        Raises:
            ModuleNotFoundError: a package that it needs is not installed.
            NotImplementedError: the model reads words, or bags of words have a share in it.
            ValueError: the options are none, or do not go together.
        """
        from zoo.text.models.export import program_of

        if not isinstance(self.spec, PieceSpec):
            raise NotImplementedError(
                "a model of texts must be on a pretrained encoder to become an ONNX file, got a "
                "TextClassifier that reads words. Fine-tune 'minilm'."
            )
        if self.spec.n_texts > 1:
            raise NotImplementedError(
                "a model must read single texts to become an ONNX file, got a TextClassifier of "
                f"{self.spec.n_texts} at a time. Join them into one column."
            )
        if self.blend is not None and self.blend.partners:
            raise NotImplementedError(
                "a model must be networks alone to become an ONNX file, got a TextClassifier in "
                f"which bags of words have a share of {sum(self.blend.shares):.0%}. Train it with "
                "rivals=False."
            )
        program = program_of(self._placed, self.spec, self._task(), to_score=self._labelled)
        return self._export(path, program, how)

    def answers(self, decoded: Tensor, names: Any) -> pd.DataFrame:
        """See `Model.answers`; of numbers a column of them."""
        if self.spec.task != "regression":
            return super().answers(decoded, names)
        column = self.spec.label_columns
        name = "number" if column is None else column
        return pd.DataFrame({name: decoded.numpy()}, pd.Index(names))

    # ---- parts --------------------------------------------------------------------------------

    def _strangeness(self, texts: Sequence[Text], statistics: Statistics) -> NDArray[np.float64]:
        return Cloud.from_tensors(statistics).distances(self.embed(texts))

    def _built(self) -> tuple[str, str, dict[str, Any]]:
        return self.spec.task, self.members[0].name, self.arguments

    def _explained(self, answer: Answer, label: Label | None) -> Label:
        """The class to explain, or what stands for a number.

        Raises:
            ValueError: the model does not know the class.
        """
        if label is None:
            if isinstance(answer, float):
                return f"{answer:.4g}"
            return max(answer.probabilities, key=answer.probabilities.__getitem__)
        return label_among(label, self.spec.classes)  # type: ignore[no-any-return]

    def _example(self) -> str:
        if self.spec.n_texts > 1:
            return 'model.predict(("Was it good?", "I have seen better."))'
        return 'model.predict("I have seen better.")'

    def _task(self) -> Task:
        return task_of(self.spec)

    def _check_config(self, config: Config) -> None:
        check(config)

    def _texts(self, query: Any) -> tuple[list[Text], bool]:
        """The texts or pairs of a query, and whether it was one alone."""
        if self.spec.n_texts > 1:
            return pairs_of(query, self.spec.text_column)
        texts, alone = texts_of(query, self.spec.text_column)
        return [*texts], alone

    def _one_text(self, query: Any) -> Text:
        """The single text or pair that a query is."""
        if self.spec.n_texts == 1:
            return one_text(query)
        pairs, alone = pairs_of(query, self.spec.text_column)
        if not alone:
            raise ValueError(
                f"this takes one pair, a tuple of two str, got {query!r:.60}. Try each."
            )
        return pairs[0]

    def _stream(self, texts: Sequence[Text]) -> Stream:
        """Texts as numbers; warnings tell of those that are not read whole."""
        stream, network = in_memory(self.spec.numbered(texts)), self.members[0]
        warn_of_empty(stream)
        if self.spec.n_texts > 1 and isinstance(network, EncoderNet):
            warn_of_long_pairs(stream, network.room)
        return stream

    def _labelled(
        self,
        data: Any,
        text: str | Sequence[str] | None = None,
        label: str | Sequence[str] | None = None,
        batch_size: int = 64,
    ) -> DocumentBatches:
        """Batches of labelled texts, see `evaluate`."""
        usual, task = self.spec.columns, self.spec.task
        texts = read(data, text, label, usual=usual, task=task).to_score()
        self._warn_of_seen_rows(texts.hashes())
        texts.check_pairs(self.spec.n_texts)
        stream = self._stream(texts.texts)
        return self._batches(stream, texts.numbers(self.spec.classes), batch_size)

    def _batches(self, stream: Stream, labels: NDArray[Any], batch_size: int) -> DocumentBatches:
        partners: Any = () if self.blend is None else self.blend.partners
        reads_parts = any(partner.reads_parts for partner in partners)
        word = self.spec.word if reads_parts else None
        options: Any = {"shuffle": False, "reverse": self.spec.reverse, "word": word}
        options["most_numbers"] = self.spec.MOST_NUMBERS
        return DocumentBatches(stream, labels, batch_size, **options)

    def _decoded(self, logits: Tensor) -> Tensor:
        """Answers by all voices. Shape: (n_voices, n, n_out) -> (n, n_classes), or (n,) numbers."""
        return self._placed.mixture([self._task().decode(one) for one in logits])

    def _logits(self, stream: Stream, batch_size: int = 64) -> Tensor:
        """Logits of each voice for each document, in order. Shape: (n_voices, n, n_out)."""
        labels = np.zeros(stream.n_documents, dtype=np.int64)
        batches = self._batches(stream, labels, batch_size)
        outputs = self._placed.predict(batches.epoch(0), self._task())
        rows = [torch.stack(one.each).float().cpu() for one in outputs]
        return torch.cat(rows, dim=1)[:, batches.places()]
