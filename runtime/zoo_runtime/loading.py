"""From a file to the model of its domain."""

from __future__ import annotations

import os

from zoo_runtime.graph import Graph
from zoo_runtime.photos import PhotoModel
from zoo_runtime.ratings import Recommender
from zoo_runtime.tables import TableModel
from zoo_runtime.texts import TextModel

Model = PhotoModel | TextModel | TableModel | Recommender
CLASSES: dict[str, type[Model]] = {
    "vision": PhotoModel,
    "text": TextModel,
    "tabular": TableModel,
    "collab": Recommender,
}


def load(path: str | os.PathLike[str], *, threads: int | None = None) -> Model:
    """A model that `model.export(path)` of transfer-zoo has written as ONNX.

    Args:
        path: the file; what it was written with must lie beside it, such as a tokenizer.
        threads: threads that compute; None takes all cores.

    Raises:
        FileNotFoundError: there is no such file, or what belongs beside it is missing.
        ValueError: it is no exported model, or one that draws pictures.
        ModuleNotFoundError: photos need Pillow, texts need tokenizers.
    """
    graph = Graph(path, threads)
    domain = graph.facts["domain"]
    if domain not in CLASSES:
        raise ValueError(
            f"a model must be of {', '.join(CLASSES)}, got one of {domain!r}. A later version of "
            "transfer-zoo-runtime may know it."
        )
    return CLASSES[domain](graph)
