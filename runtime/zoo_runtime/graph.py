"""An ONNX file in onnxruntime, and the facts that it carries."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Graph:
    """What runs an exported model.

    Args:
        path: the ONNX file.
        threads: threads that compute; None takes all cores.

    Attributes:
        path: the file.
        facts: what the file tells of itself: domain, task, labels, spec and more.
        inputs: names of what it takes.
        outputs: names of what it gives.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it was not exported by transfer-zoo, or by a version before 0.1.
    """

    def __init__(self, path: str | os.PathLike[str], threads: int | None = None) -> None:
        import onnxruntime

        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(
                f"a model must be an ONNX file, got {os.fspath(path)!r}, which does not exist. "
                "Write one with model.export(path)."
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3  # errors alone
        try:
            self._session = onnxruntime.InferenceSession(
                str(self.path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises a dozen kinds
            raise ValueError(
                f"a model must be an ONNX file, got {os.fspath(path)!r}, which onnxruntime cannot "
                f"read ({error!s:.200}). Export it again."
            ) from error
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.facts: dict[str, Any] = {name: json.loads(text) for name, text in metadata.items()}
        if not {"domain", "task", "spec"} <= self.facts.keys():
            raise ValueError(
                f"a model must be one that transfer-zoo has exported, got {os.fspath(path)!r}, "
                "which tells nothing of itself. Write it with model.export(path)."
            )
        self.inputs = [one.name for one in self._session.get_inputs()]
        self.outputs = [one.name for one in self._session.get_outputs()]

    def run(self, feeds: Mapping[str, Any], output: str | None = None) -> Any:
        """One output for arrays by name; None takes the last one."""
        return self._session.run([output or self.outputs[-1]], dict(feeds))[0]
