"""The rivals of a network for tables: what a careful practitioner tries first.

Each is a function of a learner's data that looks at the training rows alone and returns a module
which takes `(x_cat, x_cont)` as the network does and gives what the task decodes: logits, or
numbers in the target's standardised units. Its attribute `rows` counts the rows it was fitted on:
all, or as many (drawn once) as there is time for.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.core.batches import Data
from zoo.core.task import LEAST
from zoo.core.threads import one_thread
from zoo.core.training.learner import Learner
from zoo.core.trust.rivals import Rival, Rows, fit_within
from zoo.tabular.data.encode import MISSING
from zoo.tabular.data.weights import without_weights
from zoo.tabular.models.simple import Constant, Limits, LinearTable, straight
from zoo.tabular.spec import Spec

if TYPE_CHECKING:
    from scipy import sparse

Inputs = tuple[Tensor, Tensor]
Weights = NDArray[np.float64] | None
"""How much each row counts; None if all count alike. Shape: (N,)"""

CHOICE_ROWS: Final = 2_000  # that the strength of a penalty is chosen on
BOOSTING_PAYS: Final = 1.0  # seconds that a call must last for it
MOST_CELLS: Final = 2_000_000  # of a linear model: rows, times columns, times outputs
FEW_CELLS: Final = 100_000  # of a table whose trees one thread grows
DENSE_CELLS: Final = 20_000_000  # of a matrix that is not kept sparse (160 MB)
CS: Final = (0.01, 0.1, 1.0, 10.0)  # inverse strengths of the penalty on logistic regression
ALPHAS: Final = tuple(np.logspace(-2, 4, 13).tolist())  # strengths of the penalty on ridge
FOLDS: Final = 3
MOST_NATIVE: Final = 255  # values of a column that boosting takes as categories


class Boosting(nn.Module):
    """scikit-learn's gradient boosting behind the interface of a network, to compare with.

    Args:
        trees: a fitted classifier, or a regressor for each target.
        numbers_with_gaps: numbers whose gaps the last columns of `x_cat` tell, in their order.
        n_out: outputs.

    Shape: output (B, n_out)
    """

    def __init__(self, trees: Sequence[Any], numbers_with_gaps: Sequence[int], n_out: int) -> None:
        super().__init__()
        self.trees, self.numbers_with_gaps, self.n_out = trees, numbers_with_gaps, n_out
        self.rows = 0

    def forward(self, x_cat: Tensor, x_cont: Tensor) -> Tensor:
        """Logarithms of probabilities, or scaled numbers."""
        cells = _cells((x_cat, x_cont), self.numbers_with_gaps)
        if not hasattr(self.trees[0], "classes_"):
            columns = np.stack([tree.predict(cells) for tree in self.trees], axis=1)
        else:
            columns = np.full((len(cells), self.n_out), math.log(LEAST))
            shares = self.trees[0].predict_proba(cells).clip(LEAST)
            columns[:, self.trees[0].classes_] = np.log(shares)
        return torch.from_numpy(columns).to(x_cont)


def rivals_of(learn: Learner[Spec, Any]) -> list[Rival[Spec]]:
    """The rivals of a learner; they keep to the range of its predictions."""
    network: Any = learn.model
    y_range = network.settings.get("y_range")
    return [
        Rival("constant", partial(constant, y_range=y_range)),
        Rival("linear", partial(linear, y_range=y_range)),
        Rival("boosting", boosting, least=BOOSTING_PAYS, blends=False),
    ]


def constant(
    data: Data[Spec], seconds: float = math.inf, *, y_range: Limits | None = None
) -> Constant:
    """The most frequent class, or the mean, of the training rows."""
    _, target, weights = _training_rows(data)
    each = torch.ones(len(target)) if weights is None else weights
    module = Constant(data.spec.n_out)
    if data.spec.task == "classification":
        counts = torch.bincount(target, each, minlength=data.spec.n_out)
        value = ((counts + 1) / (counts.sum() + data.spec.n_out)).log()
    else:
        value = (target * each.unsqueeze(1)).sum(0) / each.sum()
        if y_range is not None:
            value = value.clamp(*torch.tensor(y_range).T)
    module.value.data.copy_(value)
    module.rows = len(target)
    return module.requires_grad_(False)


def linear(
    data: Data[Spec],
    seconds: float = math.inf,
    *,
    y_range: Limits | None = None,
) -> LinearTable:
    """Logistic regression, or ridge, on one-hot categories and standardised numbers.

    The strength of the penalty is the best of a few for rows kept out, of at most `CHOICE_ROWS`.
    How many rows it is fitted on does not depend on the time, so that a blend with it is the same
    whenever it is trained: `MOST_CELLS` tells.
    """
    (x_cat, x_cont), target, of_rows = _training_rows(data)
    spec = data.spec
    bends = [bool(number.spread) for number in spec.numbers]
    fit_weights = _logistic if spec.task == "classification" else _ridge

    def fit(rows: Rows) -> LinearTable:
        module = LinearTable(spec.table_rows, len(spec.numbers), spec.n_out, bends, y_range)
        numbers = straight(x_cont[rows].double(), module.bends)
        std, mean = (torch.from_numpy(f(numbers.numpy(), axis=0)) for f in (np.std, np.mean))
        std = torch.where(std > 1e-12, std, 1.0)
        places = x_cat[rows] + module.first
        features = _one_hot(places, (numbers - mean) / std, len(module.vectors))
        each = None if of_rows is None else of_rows[rows].double().numpy()
        weights, bias = fit_weights(features, target[rows].numpy(), spec.n_out, each)
        n = len(module.vectors)
        matrix = torch.from_numpy(weights[n:]) / std.unsqueeze(1)
        module.vectors.data.copy_(torch.from_numpy(weights[:n]))
        module.matrix.data.copy_(matrix)
        module.bias.data.copy_(torch.from_numpy(bias) - mean @ matrix)
        module.rows = len(rows)
        return module.requires_grad_(False)

    cells = max(x_cat.shape[1] + x_cont.shape[1], 1) * spec.n_out
    n, most = len(target), max(MOST_CELLS // cells, 1)
    return fit(np.sort(np.random.default_rng(0).permutation(n)[:most]))


def boosting(data: Data[Spec], seconds: float = math.inf) -> Boosting:
    """scikit-learn's HistGradientBoosting with its defaults; categories and gaps as they are."""
    from sklearn import ensemble

    (x_cat, x_cont), target, weights = _training_rows(data)
    spec = data.spec
    with_gaps = [i for i, number in enumerate(spec.numbers) if number.gaps]
    cells = _cells((x_cat, x_cont), with_gaps)
    native = [len(one.values) <= MOST_NATIVE for one in spec.categories]
    settings = {"categorical_features": native + [False] * len(spec.numbers), "random_state": 0}
    is_class = spec.task == "classification"
    kind = getattr(ensemble, f"HistGradientBoosting{'Classifier' if is_class else 'Regressor'}")
    columns = [target.numpy()] if is_class else list(target.numpy().T)

    def fit(rows: Rows) -> Boosting:
        each = None if weights is None else weights[rows].numpy()
        with one_thread(cells.size <= FEW_CELLS):
            trees = [kind(**settings).fit(cells[rows], column[rows], each) for column in columns]
        return Boosting(trees, with_gaps, spec.n_out)

    return fit_within(seconds, len(target), fit)


