"""What one would try first on texts with two classes: bags of words, in scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

WORDS: Final = r"\w+|[^\w\s]"  # signs count as words
PENALTIES, FOLDS = (1.0, 3.0, 10.0, 30.0), 5  # of TF-IDF's regression: inverse strengths
BETA: Final = 0.25  # of the weights of NB-SVM, against their mean


def tfidf(texts: Sequence[str], labels: Sequence[int], others: Sequence[str]) -> NDArray[np.int64]:
    """Classes of other texts by logistic regression on TF-IDF of words and pairs of words.

    Its penalty is chosen by folds of the training texts.
    """
    seen = TfidfVectorizer(token_pattern=WORDS, ngram_range=(1, 2), sublinear_tf=True)
    x = seen.fit_transform(texts)
    model = GridSearchCV(LogisticRegression(max_iter=300), {"C": PENALTIES}, cv=FOLDS)
    return np.asarray(model.fit(x, labels).predict(seen.transform(others)))


def nb_svm(texts: Sequence[str], labels: Sequence[int], others: Sequence[str]) -> NDArray[np.int64]:
    """Classes of other texts by NB-SVM (Wang & Manning 2012, sec. 2.3), with logistic loss.

    A word, pair or triple that is there counts as the logarithm of how much likelier it is in texts
    of class 1; weights are drawn towards their mean magnitude, that is towards naive Bayes.
    """
    seen = CountVectorizer(token_pattern=WORDS, ngram_range=(1, 3), binary=True)
    x, truth = seen.fit_transform(texts), np.asarray(labels)
    likely, unlikely = (_shares(x[truth == label]) for label in (1, 0))
    ratio = np.log(likely / unlikely)
    model = LogisticRegression(max_iter=300).fit(x.multiply(ratio).tocsr(), truth)
    own = model.coef_[0]
    weights = (1 - BETA) * np.abs(own).mean() + BETA * own
    scores = seen.transform(others) @ (ratio * weights) + BETA * model.intercept_[0]
    return np.asarray(scores > 0, dtype=np.int64)


def _shares(x: Any) -> NDArray[np.float64]:
    counts = np.asarray(x.sum(0)).ravel() + 1.0
    return np.asarray(counts / counts.sum())
