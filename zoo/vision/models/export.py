"""A model of photos as one program, from pixels to decoded predictions.

It takes `photos`, uint8 (B, H, W, 3): upright RGB pixels at the height and width that the model
sees. Normalisation, the networks (their mixture, of several) and the way from outputs to
probabilities, numbers or pictures are inside. Resizing is not, for Pillow's filters have no equal
among ONNX's operators: `model.pixels(photos)` does it, and the file's metadata tell others how
(`steps`). They name the outputs, too (`labels`, a JSON list).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from zoo.core.batches import Batch
from zoo.core.placed import Placed
from zoo.core.program import Program, Voices
from zoo.core.task import Task


class FromPixels(Voices):
    """The networks with what comes before and after them.

    Shape:
        - input: (B, H, W, 3), uint8
        - output: as `decode` gives it, float32
    """

    mean: Tensor
    std: Tensor

    def __init__(self, placed: Placed[Any], spec: Any, decode: Callable[[Any], Tensor]) -> None:
        super().__init__(placed, decode)
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(getattr(spec, name)).view(3, 1, 1))

    def forward(self, *inputs: Tensor) -> Tensor:
        """What the networks say together."""
        (photos,) = inputs
        x = (photos.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.std
        return self.together(lambda network: network(x))

    def feeds(self, batch: Batch) -> dict[str, Any]:
        """The pixels that a batch was made of, which is normalised already."""
        x = batch.inputs[0].cpu() * self.std + self.mean
        pixels = (x * 255).round().clamp(0, 255).byte().permute(0, 2, 3, 1)
        return {"photos": pixels.contiguous().numpy()}


def program_of(
    placed: Placed[Any],
    spec: Any,
    task: Task,
    shape: tuple[int, int],
    output: str,
    **more: Any,
) -> Program:
    """The program of a model of photos.

    Args:
        placed: the networks.
        spec: what travels in the metadata; its mean and std normalise.
        task: decodes what they say.
        shape: height and width of the photos.
        output: name of the predictions.
        **more: further fields of `Program`; `facts` are added to the others.
    """
    module = FromPixels(placed, spec, task.decode)
    facts = {"domain": "vision", "spec": spec.to_json()}
    facts |= {"labels": list(getattr(spec, "classes", ()))}
    return Program(
        module=module,
        inputs={"photos": torch.zeros(2, *shape, 3, dtype=torch.uint8)},
        outputs=[output],
        axes={"photos": ["n_photos"]},
        facts=facts | more.pop("facts", {}),
        task=task,
        feeds=module.feeds,
        **more,
    )
