"""How a program becomes files: ONNX, ONNX of 8-bit whole numbers, or a file of `torch.export`."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypedDict, get_args

import torch

from zoo.core.artifacts.onnx import exported, require_onnx, write
from zoo.core.int8 import Scores, quantized, require_quantizable
from zoo.core.output_places import output_file
from zoo.core.program import Program

Format = Literal["onnx", "pt2"]
DYNAMIC: Final = torch.export.Dim.DYNAMIC  # of any length within what the network bears
SUFFIXES: Final[Mapping[Format, str]] = {"onnx": ".onnx", "pt2": ".pt2"}


class How(TypedDict, total=False):
    """Options of `Model.export`."""

    format: Format | None
    quantize: Literal["int8"] | None
    data: Any


def write_program(path: str | os.PathLike[str], program: Program, how: How) -> tuple[Path, Scores]:
    """Write a program, see `Model.export`.

    Returns:
        The file, and scores before and after if it was quantized.

    Raises:
        ModuleNotFoundError: a package that it needs is not installed.
        ValueError: the options are none, or do not go together.
    """
    quantize, data = how.get("quantize"), how.get("data")
    format = _checked(path, how.get("format"), quantize, data)
    scores: Scores = {}
    if format == "onnx":
        require_onnx()
    if quantize is not None:
        require_quantizable(program)
    place = output_file(path, usual=f"model{SUFFIXES[format]}")
    if format == "pt2":
        _write_pt2(place, program)
    else:
        model = program.finish(
            exported(program.module, program.inputs, program.outputs, program.axes)
        )
        write(place, model, program.facts)
        if quantize is not None:
            scores = quantized(place, program, data)
    for ending, text in program.beside.items():
        place.with_suffix(ending).write_text(text, encoding="utf-8")
    return place, scores


def _write_pt2(place: Path, program: Program) -> None:
    """Write a file that `torch.export.load` reads, the facts as JSON among its extra files."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter warns of its own deprecations
        free = tuple(dict.fromkeys(range(len(some)), DYNAMIC) for some in program.axes.values())
        inputs = tuple(program.inputs.values())
        traced = torch.export.export(program.module, inputs, dynamic_shapes=(free,))
        facts = {name: json.dumps(fact) for name, fact in program.facts.items()}
        torch.export.save(traced, place, extra_files=facts)


def _checked(path: Any, format: Any, quantize: Any, data: Any) -> Format:
    """The format: what is said, or else what the suffix says.

    Raises:
        ValueError: the options are none, or do not go together.
    """
    suffix = Path(path).suffix.lower()
    by_suffix = {ending: name for name, ending in SUFFIXES.items()}
    chosen: Format = by_suffix.get(suffix, "onnx") if format is None else format
    if chosen not in SUFFIXES:
        names = ", ".join(map(repr, get_args(Format)))
        raise ValueError(f"format must be one of {names}, got {format=}. Try format='onnx'.")
    if quantize not in (None, "int8"):
        raise ValueError(f"quantize must be None or 'int8', got {quantize=}. Try quantize='int8'.")
    if quantize is not None and chosen != "onnx":
        raise ValueError(
            f"quantize goes with ONNX files, got {quantize=} with format={chosen!r}. Leave one out."
        )
    if (quantize is None) != (data is None):
        raise ValueError(
            "quantize and data go together, since labelled data tell what it costs, got "
            f"{quantize=} {'with' if quantize is None else 'without'} data. Pass both or neither."
        )
    return chosen
