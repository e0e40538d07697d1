"""A trained language model: perplexity, the next word, texts of its own."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo.core import loop
from zoo.core.task import Task
from zoo.core.trained import Trained
from zoo.hub.publish import push
from zoo.text.batches import StreamBatches
from zoo.text.models.language_model import LanguageNet, task
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
        super().__init__([member.eval() for member in members], spec, **record)
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
            ValueError: k is out of range.
        """
        if not 1 <= k <= len(self.spec.words):
            raise ValueError(f"words are 1 to all {len(self.spec.words)}, however {k=}; lower it")
        if not isinstance(text, str):
            return [self.predict(one, k) for one in text]
        with self._reading():
            best, numbers = self._after_words(self._prompt(text)).topk(k)
        words = [self.spec.words[i] for i in numbers.tolist()]
        return list(zip(words, best.tolist(), strict=True))

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

        Args:
            text: the beginning.
            n_words: tokens to add; fewer if the text comes to its end.
            temperature: below 1 keeps to likely words, above 1 is bolder.
            top_k: draw from the k likeliest words alone; 1 takes the likeliest each time.
            seed: of the draws; None takes the run's.

        Raises:
            ValueError: a setting is out of range.
        """
        _check(n_words, temperature, top_k, len(self.spec.words))
        numbers = self._prompt(text)
        generator = torch.Generator().manual_seed(self.run.seed if seed is None else seed)
        added: list[int] = []
        with self._reading():
            new = numbers
            while len(added) < n_words:
                chances = self._after_words(new)
                chances[list(NEVER)] = 0
                drawn = _draw(chances, temperature, top_k, generator)
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

    def _prompt(self, text: str) -> Any:
        """Numbers of the words before the one to predict; a backward model starts at an end."""
        numbers = self.spec.numbers(text)
        return numbers[: max(len(numbers) - 1, 1)] if self.spec.reverse else numbers

    def _reading(self) -> Any:
        """Evaluation mode and no state inside; as before afterwards."""
        stack = contextlib.ExitStack()
        stack.enter_context(torch.inference_mode())
        for member in self._placed.ready:
            stack.enter_context(loop.set_aside(member))
        return stack

    def _after_words(self, numbers: Any) -> Tensor:
        """Probability of each word after some more. Shape: (n,) -> (n_words,), on the CPU."""
        device = self._placed.device
        tokens = torch.from_numpy(np.asarray(numbers, dtype=np.int64)[None]).to(device)
        fresh = torch.zeros(1, dtype=torch.bool, device=device)
        logits = [member(tokens, fresh).logits[0, -1].float() for member in self._placed.ready]
        return torch.stack(logits).softmax(1).mean(0).cpu()


def _draw(
    chances: Tensor, temperature: float, top_k: int | None, generator: torch.Generator
) -> int:
    logits = chances.log() / temperature
    if top_k is not None:
        best, numbers = logits.topk(min(top_k, len(logits)))
        return int(numbers[torch.multinomial(best.softmax(0), 1, generator=generator)])
    return int(torch.multinomial(logits.softmax(0), 1, generator=generator))


def _check(n_words: int, temperature: float, top_k: int | None, n_known: int) -> None:
    fine = {
        "n_words": n_words >= 0,
        "temperature": 0 < temperature < math.inf,
        "top_k": top_k is None or 1 <= top_k <= n_known,
    }
    given = {"n_words": n_words, "temperature": temperature, "top_k": top_k}
    wrong = {name: given[name] for name, is_fine in fine.items() if not is_fine}
    if wrong:
        raise ValueError(
            f"n_words is 0 or more, temperature above 0, top_k 1 to {n_known} or None, however "
            f"{wrong=}; temperature=0.8, top_k=50 suit most"
        )
