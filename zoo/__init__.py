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
from typing import TYPE_CHECKING, Any, TypeVar, overload

from zoo.core.lazy_exports import lazy_exports
from zoo.version import __version__ as __version__

if TYPE_CHECKING:
    from torch import nn

    from zoo import collab as collab
    from zoo import data as data
    from zoo import hub as hub
    from zoo import tabular as tabular
    from zoo import text as text
    from zoo import trackers as trackers
    from zoo import vision as vision
    from zoo.core.config import ArtifactError as ArtifactError
    from zoo.core.model import Model as Model
    from zoo.core.run import Run as Run
    from zoo.doctor import check as check

    M = TypeVar("M", bound=Model[Any, Any])
    Module = TypeVar("Module", bound=nn.Module)

__getattr__, _public = lazy_exports(__name__)
__all__ = sorted([*_public(), "load"])
_LOADERS = {
    "collab": "zoo.collab.stored",
    "tabular": "zoo.tabular.stored",
    "text": "zoo.text.stored",
    "vision": "zoo.vision.stored",
}  # domain -> the module whose `load` reads it


def __dir__() -> list[str]:
    return __all__


@overload
def load(name: str | Path, *, run: Run | None = None) -> Model[Any, Any]: ...


@overload
def load(name: str | Path, kind: type[M], *, run: Run | None = None) -> M: ...


@overload
def load(name: str | Path, *, model: Module) -> Module: ...


def load(
    name: str | Path,
    kind: type[Any] | None = None,
    *,
    model: nn.Module | None = None,
    run: Run | None = None,
) -> object:
    """Load a saved model of any domain, ready to predict. Nothing in it is unpickled or executed.

    Args:
        name: the directory that `save` returned, or `user/name` on the hub.
        kind: the class that the model must have, such as `zoo.collab.Recommender`; another one is
            refused, and type checkers know what comes back.
        model: a module of your own to give the weights to, if the artifact is that of one.
        run: the circumstances of its predictions.

    Raises:
        ArtifactError: the directory is not a whole artifact that this version can read.
        TypeError: the model is of another class than `kind`.
        FileNotFoundError: there is no such directory, or no such model on the hub; or the name is
            that of an encoder or a backbone, of which a model has yet to be made.
        ConnectionError: the hub cannot be reached.
    """
    from zoo.core import config as stored
    from zoo.core.artifacts.own_module import load_module
    from zoo.hub.find import find

    _require_trained(name)
    directory = find(name)
    config = stored.read_config(directory)
    if model is not None:
        return load_module(directory, model)
    if config.domain == stored.MODULE:
        raise stored.ArtifactError(
            "the artifact of a module of your own holds weights alone, got no module for them. "
            f"Pass model={config.model.get('name')}(...)."
        )
    if config.domain not in _LOADERS:
        raise stored.ArtifactError(
            f"a domain must be one of {', '.join(_LOADERS)}, got domain={config.domain!r:.60}. "
            "Install a newer transfer-zoo, or fetch the artifact again."
        )
    loaded: object = importlib.import_module(_LOADERS[config.domain]).load(directory, run=run)
    if kind is not None and not isinstance(loaded, kind):
        raise TypeError(
            f"the model must be a {kind.__name__}, got a {type(loaded).__name__} in "
            f"{str(name)!r}. Name another model."
        )
    return loaded


def _require_trained(name: str | Path) -> None:
    """Refuse the name of an encoder or a backbone, which answers nothing before it is fine-tuned.

    Raises:
        FileNotFoundError: it is one; the message has the call that makes a model of it.
    """
    text = str(name)
    if isinstance(name, Path) or ("/" in text and not text.startswith(("hf/", "timm/"))):
        return
    from zoo.text.encoder_files import names_encoder
    from zoo.vision.models.backbones import is_known

    what = "text.finetune" if names_encoder(text) else "vision.finetune" if is_known(text) else ""
    if what and not Path(text).exists():
        raise FileNotFoundError(
            f"a saved model must be one that was trained for a task, got {text!r:.80}, a network "
            f"to fine-tune. Call zoo.{what}({text!r:.80}, data), or give a directory."
        )
