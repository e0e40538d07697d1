"""How well each class is recognised: precision, recall and F, one line per class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.vision.classification.spec import Spec


def by_class(spec: Spec, decoded: NDArray[Any], targets: NDArray[Any]) -> pd.DataFrame:
    """A line for each class or label, in the spec's order; 0 where nothing was said.

    Shape: decoded: (N, n_classes), probabilities. targets: as `zoo.vision.data.labels.encoded`.

    Raises:
        ValueError: there are no classes.
    """
    from sklearn.metrics import precision_recall_fscore_support  # takes a second to import

    if not spec.classes:
        raise ValueError(f"a report must have classes, got task={spec.task!r}. Use evaluate.")
    n = len(spec.classes)
    said, truth = decoded >= np.asarray(spec.threshold), targets > 0
    if spec.task == "classification":
        said, truth = np.eye(n, dtype=bool)[decoded.argmax(1)], np.eye(n, dtype=bool)[targets]
    scores = precision_recall_fscore_support(truth, said, beta=spec.beta, zero_division=0.0)
    columns = ("precision", "recall", f"f{spec.beta:g}", "photos")
    return pd.DataFrame(dict(zip(columns, scores, strict=True)), index=[*spec.classes])
