"""The Model protocol: what every domain's `train`, `finetune` and `load` return."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from zoo.core.history import History
from zoo.core.learner import Learner


@runtime_checkable
class Model(Protocol):
    """A trained model of any domain, ready to predict.

    | domain and task | predict of one | predict of several |
    |---|---|---|
    | vision, classification | Prediction(label, probability) | list of Prediction |
    | vision, multi-label | Labels(labels, probabilities) | list of Labels |
    | vision, regression | float | list of float |
    | vision, segmentation | Segmentation(labels, classes) | list of Segmentation |
    | vision, restoration | a Pillow image | list of Pillow images |
    | collab, rating or ranking | float, of (user, item) | array (n,), of (users, items) |
    | tabular, classification | the class, of a mapping from column to cell | Series, of a table |
    | tabular, regression | float, or a dict of several targets | Series, or DataFrame of several |

    Attributes:
        spec: what prediction needs besides weights: labels, sizes, statistics.
        history: the record of the training.
    """

    spec: Any
    history: History

    def predict(self, x: Any) -> Any:
        """The prediction for one input, or a list of them for several."""
        ...

    def evaluate(self, data: Any = None) -> dict[str, float]:
        """Loss and metrics on data, by default on the validation part."""
        ...

    def save(self, directory: Path | str) -> Path:
        """Write the artifact: config.json, model.safetensors, README.md, history.csv."""
        ...

    def push(self, name: str) -> str:
        """Publish the model as `user/name`; see `zoo.hub.push`."""
        ...

    def learner(self) -> Learner:
        """The learner, to go on training step by step."""
        ...
