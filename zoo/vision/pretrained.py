"""From what a user names as pretrained to the network that trains."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from zoo.core.arguments import is_model, require_data, require_one_start, require_order
from zoo.core.config import CONFIG
from zoo.core.model import Model
from zoo.hub.find import find
from zoo.vision.classification.model import PhotoModel
from zoo.vision.classification.task import n_out
from zoo.vision.data.listings import Listing
from zoo.vision.models.backbones import build, check_name, fitting_size, is_known
from zoo.vision.models.classifier import Classifier, build_classifier, on_backbone
from zoo.vision.stored import load

Pretrained = str | os.PathLike[str] | PhotoModel

AUTO: Final = "auto"
"""The backbone that the photos choose, see `zoo.vision.choose`."""

Head = Mapping[str, Any]
"""What a user says of a head, by name."""

NEW_HEAD: Final[dict[str, Any]] = {"dropout": 0.2, "hidden": None, "pool": "avg"}


def names_model(value: Any) -> bool:
    """Whether a value stands for a model of photos, as data never do."""
    is_named = isinstance(value, str) and (value == AUTO or is_known(value))
    is_backbone = is_named and not Path(value).exists()
    return is_backbone or is_model(value)


def finetune_start(verb: str, pretrained: Any, data: Any) -> Any:
    """What `finetune` starts from: a backbone's name or a saved model, see `look_up`.

    Args:
        verb: the call, such as "zoo.vision.finetune".
        pretrained: what a user names.
        data: the second argument, which is no model.

    Raises:
        ValueError: both are swapped, or as `look_up`.
    """
    require_order(verb, pretrained, data, names_model=names_model)
    return look_up(pretrained)


def train_start(verb: str, data: Any, model: Any) -> str:
    """What `train` starts from: the name of the architecture to train from random weights.

    Raises:
        ValueError: data are a model, or the architecture is missing, unknown or has weights.
    """
    require_data(verb, data, names_model=names_model)
    if isinstance(model, Model):
        raise ValueError(
            f"model must be the name of a backbone for {verb} from random weights, got {model!r}. "
            f"Use model={model.members[0].name!r}, or finetune."
        )
    if not isinstance(model, str):
        raise ValueError(
            f"{verb} must be given the name of a backbone, got {model=!r:.60}. Try "
            "model='efficientnet_lite0', or finetune('efficientnet_lite0', data) for its weights."
        )
    check_name(model)
    return model


def learner_start(verb: str, data: Any, pretrained: Any, model: str | None) -> Any:
    """What `learner` starts from, by exactly one of `pretrained` and `model`.

    Raises:
        ValueError: none or both are given, or as `look_up` and `train_start`.
    """
    require_data(verb, data, names_model=names_model)
    example = f"{verb}(data, pretrained='efficientnet_lite0')"
    require_one_start(verb, pretrained, model, example=example)
    return train_start(verb, data, model) if pretrained is None else look_up(pretrained)


def of_whole_photos(first: Any) -> str | PhotoModel:
    """A backbone's name, or a model that answers for whole photos, as training them starts from.

    Raises:
        ValueError: it is a model that draws pictures.
    """
    if isinstance(first, (str, PhotoModel)):
        return first
    raise ValueError(
        f"pretrained must be a model that answers for whole photos, got {first!r}. Use its "
        f"backbone {first.members[0].name!r}, or the verbs of its own task."
    )


def look_up(pretrained: Any) -> Any:
    """A backbone's name, or the saved model that is meant.

    Names are looked up in this order: a directory with a config.json, "auto", registered names,
    timm/NAME, user/name on the hub. A name without a slash never reaches the network, nor does
    what looks like a path (see `zoo.hub.find`).

    Raises:
        ValueError: it is no name, nor a model.
        FileNotFoundError: there is no such directory.
    """
    if isinstance(pretrained, Model) and pretrained.domain == "vision":
        return _of_one_network(pretrained)
    if not isinstance(pretrained, (str, os.PathLike)):
        raise ValueError(
            "pretrained must be a backbone's name, a directory, user/name on the hub or a model of "
            f"photos, got {pretrained=!r:.60}. Try 'efficientnet_lite0'."
        )
    name = os.fspath(pretrained)
    if (Path(name) / CONFIG).is_file():
        return _of_one_network(load(name))
    if name == AUTO:
        return name
    if names_backbone(pretrained):
        check_name(name)
        return name
    return _of_one_network(load(find(pretrained)))


def names_backbone(pretrained: str | os.PathLike[str]) -> bool:
    """Whether a name can be that of a backbone alone, never of a saved model."""
    name = os.fspath(pretrained)
    is_word = isinstance(pretrained, str) and "/" not in name and not Path(name).is_dir()
    return is_known(name) or name.startswith("timm/") or is_word


def _of_one_network(model: Any) -> Any:
    """The model itself.

    Raises:
        ValueError: it is an ensemble, of which training would drop all members but one.
    """
    if len(model.members) > 1:
        kind = type(model).__name__
        raise ValueError(
            f"a model to start from must have one network, got an ensemble of "
            f"{len(model.members)}. Take one of them, {kind}(model.members[:1], model.spec), or "
            f"the backbone {model.members[0].name!r}."
        )
    return model


def start(
    first: str | PhotoModel, listing: Listing, size: int | None, head: Head, *, published: bool
) -> Classifier:
    """The network to train: a backbone's body under a new head, or a saved model as it is.

    A saved model keeps its head if it knows the same classes.

    Args:
        first: a backbone's name, or a model.
        listing: the photos, with their classes and what is asked of them.
        size: side of the input in pixels; None takes the backbone's own, or a fitting one.
        head: what the user says of the head, by name; a new one is else as `NEW_HEAD`.
        published: whether a backbone gets its published weights, or random ones.

    Raises:
        ValueError: a saved model knows the classes, but has another head than the one wished for.
    """
    task, classes = listing.train.task, listing.train.classes
    outputs, new_head = n_out(task, classes), {**NEW_HEAD, **head}
    if isinstance(first, str):
        size = size or fitting_size(first, listing.short_side)
        return build_classifier(first, outputs, pretrained=published, size=size, **new_head)
    saved, spec = first.members[0], first.spec
    arguments: dict[str, Any] = {**saved.arguments()}
    is_same = (task, tuple(classes)) == (spec.task, spec.classes)
    arguments |= _kept(arguments, head) if is_same else {"n_out": outputs, **new_head}
    name, own_size = arguments.pop("name"), arguments.pop("size")
    backbone = build(name, pretrained=False, size=size or own_size)
    preprocessing = replace(spec.preprocessing, size=backbone.preprocessing.size)
    backbone = replace(backbone, preprocessing=preprocessing, licence=first.licence)
    network = on_backbone(backbone, **arguments, trained=is_same)
    old, new = (saved, network) if is_same else (saved.body, network.body)
    new.load_state_dict(old.state_dict())
    return network


def _kept(own: Mapping[str, Any], head: Head) -> dict[str, Any]:
    """What a trained head takes of a wish: its dropout, which has no weights."""
    wrong = {name: value for name, value in head.items() if value != own[name]}
    kept = {name: wrong.pop(name) for name in ["dropout"] if name in wrong}
    if wrong:
        raise ValueError(
            f"the head of a model that knows the classes must stay as it is, got {wrong} for a "
            f"head with { ({name: own[name] for name in wrong}) }. Leave that out, or start from "
            f"{own['name']!r}."
        )
    return kept
