"""From an artifact's directory to a model of a table; nothing in it is trusted."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from zoo.core.artifacts import artifact
from zoo.core.config import ArtifactError, Config
from zoo.core.run import Run
from zoo.hub.find import find
from zoo.tabular.model import TableModel
from zoo.tabular.models.network import DEFAULTS, TableNet, build_network
from zoo.tabular.spec import Spec

Pretrained = str | os.PathLike[str] | TableModel
"""The directory of a saved model, its name on the hub, or the model itself."""

LARGEST: Final = 2**31  # elements of a tensor, beyond which no description is believed
MOST_LAYERS: Final = 100


def load(directory: Path | str, run: Run | None = None) -> TableModel:
    """The model that an artifact holds.

    Raises:
        ArtifactError: the directory is not a whole artifact of a model of a table.
    """
    stored = artifact.read(directory)
    config = stored.config
    if config.domain != "tabular" or config.task not in ("classification", "regression"):
        raise ArtifactError(
            "this reads classifications and regressions of tables, however "
            f"domain={config.domain!r:.60}, task={config.task!r:.60}; use zoo.load"
        )
    with artifact.built("a network"):
        spec = Spec.from_json(config.spec)
        arguments = network_arguments(config, spec)
        members = [_member(arguments, tensors) for tensors in stored.weights]
    return TableModel(
        members,
        spec,
        **stored.record,
        run=run,
    )


def opened(pretrained: Pretrained, run: Run | None = None) -> TableModel:
    """The model itself, or the one that a directory or the hub holds.

    Args:
        pretrained: see `Pretrained`.
        run: the circumstances of the predictions of a model that is loaded.

    Raises:
        FileNotFoundError: there is nothing of that name.
        ArtifactError: it holds no model of a table.
    """
    return pretrained if isinstance(pretrained, TableModel) else load(find(pretrained), run)


def network_arguments(config: Config, spec: Spec) -> dict[str, Any]:
    """What builds the network, checked.

    Raises:
        ValueError: arguments are missing, unknown or senseless, or differ from the spec's.
    """
    if config.task != spec.task:
        raise ValueError(f"its spec has the same task, however {config.task=}, {spec.task=}")
    given = config.model.get("args")
    given = {**given, "name": config.model.get("name")} if isinstance(given, dict) else {}
    wrong = [
        *(f"{name} is missing" for name in _SOUND if name not in given),
        *(f"{name!r:.60} is unknown" for name in given if name not in _SOUND),
        *(
            f"{name}={given[name]!r:.60}"
            for name, is_sound in _SOUND.items()
            if name in given and not is_sound(given[name])
        ),
    ]
    wanted = {"n_out": spec.n_out, "rows": spec.table_rows, "n_numbers": len(spec.numbers)}
    wrong += [
        f"{name}={given[name]!r:.60} is not the spec's {value!r:.60}"
        for name, value in wanted.items()
        if not wrong and given[name] != value
    ]
    if wrong:
        raise ValueError(f"its arguments are {', '.join(_SOUND)}, however {'; '.join(wrong[:3])}")
    _require_believable(given)
    return given


def _member(arguments: dict[str, Any], tensors: dict[str, Tensor]) -> TableNet:
    """A network with its weights; one that they do not fit is refused before it takes memory."""
    with torch.device("meta"):
        artifact.check_weights(build_network(**arguments), tensors)
    member = build_network(**arguments)
    artifact.load_weights(member, tensors)
    return member.eval()


def _require_believable(arguments: dict[str, Any]) -> None:
    """Refuse sizes whose products no file could hold, before anything is counted out."""
    cells = sum(n * d for n, d in zip(arguments["rows"], arguments["sizes"], strict=False))
    d_number = arguments["d_number"] if arguments["bins"] else 1
    width = sum(arguments["sizes"]) + arguments["n_numbers"] * d_number
    k = max(arguments["k"], 1)
    elements = [cells, arguments["n_numbers"] * max(arguments["bins"], 1) * d_number]
    elements += [2 * width, 2 * k * width]
    for n in [*arguments["layers"], arguments["n_out"]]:
        elements += [2 * width * n, k * n, k * width]
        width = n
    elements += [k * width * arguments["n_out"]]
    if max(elements) > LARGEST:
        raise ValueError(
            f"a network's tensors have at most {LARGEST:,} elements, however one would have "
            f"{max(elements):.3g}"
        )


def _is_count(value: Any, least: int = 0) -> bool:
    return type(value) is int and least <= value < LARGEST


def _are_counts(value: Any, least: int = 1) -> bool:
    return isinstance(value, list) and all(_is_count(n, least) for n in value)


def _is_share(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < 1


def _are_ranges(value: Any) -> bool:
    return value is None or (
        isinstance(value, list)
        and all(isinstance(pair, list) and len(pair) == 2 for pair in value)
        and all(
            type(limit) in (int, float) and abs(limit) < 1e30 and math.isfinite(limit)
            for pair in value
            for limit in pair
        )
    )


_SOUND: Final[dict[str, Callable[[Any], bool]]] = {
    "name": lambda value: isinstance(value, str) and value in DEFAULTS,
    "rows": lambda value: _are_counts(value),
    "n_numbers": lambda value: _is_count(value),
    "n_out": lambda value: _is_count(value, 1),
    "sizes": lambda value: _are_counts(value),
    "layers": lambda value: _are_counts(value) and 0 < len(value) <= MOST_LAYERS,
    "dropout": _is_share,
    "embedding_dropout": _is_share,
    "join": lambda value: isinstance(value, str),
    "bins": lambda value: _is_count(value),
    "d_number": lambda value: _is_count(value, 1),
    "k": lambda value: _is_count(value),
    "y_range": _are_ranges,
}
