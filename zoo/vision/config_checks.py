"""What config.json must say of a model of photos: checked before a training, and on loading."""

from __future__ import annotations

from typing import Any, Final

from zoo.core.config import Config
from zoo.vision.classification.spec import Spec
from zoo.vision.classification.task import n_out

_ARGUMENTS: Final[dict[str, tuple[type, ...]]] = {
    "name": (str,),
    "n_out": (int,),
    "size": (int,),
    "dropout": (int, float),
    "hidden": (int, type(None)),
    "pool": (str,),
}
_UNET: Final[dict[str, tuple[type, ...]]] = {
    "name": (str,),
    "n_out": (int,),
    "shape": (list,),
    "residual": (bool,),
}

LARGEST_SIDE: Final = 4096  # pixels of a training photo, far beyond what a U-Net is trained on


def classifier_of(config: Config) -> tuple[Spec, dict[str, Any]]:
    """The spec of a model of whole photos, and what builds its network.

    Raises:
        ValueError: either makes no sense, or they do not fit each other.
    """
    spec = Spec.from_json({**config.spec, "task": config.task})
    wanted = {"n_out": n_out(spec.task, spec.classes), "size": spec.size}
    return spec, _arguments(config, _ARGUMENTS, wanted)


def unet_of(config: Config, spec_class: Any) -> tuple[Any, dict[str, Any]]:
    """The spec of a model that draws pictures, and what builds its network.

    Args:
        config: of the artifact.
        spec_class: class of the spec, which has `from_json` and `network`.

    Raises:
        ValueError: either makes no sense, or they do not fit each other.
    """
    spec = spec_class.from_json(config.spec)
    arguments = _arguments(config, _UNET, spec.network())
    shape = arguments["shape"]
    if len(shape) != 2 or not all(type(s) is int and 0 < s <= LARGEST_SIDE for s in shape):
        raise ValueError(
            f"its shape is two sides of 1 to {LARGEST_SIDE} pixels, however {shape=!r:.60}"
        )
    return spec, arguments


def _arguments(
    config: Config, kinds: dict[str, tuple[type, ...]], wanted: dict[str, Any]
) -> dict[str, Any]:
    """What builds the network, checked.

    Args:
        config: of the artifact.
        kinds: the arguments that there are, and their types.
        wanted: those that the spec knows.

    Raises:
        ValueError: arguments are missing, unknown or senseless, or differ from the spec's.
    """
    given = config.model.get("args")
    given = {**given, "name": config.model.get("name")} if isinstance(given, dict) else {}
    wrong = [
        *(f"{name} is missing" for name in kinds if name not in given),
        *(f"{name!r:.60} is unknown" for name in given if name not in kinds),
        *(
            f"{name}={given[name]!r:.60}"
            for name, allowed in kinds.items()
            if name in given and type(given[name]) not in allowed
        ),
    ]
    wrong += [
        f"{name}={given[name]!r:.60} is not the spec's {value}"
        for name, value in wanted.items()
        if not wrong and given[name] != value
    ]
    if wrong:
        raise ValueError(f"its arguments are {', '.join(kinds)}, however {'; '.join(wrong[:3])}")
    return given
