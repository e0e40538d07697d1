"""A trained language model: perplexity, the next word, texts of its own."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from torch import Tensor

from zoo.core.batches import Batches
from zoo.core.config import Config
from zoo.core.interface import Field, Interface, Reply
from zoo.core.model import Model
from zoo.core.predictions import Prediction
from zoo.core.task import Task
from zoo.hub.mixin import HubMixin
from zoo.text.data.batches import StreamBatches
from zoo.text.data.queries import one_text, texts_in, texts_of
from zoo.text.data.readable import readable
from zoo.text.data.rules import BOS_ID, MAJ, PAD_ID, SPECIAL, UNK_ID, UP
from zoo.text.data.stream import cache_folder, written
from zoo.text.data.texts import Texts, each, parts
from zoo.text.language_model.corpus import Documents
from zoo.text.models.awd_lstm import State
from zoo.text.models.language_model import LanguageNet, task
from zoo.text.spec import Spec
from zoo.text.task import LANGUAGE, check

NEVER = (UNK_ID, PAD_ID, SPECIAL.index("xxeos"), SPECIAL.index("xxfld"))  # in a text of its own
VALID_ROWS = 32
SHOWN_WORDS = 30  # that a page adds to a text
CAPITALS: dict[str, Callable[[str], str]] = {MAJ: str.capitalize, UP: str.upper}


NextWords = list[tuple[str, float]]
"""The likeliest next words, each with its probability."""


class LanguageModel(HubMixin, Model[LanguageNet, Spec]):
    """A model that knows which word comes next; what `train_lm`, `finetune_lm` and `load` return.

    Attributes:
        spec: the vocabulary, the language, the direction.
        history: the record of the training.
        metrics: loss and perplexity on the validation part.
    """

    domain = "text"

    @property
    def arguments(self) -> dict[str, Any]:
        """What builds the networks again, beside the spec."""
        return self.members[0].arguments

    def __repr__(self) -> str:
        return f"<language model of {len(self.spec.words)} words; {self._scored}>"

    def evaluate(
        self, texts: Texts | None = None, *, text: str | None = None, batch_size: int = VALID_ROWS
    ) -> dict[str, float]:
        """Score the model on texts: loss in nats per word, and perplexity, its exponential.

        All words that are not in the vocabulary count as the same one, so perplexities of models
        with different vocabularies do not compare.

        Args:
            texts: see `zoo.text.train_lm`; if the data set a part aside for validation, this part
                alone counts. None gives the metrics of the training's validation part.
            text: column of texts; None takes that of the training.
            batch_size: rows that are read side by side; each starts without context.

        Raises:
            ValueError: there are no texts.
        """
        if texts is None:
            return self._validation_scores()
        texts, apart = parts(texts)
        column = self.spec.text_column
        documents = Documents(each(texts if apart is None else apart, text, column))
        stream = written(map(self.spec.numberer, documents), cache_folder(self.run.cache))
        self._warn_of_seen_rows(documents.hashes)
        reverse = self.spec.reverse
        return self._scores(StreamBatches(stream, batch_size, shuffle=False, reverse=reverse))

    @overload
    def predict(self, text: str, k: int = 5, *, tokens: bool = False) -> NextWords: ...
    @overload
    def predict(
        self, text: Iterable[Any], k: int = 5, *, tokens: bool = False
    ) -> list[NextWords]: ...
    @overload
    def predict(
        self, text: os.PathLike[str], k: int = 5, *, tokens: bool = False
    ) -> NextWords | list[NextWords]: ...
    def predict(
        self, text: str | Iterable[Any] | os.PathLike[str], k: int = 5, *, tokens: bool = False
    ) -> NextWords | list[NextWords]:
        """Tell the k likeliest next words after a text, as [(word, probability), ...].

        A model that reads backward tells the words before the text. Several texts give a list.

        Args:
            text: a text, or a list, Series, array, iterator or table of texts, or its path.
            k: number of words.
            tokens: give tokens of the vocabulary instead, marks such as "xxmaj" among them.

        Raises:
            ValueError: k is out of range, or something is no text.
        """
        if not _is_whole(k) or not 1 <= k <= len(self.spec.words):
            raise ValueError(f"k must be from 1 to {len(self.spec.words)}, got {k=!r}. Try k=5.")
        texts, alone = texts_of(text, self.spec.text_column)
        likeliest = self._likeliest_tokens if tokens else self._likeliest_words
        words = [likeliest(one, k) for one in texts]
        return words[0] if alone else words

    def records(self, files: Sequence[Path | str], *, k: int = 1) -> Iterator[dict[str, Any]]:
        """See `Model.records`; the classes of a text are the words that may come next."""
        for places, texts in texts_in(files, self.spec.text_column):
            for place, words in zip(places, self.predict(texts, k), strict=True):
                yield place | Prediction.of(*zip(*words, strict=True)).record(k)

    def generate(
        self,
        text: str = "",
        n_words: int = 50,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        seed: int | None = None,
    ) -> str:
        """Write how a text might go on; a model that reads backward writes what led to it.

        The same seed gives the same text; no other generator of random numbers moves.

        Args:
            text: the beginning.
            n_words: tokens to add; fewer if the text comes to its end.
            temperature: below 1 keeps to likely words, above 1 is bolder.
            top_k: draw from the k likeliest words alone; 1 takes the likeliest each time.
            seed: seed of the draws; None takes that of the run.

        Returns:
            The text and what was added.

        Raises:
            ValueError: a setting is out of range, or `text` is no single text.
        """
        _check(n_words, temperature, top_k, seed, len(self.spec.words))
        new = numbers = self._prompt(one_text(text))
        generator = torch.Generator().manual_seed(int(self.run.seed if seed is None else seed))
        added: list[int] = []
        states, never = self._begin, torch.tensor(NEVER)
        while len(added) < n_words:
            chances, states = self._after_words(new, states)
            drawn = _draw(chances.index_fill(0, never, 0.0), temperature, top_k, generator)
            if drawn == BOS_ID:  # another text begins
                break
            added.append(drawn)
            new = np.array([drawn])
        whole = [*numbers.tolist(), *added]
        written_order = whole[::-1] if self.spec.reverse else whole
        return readable([self.spec.words[i] for i in written_order])

    def interface(self) -> Interface:
        """See `Model.interface`: how a text might go on, and which words come next."""

        def reply(text: str) -> Reply:
            return Reply(
                self.generate(text, SHOWN_WORDS, temperature=0.8), dict(self.predict(text))
            )

        return Interface((Field("text", "text"),), reply, frozenset({"shares"}))

    # ---- parts --------------------------------------------------------------------------------

    def _built(self) -> tuple[str, str, dict[str, Any]]:
        return LANGUAGE, self.members[0].name, self.arguments

    def _example(self) -> str:
        return 'model.generate("The film", n_words=30, temperature=0.8)'

    def _task(self) -> Task:
        return task()

    def _check_config(self, config: Config) -> None:
        check(config)

    def _scores(self, batches: Batches) -> dict[str, float]:
        scores = super()._scores(batches)
        return scores | {"perplexity": math.exp(min(scores["loss"], 700.0))}

    def _prompt(self, text: str) -> Any:
        """Numbers of the words before the one to predict; a backward model starts at an end."""
        numbers = self.spec.numbers(text)
        return numbers[: max(len(numbers) - 1, 1)] if self.spec.reverse else numbers

    def _likeliest_tokens(self, text: str, k: int) -> NextWords:
        chances, _ = self._after_words(self._prompt(text), self._begin)
        best, numbers = chances.topk(k)
        return list(zip([self.spec.words[i] for i in numbers.tolist()], best.tolist(), strict=True))

    def _likeliest_words(self, text: str, k: int) -> NextWords:
        chances, states = self._after_words(self._prompt(text), self._begin)
        pairs = self._words(chances, k, str)
        if not self.spec.reverse:  # else the mark of a capital is read after its word
            for mark, form in CAPITALS.items():
                number = SPECIAL.index(mark)
                after, _ = self._after_words([number], states)
                pairs += self._words(chances[number] * after, k, form)
        words = dict.fromkeys((word for word, _ in pairs), 0.0)
        for word, chance in pairs:  # a bracket is itself as a capital
            words[word] += chance
        return sorted(words.items(), key=lambda one: -one[1])[:k]

    def _words(self, chances: Tensor, k: int, form: Callable[[str], str]) -> NextWords:
        """The k likeliest words, in a form; no marks."""
        best, numbers = chances[len(SPECIAL) :].topk(min(k, len(chances) - len(SPECIAL)))
        words = [form(self.spec.words[len(SPECIAL) + i]) for i in numbers.tolist()]
        return list(zip(words, best.tolist(), strict=True))

    @torch.inference_mode()
    def _after_words(self, numbers: Any, states: Sequence[State]) -> tuple[Tensor, list[State]]:
        """Probability of each word after some more, and the members' states there.

        Shape: (n,) -> (n_words,), on the CPU.
        """
        device = self._placed.device
        tokens = torch.from_numpy(np.asarray(numbers, dtype=np.int64)[None]).to(device)
        pairs = zip(self._placed.ready, states, strict=True)
        logits, after = zip(*(net.next_words(tokens, state) for net, state in pairs), strict=True)
        return torch.cat(logits).softmax(1).mean(0).cpu(), list(after)

    @property
    def _begin(self) -> list[State]:
        """The members' states before any word: each call has its own, so threads never meet."""
        return [() for _ in self.members]


