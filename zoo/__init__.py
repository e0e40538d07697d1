"""A multi-domain transfer-learning model zoo: published models that you fine-tune in one call.

    import zoo

    model = zoo.vision.finetune("efficientnet_lite0", "photos/")
    model.predict("dog.jpg")
    model.save("dogs")
    zoo.load("dogs").predict("dog.jpg")

Nothing heavy is imported before it is used: `import zoo` takes milliseconds.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from zoo import collab, data, hub, tabular, text, vision
    from zoo.core.artifact import ArtifactError
    from zoo.core.run import Run

__version__ = "0.1.0"
__all__ = [
    "ArtifactError",
    "Run",
    "__version__",
    "collab",
    "data",
    "hub",
    "load",
    "tabular",
    "text",
    "vision",
]

_MODULES = ("collab", "data", "hub", "tabular", "text", "vision")
_NAMES = {"Run": "zoo.core.run", "ArtifactError": "zoo.core.artifact"}
_LOADERS = {
    "collab": "zoo.collab.stored",
    "tabular": "zoo.tabular.stored",
    "text": "zoo.text.stored",
    "vision": "zoo.vision.stored",
}  # domain -> the module whose `load` reads it


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"zoo.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'zoo' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__


def load(name: str | Path, *, model: nn.Module | None = None, run: Run | None = None) -> Any:
    """A saved model of any domain, ready to predict. Nothing in it is unpickled or executed.

    Args:
        name: the directory that `save` returned, or `user/name` on the hub.
        model: for the artifact of a module of your own, one to give the weights to.
        run: the circumstances of its predictions.

    Raises:
        ArtifactError: the directory is not a whole artifact that this version can read.
        FileNotFoundError: there is no such directory, or no such model on the hub.
        ConnectionError: the hub cannot be reached.
    """
    from zoo.core import artifact
    from zoo.hub.find import find

    directory = find(name)
    config = artifact.read_config(directory)
    if model is not None:
        return artifact.load_module(directory, model)
    if config.domain == artifact.MODULE:
        raise artifact.ArtifactError(
            "the artifact of your own module holds weights alone, however model=None; "
            f"pass model={config.model.get('name')}(...)"
        )
    if config.domain not in _LOADERS:
        raise artifact.ArtifactError(
            f"a domain is one of {', '.join(_LOADERS)}, however domain={config.domain!r:.60}; "
            "install a newer transfer-zoo, or fetch the artifact again"
        )
    return importlib.import_module(_LOADERS[config.domain]).load(directory, run=run)
