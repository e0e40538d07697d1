"""Probabilities by which the classes of texts are doubted, from bags of words or an encoder."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from zoo.core.run import Run
from zoo.core.split import Rows
from zoo.core.training.features import features_of
from zoo.core.trust.diagnosis import Items
from zoo.core.trust.wrong_labels import (
    Classifier,
    Doubts,
    doubts_of_model,
    out_of_fold,
    probe,
    require_doubter,
    spread,
)
from zoo.text.classification.features import looks
from zoo.text.classification.model import TextClassifier
from zoo.text.classification.new_learner import new_learner
from zoo.text.data.labelled_texts import Labelled
from zoo.text.data.pairs import Text, as_one, sides
from zoo.text.encoder_files import Encoder
from zoo.text.pretrained import start_of

STRENGTH: Final = 10.0  # inverse, of the penalty of the regression on bags of words
STEPS: Final = 200
FEW: Final = 3000  # texts up to which words of one text count

Labels = bool | str | TextClassifier
"""Whether labels are doubted; or the encoder or the model by which they are."""


def doubts_of(
    items: Items, labels: Labels, texts: Sequence[Text], groups: Rows, names: Sequence[Hashable]
) -> Doubts:
    """Probabilities of the class of each text by something that has not seen it.

    Args:
        items: all texts; those of one class each are doubted.
        labels: True for TF-IDF, an encoder's name, or a model with `out_of_fold`.
        texts: as many.
        groups: number of the group of alike texts that each belongs to. Shape: (n,)
        names: what the data call the first of them, as the index of `out_of_fold` does.

    Raises:
        ValueError: the model has no predictions out of fold, or there is no such encoder.
    """
    require_doubter(labels, TextClassifier)
    if isinstance(labels, TextClassifier):
        return doubts_of_model(labels, [*names, *[None] * (len(items) - len(names))])
    is_told = [isinstance(one, (str, int)) for one in items.labels]
    rows = [row for row, text in enumerate(texts) if is_told[row] and any(sides(text))]
    own, some = [items.labels[row] for row in rows], [texts[row] for row in rows]
    if len({str(one) for one in own}) < 2:
        return Doubts([], np.empty((len(items), 0)))
    make: Callable[[], Classifier] = regression
    if isinstance(labels, str):
        x, make = vectors(some, own, labels), partial(probe, len(rows))
    else:
        x = vectorizer(len(rows)).fit_transform(map(as_one, some))
    doubts = out_of_fold(make, x, own, groups=groups[rows])
    return spread(doubts, np.array(rows, np.int64), len(items))


def vectors(texts: list[Text], labels: list[Any], name: str) -> Any:
    """What a frozen encoder makes of texts, kept on disk. Shape: (n, d)

    Raises:
        ValueError: the name is not that of an encoder.
    """
    start = start_of(name)
    if not isinstance(start, Encoder):
        raise ValueError(
            f"labels must be doubted by an encoder, got labels={name!r}, another model. Try "
            "labels='minilm', or True."
        )
    run = Run(progress=False)
    learn = new_learner(Labelled(texts, labels), start, "", valid_fraction=0.0, run=run)
    return features_of(learn, looks(learn)[0]).numpy()


def vectorizer(n: int) -> TfidfVectorizer:
    """TF-IDF of the words and pairs of words of n texts."""
    least = 1 if n <= FEW else 2
    return TfidfVectorizer(
        sublinear_tf=True, ngram_range=(1, 2), min_df=least, token_pattern=r"[\w#+]+"
    )


def regression() -> LogisticRegression:
    """What doubts labels by bags of words."""
    return LogisticRegression(C=STRENGTH, max_iter=STEPS)
