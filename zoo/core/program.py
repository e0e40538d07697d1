"""A model as one module from plain tensors to predictions: what a domain states to be exported.

All programs are written alike (`zoo.core.export`), as `Model.export` says.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from zoo.core.artifacts.onnx import Axes
from zoo.core.placed import Placed

if TYPE_CHECKING:
    from zoo.core.batches import Batch, Batches
    from zoo.core.task import Task


class Voices(nn.Module):
    """Copies of a model's voices on the CPU, in single precision; a program is made of them.

    Args:
        placed: the networks, and the partners of a blend.
        decode: from what a voice says to a prediction.
    """

    def __init__(self, placed: Placed[Any], decode: Callable[[Any], Tensor]) -> None:
        super().__init__()
        self.voices = nn.ModuleList(copy.deepcopy(one).cpu().float() for one in placed.voices)
        self.decode, self.mixture = decode, placed.mixture
        self.eval().requires_grad_(False)

    def together(self, ask: Callable[[Any], Any]) -> Tensor:
        """The prediction of all, each asked in the same way."""
        return self.mixture([self.decode(ask(voice)) for voice in self.voices])


@dataclass(frozen=True, eq=False)
class Program:
    """A model as one module, and what its files tell.

    Attributes:
        module: takes the inputs in their order, as `*inputs`.
        inputs: examples by name; along free axes of length 2 or more.
        outputs: names of the outputs.
        axes: the free axes of each input.
        facts: what readers are told, as JSON holds it: the spec, and the domain and task.
        finish: what an ONNX file has around the exported graph, such as dictionaries of categories.
        beside: text of a file beside it, by what stands in the place of the suffix.
        task: loss and metrics.
        feeds: from a batch to what the ONNX file takes, arrays by name; None where it holds less.
        to_score: labelled data as batches.
    """

    module: nn.Module
    inputs: Mapping[str, Tensor]
    outputs: Sequence[str]
    axes: Axes
    facts: Mapping[str, Any]
    task: Task
    finish: Callable[[Any], Any] = lambda model: model
    beside: Mapping[str, str] = field(default_factory=dict)
    feeds: Callable[[Batch], Mapping[str, Any]] | None = None
    to_score: Callable[[Any], Batches] | None = None
