"""ONNX files: what torch exports, and how they are written, for every domain."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zoo.version import __version__


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
    module: nn.Module,
    inputs: Mapping[str, Tensor],
    outputs: Sequence[str],
    axes: Sequence[str] = ("rows",),
) -> Any:
    """The ONNX model of a module, which takes any number of rows.

    Args:
        module: takes the inputs in their order, as `*inputs`.
        inputs: examples by name, alike along the axes: not 0 or 1 there, which the exporter would
            believe fixed.
        outputs: names of the outputs.
        axes: names of the first axes of the inputs, along which they may be of any length.
    """
    free = {i: torch.export.Dim(name, max=2**31 - 1) for i, name in enumerate(axes)}  # torch 2.7
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter warns of its own deprecations
        program: Any = torch.onnx.export(
            module,
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=outputs,
            dynamic_shapes=(tuple(free for _ in inputs),),
            dynamo=True,
            verbose=False,
        )
    return program.model_proto


def write(path: Path | str, model: Any, facts: Mapping[str, Any]) -> Path:
    """Check an ONNX model and write it, with facts as JSON among its metadata."""
    onnx = require_onnx()
    model.producer_name, model.producer_version = "transfer-zoo", __version__
    onnx.helper.set_model_props(model, {name: json.dumps(fact) for name, fact in facts.items()})
    onnx.checker.check_model(model)
    onnx.save(model, os.fspath(path))
    return Path(path)
