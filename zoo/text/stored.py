"""From an artifact's directory to a model of texts; nothing in it is trusted."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from zoo.core.artifacts import artifact
from zoo.core.artifacts.network import blend_of, rebuilt
from zoo.core.config import ArtifactError
from zoo.core.run import Run
from zoo.text.classification.model import TextClassifier
from zoo.text.language_model.model import LanguageModel
from zoo.text.models.bag_of_words import PARTNERS
from zoo.text.spec import Spec
from zoo.text.task import LANGUAGE, TASKS, check, network_of


def load(directory: Path | str, run: Run | None = None) -> LanguageModel | TextClassifier:
    """Read the model that an artifact holds.

    Args:
        directory: the artifact.
        run: the circumstances of its predictions.

    Raises:
        ArtifactError: the directory is not a whole artifact of a model of texts.
        ModuleNotFoundError: it is one on an encoder, and transformers is not installed.
    """
    stored = artifact.read(directory)
    config = stored.config
    if config.domain != "text" or config.task not in TASKS:
        raise ArtifactError(
            "zoo.text.load reads language models and classifiers of texts, got "
            f"domain={config.domain!r:.40}, task={config.task!r:.40}. Use zoo.load."
        )
    with artifact.built("a model of texts"):
        spec, arguments = check(config)
        build = partial(network_of, config.task, arguments, spec)
        members: list[Any] = [rebuilt(build, tensors) for tensors in stored.networks]
        for member, flips in zip(members, arguments.get("flips", ()), strict=False):
            member.flips = flips
        blend = None if config.task == LANGUAGE else blend_of(stored, PARTNERS)
    if isinstance(spec, Spec) and config.task == LANGUAGE:
        return LanguageModel(members, spec, **stored.record, run=run)
    return TextClassifier(members, spec, blend=blend, **stored.record, run=run)
