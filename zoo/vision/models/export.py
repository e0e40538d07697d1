"""A model of photos as one ONNX file, from pixels to decoded predictions.

The file takes `photos`, uint8 (B, H, W, 3): upright RGB pixels at the height and width that the
model sees. Normalisation, the networks (their mixture, of several) and the way from outputs to
probabilities, numbers or pictures are inside. Resizing is not, for Pillow's filters have no equal
among ONNX's operators: `model.pixels(photos)` does it, and the file's metadata tell others how
(`spec`: short side, crop, filter). They name the outputs, too (`labels`, a JSON list).
"""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zoo.core.artifacts.onnx import require_onnx, write
from zoo.core.mixture import Mixture
from zoo.core.output_places import output_file


class FromPixels(nn.Module):
    """The networks with what comes before and after them.

    Shape:
        - input: (B, H, W, 3), uint8
        - output: as `decode` gives it, float32
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        members: Sequence[nn.Module],
        mixture: Mixture,
        spec: Any,
        decode: Callable[[Any], Tensor],
    ) -> None:
        super().__init__()
        self.members = nn.ModuleList(copy.deepcopy(member).cpu().float() for member in members)
        self.eval()
        self.decode, self.mixture = decode, mixture
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(getattr(spec, name)).view(3, 1, 1))

    def forward(self, photos: Tensor) -> Tensor:
        """What the networks say together."""
        x = (photos.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.std
        return self.mixture([self.decode(member(x)) for member in self.members])


def write_onnx(
    path: str | os.PathLike[str],
    members: Sequence[nn.Module],
    mixture: Mixture,
    spec: Any,
    *,
    shape: tuple[int, int],
    decode: Callable[[Any], Tensor],
    output: str,
) -> Path:
    """Write a model as an ONNX file; any number of photos pass at a time.

    Args:
        path: the file to write.
        members: the networks.
        mixture: of what they say.
        spec: what travels in the metadata; its mean and std normalise.
        shape: height and width of the photos.
        decode: from a network's output to predictions.
        output: name of the predictions in the graph.

    Raises:
        ModuleNotFoundError: onnx or onnxscript is not installed.
    """
    require_onnx()
    place = output_file(path, usual="model.onnx")
    n = 2  # photos of the example; any number but 0 and 1, which the exporter would believe fixed
    example = torch.zeros(n, *shape, 3, dtype=torch.uint8)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter warns of its own deprecations
        program = torch.onnx.export(
            FromPixels(members, mixture, spec, decode),
            (example,),
            input_names=["photos"],
            output_names=[output],
            dynamic_shapes=({0: torch.export.Dim("n_photos")},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    facts = {"spec": spec.to_json(), "labels": list(getattr(spec, "classes", ()))}
    return write(place, program.model_proto, facts)
