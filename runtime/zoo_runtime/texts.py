"""Texts: word pieces by the tokenizer beside the file, in windows as the encoder reads them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo_runtime.graph import Graph
from zoo_runtime.predictions import Answer, answer_of

AT_ONCE = 32  # texts that pass at a time


class TextModel:
    """A classifier of texts on a pretrained encoder.

    Args:
        graph: the exported model.

    Raises:
        FileNotFoundError: the tokenizer is not beside the file.
        ModuleNotFoundError: the library tokenizers is not installed.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph, self.facts = graph, graph.facts
        try:
            from tokenizers import Tokenizer
        except ModuleNotFoundError:
            raise ModuleNotFoundError(
                "texts are cut by the library tokenizers, which is not installed. Run pip install "
                "'transfer-zoo-runtime[text]'."
            ) from None
        beside = graph.path.with_suffix(self.facts["spec"]["tokenizer"])
        if not beside.is_file():
            raise FileNotFoundError(
                f"a model of texts needs its tokenizer beside it, got no {str(beside)!r}. Copy it "
                "there."
            )
        self._tokenizer = Tokenizer.from_str(beside.read_text(encoding="utf-8"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def predict(self, texts: str | Sequence[str]) -> Answer | list[Answer]:
        """The answer for a text, or a list of them for several.

        Raises:
            ValueError: something is no text.
        """
        several = [texts] if isinstance(texts, str) else list(texts)
        if wrong := [one for one in several if not isinstance(one, str)]:
            raise ValueError(f"a text must be a str, got a {type(wrong[0]).__name__}.")
        answers: list[Answer] = []
        for start in range(0, len(several), AT_ONCE):
            some = several[start : start + AT_ONCE]
            rows = self.graph.run(self._feeds(some))[: len(some)]
            answers += [answer_of(self.facts, row) for row in rows]
        return answers if not isinstance(texts, str) else answers[0]

    def _feeds(self, texts: Sequence[str]) -> dict[str, Any]:
        """Windows of texts, filled up, and the number of the text of each."""
        frame = self.facts["frame"]
        before, after, pad = frame["before"], frame["after"], frame["pad"]
        room = self.facts["max_tokens"] - len(before) - len(after)
        rows, owners = [], []
        for number, text in enumerate(texts):
            pieces = self._tokenizer.encode(self._source(text), add_special_tokens=False).ids
            n = max(-(-len(pieces) // room), 1)
            ends = [len(pieces) * i // n for i in range(n + 1)]
            rows += [[*before, *pieces[a:b], *after] for a, b in itertools.pairwise(ends)]
            owners += [number] * n
        longest = max(map(len, rows))
        return {
            "input_ids": np.array([[*row, *[pad] * (longest - len(row))] for row in rows]),
            "attention_mask": (
                np.arange(longest) < np.array([len(row) for row in rows])[:, None]
            ).astype(np.int64),
            "texts": np.array(owners),
        }

    def _source(self, text: str) -> str:
        """A text as the tokenizer gets it."""
        spec = self.facts["spec"]
        whole = text.encode("utf-16-le", "surrogatepass")  # halves of characters are joined
        text = whole.decode("utf-16-le", "replace")
        return str(spec["prefix"]) + (text.lower() if spec["lower"] else text)
