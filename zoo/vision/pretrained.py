"""From what a user names as pretrained to the network that trains."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from zoo.core.artifact import CONFIG
from zoo.vision.models.backbones import fitting_size, is_known
from zoo.vision.models.classifier import Classifier, build_classifier
from zoo.vision.models.head import Pool
from zoo.vision.predictor import PhotoClassifier
from zoo.vision.stored import load

Pretrained = str | os.PathLike[str] | PhotoClassifier


def resolve(pretrained: Pretrained, *, random_weights: bool) -> str | PhotoClassifier:
    """A backbone's name, or the saved model that is meant.

    Names are looked up in this order: a directory with a config.json, registered names,
    timm/NAME, user/name on the hub. A name without a slash never reaches the network.

    Raises:
        ValueError: random weights are wanted of a model that has its own.
    """
    if isinstance(pretrained, PhotoClassifier):
        if random_weights:
            raise ValueError(
                "training from random weights takes a backbone's name, however it is given "
                f"{pretrained!r}; give {pretrained.members[0].name!r}, or use finetune"
            )
        return pretrained
    name = os.fspath(pretrained)
    if random_weights:
        return name
    if (Path(name) / CONFIG).is_file():
        return load(name)
    if not is_known(name) and name.count("/") == 1 and not name.startswith("timm/"):
        from zoo.hub.fetch import pull

        return load(pull(name))
    return name


def start(
    pretrained: str | PhotoClassifier,
    classes: Sequence[str],
    *,
    size: int | None,
    short_side: int | None,
    dropout: float,
    hidden: int | None,
    pool: Pool,
    random_weights: bool,
) -> Classifier:
    """The network to train: a backbone's body under a new head, or a saved model as it is."""
    if isinstance(pretrained, PhotoClassifier):
        return _from_model(pretrained, classes, size, dropout, hidden, pool)
    return build_classifier(
        pretrained,
        len(classes),
        pretrained=not random_weights,
        size=fitting_size(pretrained, short_side) if size is None else size,
        dropout=dropout,
        hidden=hidden,
        pool=pool,
    )


def _from_model(
    model: PhotoClassifier,
    classes: Sequence[str],
    size: int | None,
    dropout: float,
    hidden: int | None,
    pool: Pool,
) -> Classifier:
    """The body of a model with a new head, or its own head if it knows the same classes."""
    first = model.members[0]
    arguments = first.arguments()
    if size is not None:
        arguments["size"] = size
    same = tuple(classes) == model.spec.classes
    if not same:
        arguments |= {"n_out": len(classes), "dropout": dropout, "hidden": hidden, "pool": pool}
    built = build_classifier(**arguments, pretrained=False)
    (built if same else built.body).load_state_dict((first if same else first.body).state_dict())
    built.trained, built.licence = same, model.licence
    return built
