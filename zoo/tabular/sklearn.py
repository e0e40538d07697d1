"""Networks for tables as scikit-learn's estimators: pipelines, searches, cross-validation.

DataFrames keep their dtypes, so categories are told apart as in `zoo.tabular.train`; the columns of
an array are numbers, unless `categories` lists them.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_array, check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from zoo.core.run import Run
from zoo.tabular.finetune import BATCH_SIZE, TRAIN_EPOCHS, TRAIN_LR, learner
from zoo.tabular.models.network import Join, ModelName
from zoo.tabular.predictor import TableModel
from zoo.tabular.spec import TaskName
from zoo.tabular.tables import Name

_TARGET = "the target of fit"  # beside the columns of X


class TabularClassifier(ClassifierMixin, BaseEstimator):
    """A network that tells classes apart, as a scikit-learn estimator.

    Args:
        model: "mlp" or "tabm".
        epochs: passes over the rows.
        lr: highest rate of the one cycle.
        batch_size: rows a step.
        weight_decay: on weights alone.
        layers: widths of the hidden layers; None takes the model's.
        dropout: after each hidden layer; None takes the model's.
        bins: of the piecewise-linear embeddings of numbers; None takes the model's.
        join: of categories and numbers; None takes the model's.
        categories: columns (of an array: their numbers) that are categories whatever they look like.
        numbers: columns that are numbers whatever they look like.
        device: to train on.
        random_state: seed of weights, order and dropout; None draws one.

    Attributes:
        classes_: the classes, sorted.
        model_: the `TableModel`.
        n_features_in_: columns of X.
        feature_names_in_: their names, if X has names.
    """

    def __init__(
        self,
        *,
        model: ModelName = "mlp",
        epochs: int = TRAIN_EPOCHS,
        lr: float = TRAIN_LR,
        batch_size: int = BATCH_SIZE,
        weight_decay: float = 0.01,
        layers: Sequence[int] | None = None,
        dropout: float | None = None,
        bins: int | None = None,
        join: Join | None = None,
        categories: Sequence[Name] = (),
        numbers: Sequence[Name] = (),
        device: str = "auto",
        random_state: Any = None,
    ) -> None:
        self.model, self.epochs, self.lr, self.batch_size = model, epochs, lr, batch_size
        self.weight_decay, self.layers, self.dropout = weight_decay, layers, dropout
        self.bins, self.join, self.categories, self.numbers = bins, join, categories, numbers
        self.device, self.random_state = device, random_state

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Train on the rows of X and their classes y."""
        frame, target = _fitted_table(self, X, y)
        check_classification_targets(target)
        self.classes_, codes = np.unique(target, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"telling classes apart needs at least two, however y has {len(self.classes_)} "
                "class; add rows of another"
            )
        frame[_TARGET] = codes
        self.model_ = _trained(self, frame, [_TARGET], "classification")
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """Of each class. Shape: (N, n_classes)."""
        check_is_fitted(self)
        shares = self.model_.probabilities(_table(self, X))
        return shares.to_numpy(np.float32)  # type: ignore[no-any-return]

    def predict(self, X: Any) -> NDArray[Any]:
        """The likeliest class of each row. Shape: (N,)."""
        classes: NDArray[Any] = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[classes])

    def __sklearn_tags__(self) -> Any:
        return _tags(super().__sklearn_tags__())


