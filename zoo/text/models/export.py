"""A classifier on an encoder as an ONNX file, and its tokenizer beside it.

The file takes what the tokenizer gives: `input_ids` and `attention_mask`, int64 (B, L), the special
pieces among them, and has `probabilities`, (B, n_classes), or `number`, (B,). The tokenizer is the
JSON file that the library `tokenizers` reads in any of its languages; it frames texts, cuts off
what is more than the encoder reads at once, and fills up the others:

    tokenizer = tokenizers.Tokenizer.from_file("model.tokenizer.json")
    found = tokenizer.encode_batch(["So good!", "So bad."])
    session.run(None, {
        "input_ids": np.array([one.ids for one in found]),
        "attention_mask": np.array([one.attention_mask for one in found]),
    })

So a text of one window has the model's own probabilities; of a longer one the first window alone is
read, where the model takes the mean of all. The metadata tell the classes (`labels`), the columns,
and what stands before a text or makes its letters small (`spec`), which is not the tokenizer's.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.artifacts.onnx import exported, require_onnx, write
from zoo.core.mixture import Mixture
from zoo.core.output_places import output_file
from zoo.text.models.encoder import EncoderNet
from zoo.text.spec import PieceSpec

INPUTS: Final = ("input_ids", "attention_mask")
EXAMPLE: Final = (2, 3)  # texts and pieces


class FromPieces(nn.Module):
    """The networks behind a tokenizer.

    Shape:
        - pieces, mask: (B, L), int64
        - output: as `decode` gives it, (B, n_classes), float32
    """

    def __init__(
        self,
        members: Sequence[EncoderNet],
        mixture: Mixture,
        decode: Callable[[Tensor], Tensor],
    ) -> None:
        super().__init__()
        self.members = nn.ModuleList(copy.deepcopy(member).cpu().float() for member in members)
        self.eval()
        self.decode, self.mixture = decode, mixture

    def forward(self, *inputs: Tensor) -> Tensor:
        """What the networks say together."""
        pieces, mask = inputs
        members: Any = self.members
        return self.mixture([self._said(one, pieces, mask > 0) for one in members])

    def _said(self, network: EncoderNet, pieces: Tensor, mask: Tensor) -> Tensor:
        vectors = network.read(pieces, mask)
        return self.decode(network.head(F.normalize(vectors) if network.normalise else vectors))


def write_onnx(
    path: str | os.PathLike[str],
    members: Sequence[EncoderNet],
    mixture: Mixture,
    spec: PieceSpec,
    decode: Callable[[Tensor], Tensor],
) -> Path:
    """Write a classifier as an ONNX file, and `NAME.tokenizer.json` beside `NAME.onnx`.

    Args:
        path: the ONNX file to write.
        members: the networks.
        mixture: of what they say.
        spec: how texts are read.
        decode: from a network's output to probabilities.

    Raises:
        ModuleNotFoundError: onnx or onnxscript is not installed.
    """
    require_onnx()
    place = output_file(path, usual="model.onnx")
    beside = place.with_suffix(".tokenizer.json")
    inputs = {name: torch.ones(EXAMPLE, dtype=torch.int64) for name in INPUTS}
    module = FromPieces(members, mixture, decode)
    output = "number" if spec.task == "regression" else "probabilities"
    model = exported(module, inputs, [output], axes=("texts", "pieces"))
    facts = {
        "spec": replace(spec, tokenizer=beside.name).to_json(),
        "labels": list(spec.classes),
        "max_tokens": members[0].max_tokens,
    }
    beside.write_text(spec.pieces.framing(members[0].max_tokens, members[0].pad), encoding="utf-8")
    return write(place, model, facts)
