from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from scripts.lib import bags_of_words
from scripts.lib.bags_of_words import nb_svm, tfidf
from scripts.lib.imdb import Reviews
from tests.text.small import reviews


def parts() -> tuple[list[str], list[int], list[str], list[int]]:
    table = reviews(200)
    texts, labels = table["review"].tolist(), (table["liked"] == "yes").astype(int).tolist()
    return texts[:150], labels[:150], texts[150:], labels[150:]


@pytest.mark.parametrize("classes", [tfidf, nb_svm])
def test_words_that_tell_classes_apart_are_found(classes: Callable[..., Any]) -> None:
    texts, labels, others, truth = parts()
    assert (classes(texts, labels, others) == np.array(truth)).mean() > 0.95


def test_without_a_pull_towards_bayes_nb_svm_is_a_regression(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bags_of_words, "BETA", 1.0)
    texts, labels, others, _ = parts()
    words = sorted({word for text in texts for word in text.split()})
    assert len(words) > 10
    said = nb_svm(texts, labels, others)
    table = sparse.csr_matrix([[word in text for word in words] for text in texts], dtype=float)
    other = sparse.csr_matrix([[word in text for word in words] for text in others], dtype=float)
    by_hand = LogisticRegression().fit(table, labels).predict(other)
    assert (said == by_hand).mean() > 0.95


def test_a_draw_has_as_many_of_both() -> None:
    whole = Reviews([str(i) for i in range(30)], [0] * 20 + [1] * 10)
    one, other = whole.take(8, seed=0), whole.take(8, seed=1)
    assert one.labels == [0] * 4 + [1] * 4
    assert one != other
    assert whole.take(30, seed=0) is whole
