"""A frozen encoder reads each text once: the text's vector, kept on disk.

How vectors are kept, `zoo.core.training.features` says: a text is found by its word pieces.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import torch
from torch import Tensor, nn

from zoo.core.contents import content_hashes
from zoo.core.split import Rows
from zoo.core.training.features import Look, computed
from zoo.core.training.learner import Learner
from zoo.text.data.stream import cache_folder

PREDICTED: Final = 64  # texts of a batch at most


class Vectors(nn.Module):
    """A network without its head. Shape: (B, T), (B,) -> (B, d)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor, lengths: Tensor, *others: Tensor) -> Tensor:
        """The vector of each text."""
        network: Any = self.network
        vectors: Tensor = network.pooled(tokens, lengths)
        return vectors


def looks(learn: Learner[Any, Any]) -> list[Look]:
    """What a probe sees: the training texts as they are."""
    return [look_of(learn, learn.data.train)]


def look_of(learn: Learner[Any, Any], texts: Any) -> Look:
    """Texts as the frozen encoder of a learner sees them.

    Args:
        learn: a learner of a classifier on an encoder.
        texts: its `DocumentBatches`, shuffled or not.
    """
    network: Any = learn.model
    stream = texts.stream
    documents = (stream.document(i).tobytes() for i in range(stream.n_documents))

    def compute(rows: Rows) -> Tensor:
        some = replace(
            texts,
            stream=stream.take(rows),
            labels=texts.labels[rows],
            batch_size=PREDICTED,
            shuffle=False,
            word=None,
        )
        return computed(learn, Vectors(network), some.epoch(0))[some.places()]

    return Look(
        torch.from_numpy(texts.labels),
        content_hashes(documents),
        network.d_pooled,
        compute,
        network.encoder.state_dict(),
        (sorted(network.arguments.items()),),
        cache_folder(),
    )
