"""What config.json says, the one file that tells what the others of an artifact are."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from zoo.core.checked import checked
from zoo.core.names import plain_name, require_distinct
from zoo.core.saving import finish

FORMATS: Final = (1, 2)
MODULE = "module"  # the domain of a user's own module
CONFIG, CARD, HISTORY = "config.json", "README.md", "history.csv"
CARD_FACTS: Final = "card.json"  # what the publisher adds to a card
SEEN_ROWS: Final = "trained-on.safetensors"
EXAMPLES: Final = "training-examples.safetensors"  # never published
FAMILIAR: Final = "familiar.safetensors"  # statistics by which unknown inputs are told
TRAINING_STATE: Final = "training-state.safetensors"  # of a run that is not over
FINISHED: Final = "training-finished.json"  # what tells a repeated call that its run is over
LARGEST_CONFIG: Final = 2**28  # bytes; long vocabularies and lists of ids take some millions
_WEIGHTS = re.compile(r"model(-\d+)?\.safetensors")
_OF_AN_ARTIFACT: Final = (
    SEEN_ROWS,
    FAMILIAR,
    EXAMPLES,
    FINISHED,
    TRAINING_STATE,
    CARD_FACTS,
    "SHA256SUMS",
)


class ArtifactError(ValueError):
    """A directory that is not an artifact this library can trust and read."""


# fields that are left out where they say nothing
LATER: Final = ("spread", "rivals", "blend", "temperature", "errors")


@dataclass(frozen=True)
class Config:
    """What config.json says. Fields that this version does not know are kept in `extra`.

    Attributes:
        domain: vision, text, tabular or collab.
        task: what the model does, such as classification.
        model: {"name": ..., "args": {...}}: enough to build it again without weights.
        spec: what prediction needs besides weights.
        members: weight files, usually one; those of the partners of a blend come last.
        files: all files of the artifact beside config.json; nothing else is ever published.
        licence: the licence of the weights, as an SPDX identifier where there is one.
        data: where the training data came from.
        metrics: scores on the validation part, by name.
        spread: their standard deviations over folds.
        rivals: what the validation part says of the network and of cheap models, each by `name`.
        blend: simple models that have a share in predictions, see `zoo.core.trust.blend`.
        temperature: of probabilities of classes, see `zoo.core.mixture`; None if none was fitted.
        errors: of rows that were not trained on, by rank, see `zoo.core.trust.conformal`.
        training: the recipe: settings, seed, versions.
    """

    domain: str
    task: str
    model: dict[str, Any]
    spec: dict[str, Any]
    members: list[str] = field(default_factory=lambda: ["model.safetensors"])
    files: list[str] = field(default_factory=list)
    licence: str = "unknown"
    data: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    spread: dict[str, float] = field(default_factory=dict)
    rivals: list[dict[str, Any]] = field(default_factory=list)
    blend: list[dict[str, Any]] = field(default_factory=list)
    temperature: float | None = None
    errors: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    format: int = 1

    def to_json(self) -> str:
        """The text of config.json.

        Raises:
            ValueError: something in it is no JSON, such as a UUID or a number that is not finite.
        """
        known = {k: v for k, v in vars(self).items() if k not in ("extra", "format")}
        for name in ("metrics", "spread"):
            known[name] = {k: v for k, v in known[name].items() if math.isfinite(v)}
        known = {k: v for k, v in known.items() if v or k not in LATER}
        tree = {"format": self.format, **known, **self.extra}
        try:
            text = json.dumps(
                tree, indent=2, ensure_ascii=False, default=_python_number, allow_nan=False
            )
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"a model must be stored as JSON, got settings or labels that cannot be ({error}). "
                "Use strings, whole numbers and finite numbers."
            ) from error
        return text + "\n"


_STATED: Final = Config.__dataclass_fields__.keys() - {"extra", "format"}


def read_config(directory: Path | str) -> Config:
    """Read and check config.json alone.

    Raises:
        ArtifactError: it is missing, is no JSON, has an unknown format or lacks a field.
    """
    path = Path(directory) / CONFIG
    if not path.parent.is_dir():
        raise ArtifactError(
            f"an artifact must be a directory with a {CONFIG}, got {str(directory)!r}, which is no "
            "directory. Give the directory that save() returned."
        )
    try:
        finish(path.parent, obsolete_files)
        tree = json.loads(text_of(path, LARGEST_CONFIG))
    except FileNotFoundError:
        if (path.parent / TRAINING_STATE).exists():
            raise ArtifactError(
                f"a model's training must be finished, got {str(directory)!r}, the folder of a run "
                "that was broken off. Call the verb again as before, with Run(out=..., "
                "resume=True), to go on."
            ) from None
        raise ArtifactError(
            f"an artifact must be a directory with a {CONFIG}, got {str(directory)!r}, which has "
            "none. Give the directory that save() returned."
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise ArtifactError(
            f"{CONFIG} must be a JSON object, got {str(path)!r}, which is not ({error!s:.300}). "
            "Save or fetch the artifact again."
        ) from error
    if not isinstance(tree, dict) or "format" not in tree:
        raise ArtifactError(
            f"{CONFIG} must be a JSON object with a format, got {str(path)!r}, which is not. "
            "Save or fetch the artifact again."
        )
    return config_of(tree)


def config_of(tree: dict[str, Any]) -> Config:
    """The config that a JSON object states.

    Raises:
        ArtifactError: its format is unknown, or a field is missing or of another kind.
    """
    tree = dict(tree)
    version = tree.pop("format")
    if version not in FORMATS or type(version) is not int:
        raise ArtifactError(
            f"a format must be one of {FORMATS} for this version of transfer-zoo, got "
            f"format={version!r:.60}. Install a newer version, or fetch the artifact again if that "
            "is no number."
        )
    extra = {name: value for name, value in tree.items() if name not in _STATED}
    metrics = tree.get("metrics")
    if isinstance(metrics, dict):  # the first artifacts of format 1 may hold NaN
        tree["metrics"] = {
            k: v for k, v in metrics.items() if not isinstance(v, float) or math.isfinite(v)
        }
    try:
        stated = checked(Config, {name: tree[name] for name in _STATED if name in tree})
        _require_names(stated)
    except ValueError as error:
        raise ArtifactError(
            f"{CONFIG} must state a model and its files, got another ({error!s:.400}). Save or "
            "fetch the artifact again."
        ) from error
    return replace(stated, extra=extra, format=version)


def _require_names(config: Config) -> None:
    """Refuse files and members that may lie elsewhere, or that no system keeps apart."""
    members = config.members
    is_sound = members and len(set(members)) == len(members)
    if not is_sound or not all(name.endswith(".safetensors") for name in members):
        raise ValueError(f"members must be different safetensors files, got {members!r:.80}")
    for name in [*members, *config.files]:
        plain_name(name)
    require_distinct(members)


def obsolete_files(folder: Path) -> list[Path]:
    """Files of the parent that do not belong beside the artifact that lies whole in `folder`."""
    try:
        config = config_of(json.loads(text_of(folder / CONFIG, LARGEST_CONFIG)))
    except (OSError, ValueError, RecursionError):
        return []
    new = {*config.files, *(path.name for path in folder.iterdir())}
    if FINISHED not in new:
        new.add(TRAINING_STATE)
    old = {path.name for path in folder.parent.iterdir() if not path.is_dir()}
    return [
        folder.parent / name
        for name in old - new
        if name in _OF_AN_ARTIFACT or _WEIGHTS.fullmatch(name)
    ]


def text_of(path: Path, largest: int) -> str:
    """The text of a regular file.

    Raises:
        OSError: there is none.
        ValueError: it is too large, or no UTF-8.
    """
    size = path.stat().st_size
    if not path.is_file() or size > largest:
        raise ValueError(f"it must be a regular file of at most {largest:,} bytes, got {size:,}")
    return path.read_text(encoding="utf-8")


def _python_number(value: Any) -> Any:
    """A NumPy number as Python's, for JSON."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} {value!r:.60} is no JSON")
