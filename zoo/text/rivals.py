"""The cheap rivals of a classifier of texts: linear models of words and pairs of words.

They learn from the batches that the network learns from, and are modules of the same inputs and
outputs, so that a blend of both predicts, scores and is stored like a network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix, vstack
from scipy.special import logsumexp
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold
from torch import Tensor

from zoo.core.batches import Batch, Batches, Data
from zoo.core.training.learner import Learner
from zoo.core.trust.rivals import Rival
from zoo.text.data.stream import Stream
from zoo.text.models.bag_of_words import BagOfWords, Counting, occurrences
from zoo.text.spec import Asked, TextSpec
from zoo.text.task import task_of

MOST_FEATURES: Final = 300_000  # the most frequent
MOST_WEIGHTS: Final = 6_000_000  # features times classes: 24 MB
FEW: Final = 3000  # texts up to which features of one text count, and all folds are held out
FOLDS: Final = 5
STRENGTHS: Final = (10.0, 3.0, 30.0)  # inverse, of a penalty; the usual one first
RIDGES: Final = (1.0, 0.3, 3.0, 10.0)  # penalties of numbers; the usual one first
BETA: Final = 0.25  # of the weights of NB-SVM against their mean (Wang & Manning 2012, sec. 4.2)
SCALES: Final = (-4.0, 3.0)  # logarithms of the factors between which that of scores is looked for
CHEAP: Final = 3_000_000  # values, times classes, folds and strengths: two seconds
PARTS_PAY: Final = 1_000_000  # words of all texts, beyond which parts of words are left out
MOST_STEPS: Final = 1000  # of a regression

Floats = NDArray[np.float64]
Fit = Callable[[Any, Floats], tuple[Floats, Floats]]
"""From features (n, F) and truth (n, C), 0 and 1 or outputs, to weights (F, C), biases (C,)."""


def tfidf_regression(data: Data[TextSpec], seconds: float = 2.0) -> BagOfWords:
    """Logistic regression on TF-IDF of words and pairs of words.

    Args:
        data: batches of documents; the training part alone is read.
        seconds: not read: the strength of the penalty is compared on folds where the texts are few
            enough, so that the same texts give the same model.
    """
    table = _table(data, parts=False)
    idf = TfidfTransformer(sublinear_tf=True).fit(table.counts)
    x, several = idf.transform(table.counts), data.spec.multi_label
    fits = [partial(_one_by_one if several else _together, strength=one) for one in STRENGTHS]
    best, cost = 0, x.nnz * table.truth.shape[1] * FOLDS * len(fits)
    if cost <= CHEAP and len(table.truth) >= 2 * FOLDS:
        held = [_out_of_fold(fit, x, table.truth) for fit in fits]
        best = int(np.argmin([_log_loss(*one, several=several) for one in held]))
    return table.bag("tfidf", idf.idf_, *fits[best](x, table.truth))


def tfidf_ridge(data: Data[TextSpec], seconds: float = 2.0) -> BagOfWords:
    """Ridge regression of numbers on TF-IDF of words and pairs of words, for models of numbers.

    Args:
        data: see `tfidf_regression`.
        seconds: see `tfidf_regression`.
    """
    table = _table(data, parts=False)
    idf = TfidfTransformer(sublinear_tf=True).fit(table.counts)
    x, fits, best = idf.transform(table.counts), [partial(_ridge, penalty=p) for p in RIDGES], 0
    if x.nnz * FOLDS * len(fits) <= CHEAP and len(table.truth) >= 2 * FOLDS:
        held = [_out_of_fold(fit, x, table.truth) for fit in fits]
        best = int(np.argmin([np.square(said - truth).mean() for said, truth in held]))
    return table.bag("tfidf", idf.idf_, *fits[best](x, table.truth))


def nb_svm(data: Data[TextSpec], seconds: float = 2.0) -> BagOfWords:
    """NB-SVM with logistic loss, each class against all others (Wang & Manning 2012, sec. 2.3).

    A word, pair of words or part of a word (three to five letters in a row) that is there counts as
    the logarithm of how much likelier it is in texts of the class than in others; weights are drawn
    towards their mean magnitude, that is towards naive Bayes. The factor that makes the best
    probabilities of the scores is found on folds, whose truth is smoothed by one text of no class
    (Platt 1999): otherwise texts that are told apart without a mistake would make it infinite.

    Args:
        data: see `tfidf_regression`.
        seconds: not read: it takes less than that.
    """
    table = _table(data, parts=True)
    x, n, scale = table.counts.sign(), len(table.truth), 1.0
    if n >= 2 * FOLDS:
        several = data.spec.multi_label
        scores, truth = _out_of_fold(_by_ratios, x, table.truth)
        smoothed = (len(truth) * truth + (0.5 if several else 1 / truth.shape[1])) / (
            len(truth) + 1
        )

        def loss(log: float) -> float:
            return _log_loss(scores * np.exp(log), smoothed, several=several)

        scale = float(np.exp(minimize_scalar(loss, bounds=SCALES, method="bounded").x))
    weight, bias = _by_ratios(x, table.truth)
    return table.bag("presence", np.ones(x.shape[1]), scale * weight, scale * bias)


FITS: Final = {"tf-idf": tfidf_regression, "nb-svm": nb_svm}
"""What fits the bags of words, by name."""


def fits_of(task: Asked) -> dict[str, Callable[..., BagOfWords]]:
    """What fits the bags of words that can learn a task, by name; see `FITS`."""
    return {"tf-idf": tfidf_ridge} if task == "regression" else FITS


def rivals_of(learn: Learner[TextSpec, Any]) -> list[Rival[TextSpec]]:
    """The rivals of a classifier; where classes are weighted they only compare."""
    blends = learn.task.weights is None
    return [Rival(name, fit, blends=blends) for name, fit in fits_of(learn.data.spec.task).items()]


def parts_pay(stream: Stream) -> bool:
    """Whether bags look at parts of words: what few texts gain by them, many lose in memory."""
    return len(stream) <= PARTS_PAY


@dataclass(frozen=True)
class _Table:
    """Features of texts, and their classes, or the outputs that numbers stand for.

    Shape: keys (F,), sorted; counts (n, F); truth (n, C), 0 and 1, or (n, 1).
    """

    keys: NDArray[np.int64]
    counts: csr_matrix
    truth: Floats

    def bag(self, counting: Counting, idf: Floats, weight: Floats, bias: Floats) -> BagOfWords:
        """The module of a linear model, in evaluation mode."""
        bag = _empty(self.keys, self.truth.shape[1], counting)
        with torch.no_grad():
            bag.idf.copy_(torch.from_numpy(idf))
            bag.weight.copy_(torch.from_numpy(weight))
            bag.bias.copy_(torch.from_numpy(bias))
        return bag.eval()


def _table(data: Data[TextSpec], *, parts: bool) -> _Table:
    """The training texts' most frequent words and pairs, and parts of words, in two passes."""
    n_out, encode = data.spec.n_out, task_of(data.spec).encode
    train: Any = data.train
    parts = parts and parts_pay(train.stream)
    batches = replace(train, word=data.spec.word if parts else None)
    targets = torch.cat([batch.target for batch in batches.epoch(0)]).cpu().numpy()
    if encode is not None:
        truth = encode(targets)[:, None]
    else:
        truth = targets if targets.ndim == 2 else np.eye(n_out)[targets]
    keys = _frequent(batches, len(truth), n_out)
    bag, rows = _empty(keys, n_out), []
    for batch in batches.epoch(0):
        row, features, counts = (one.numpy() for one in bag.counts(*_seen_by_bags(batch)))
        shape = (len(batch.target), len(keys))
        rows.append(csr_matrix((counts.astype(np.float64), (row, features)), shape=shape))
    return _Table(keys, vstack(rows, format="csr"), truth.astype(np.float64))


