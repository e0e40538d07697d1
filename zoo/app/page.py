"""One HTML file that holds a model, what runs it and a form, and asks nobody for anything.

The form is made from what the model says of itself (`zoo.core.interface`), the answers come from
its ONNX file. A policy in the page forbids all requests, so that the browser itself sees to it.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import os
import tempfile
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, Final

from zoo.app.options import Weights
from zoo.app.runtime import NOTICE, read_runtime
from zoo.app.weights import shrink
from zoo.core.artifacts.onnx import require_onnx
from zoo.core.interface import Field
from zoo.core.model import Model
from zoo.core.output_places import output_file
from zoo.core.state_file import replacing

SCRIPTS: Final = ("pillow.js", "form.js", "app.js")
WITHOUT: Final = {
    "text": "whose splitter (spaCy's rules) no browser has",
    "segmentation": "which draws pictures",
    "restoration": "which draws pictures",
}


def write_app(
    model: Model[Any, Any],
    path: str | os.PathLike[str],
    *,
    runtime: Path | None,
    weights: Weights | None = None,
    name: str = "model",
) -> Path:
    """Write a model as a page that answers offline.

    Args:
        model: a model of photos that answers by classes, labels or numbers, of tables, or of
            ratings.
        path: the file to write.
        runtime: folder of the unpacked npm package that `zoo.app.runtime.PACKAGE` names.
        weights: how exactly weights are kept, see `zoo.app.weights`; None takes fp16 for photos,
            whose networks are large, and fp32 otherwise.
        name: the model's name, for the title.

    Raises:
        NotImplementedError: models of this class cannot become a page.
        FileNotFoundError: there is no runtime.
        ValueError: the runtime is another one.
        ModuleNotFoundError: onnx or onnxscript is not installed.
    """
    _require_supported(model)
    engine, is_of_photos = read_runtime(runtime), model.interface().fields[0].kind == "photo"
    kept: Weights = weights or ("fp16" if is_of_photos else "fp32")
    place = output_file(path, usual="app.html")
    parts = {
        "title": html.escape(name),
        "about": html.escape(repr(model)),
        "card": html.escape(model.card(name).rpartition("---\n")[2].strip()),
        "notice": html.escape(NOTICE),
        "facts": json.dumps(facts_of(model), allow_nan=False).replace("<", "\\u003c"),
        "bundle": _packed(engine.bundle),
        "wasm": _packed(engine.wasm),
        "model": _packed(_onnx(model, kept)),
        "style": _static("style.css"),
        "script": "".join(map(_static, SCRIPTS)),
    }
    page = Template(_static("page.html")).substitute(parts)
    with replacing(place) as part:  # an earlier page stays whole if the disk is full
        part.write_text(page, encoding="utf-8")
    return place


def facts_of(model: Model[Any, Any]) -> dict[str, Any]:
    """What the page's program must know beside the ONNX file, as JSON holds it."""
    spec = model.spec
    classes = [str(name) for name in getattr(spec, "classes", ())]
    threshold = getattr(spec, "threshold", 0.5)
    facts = {
        "task": getattr(spec, "task", model.domain),
        "classes": classes,
        "thresholds": [*threshold] if isinstance(threshold, tuple) else [threshold] * len(classes),
        "fields": [_field(one) for one in model.interface().fields],
    }
    if hasattr(spec, "preprocessing"):
        facts |= {"size": spec.preprocessing.size, "resize": spec.preprocessing.resize.facts()}
    return facts


def _field(field: Field) -> dict[str, Any]:
    """A field with its choices as texts, as ONNX files take them."""
    start = field.choices.index(field.start) if field.start in field.choices else None
    return {
        "name": field.name,
        "kind": field.kind,
        "choices": [str(one) for one in field.choices],
        "shown": field.shown,
        "usual": field.usual,
        "start": start if field.choices else field.start,
        "unit": field.unit,
    }


def _onnx(model: Model[Any, Any], weights: Weights) -> bytes:
    """The model's ONNX file with small weights."""
    onnx = require_onnx()
    with tempfile.TemporaryDirectory() as folder:
        graph = onnx.load(model.export(Path(folder) / "model.onnx"))
    outputs = {one.name for one in graph.graph.output}
    if model.interface().fields[0].kind == "ratings" and "scores" not in outputs:
        raise NotImplementedError(
            "a recommender must have lists by choice to become a page, got one whose visitors an "
            "optimiser places. Train it with lists='blend'."
        )
    shrink(graph, weights)
    onnx.checker.check_model(graph)
    content: bytes = graph.SerializeToString()
    return content


def _require_supported(model: Model[Any, Any]) -> None:
    kind = getattr(model, "task", model.domain)
    why = WITHOUT.get(kind) or WITHOUT.get(model.domain)
    if why:
        raise NotImplementedError(
            "a model must answer for photos by classes or numbers, for tables or for ratings to "
            f"become a page of its own, got a {type(model).__name__}, {why}. Use zoo demo."
        )


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def _static(name: str) -> str:
    return files("zoo.app").joinpath("static", name).read_text(encoding="utf-8")
