"""What an ONNX file of a model of tables says of rows."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


def answers(path: Path, frame: pd.DataFrame, texts: Collection[str]) -> list[Any]:
    """The outputs of onnxruntime for rows; the columns named in `texts` are given as texts."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    given = {}
    for one in session.get_inputs():
        cells = frame[one.name]
        if one.name in texts:
            column = np.array(["" if c is None or c != c else str(c) for c in cells], dtype=object)
        else:
            column = cells.to_numpy(np.float64)
        given[one.name] = column[:, None]
    return list(session.run(None, given))
