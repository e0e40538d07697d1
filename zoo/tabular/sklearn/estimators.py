"""Networks for tables as scikit-learn's estimators: pipelines, searches, cross-validation.

DataFrames keep their dtypes, so categories are told apart as in `zoo.tabular.train`; the columns of
an array are numbers, unless `categories` lists them.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, RegressorMixin, TransformerMixin, clone
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted

from zoo.core.messages import quoted
from zoo.tabular.data.encode import Encoder
from zoo.tabular.data.values import FEW, as_numbers
from zoo.tabular.options import ModelName
from zoo.tabular.sklearn.fitted import (
    NetworkEstimator,
    fitted_table,
    table_as_fitted,
    target_names,
    trained,
    weighted,
)
from zoo.tabular.sklearn.vectors import table_of, turned


@dataclass(kw_only=True, eq=False, repr=False)
class TabularClassifier(ClassifierMixin, NetworkEstimator):  # type: ignore[misc]
    """A network that tells classes apart, as a scikit-learn estimator.

    Args:
        model: "mlp" or "tabm".
        epochs: passes over the rows; None finds how many by rows held out.
        lr: highest rate.
        batch_size: rows per step; None takes a twentieth of them, from 16 to 256.
        weight_decay: decoupled weight decay of weights; biases and norms get none.
        layers: widths of the hidden layers; None takes the model's.
        dropout: probability after each hidden layer; None takes the model's.
        embedding_dropout: probability on the embeddings; None takes the model's.
        sizes: widths of embeddings, by column; the others grow with the categories, up to 8.
        category_decay: how strongly vectors of categories that tell little are drawn back.
        bins: number of bins of the piecewise-linear embeddings of numbers; None takes the model's.
        join: how categories and numbers come together; None takes the model's.
        categories: columns that are categories whatever they look like; of an array, numbers.
        numbers: columns that are numbers whatever they look like.
        device: device to train on.
        random_state: seed of weights, order and dropout; None draws one.
        rivals: whether a linear model may take a share in the prediction.
        class_weight: "balanced", or how much each class counts, by class; the others count 1.

    Attributes:
        classes_: the classes, sorted.
        model_: the `TableModel`.
        n_features_in_: columns of X.
        feature_names_in_: their names, if X has names.
    """

    model: ModelName = "mlp"
    class_weight: Literal["balanced"] | Mapping[Any, float] | None = None
    rivals: bool = True

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train on the rows of X and their classes y; a weight of 0 leaves a row out."""
        frame, target = weighted(*fitted_table(self, X, y), sample_weight)
        check_classification_targets(target)
        self.classes_, codes = np.unique(target, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y must have at least two classes, got y of {len(self.classes_)} class. Add rows "
                "of another."
            )
        (name,) = target_names(y, frame)
        frame[name] = codes
        self.model_ = trained(
            self, frame, [name], "classification", self.classes_, self._class_weights()
        )
        return self

    def _class_weights(self) -> Any:
        """Weights by the classes' numbers."""
        if self.class_weight is None or self.class_weight == "balanced":
            return self.class_weight
        chosen, classes = dict(self.class_weight), self.classes_.tolist()
        if unknown := [name for name in chosen if name not in classes]:
            raise ValueError(
                f"class_weight must name classes of y, got {quoted(unknown)}, none of "
                f"{quoted(classes)}. Name some of these."
            )
        return {i: chosen[name] for i, name in enumerate(classes) if name in chosen}

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """The probability of each class. Shape: (N, n_classes)."""
        check_is_fitted(self)
        shares = self.model_.probabilities(table_as_fitted(self, X))
        return shares.to_numpy(np.float32)

    def predict(self, X: Any) -> NDArray[Any]:
        """The likeliest class of each row. Shape: (N,)."""
        classes: NDArray[Any] = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[classes])


