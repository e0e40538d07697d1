"""How new texts have moved away from those that a classifier was trained on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import numpy as np

from zoo.core.trust.diagnosis import Report
from zoo.core.trust.drift import drift_report, less_sure, unlike, unseen
from zoo.text.classification.model import TextClassifier
from zoo.text.data.pair_queries import pairs_of
from zoo.text.data.pairs import Text, as_one
from zoo.text.data.queries import texts_of
from zoo.text.data.rules import SPECIAL
from zoo.text.spec import Spec

MOST_UNKNOWN: Final = 0.3  # share of a text's words that may be unknown,
MOST: Final = 0.1  # in all but this share of the texts
SHOWN: Final = 60  # letters of a text in a report


def drift(model: TextClassifier, data: Any) -> Report:
    """What has moved in new texts: unknown words, texts of another kind, how sure the model is.

    Args:
        model: the classifier that is to predict them.
        data: texts, as for `predict`; a str is the path of a table or of a text.
    """
    query: Any = Path(data) if isinstance(data, (str, os.PathLike)) else data
    read: Any = texts_of if model.spec.n_texts == 1 else pairs_of
    texts: list[Text] = read(query, model.spec.text_column)[0]
    moves = []
    if isinstance(model.spec, Spec):
        strange = [_unknown(numbers, model.spec) for numbers in model.spec.numbered(texts)]
        is_strange = np.array(strange) > MOST_UNKNOWN
        moves.append(unseen("texts of words", is_strange, MOST))
    knows = model.familiar is not None
    answers: Any = model.predict(texts, unknown=knows)
    if knows:
        moves.append(unlike("texts", answers))
    if model.spec.task == "classification":
        p = np.array([one.probability for one in answers], dtype=np.float64)
        moves.append(less_sure(p, model.metrics.get("accuracy")))
    names = [f"{i}: {' '.join(as_one(text).split())[:SHOWN]}" for i, text in enumerate(texts)]
    return drift_report("texts", names, moves)


def _unknown(numbers: Any, spec: Spec) -> float:
    """The share of a text's words that the model does not know."""
    words = np.asarray(numbers)
    words = words[(words >= len(SPECIAL)) | (words == 0)]
    return float(((words >= len(spec.words)) | (words == 0)).mean()) if len(words) else 0.0
