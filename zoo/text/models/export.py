"""A classifier on an encoder as one program, and its tokenizer beside it.

It takes what the tokenizer gives, `input_ids` and `attention_mask`, int64 (W, L), the special
pieces among them, and `texts`, int64 (W,), the number of the text that a row is a window of: a text
that is longer than the encoder reads at once has several, of whose vectors the mean counts. It has
`probabilities`, (B, n_classes), or `number`, (B,). The tokenizer is the JSON file that the library
`tokenizers` reads in any of its languages; it frames texts and fills the shorter ones up:

    tokenizer = tokenizers.Tokenizer.from_file("model.tokenizer.json")
    found = tokenizer.encode_batch(["So good!", "So bad."])
    session.run(None, {
        "input_ids": np.array([one.ids for one in found]),
        "attention_mask": np.array([one.attention_mask for one in found]),
        "texts": np.arange(len(found)),
    })

It also cuts off what is more than one window; `frame` in the metadata tells what stands around each
window, and the package `zoo_runtime` cuts them. The metadata tell the classes too (`labels`), the
columns, and what stands before a text or makes its letters small (`spec`), which is not the
tokenizer's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.core.batches import Batch
from zoo.core.placed import Placed
from zoo.core.program import Program, Voices
from zoo.core.task import Task
from zoo.text.models.encoder import EncoderNet, Windows
from zoo.text.spec import PieceSpec

TOKENIZER: Final = ".tokenizer.json"  # in the place of the file's suffix
EXAMPLE: Final = (3, 5)  # windows and pieces


class FromPieces(Voices):
    """The networks behind a tokenizer.

    Shape:
        - pieces, mask: (W, L), int64; texts: (W,), int64
        - output: as `decode` gives it, (B, n_classes), float32
    """

    def forward(self, *inputs: Tensor) -> Tensor:
        """What the networks say together."""
        pieces, mask, texts = inputs
        return self.together(lambda network: _said(network, pieces, mask > 0, texts))

    def feeds(self, batch: Batch) -> dict[str, Any]:
        """The windows of a batch of whole texts."""
        network: Any = self.voices[0]
        tokens, lengths = (one.cpu() for one in batch.inputs[:2])
        windows = Windows.of(lengths.tolist(), network.room)
        pieces, mask = network.framed(tokens, windows)
        return {
            "input_ids": pieces.numpy(),
            "attention_mask": mask.long().numpy(),
            "texts": windows.rows,
        }


def _said(network: EncoderNet, pieces: Tensor, mask: Tensor, texts: Tensor) -> Tensor:
    """Logits of texts from their windows. Shape: (B, n_classes)."""
    vectors = network.read(pieces, mask)
    # Row i is the mean of the windows of text i: as many rows as windows, the last ones empty.
    own = (texts[None, :] == torch.arange(texts.shape[0])[:, None]).to(vectors.dtype)
    vectors = own @ vectors / own.sum(1, keepdim=True).clamp(min=1)
    logits: Tensor = network.head(F.normalize(vectors) if network.normalise else vectors)
    return logits


def program_of(placed: Placed[Any], spec: PieceSpec, task: Task, **more: Any) -> Program:
    """The program of a classifier.

    Args:
        placed: the networks.
        spec: how texts are read.
        task: decodes what they say.
        **more: further fields of `Program`.
    """
    module, first = FromPieces(placed, task.decode), placed.members[0]
    frame = {"before": first.before, "after": first.after, "pad": first.pad}
    return Program(
        module=module,
        inputs={
            "input_ids": torch.ones(EXAMPLE, dtype=torch.int64),
            "attention_mask": torch.ones(EXAMPLE, dtype=torch.int64),
            "texts": torch.tensor([0, 1, 1]),
        },
        outputs=["number" if spec.task == "regression" else "probabilities"],
        axes={
            "input_ids": ["windows", "pieces"],
            "attention_mask": ["windows", "pieces"],
            "texts": ["windows"],
        },
        facts={
            "domain": "text",
            "task": spec.task,
            "spec": replace(spec, tokenizer=TOKENIZER).to_json(),
            "labels": list(spec.classes),
            "max_tokens": first.max_tokens,
            "frame": frame,
        },
        task=task,
        beside={TOKENIZER: spec.pieces.framing(first.max_tokens, first.pad)},
        feeds=module.feeds,
        **more,
    )