def _draw(
    chances: Tensor, temperature: float, top_k: int | None, generator: torch.Generator
) -> int:
    logs = chances.log()
    logits = (logs - logs.max()) / temperature  # the likeliest at 0, whatever the temperature
    if top_k is not None:
        best, numbers = logits.topk(min(top_k, len(logits)))
        return int(numbers[torch.multinomial(best.softmax(0), 1, generator=generator)])
    return int(torch.multinomial(logits.softmax(0), 1, generator=generator))


def _check(
    n_words: int, temperature: float, top_k: int | None, seed: int | None, n_known: int
) -> None:
    fine = {
        "n_words": _is_whole(n_words) and n_words >= 0,
        "temperature": isinstance(temperature, (int, float)) and 0 < temperature < math.inf,
        "top_k": top_k is None or (_is_whole(top_k) and 1 <= top_k <= n_known),
        "seed": seed is None or (_is_whole(seed) and -(2**63) <= seed < 2**64),
    }
    settings = {"n_words": n_words, "temperature": temperature, "top_k": top_k, "seed": seed}
    wrong = {name: settings[name] for name, is_fine in fine.items() if not is_fine}
    if wrong:
        raise ValueError(
            f"n_words must be 0 or more, temperature above 0, top_k 1 to {n_known} or None, seed a "
            f"whole number or None, got {wrong=}. Try temperature=0.8, top_k=50."
        )


def _is_whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