def _seen_by_bags(batch: Batch) -> list[Tensor]:
    """The inputs of a batch but for the lengths."""
    return [one.cpu() for i, one in enumerate(batch.inputs) if i != 1]


def _frequent(batches: Batches, n_texts: int, n_classes: int) -> NDArray[np.int64]:
    """The keys that most texts have, sorted; that of no word if there is none."""
    found = []
    for batch in batches.epoch(0):
        rows, keys = occurrences(*_seen_by_bags(batch))
        own, number = torch.unique(keys, return_inverse=True)
        once = (rows * len(own) + number).unique()
        found.append(own[once % max(len(own), 1)].numpy())
    features, n_with = np.unique(np.concatenate(found), return_counts=True)
    if not len(features):
        return np.zeros(1, dtype=np.int64)
    rare = n_with < (1 if n_texts <= FEW else 2)
    most = min(MOST_FEATURES, MOST_WEIGHTS // n_classes, max(int((~rare).sum()), 1))
    return np.asarray(np.sort(features[np.lexsort((features, -n_with))[:most]]))


def _empty(keys: NDArray[np.int64], n_classes: int, counting: Counting = "presence") -> BagOfWords:
    bag = BagOfWords(n_features=len(keys), n_classes=n_classes, counting=counting)
    bag.keys.copy_(torch.from_numpy(keys))
    return bag


def _out_of_fold(fit: Fit, x: csr_matrix, truth: Floats) -> tuple[Floats, Floats]:
    """Scores of rows by models that did not see them, and their truth; of many rows, one fold's."""
    folds = list(KFold(FOLDS, shuffle=True, random_state=0).split(truth))
    scores, truths = [], []
    for train, held in folds if len(truth) <= FEW else folds[:1]:
        weight, bias = fit(x[train], truth[train])
        scores.append(x[held] @ weight + bias)
        truths.append(truth[held])
    return np.concatenate(scores), np.concatenate(truths)


def _together(x: csr_matrix, truth: Floats, strength: float) -> tuple[Floats, Floats]:
    """Softmax regression over the classes that occur; others are less likely than all of them."""
    own, labels = np.flatnonzero(truth.any(0)), truth.argmax(1)
    weight, bias = np.zeros((x.shape[1], truth.shape[1])), np.full(truth.shape[1], -np.inf)
    if len(own) == 1:
        bias[own] = 0
    else:
        model = LogisticRegression(C=strength, max_iter=MOST_STEPS).fit(x, labels)
        rows, biases = model.coef_, model.intercept_
        if len(own) == 2:  # scikit-learn has one row of weights for both
            rows, biases = (np.concatenate([-one, one]) / 2 for one in (rows, biases))
        weight[:, own], bias[own] = rows.T, biases
    bias[np.isneginf(bias)] = bias[own].min() - np.log(len(truth) + 1)
    return weight, bias


def _ridge(x: csr_matrix, truth: Floats, penalty: float) -> tuple[Floats, Floats]:
    """Ridge regression of one output."""
    model = Ridge(alpha=penalty, tol=1e-6).fit(x, truth[:, 0])
    return model.coef_[:, None], np.array([model.intercept_])


def _one_by_one(x: csr_matrix, truth: Floats, strength: float) -> tuple[Floats, Floats]:
    """Logistic regression of each class against all others."""
    each = [_against_others(x, own, strength) for own in truth.T]
    return np.stack([weight for weight, _ in each], 1), np.array([bias for _, bias in each])


def _by_ratios(x: csr_matrix, truth: Floats) -> tuple[Floats, Floats]:
    """The same on features times the log ratio of their shares in a class and in the others."""
    weights, biases = [], []
    for own in truth.T:
        within, without = own @ x + 1, (1 - own) @ x + 1
        ratio = np.log(within / within.sum()) - np.log(without / without.sum())
        weight, bias = _against_others(x.multiply(ratio).tocsr(), own, strength=1.0)
        weights.append(ratio * ((1 - BETA) * np.abs(weight).mean() + BETA * weight))
        biases.append(BETA * bias if weight.any() else bias)  # of a class that none or all have
    return np.stack(weights, 1), np.array(biases)


def _against_others(x: csr_matrix, own: Floats, strength: float) -> tuple[Floats, float]:
    if (n_own := own.sum()) in (0, len(own)):  # log odds of a class that all or none have
        return np.zeros(x.shape[1]), float(np.log(n_own + 0.5) - np.log(len(own) - n_own + 0.5))
    model = LogisticRegression(C=strength, max_iter=MOST_STEPS, solver="liblinear").fit(x, own)
    return model.coef_[0], float(model.intercept_[0])


def _log_loss(scores: Floats, truth: Floats, *, several: bool) -> float:
    """Mean log loss of scores: logits, or log odds where a text has any number of classes."""
    if several:
        return float((np.logaddexp(0, scores) - truth * scores).sum(1).mean())
    return float((logsumexp(scores, axis=1) - (scores * truth).sum(1)).mean())
