"""Published models by name: those that ship with the library, and those of a hub's folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.core.messages import did_you_mean
from zoo.hub.contents import published, read_object
from zoo.hub.local_hub import models_on, shelf

EMBEDDED = "zoo/"  # what names of embedded models begin with; nobody else's do
ROOM = Path(__file__).with_name("embedded")


@dataclass(frozen=True)
class Entry:
    """One published model, as its config.json tells.

    Attributes:
        name: what `zoo.load` takes.
        domain: vision, text, tabular or collab.
        task: what the model does, such as classification.
        metric: what `score` is; empty where none was taken.
        score: on data that the model has not seen; the mean over seeds where the card has one.
        size: bytes of all files together.
        licence: the licence of the weights.
    """

    name: str
    domain: str
    task: str
    metric: str
    score: float | None
    size: int
    licence: str


def entries(*, hub: str | os.PathLike[str] | None = None) -> list[Entry]:
    """The embedded models, then those of the folder that stands for the hub; asks no network.

    Args:
        hub: a folder in the hub's place; None is `ZOO_HUB`, and without it the embedded ones alone.
    """
    folder = shelf(hub)
    models = [*_embedded(), *(models_on(folder) if folder else ())]
    return [_entry(name, path) for name, path in models]


def embedded(name: str) -> Path:
    """The folder of an embedded model.

    Raises:
        FileNotFoundError: none has that name; the message has the nearest, or all.
    """
    models = dict(_embedded())
    if name in models:
        return models[name]
    raise FileNotFoundError(
        f"a name with {EMBEDDED!r} must be that of a model that ships with the library, got "
        f"{name=}. {did_you_mean(name, list(models))}"
    )


def _embedded() -> Iterator[tuple[str, Path]]:
    for config in sorted(ROOM.glob("*/config.json")):
        yield EMBEDDED + config.parent.name, config.parent


def _entry(name: str, folder: Path) -> Entry:
    config, card = read_object(folder / "config.json"), read_object(folder / "card.json")
    metric, score = _score(config, card)
    return Entry(
        name=name,
        domain=_text(config.get("domain")) or "unreadable",
        task=_text(config.get("task")),
        metric=metric,
        score=score,
        size=_size(folder),
        licence=_text(config.get("licence")),
    )


def _size(folder: Path) -> int:
    """Bytes of the model's files; 0 if their names are not to be trusted."""
    try:
        return sum((folder / file).stat().st_size for file in published(folder))
    except (ValueError, OSError):
        return 0


def _score(config: dict[str, Any], card: dict[str, Any]) -> tuple[str, float | None]:
    """The first result of the card, else the first metric that is no loss."""
    results, metrics = card.get("results"), config.get("metrics")
    if isinstance(results, list) and results and isinstance(results[0], dict):
        return _text(results[0].get("metric")), _number(results[0].get("mean"))
    named = metrics.items() if isinstance(metrics, dict) else ()
    return next(((_text(k), _number(v)) for k, v in named if k != "loss"), ("", None))


def _text(value: object) -> str:
    """A short text that a terminal shows as it is; an empty one for anything else."""
    return "".join(filter(str.isprintable, value))[:60] if isinstance(value, str) else ""


def _number(value: object) -> float | None:
    """A finite number, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if abs(value) < 1e300 else None