class TabularRegressor(RegressorMixin, BaseEstimator):
    """A network that predicts a number, or several, as a scikit-learn estimator.

    Args:
        model: "mlp" or "tabm"; the others as in `TabularClassifier`.
        epochs: passes over the rows.
        lr: highest rate of the one cycle.
        batch_size: rows a step.
        weight_decay: on weights alone.
        layers: widths of the hidden layers; None takes the model's.
        dropout: after each hidden layer; None takes the model's.
        bins: of the piecewise-linear embeddings of numbers; None takes the model's.
        join: of categories and numbers; None takes the model's.
        categories: columns (of an array: their numbers) that are categories whatever they look like.
        numbers: columns that are numbers whatever they look like.
        log_target: learn the logarithm of a positive target.
        device: to train on.
        random_state: seed of weights, order and dropout; None draws one.

    Attributes:
        model_: the `TableModel`.
        n_features_in_: columns of X.
        feature_names_in_: their names, if X has names.
    """

    def __init__(
        self,
        *,
        model: ModelName = "mlp",
        epochs: int = TRAIN_EPOCHS,
        lr: float = TRAIN_LR,
        batch_size: int = BATCH_SIZE,
        weight_decay: float = 0.01,
        layers: Sequence[int] | None = None,
        dropout: float | None = None,
        bins: int | None = None,
        join: Join | None = None,
        categories: Sequence[Name] = (),
        numbers: Sequence[Name] = (),
        log_target: bool = False,
        device: str = "auto",
        random_state: Any = None,
    ) -> None:
        self.model, self.epochs, self.lr, self.batch_size = model, epochs, lr, batch_size
        self.weight_decay, self.layers, self.dropout = weight_decay, layers, dropout
        self.bins, self.join, self.categories, self.numbers = bins, join, categories, numbers
        self.log_target, self.device, self.random_state = log_target, device, random_state

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Train on the rows of X and their targets y, (N,) or (N, n_targets)."""
        frame, target = _fitted_table(self, X, y, several=True)
        columns = target.reshape(len(target), -1)
        names = [f"{_TARGET} {i}" for i in range(columns.shape[1])]
        made = pd.DataFrame(columns, columns=names, index=frame.index, dtype=np.float64)
        frame = pd.concat([frame, made], axis=1)
        self.flat_ = target.ndim == 1
        self.model_ = _trained(self, frame, names, "regression", log_target=self.log_target)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The number, or numbers, of each row. Shape: as y."""
        check_is_fitted(self)
        found = self.model_.predict(_table(self, X)).to_numpy(np.float64)
        return found.reshape(-1) if self.flat_ else found.reshape(len(found), -1)  # type: ignore[no-any-return]

    def __sklearn_tags__(self) -> Any:
        tags = _tags(super().__sklearn_tags__())
        tags.target_tags.single_output = True
        tags.target_tags.multi_output = True
        tags.target_tags.positive_only = self.log_target
        return tags


def _fitted_table(
    estimator: Any, X: Any, y: Any, *, several: bool = False
) -> tuple[pd.DataFrame, NDArray[Any]]:
    """X as a DataFrame of its own and y as an array; the estimator knows the columns afterwards."""
    if isinstance(X, pd.DataFrame):
        validate_data(estimator, X, skip_check_array=True)
        check_consistent_length(X, y)
        several = several and np.ndim(y) > 1
        target = check_array(y, dtype="numeric") if several else column_or_1d(y, warn=True)
        return X.copy(deep=False), np.asarray(target)
    array, target = validate_data(
        estimator, X, y, ensure_all_finite="allow-nan", multi_output=several, y_numeric=several
    )
    return pd.DataFrame(array), np.asarray(target)


def _table(estimator: Any, X: Any) -> pd.DataFrame:
    """X as a DataFrame whose columns are those of fit."""
    if isinstance(X, pd.DataFrame):
        validate_data(estimator, X, reset=False, skip_check_array=True)
        return X if hasattr(estimator, "feature_names_in_") else X.set_axis(_numbered(X), axis=1)
    return pd.DataFrame(validate_data(estimator, X, reset=False, ensure_all_finite="allow-nan"))


def _numbered(frame: pd.DataFrame) -> list[int]:
    return list(range(frame.shape[1]))


def _trained(
    estimator: Any, frame: pd.DataFrame, targets: list[str], task: TaskName, **more: Any
) -> TableModel:
    """The network of the estimator's settings, trained on all rows; a constant column is no news."""
    inputs = [name for name in frame.columns if name not in targets]
    numbers = list(estimator.numbers)
    if not hasattr(estimator, "feature_names_in_"):
        numbers = [name for name in inputs if name not in estimator.categories]
    seed = int(check_random_state(estimator.random_state).randint(2**31 - 1))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "an input helps if it varies")
        learn = learner(
            frame,
            targets,
            model=estimator.model,
            task=task,
            categories=list(estimator.categories),
            numbers=numbers,
            valid_fraction=0,
            batch_size=estimator.batch_size,
            weight_decay=estimator.weight_decay,
            layers=estimator.layers,
            dropout=estimator.dropout,
            bins=estimator.bins,
            join=estimator.join,
            run=Run(device=estimator.device, seed=seed, progress=False),
            **more,
        )
    learn.fit_one_cycle(estimator.epochs, estimator.lr)
    net: Any = learn.model  # in double precision a row does not depend on its neighbours
    return TableModel([net.eval().double()], learn.data.spec, history=learn.history, run=learn.run)


def _tags(tags: Any) -> Any:
    tags.input_tags.allow_nan = True
    tags.input_tags.categorical = True
    tags.input_tags.string = False
    tags.non_deterministic = False
    return tags