def _training_rows(data: Data[Spec]) -> tuple[Inputs, Tensor, Tensor | None]:
    """Inputs, target and weights (if any) of the training part, on the CPU."""
    train: Any = data.train
    x_cat, x_cont = (tensor.cpu() for tensor in train.inputs)
    return (x_cat, x_cont), *without_weights(train.target.cpu(), data.spec)


def _one_hot(places: Tensor, numbers: Tensor, n_vectors: int) -> sparse.csr_array:
    """One column for each row of an embedding, then the numbers; float64. Shape: (N, all)."""
    from scipy import sparse

    n, n_cat = places.shape
    ends = np.arange(0, n * n_cat + 1, n_cat) if n_cat else np.zeros(n + 1, dtype=int)
    hot = sparse.csr_array((np.ones(n * n_cat), places.flatten().numpy(), ends), (n, n_vectors))
    return sparse.hstack([hot, sparse.csr_array(numbers.numpy())], format="csr")


def _logistic(
    features: sparse.csr_array, target: Rows, n_classes: int, each: Weights
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights and biases of logistic regression; a class without rows is as rare as none of them.

    Shape: (n_features, n_classes) and (n_classes,)
    """
    weights = np.zeros((features.shape[1], n_classes))
    bias = np.full(n_classes, -math.log(len(target) + 1))
    present = np.unique(target)
    if len(present) < 2:
        bias[present] = 0
        return weights, bias
    c = _best_c(features, target, each)
    model = _logistic_of(c, _matrix(features), target, each)
    if len(present) > 2:
        weights[:, present], bias[present] = model.coef_.T, model.intercept_
    else:
        weights[:, present[1]], bias[present] = model.coef_[0], (0, model.intercept_[0])
    return weights, bias


def _best_c(features: sparse.csr_array, target: Rows, each: Weights) -> float:
    """The inverse strength of the lowest log loss over folds."""
    weights = np.ones(len(target)) if each is None else each
    n = min(len(target), CHOICE_ROWS)
    order = np.random.default_rng(0).permutation(len(target))[:n]
    losses = np.zeros(len(CS))
    for held in np.array_split(order, FOLDS):
        rest = np.setdiff1d(order, held)
        if len(np.unique(target[rest])) < 2:
            continue
        part, others = _matrix(features[rest]), _matrix(features[held])
        for i, c in enumerate(CS):
            model = _logistic_of(c, part, target[rest], weights[rest])
            shares = np.zeros((len(held), int(target.max()) + 1))
            shares[:, model.classes_] = model.predict_proba(others)
            logs = np.log(shares[np.arange(len(held)), target[held]].clip(LEAST))
            losses[i] -= weights[held] @ logs
    return CS[int(losses.argmin())]


def _logistic_of(c: float, features: Any, target: Rows, each: Weights) -> Any:
    """A fitted logistic regression of the inverse strength c."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near enough for a rival
        return LogisticRegression(C=c, max_iter=500).fit(features, target, each)


def _ridge(
    features: sparse.csr_array, target: NDArray[np.float32], n_out: int, each: Weights
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights and biases of ridge regression, with a strength for each target.

    Shape: (n_features, n_out) and (n_out,)
    """
    from sklearn.linear_model import Ridge, RidgeCV

    fits = features.shape[0] * features.shape[1] <= DENSE_CELLS
    part = slice(None) if fits else slice(min(CHOICE_ROWS, DENSE_CELLS // features.shape[1]))
    numbers = target.astype(np.float64)
    some = None if each is None else each[part]
    choice = RidgeCV(ALPHAS, alpha_per_target=True)
    choice = choice.fit(features[part].toarray(), numbers[part], some)
    if fits:
        return choice.coef_.T.reshape(-1, n_out), choice.intercept_.reshape(n_out)
    model = Ridge(choice.alpha_).fit(features, numbers, each)
    return model.coef_.T.reshape(-1, n_out), np.asarray(model.intercept_).reshape(n_out)


def _matrix(features: sparse.csr_array) -> Any:
    """The features as a plain array, unless it would be large."""
    is_large = features.shape[0] * features.shape[1] > DENSE_CELLS
    return features if is_large else features.toarray()


def _cells(inputs: Inputs, numbers_with_gaps: Sequence[int]) -> NDArray[np.float64]:
    """Categories and numbers side by side; unseen categories and gaps are NaN. Shape: (N, all)."""
    x_cat, x_cont = (tensor.cpu().double().numpy() for tensor in inputs)
    n = x_cat.shape[1] - len(numbers_with_gaps)
    numbers = x_cont.copy()
    for flag, column in enumerate(numbers_with_gaps, n):
        numbers[x_cat[:, flag] == MISSING, column] = np.nan
    categories = np.where(x_cat[:, :n] == 0, np.nan, x_cat[:, :n])
    return np.hstack([categories, numbers])
