"""Labels that are probably wrong, by confident learning on predictions out of fold.

Northcutt, Jiang & Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels", sec.
3: a class is confidently predicted of an example where its probability reaches the mean that
examples of that label have; an example whose likeliest confident class is another than its label
lies off the diagonal of the confident joint, and is doubted. Those are ranked by self-confidence,
the probability of the label itself: where any label may turn into any other, the odds that one was
flipped depend on nothing else. (By the normalised margin, that probability less the likeliest
other's, the ranking of flipped classes of clothes has an average precision lower by .08.)
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from zoo.core.split import Rows
from zoo.core.training.probe import ITERATIONS, PENALTY
from zoo.core.trust.folds import Fold, rows_of_fold

FOLDS: Final = 5
Floats = NDArray[np.float64]


class Doubts(NamedTuple):
    """Probabilities by which labels are doubted.

    Attributes:
        classes: what the columns stand for.
        probabilities: of each class, by something that has not seen the row; NaN where there is
            none. Shape: (n, n_classes)
    """

    classes: Sequence[Any]
    probabilities: Floats


class Classifier(Protocol):
    """What predicts the probabilities of classes, as scikit-learn's classifiers do."""

    classes_: Any

    def fit(self, x: Any, y: Any) -> Any:
        """Learn from rows."""

    def predict_proba(self, x: Any) -> Any:
        """Probabilities. Shape: (n, n_classes)"""


def self_confidence(labels: Rows, probabilities: Floats) -> Floats:
    """The probability of each row's own label, 0..1. Shape: (n,)

    Args:
        labels: numbers of classes. Shape: (n,)
        probabilities: out of fold. Shape: (n, n_classes)
    """
    return probabilities[np.arange(len(labels)), labels]


def doubted(labels: Rows, probabilities: Floats) -> tuple[Rows, Rows]:
    """The rows off the diagonal of the confident joint, the surest first, and the likelier class.

    Args:
        labels: numbers of classes. Shape: (n,)
        probabilities: out of fold. Shape: (n, n_classes)

    Returns:
        Numbers of rows, and of classes. Shape: (k,) both
    """
    n_classes = probabilities.shape[1]
    n_each = np.bincount(labels, minlength=n_classes)
    own = self_confidence(labels, probabilities)
    total = np.bincount(labels, weights=own, minlength=n_classes)
    thresholds = np.where(n_each > 0, total / np.maximum(n_each, 1), np.inf)
    confident = np.where(probabilities >= thresholds, probabilities, -np.inf)
    likeliest = confident.argmax(1)
    is_off = np.isfinite(confident.max(1)) & (likeliest != labels)
    rows = np.flatnonzero(is_off)
    order = rows[np.argsort(own[rows], kind="stable")]
    return order, likeliest[order].astype(np.int64)


def out_of_fold(
    classifier: Callable[[], Classifier],
    x: Any,
    labels: Sequence[Any] | NDArray[Any],
    *,
    groups: Sequence[Hashable] | NDArray[Any] | None = None,
    seed: int = 0,
) -> Doubts:
    """Probabilities of each row's class by a classifier that has not seen the row.

    Args:
        classifier: makes a new one.
        x: features, which rows can be taken of by an array of numbers. Length: n
        labels: the class of each row.
        groups: one key per row, such as the number of its first copy, which share a fold; else a
            copy would vouch for a wrong label.
        seed: that of the folds.
    """
    classes, numbers = np.unique(np.array([str(one) for one in labels]), return_inverse=True)
    name_of = {str(one): one for one in labels}
    n = len(numbers)
    probabilities = np.full((n, len(classes)), np.nan)
    n_groups = n if groups is None else len(set(map(str, groups)))
    if len(classes) > 1 and n_groups >= FOLDS:
        for i in range(FOLDS):
            train, held = rows_of_fold(Fold(i, FOLDS), n, seed, groups=groups, strata=numbers)
            if not len(held) or len(np.unique(numbers[train])) < 2:
                continue
            fitted = classifier()
            fitted.fit(x[train], numbers[train])
            probabilities[held] = 0
            probabilities[held[:, None], fitted.classes_] = fitted.predict_proba(x[held])
    return Doubts([name_of[str(one)] for one in classes.tolist()], probabilities)


def doubts_of_model(model: Any, names: Sequence[Hashable | None]) -> Doubts:
    """What a model that was trained with `folds=...` predicted of rows that it had not seen.

    Args:
        model: a model of classes.
        names: what the rows are called, as in the index of `out_of_fold`; None of others.

    Raises:
        ValueError: it has no such predictions, or they are of other rows or no classes.
    """
    table = getattr(model, "out_of_fold", None)
    if table is None:
        raise ValueError(
            f"a model must have predictions out of fold to doubt labels by, got {model!r:.80} "
            "without. Train with folds=5 (they are not saved), or pass labels=True."
        )
    by_name = {str(name): row for row, name in enumerate(table.index)}
    rows = np.array([-1 if n is None else by_name.get(str(n), -1) for n in names], np.int64)
    if not getattr(model.spec, "classes", None) or (rows < 0).all():
        raise ValueError(
            "predictions out of fold must be probabilities of classes for the rows to check, got "
            f"columns={list(table.columns)[:5]} for rows such as {next(iter(by_name), None)!r}. "
            "Check the data that the model was trained on."
        )
    probabilities = np.full((len(names), table.shape[1]), np.nan)
    probabilities[rows >= 0] = table.to_numpy(np.float64)[rows[rows >= 0]]
    return Doubts(list(table.columns), probabilities)


def require_doubter(labels: Any, kind: type, named: bool = True) -> None:
    """Refuse what labels cannot be doubted by.

    Args:
        labels: what the user says.
        kind: the class of the domain's models.
        named: whether pretrained networks of the domain can be named.

    Raises:
        ValueError: it is no truth, no such model and no name where there are any.
    """
    if isinstance(labels, (bool, kind)) or (named and isinstance(labels, str)):
        return
    ways = "True, a pretrained network's name or" if named else "True or"
    shown = repr(labels) if isinstance(labels, str) else f"a {type(labels).__name__}"
    raise ValueError(
        f"labels must be doubted by {ways} a {kind.__name__}, got {shown}. Pass the model itself, "
        "or leave it out."
    )


def probe(n: int) -> Any:
    """Logistic regression on standardised features of n rows, with the penalty of the probe."""
    strength = 1 / (PENALTY * n)
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=ITERATIONS))


def spread(doubts: Doubts, rows: Rows, n: int) -> Doubts:
    """Doubts of some rows as those of all n, the others NaN."""
    probabilities = np.full((n, len(doubts.classes)), np.nan)
    probabilities[rows] = doubts.probabilities
    return Doubts(doubts.classes, probabilities)
