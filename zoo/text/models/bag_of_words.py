"""Bags of words: linear models of which words, pairs and parts of words a text has, as modules.

They see the same batches of numbers as `ClassifierNet`, of which they use more: words that the
vocabulary lacks come as numbers of their own (`zoo.text.data.tokenizer.number_of_unknown`), which a
network reads as one unknown word.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, Literal

import torch
from torch import Tensor, nn

from zoo.text.data.rules import SPECIAL

BITS: Final = 31  # of the number of a word; that of a pair has those of both

Counting = Literal["tfidf", "presence"]


class BagOfWords(nn.Module):
    """Classes of documents by weights of words, pairs of neighbouring words and parts of words.

    Numbers equal those of scikit-learn: `TfidfVectorizer(sublinear_tf=True)`, or
    `CountVectorizer(binary=True)`, then a linear model. Punctuation counts as words; marks of
    capitals, repetitions and beginnings count for nothing, and stand between no two words.

    Args:
        n_features: words, pairs and parts that are known.
        n_classes: number of outputs.
        counting: "tfidf": a feature counts 1 + log(its occurrences), times its weight `idf`, all
            features of a text together of length 1. "presence": a feature that is there counts
            `idf`, however often.

    Attributes:
        arguments: what builds the module again.
        keys: the features, sorted: w of the word of this number, (v + 1) 2^31 + w of a pair (v, w),
            2^31 + p of a part p of words.
            Shape: (n_features,), int64.
        idf: see `counting`. Shape: (n_features,).
        weight: by feature and class. Shape: (n_features, n_classes).
        bias: by class. Shape: (n_classes,).
    """

    name: ClassVar = "bag_of_words"

    def __init__(self, *, n_features: int, n_classes: int, counting: Counting = "tfidf") -> None:
        super().__init__()
        sizes = {"n_features": n_features, "n_classes": n_classes}
        self.arguments: dict[str, Any] = {**sizes, "counting": counting}
        self.counting = counting
        self.keys: Tensor
        self.idf: Tensor
        self.register_buffer("keys", torch.zeros(n_features, dtype=torch.int64))
        self.register_buffer("idf", torch.ones(n_features))
        self.weight = nn.Parameter(torch.zeros(n_features, n_classes))
        self.bias = nn.Parameter(torch.zeros(n_classes))

    @property
    def reads_parts(self) -> bool:
        """Whether parts of words are among the features."""
        return bool((self.keys >> BITS == 1).any())

    def forward(self, tokens: Tensor, lengths: Tensor, parts: Tensor | None = None) -> Tensor:
        """Logits. Shape: (B, T) int64, filled up after the end; (B,); (B, P) -> (B, n_classes)."""
        rows, features, values = self.values(tokens, parts)
        products = values[:, None] * self.weight[features]
        return self.bias.repeat(len(tokens), 1).index_add(0, rows, products)

    def values(self, tokens: Tensor, parts: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """The rows of texts, the numbers of features that they have, and what these count.

        Shape: (B, T), (B, P) -> (n,) each.
        """
        rows, features, counts = self.counts(tokens, parts)
        if self.counting == "presence":
            return rows, features, self.idf[features]
        values = (1 + counts.to(self.idf).log()) * self.idf[features]
        squares = values.new_zeros(len(tokens)).index_add(0, rows, values.square())
        return rows, features, values / squares.sqrt()[rows]

    def counts(self, tokens: Tensor, parts: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """How often each text has each of the features that it has, sorted by both.

        Shape: (B, T), (B, P) -> (n,) each, int64: row of the text, number of the feature, count.
        """
        rows, keys = occurrences(tokens, parts)
        features = torch.searchsorted(self.keys, keys).clamp(max=len(self.keys) - 1)
        known = self.keys[features] == keys
        places = rows[known] * len(self.keys) + features[known]
        places, counts = torch.unique(places, return_counts=True)
        return places // len(self.keys), places % len(self.keys), counts


def occurrences(tokens: Tensor, parts: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Each word and each pair of neighbouring words in some texts, marks left out; parts of words.

    Args:
        tokens: the texts. Shape: (B, T), int64.
        parts: the different parts of their words, see `WordParts`. Shape: (B, P), int64.

    Returns:
        The row of the text, and the key of the word, pair or part, see `BagOfWords`. Shape: (n,)
        each.

    >>> rows, keys = occurrences(torch.tensor([[2, 20, 30], [2, 40, 1]]))
    >>> rows.tolist(), keys.tolist() == [20, 30, 40, (21 << BITS) + 30]
    ([0, 0, 1, 0], True)
    """
    real = tokens >= len(SPECIAL)
    rows, words = real.nonzero()[:, 0], tokens[real]
    together = rows[1:] == rows[:-1]
    pairs = ((words[:-1] + 1) << BITS) + words[1:]
    all_rows, all_keys = [rows, rows[1:][together]], [words, pairs[together]]
    if parts is not None:
        parts = parts.to(tokens.device)
        real = parts >= 0
        all_rows.append(real.nonzero()[:, 0])
        all_keys.append(parts[real] + (1 << BITS))
    return torch.cat(all_rows), torch.cat(all_keys)


PARTNERS: Final = {BagOfWords.name: BagOfWords}
"""Modules that may have a share in a classifier's prediction, by name."""
