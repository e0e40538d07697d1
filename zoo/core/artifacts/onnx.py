"""ONNX files: what torch exports, and how they are written, for every domain."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from zoo.version import __version__

INNER: Final = "zoo/"  # before names inside a graph, so that no input or output has the same
ML: Final = ("ai.onnx.ml", 2)  # the operators for texts
Axes = Mapping[str, Sequence[str]]
"""By input, names of its first axes, along which it may be of any length."""


def require_onnx() -> Any:
    """The package onnx.

    Raises:
        ModuleNotFoundError: it or onnxscript, which torch's exporter needs, is not installed.
    """
    try:
        import onnx
        import onnx.compose
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"onnx and onnxscript must be installed to write ONNX files, got no {error.name!r}. "
            "Run pip install 'transfer-zoo[onnx]'."
        ) from None
    return onnx


def exported(
    module: nn.Module, inputs: Mapping[str, Tensor], outputs: Sequence[str], axes: Axes
) -> Any:
    """The ONNX model of a module.

    Args:
        module: takes the inputs in their order, as `*inputs`.
        inputs: examples by name, along free axes not of length 0 or 1, which the exporter would
            believe fixed.
        outputs: names of the outputs.
        axes: the free axes of each input.
    """
    names = dict.fromkeys(name for some in axes.values() for name in some)
    dims = {name: torch.export.Dim(name, max=2**31 - 1) for name in names}  # torch 2.7 wants a max
    free = tuple({i: dims[name] for i, name in enumerate(some)} for some in axes.values())
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter warns of its own deprecations
        program: Any = torch.onnx.export(
            module,
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=outputs,
            dynamic_shapes=(free,),
            dynamo=True,
            verbose=False,
        )
    return program.model_proto


def enclosed(
    model: Any,
    before: Sequence[Any],
    inputs: Sequence[Any],
    after: Sequence[Any],
    outputs: Sequence[Any],
) -> Any:
    """An exported model between nodes that look texts up, which torch has no operators for.

    Args:
        model: the exported one; the names of its tensors get `INNER` in front.
        before: nodes from the inputs of the whole to those of the model.
        inputs: the inputs of the whole.
        after: nodes from the outputs of the model to those of the whole.
        outputs: the outputs of the whole.
    """
    onnx = require_onnx()
    core = onnx.compose.add_prefix(model, INNER)
    graph = onnx.helper.make_graph(
        [*before, *core.graph.node, *after],
        "zoo",
        inputs,
        outputs,
        initializer=core.graph.initializer,
        value_info=core.graph.value_info,
    )
    others = [one for one in core.opset_import if one.domain != ML[0]]
    return onnx.helper.make_model(
        graph,
        opset_imports=[*others, onnx.helper.make_opsetid(*ML)],
        functions=core.functions,
        ir_version=core.ir_version,
    )


def look_up(source: str, output: str, **words: Any) -> Any:
    """A node that looks values up in a dictionary."""
    from onnx import helper

    return helper.make_node("LabelEncoder", [source], [output], domain=ML[0], **words)


def write(path: Path, model: Any, facts: Mapping[str, Any]) -> None:
    """Check an ONNX model and write it, with facts as JSON among its metadata."""
    onnx = require_onnx()
    model.producer_name, model.producer_version = "transfer-zoo", __version__
    onnx.helper.set_model_props(model, {name: json.dumps(fact) for name, fact in facts.items()})
    onnx.checker.check_model(model)
    onnx.save(model, os.fspath(path))