@dataclass(kw_only=True, eq=False, repr=False)
class TabularRegressor(RegressorMixin, NetworkEstimator):  # type: ignore[misc]
    """A network that predicts a number, or several, as a scikit-learn estimator.

    Args:
        model: "mlp" or "tabm"; the others as in `TabularClassifier`.
        epochs: passes over the rows; None finds how many by rows held out.
        lr: highest rate.
        batch_size: rows per step; None takes a twentieth of them, from 16 to 256.
        weight_decay: decoupled weight decay of weights; biases and norms get none.
        layers: widths of the hidden layers; None takes the model's.
        dropout: probability after each hidden layer; None takes the model's.
        embedding_dropout: probability on the embeddings; None takes the model's.
        sizes: widths of embeddings, by column; the others grow with the categories, up to 8.
        category_decay: how strongly vectors of categories that tell little are drawn back.
        bins: number of bins of the piecewise-linear embeddings of numbers; None takes the model's.
        join: how categories and numbers come together; None takes the model's.
        categories: columns that are categories whatever they look like; of an array, numbers.
        numbers: columns that are numbers whatever they look like.
        log_target: learn the logarithm of a positive target.
        device: device to train on.
        random_state: seed of weights, order and dropout; None draws one.
        rivals: whether a linear model may take a share in the prediction.

    Attributes:
        model_: the `TableModel`.
        n_features_in_: columns of X.
        feature_names_in_: their names, if X has names.
    """

    model: ModelName = "mlp"
    log_target: bool = False
    rivals: bool = True

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train on the rows of X and their targets y, (N,) or (N, n_targets).

        A weight of 0 leaves a row out.
        """
        frame, target = weighted(*fitted_table(self, X, y, several=True), sample_weight)
        columns = target.reshape(len(target), -1)
        names = target_names(y, frame, columns.shape[1])
        targets = pd.DataFrame(columns, columns=names, index=frame.index, dtype=np.float64)
        frame = pd.concat([frame, targets], axis=1)
        self.flat_ = target.ndim == 1
        self.model_ = trained(self, frame, names, "regression")
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The number, or numbers, of each row. Shape: as y."""
        check_is_fitted(self)
        numbers = self.model_.predict(table_as_fitted(self, X)).to_numpy(np.float64)
        return numbers.reshape(-1) if self.flat_ else numbers.reshape(len(numbers), -1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.positive_only = self.log_target
        return tags


@dataclass(kw_only=True, eq=False, repr=False)
class EntityEmbedder(TransformerMixin, NetworkEstimator):  # type: ignore[misc]
    """Learnt vectors in the place of categories, for any forest or boosting (Guo & Berkhahn 2016).

    A network is trained to predict y; each column of categories then becomes the columns of its
    vectors, an unseen category the mean vector. Numbers pass as they are, gaps too.

    `fit_transform(X, y)` is not `fit(X, y).transform(X)`, as in scikit-learn's `TargetEncoder`:
    each row gets vectors of a network that was trained without it. Vectors that know the row's own
    label would mislead what is trained on them.

    Args:
        epochs: passes over the rows; None finds how many by rows held out.
        lr: highest rate.
        batch_size: rows per step; None takes a twentieth of them, from 16 to 256.
        weight_decay: decoupled weight decay of weights; biases and norms get none.
        layers: widths of the hidden layers; None takes the model's.
        dropout: probability after each hidden layer; None takes the model's.
        embedding_dropout: probability on the embeddings; None takes the model's.
        sizes: widths of embeddings, by column; the others grow with the categories, up to 8.
        category_decay: how strongly vectors of categories that tell little are drawn back.
        bins: number of bins of the piecewise-linear embeddings of numbers; None takes the model's.
        join: how categories and numbers come together; None takes the model's.
        categories: columns that are categories whatever they look like; of an array, numbers.
        numbers: columns that are numbers whatever they look like.
        device: device to train on.
        random_state: seed of weights, order and dropout; None draws one.
        cv: networks of `fit_transform`, each trained without one of so many parts.

    Attributes:
        model_: the `TableModel`, trained on all rows.
        n_features_in_: columns of X.
        feature_names_in_: their names, if X has names.
    """

    cv: int = 5

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Learn the vectors by predicting y: classes if they are such, numbers otherwise.

        Whole numbers of more than 20 kinds are numbers, as sales and counts are.
        """
        frame, target = fitted_table(self, X, y)
        (name,) = target_names(y, frame)
        many = target.dtype.kind in "iuf" and len(np.unique(target)) > FEW
        if many or type_of_target(target) == "continuous":
            frame[name] = target
            self.model_ = trained(self, frame, [name], "regression")
        else:
            classes, frame[name] = np.unique(target, return_inverse=True)
            self.model_ = trained(self, frame, [name], "classification", classes=classes)
        return self

    def fit_transform(self, X: Any, y: ArrayLike) -> NDArray[np.float64]:
        """Learn the vectors; those of each row come from a network trained without it.

        Shape: as `transform`
        """
        vectors = self.fit(X, y)._transformed(X, [self._vectors(i) for i in self._columns])
        if not self._columns:
            return vectors
        spec, seed = self.model_.spec, check_random_state(self.random_state).randint(2**31 - 1)
        other = clone(self).set_params(
            categories=[category.name for category in spec.categories],
            numbers=[number.name for number in spec.numbers],
            sizes={c.name: self._vectors(i).shape[1] for i, c in enumerate(spec.categories)},
            random_state=seed,
        )
        folds = StratifiedKFold if spec.task == "classification" else KFold
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The least populated class")
            parts = list(folds(self.cv, shuffle=True, random_state=seed).split(X, y))
        for rest, held in parts:
            other.fit(_safe_indexing(X, rest), _safe_indexing(y, rest))
            tables = [turned(other.model_, self.model_, i) for i in self._columns]
            vectors[held] = other._transformed(_safe_indexing(X, held), tables)
        return vectors

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Vectors and numbers side by side. Shape: (N, columns), in the order of their names."""
        check_is_fitted(self)
        return self._transformed(X, [self._vectors(i) for i in self._columns])

    def _transformed(self, X: Any, tables: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Rows of the tables of vectors, and numbers. Shape: (N, columns)."""
        frame = table_as_fitted(self, X)
        spec = self.model_.spec
        rows = Encoder(spec).table(frame)[0].numpy()
        parts = [table[rows[:, i]] for i, table in enumerate(tables)]
        for number in spec.numbers:
            cells = as_numbers(frame[number.name], number.name, number.kind)
            parts.append(np.where(np.isinf(cells), np.nan, cells)[:, None])
        return np.concatenate(parts, axis=1)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names such as `store_0`, `store_1`, `age`."""
        check_is_fitted(self)
        prefix = "" if hasattr(self, "feature_names_in_") else "x"
        spec = self.model_.spec
        names = [
            f"{prefix}{category.name}_{j}"
            for i, category in enumerate(spec.categories)
            for j in range(self._vectors(i).shape[1])
        ]
        names += [f"{prefix}{number.name}" for number in spec.numbers]
        return np.array(names, dtype=object)

    @property
    def _columns(self) -> range:
        return range(len(self.model_.spec.categories))

    def _vectors(self, column: int) -> NDArray[np.float64]:
        return table_of(self.model_, column)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
