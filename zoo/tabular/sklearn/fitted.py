"""What the scikit-learn estimators of the domain share: tables in, a trained network out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.validation import _check_sample_weight, validate_data

from zoo.core.frames import frame_of
from zoo.core.run import Run
from zoo.core.trust.contest import BETTER
from zoo.tabular.data.columns import LEFT_OUT
from zoo.tabular.data.targets import labelled
from zoo.tabular.data.values import key, plain
from zoo.tabular.model import TableModel
from zoo.tabular.options import OPTIONS, TRAIN_LR, Join, Name, Options, TaskName
from zoo.tabular.verbs import train

FEWEST_TO_JUDGE: Final = 10  # rows; of fewer, none is held out
TARGET: Final = "the target of fit"  # where y has no name
WEIGHTS: Final = "the weights of fit"
DEFAULTS: Final[Options] = OPTIONS.complete({})


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkEstimator(BaseEstimator):  # type: ignore[misc]
    """The settings of every estimator; what they mean, each of them says."""

    epochs: int | None = None
    lr: float = TRAIN_LR
    batch_size: int | None = DEFAULTS["batch_size"]
    weight_decay: float = DEFAULTS["weight_decay"]
    layers: Sequence[int] | None = None
    dropout: float | None = None
    embedding_dropout: float | None = None
    sizes: dict[Name, int] | None = None
    category_decay: float = DEFAULTS["category_decay"]
    bins: int | None = None
    join: Join | None = None
    categories: Sequence[Name] = ()
    numbers: Sequence[Name] = ()
    device: str = "auto"
    random_state: Any = None

    def __sklearn_tags__(self) -> Any:
        """Scikit-learn's tags of an estimator that takes gaps and categories."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags


def fitted_table(
    estimator: Any, X: Any, y: Any, *, several: bool = False
) -> tuple[pd.DataFrame, NDArray[Any]]:
    """X as a DataFrame of its own and y as an array; the estimator knows the columns afterwards.

    Raises:
        ValueError: X or y do not suit, or labels are missing.
    """
    X = frame_of(X)
    if isinstance(X, pd.DataFrame):
        validate_data(estimator, X, skip_check_array=True)
        check_consistent_length(X, y)
        _require_labels(y)
        several = several and np.ndim(y) > 1
        target = check_array(y, dtype="numeric") if several else column_or_1d(y, warn=True)
        return X.copy(deep=False), np.asarray(target)
    array, target = validate_data(
        estimator, X, y, ensure_all_finite="allow-nan", multi_output=several, y_numeric=several
    )
    _require_labels(target)
    return pd.DataFrame(array), np.asarray(target)


def _require_labels(y: Any) -> None:
    """Refuse targets with gaps or empty texts among them."""
    columns = pd.DataFrame(y)
    missing = int((~labelled(columns, list(columns.columns))).sum())
    if missing:
        raise ValueError(
            f"y must have a label in every row, got {missing} of {len(columns)} missing (NaN, None "
            "or empty). Leave these rows out."
        )


def weighted(
    frame: pd.DataFrame, target: NDArray[Any], weights: Any
) -> tuple[pd.DataFrame, NDArray[Any]]:
    """The rows of a weight above 0, their weights in a column; all as they are without weights."""
    if weights is None:
        return frame, target
    each = _check_sample_weight(weights, frame, dtype=np.float64, ensure_non_negative=True)
    return frame.assign(**{WEIGHTS: each})[each > 0], target[each > 0]


def target_names(y: Any, frame: pd.DataFrame, n: int = 1) -> list[Name]:
    """What the n columns of y are called in the model: their own names where they have some."""
    own = list(getattr(y, "columns", [getattr(y, "name", None)]))
    plain = [name for name in own if type(name) in (str, int) and name not in frame.columns]
    if len(plain) == n and len(set(map(str, plain))) == n:
        return plain
    return [TARGET] if n == 1 else [f"{TARGET} {i}" for i in range(n)]


def table_as_fitted(estimator: Any, X: Any) -> pd.DataFrame:
    """X as a DataFrame whose columns are those of fit."""
    X = frame_of(X)
    if isinstance(X, pd.DataFrame):
        validate_data(estimator, X, reset=False, skip_check_array=True)
        return (
            X if hasattr(estimator, "feature_names_in_") else X.set_axis(range(X.shape[1]), axis=1)
        )
    return pd.DataFrame(validate_data(estimator, X, reset=False, ensure_all_finite="allow-nan"))


def trained(
    estimator: Any,
    frame: pd.DataFrame,
    targets: list[Name],
    task: TaskName,
    classes: NDArray[Any] | None = None,
    class_weights: Any = None,
) -> TableModel:
    """The model of the estimator's settings, trained on all rows after it was measured.

    A constant column is no news here: folds of a cross-validation often have one.

    Args:
        estimator: the estimator whose settings are used.
        frame: inputs and targets.
        targets: columns of the targets; a classification's holds the classes' numbers.
        task: classification or regression.
        classes: classes that these numbers stand for.
        class_weights: "balanced", or by these numbers.
    """
    options = estimator.get_params(deep=False)
    epochs, lr, device, state = map(options.pop, ("epochs", "lr", "device", "random_state"))
    options = {name: options[name] for name in options if name not in ("class_weight", "cv")}
    options["weights"] = WEIGHTS if WEIGHTS in frame.columns else None
    options["class_weights"] = class_weights
    if not hasattr(estimator, "feature_names_in_"):
        apart = {*targets, *estimator.categories, WEIGHTS}
        options["numbers"] = [name for name in frame.columns if name not in apart]
    options.setdefault("rivals", False)
    if len(frame) < FEWEST_TO_JUDGE or not (options["rivals"] or epochs is None):
        options |= {"valid_fraction": 0.0, "rivals": False}
    seed = int(check_random_state(state).randint(2**31 - 1))
    run = Run(device=device, seed=seed, progress=False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", LEFT_OUT)
        warnings.filterwarnings("ignore", f".*{BETTER}")
        model = train(frame, targets, task=task, epochs=epochs, lr=lr, run=run, **options)
    values: Any = () if classes is None else tuple(plain(one) for one in classes)
    if values and None not in values and len(set(map(key, values))) == len(values):  # fit for JSON
        target = replace(model.spec.targets[0], classes=values)
        model.spec = replace(model.spec, targets=(target,))
    return in_double(model)


def in_double(model: TableModel) -> TableModel:
    """The model in double precision, in which a row does not depend on its neighbours."""
    blend = model.blend
    if blend is not None:
        blend = replace(blend, partners=tuple(one.double() for one in blend.partners))
    return TableModel(
        [member.double() for member in model.members],
        model.spec,
        history=model.history,
        metrics=model.metrics,
        rivals=model.standings,
        blend=blend,
        run=model.run,
    )
