"""Whether new photos have moved away from those that a model was trained on."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.core.trust.diagnosis import Report
from zoo.core.trust.drift import drift_report, less_sure, unlike
from zoo.vision.classification.model import PhotoModel
from zoo.vision.data.photo_lists import photo_list


def drift(model: PhotoModel, data: Any) -> Report:
    """Whether photos are of another kind, and how sure the model is beside how often it was right.

    Args:
        model: the classifier.
        data: a folder of photos, whatever lies in which folder, or a list of files.

    Raises:
        NotImplementedError: it tells no classes.
    """
    if model.spec.task != "classification":
        raise NotImplementedError(
            "drift of photos is told by how sure a classifier is, got a model of "
            f"{model.spec.task}. Look at its evaluate() on some labelled photos."
        )
    paths = photo_list(data)
    knows = model.familiar is not None
    answers: Any = model.predict([str(path) for path in paths], unknown=knows)
    p = np.array([one.probability for one in answers], dtype=np.float64)
    moves = [less_sure(p, model.metrics.get("accuracy"))]
    if knows:
        moves.append(unlike("photos", answers))
    return drift_report("photos", paths, moves)
