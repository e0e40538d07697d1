"""What one would try first on texts: bags of words, in scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from benchmarks.arena.task import Answer, Task
from scripts.lib import bags_of_words
from scripts.lib.bags_of_words import BETA, WORDS


def tfidf(task: Task) -> Answer:
    """TF-IDF with logistic regression: 1 for the class that it says."""
    said = bags_of_words.tfidf(task.train["text"], task.labels, task.inputs["text"])
    return np.eye(len(task.classes))[said]


def nb_svm(task: Task) -> Answer:
    """NB-SVM (Wang & Manning 2012, sec. 2.3), each class against the rest, with logistic loss."""
    words = CountVectorizer(token_pattern=WORDS, ngram_range=(1, 3), binary=True)
    x, others = words.fit_transform(task.train["text"]), words.transform(task.inputs["text"])
    answer = np.empty((others.shape[0], len(task.classes)))
    for label in range(len(task.classes)):
        truth = task.labels == label
        likely, unlikely = (np.asarray(x[rows].sum(0)).ravel() + 1.0 for rows in (truth, ~truth))
        ratio = np.log(likely / likely.sum()) - np.log(unlikely / unlikely.sum())
        model = LogisticRegression(max_iter=300).fit(x.multiply(ratio).tocsr(), truth)
        own = model.coef_[0]
        weights = (1 - BETA) * np.abs(own).mean() + BETA * own
        answer[:, label] = others @ (ratio * weights) + BETA * model.intercept_[0]
    return answer
