"""A module of the user's own as an artifact, of which only the weights can be kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from zoo.core.artifacts.artifact import load_weights, read, require_finite, write
from zoo.core.artifacts.card import render
from zoo.core.config import MODULE, Config
from zoo.core.history import History


def save_module(
    directory: Path | str,
    module: nn.Module,
    history: History,
    *,
    training: dict[str, Any] | None = None,
    **run: Any,
) -> Path:
    """Write the artifact of a user's own module, of which only the weights can be kept."""
    name = type(module).__name__
    require_finite(module, module.state_dict())
    config = Config(MODULE, "own", {"name": name}, {}, training=training or {})
    example = f'import zoo\n\nmodule = zoo.load("{Path(directory).name}", model={name}(...))'
    card = render(config, load_example=example)
    return write(directory, config, [module.state_dict()], history, card, **run)


def load_module(directory: Path | str, module: nn.Module) -> nn.Module:
    """Give a user's own module the weights of an artifact.

    Raises:
        ArtifactError: the artifact is another's, or its weights do not fit the module.
    """
    stored = read(directory)
    load_weights(module, stored.weights[0])
    return module.eval()
