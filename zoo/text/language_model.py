"""A trained language model: perplexity, the next word, texts of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo.core.task import Task
from zoo.core.trained import Trained
from zoo.hub.publish import push
from zoo.text.batches import StreamBatches
from zoo.text.models.awd_lstm import State
from zoo.text.models.language_model import LanguageNet, task
from zoo.text.queries import one_text, texts_of
from zoo.text.readable import readable
from zoo.text.rules import BOS_ID, PAD_ID, SPECIAL, UNK_ID
from zoo.text.spec import Spec
from zoo.text.stream import cache_folder, written
from zoo.text.texts import Texts, each

NEVER = (UNK_ID, PAD_ID, SPECIAL.index("xxeos"), SPECIAL.index("xxfld"))  # in a text of its own
VALID_ROWS = 32


class LanguageModel(Trained[LanguageNet]):
    """Knows which word comes next; what `train_lm`, `finetune_lm` and `load` return.

    Attributes:
        spec: the vocabulary, the language, the direction.
        history: the record of the training.
        metrics: loss and perplexity on the validation part.
        arguments: of the network.
    """

    domain = "text"
    push = push

    def __init__(
        self,
        members: Sequence[LanguageNet],
        spec: Spec,
        *,
        arguments: dict[str, Any],
        **record: Any,
    ) -> None:
        super().__init__(members, spec, **record)
        self.arguments = arguments

    def __repr__(self) -> str:
        return f"<language model of {len(self.spec.words)} words; {self._scored}>"

    def evaluate(
        self, texts: Texts | None = None, *, text: str | None = None, batch_size: int = VALID_ROWS
    ) -> dict[str, float]:
        """Loss in nats a word, and perplexity, its exponential.

        Words that are not in the vocabulary count as one: perplexities of different vocabularies do
        not compare.

        Args:
            texts: see `zoo.text.train_lm`; None takes the validation part of the training.
            text: the column of texts.
            batch_size: rows that the texts are read in, side by side; each starts without context.

        Raises:
            ValueError: there are no texts.
        """
        batches: Any = self._learner.data.valid if texts is None and self._learner else None
        if texts is not None:
            numbers = map(self.spec.numberer, each(texts, text))
            stream = written(numbers, cache_folder(self.run.cache))
            batches = StreamBatches(stream, batch_size, shuffle=False, reverse=self.spec.reverse)
        if batches is None:
            raise ValueError(
                "a model without validation texts is scored on others, however texts=None; "
                "pass some"
            )
        scores = self._placed.evaluate(batches.epoch(0), self._task())
        return scores | {"perplexity": math.exp(min(scores["loss"], 700.0))}

    def predict(self, text: str | Sequence[str], k: int = 5) -> Any:
        """The k likeliest next words after a text, as [(word, probability), ...].

        Of a model that reads backward, the words before it. A list of texts gives a list.

        Raises:
            ValueError: k is out of range, or something is no text.
        """
        if not _is_whole(k) or not 1 <= k <= len(self.spec.words):
            raise ValueError(f"k must be from 1 to {len(self.spec.words)}, got {k=!r}. Try k=5.")
        texts, alone = texts_of(text, getattr(self.spec, "text_column", None))
        found = [self._likeliest(one, k) for one in texts]
        return found[0] if alone else found

    def generate(
        self,
        text: str = "",
        n_words: int = 50,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        seed: int | None = None,
    ) -> str:
        """The text and how it might go on (of a model that reads backward: what led to it).

        The same seed gives the same text; no other generator of random numbers moves.

        Args:
            text: the beginning.
            n_words: tokens to add; fewer if the text comes to its end.
            temperature: below 1 keeps to likely words, above 1 is bolder.
            top_k: draw from the k likeliest words alone; 1 takes the likeliest each time.
            seed: of the draws; None takes the run's.

        Raises:
            ValueError: a setting is out of range, or the text is none.
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

    # ---- parts --------------------------------------------------------------------------------

    def _built(self) -> tuple[str, str, dict[str, Any]]:
        return "language-model", "awd_lstm", self.arguments

    def _example(self) -> str:
        return 'model.generate("The film", n_words=30, temperature=0.8)'

    def _task(self) -> Task:
        return task()

    def _with(self, networks: Sequence[LanguageNet], **record: Any) -> LanguageModel:
        return LanguageModel(networks, self.spec, arguments=self.arguments, **record)

    def _likeliest(self, text: str, k: int) -> list[tuple[str, float]]:
        chances, _ = self._after_words(self._prompt(text), self._begin)
        best, numbers = chances.topk(k)
        words = [self.spec.words[i] for i in numbers.tolist()]
        return list(zip(words, best.tolist(), strict=True))

    def _prompt(self, text: str) -> Any:
        """Numbers of the words before the one to predict; a backward model starts at an end."""
        numbers = self.spec.numbers(text)
        return numbers[: max(len(numbers) - 1, 1)] if self.spec.reverse else numbers

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
    logits = (logs - logs.max()) / temperature  # the likeliest at 0, however low the temperature
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
    given = {"n_words": n_words, "temperature": temperature, "top_k": top_k, "seed": seed}
    wrong = {name: given[name] for name, is_fine in fine.items() if not is_fine}
    if wrong:
        raise ValueError(
            f"n_words must be 0 or more, temperature above 0, top_k 1 to {n_known} or None, seed a "
            f"whole number or None, got {wrong=}. Try temperature=0.8, top_k=50."
        )


def _is_whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
