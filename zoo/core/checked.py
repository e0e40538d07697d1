"""What config.json states, checked by the annotations of the class that it describes.

    @dataclass(frozen=True)
    class Spec:
        classes: Annotated[tuple[str, ...], Option(distinct=True)]
        size: Annotated[int, Option(low=1, high=4096)]
        mode: Annotated[Mode, Option(absent="center")] = "center"

    checked(Spec, {"classes": ["cat", "dog"], "size": 224})

Nothing is built of values that are not sound. Rules between fields belong in `__post_init__`. What
later versions add to a spec says by `absent` what artifacts of format 1 mean, which lack it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

import numpy as np

from zoo.core.annotations import EXACT, Option, field_types, later_fields
from zoo.core.fitters import Unfit, fields_fitter, record_fitter

T = TypeVar("T")


def checked(cls: type[T], tree: Any, *, ignore_unknown: bool = True) -> T:
    """The dataclass or `TypedDict` that a JSON object states.

    Args:
        cls: the class; annotations and their `Option`s say which values its fields take.
        tree: the object; a field that has a default may be absent.
        ignore_unknown: leave out fields that the class does not have, instead of refusing them; in
            nested objects they are always refused.

    Raises:
        ValueError: fields are missing or of another kind, all of which are named; or they do not
            go together.
    """
    if ignore_unknown and isinstance(tree, dict):
        tree = {name: tree[name] for name in field_types(cast(Any, cls)) if name in tree}
    record = record_fitter(cls)(tree)
    if isinstance(record, Unfit):
        wrong = record.wrong or (f"{tree!r:.60}",)
        raise ValueError(f"its fields must be complete and sound, got {_listed(wrong)}")
    return cast(T, record)


def require_sound(record: Any, *, exact: bool = True) -> None:
    """Check the fields of a dataclass that is made in Python; for its `__post_init__`.

    Args:
        record: the dataclass.
        exact: refuse what JSON would not give back with the same type, such as 2.0 for 2.

    Raises:
        ValueError: some are of another kind or out of range; all are named.
    """
    values = fields_fitter(cast(Any, type(record)), EXACT if exact else Option())(vars(record))
    if isinstance(values, Unfit):
        raise ValueError(
            f"fields of {type(record).__name__} must be in range, got {_listed(values.wrong)}. "
            "Choose others."
        )


def arguments_of(model: Mapping[str, Any], cls: type[T], **of_spec: Any) -> T:
    """What builds the network that config.json names.

    Args:
        model: the field `model` of the config.
        cls: the `TypedDict` of the network's arguments, its name among them.
        **of_spec: those that the spec implies, which must be equal.

    Raises:
        ValueError: arguments are missing, unknown or senseless, or differ from the spec's.
    """
    arguments = model.get("args")
    arguments = arguments if isinstance(arguments, dict) else {}
    tree = {**arguments, "name": model.get("name")}
    record: Any = checked(cls, tree, ignore_unknown=False)
    wrong = [
        f"{name}={record[name]!r:.60} is not the spec's {value!r:.60}"
        for name, value in of_spec.items()
        if record[name] != value
    ]
    if wrong:
        raise ValueError(f"a network's arguments must be the spec's, got {'; '.join(wrong)}")
    return cast(T, record)


def to_json(spec: Any) -> dict[str, Any]:
    """The JSON object of a dataclass; fields that mean what their absence means are left out."""
    later = later_fields(cast(Any, type(spec)))
    fields = {field.name: getattr(spec, field.name) for field in dataclasses.fields(spec)}
    return {
        name: _plain(value)
        for name, value in fields.items()
        if name not in later or value != later[name]
    }


def format_of(spec: Any) -> int:
    """The artifact's format: 2 if a field counts that readers of format 1 do not know."""
    absent = later_fields(cast(Any, type(spec))).items()
    return 1 if all(getattr(spec, name) == value for name, value in absent) else 2


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if dataclasses.is_dataclass(value):
        return to_json(value)
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return value.item() if isinstance(value, np.generic) else value


def _listed(wrong: Iterable[str]) -> str:
    return "; ".join(part.lstrip(".: ") for part in wrong)
