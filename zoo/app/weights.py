"""Weights of an ONNX file in fewer bytes: halves, or whole numbers with a scale for each row.

What is stored small is made fp32 again when the file is opened, so that all arithmetic stays that
of the model; the rounding of its weights is all that changes.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from zoo.app.options import Weights

FEWEST: Final = 1024  # numbers of a tensor that is worth it
LARGEST: Final = 127


def shrink(model: Any, weights: Weights) -> None:
    """Store the large fp32 tensors of an ONNX model smaller, in place.

    Args:
        model: an `onnx.ModelProto`.
        weights: "fp16" keeps 11 bits of each number; "int8" 8 bits of matrices and filters, with
            one scale for each row, and "fp16" the rest; "fp32" changes nothing.
    """
    from onnx import TensorProto, numpy_helper

    if weights == "fp32":
        return
    graph, kept = model.graph, []
    nodes: list[Any] = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor) if tensor.data_type == TensorProto.FLOAT else None
        if values is None or values.size < FEWEST:
            kept.append(tensor)
        elif weights == "int8" and values.ndim > 1:
            kept += _rows_of_int8(tensor.name, values, nodes)
        elif np.abs(values).max() < np.finfo(np.float16).max:
            kept += _halves(tensor.name, values, nodes)
        else:
            kept.append(tensor)
    everything = [*nodes, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(everything)


def _halves(name: str, values: Any, nodes: list[Any]) -> list[Any]:
    from onnx import TensorProto, helper, numpy_helper

    small = f"{name}/fp16"
    nodes.append(helper.make_node("Cast", [small], [name], to=TensorProto.FLOAT))
    return [numpy_helper.from_array(values.astype(np.float16), small)]


def _rows_of_int8(name: str, values: Any, nodes: list[Any]) -> list[Any]:
    """Whole numbers from -127 to 127 and a scale for each index of the first axis."""
    from onnx import helper, numpy_helper

    rows = values.reshape(len(values), -1)
    scales = np.maximum(np.abs(rows).max(1) / LARGEST, 1e-12).astype(np.float32)
    whole = np.rint(rows / scales[:, None]).astype(np.int8).reshape(values.shape)
    parts = {f"{name}/int8": whole, f"{name}/scales": scales}
    nodes.append(helper.make_node("DequantizeLinear", [*parts], [name], axis=0))
    return [numpy_helper.from_array(part, one) for one, part in parts.items()]
