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


def start(
    pretrained: Pretrained,
    classes: Sequence[str],
    *,
    size: int | None,
    short_side: int | None,
    dropout: float,
    hidden: int | None,
    pool: Pool,
    random_weights: bool = False,
) -> Classifier:
    """The network to train: the pretrained body under a new head, or a saved model as it is.

    Names are looked up in this order: a directory with a config.json, registered names,
    timm/NAME, user/name on the hub. A name without a slash never reaches the network.
    """
    name = pretrained if isinstance(pretrained, str) else ""
    if not random_weights and not isinstance(pretrained, PhotoClassifier):
        if (Path(pretrained) / CONFIG).is_file():
            pretrained = load(Path(pretrained))
        elif not is_known(name) and name.count("/") == 1 and not name.startswith("timm/"):
            from zoo.hub.fetch import pull

            pretrained = load(pull(name))
    if isinstance(pretrained, PhotoClassifier):
        return _from_model(pretrained, classes, size, dropout, hidden, pool)
    return build_classifier(
        os.fspath(pretrained),
        len(classes),
        pretrained=not random_weights,
        size=fitting_size(os.fspath(pretrained), short_side) if size is None else size,
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
    built.trained = same
    return built
