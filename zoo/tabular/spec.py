"""What prediction needs besides weights: columns, their categories and statistics, the target."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Final, Literal, get_args

from zoo.tabular.data.tables import Name
from zoo.tabular.data.values import LARGEST, WHOLE, Kind, Value, key

TaskName = Literal["classification", "regression"]

Cells = Literal["exact", "alike"]
"""How cells find their category: "exact" tells 5 and "5" apart (`zoo.tabular.data.encode`)."""


@dataclass(frozen=True)
class Category:
    """A column of categories. Row i + 1 of its embedding is that of value i; row 0 of the unseen.

    Attributes:
        name: of the column.
        values: those of the training rows, kept exactly; None if there were gaps.
    """

    name: Name
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Number:
    """A column of numbers.

    Attributes:
        name: of the column.
        kind: numbers, times (days since 1970) or durations (days).
        median: of the training rows; what fills gaps.
        mean: subtracted; of the training rows with their gaps filled.
        std: divides what is left.
        gaps: whether the training rows had gaps; then a gap is a category of its own too.
    """

    name: Name
    kind: Kind
    median: float
    mean: float
    std: float
    gaps: bool


@dataclass(frozen=True)
class Target:
    """A column to predict.

    Attributes:
        name: of the column.
        classes: of a classification, kept exactly, sorted; none in a regression.
        mean: of the training rows (of the logarithm, where that is learnt).
        std: likewise; the network's output is (target - mean) / std.
    """

    name: Name
    classes: tuple[Value, ...] = ()
    mean: float = 0.0
    std: float = 1.0


@dataclass(frozen=True)
class Spec:
    """All that turns a table into the network's inputs, and its outputs into predictions.

    Attributes:
        task: classification or regression.
        categories: columns of categories, in the network's order.
        numbers: columns of numbers, in the network's order.
        targets: one, or several of a regression.
        log_target: whether the logarithm of the target is what is learnt.
        left_out: columns of the training table that are no inputs, and why.
        cells: how cells find their category; "exact" in format 1.
    """

    FREE_FIELDS: ClassVar = ("left_out",)  # see `Learner.set_data`

    task: TaskName
    categories: tuple[Category, ...]
    numbers: tuple[Number, ...]
    targets: tuple[Target, ...]
    log_target: bool
    left_out: tuple[tuple[Name, str], ...] = ()
    cells: Cells = "exact"

    @property
    def format(self) -> int:
        """The artifact format that a reader must know to predict the same."""
        return 1 if self.cells == "exact" else 2

    @property
    def inputs(self) -> list[Name]:
        """The columns that a table to predict must have."""
        return [*(c.name for c in self.categories), *(n.name for n in self.numbers)]

    @property
    def classes(self) -> tuple[Value, ...]:
        """The classes in the order of the outputs; none in a regression."""
        return self.targets[0].classes

    @property
    def n_out(self) -> int:
        """Outputs of the network."""
        return len(self.classes) or len(self.targets)

    @property
    def table_rows(self) -> list[int]:
        """Rows of the embedding of each column of `x_cat`: categories, then numbers with gaps."""
        gaps = [3 for number in self.numbers if number.gaps]  # unseen, there, missing
        return [len(category.values) + 1 for category in self.categories] + gaps

    def to_json(self) -> dict[str, Any]:
        """Plain values for config.json."""
        tree = asdict(self)
        if self.format == 1:
            del tree["cells"]
        return tree

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> Spec:
        """The spec that `to_json` wrote.

        Raises:
            ValueError: fields are missing or make no sense; all are named.
        """
        tree = {"cells": "exact", **tree}
        missing = [field.name for field in fields(cls) if field.name not in tree]
        wrong = {
            name: repr(tree[name])[:60]
            for name, is_sound in _SOUND.items()
            if name in tree and not is_sound(tree[name])
        }
        if missing or wrong:
            raise ValueError(f"a spec has all its fields, each sound, however {missing=}, {wrong=}")
        spec = cls(
            task=tree["task"],
            categories=tuple(Category(c["name"], tuple(c["values"])) for c in tree["categories"]),
            numbers=tuple(Number(**number) for number in tree["numbers"]),
            targets=tuple(
                Target(**{**target, "classes": tuple(target["classes"])})
                for target in tree["targets"]
            ),
            log_target=tree["log_target"],
            left_out=tuple((name, why) for name, why in tree["left_out"]),
            cells=tree["cells"],
        )
        _require_consistent(spec)
        return spec


def _require_consistent(spec: Spec) -> None:
    names = [*spec.inputs, *(target.name for target in spec.targets)]
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    counts = [len(target.classes) for target in spec.targets]
    sound = {
        "columns named twice": not twice,
        "inputs": bool(spec.inputs),
        "classes": counts == [0] * len(counts)
        if spec.task == "regression"
        else len(counts) == 1 and counts[0] > 1,
        "log_target": spec.task == "regression" or not spec.log_target,
    }
    wrong = [name for name, fine in sound.items() if not fine]
    if wrong:
        raise ValueError(
            "a spec names every column once, has inputs, and classes in a classification alone, "
            f"however {wrong=}{f', twice={twice[:3]}' if twice else ''}"
        )


def _is_name(value: Any) -> bool:
    return type(value) is int or _is_text(value)


def _is_text(value: Any) -> bool:
    """Whether it is a text that a file can hold: half a surrogate pair is none."""
    return isinstance(value, str) and value.encode("utf-8", "replace").decode() == value


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= LARGEST


def _is_std(value: Any) -> bool:
    return _is_number(value) and value > 1e-300


def _are_values(value: Any, *, gaps: bool) -> bool:
    kinds = (str, int, float, bool, type(None)) if gaps else (str, int, float, bool)
    if not isinstance(value, (list, tuple)) or not all(type(v) in kinds for v in value):
        return False
    if any(abs(v) >= WHOLE for v in value if type(v) is int):
        return False
    if not all(_is_text(v) for v in value if isinstance(v, str)):
        return False
    finite = all(math.isfinite(v) for v in value if isinstance(v, float))
    return finite and len({key(v) for v in value}) == len(value)


def _are(value: Any, sound: dict[str, Callable[[Any], bool]], least: int = 0) -> bool:
    """Whether it is a list of objects with exactly these fields, each sound."""
    return (
        isinstance(value, (list, tuple))
        and len(value) >= least
        and all(isinstance(item, dict) and item.keys() == sound.keys() for item in value)
        and all(is_sound(item[name]) for item in value for name, is_sound in sound.items())
    )


def _are_left_out(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(
        isinstance(pair, (list, tuple))
        and len(pair) == 2
        and _is_name(pair[0])
        and isinstance(pair[1], str)
        for pair in value
    )


_CATEGORY: Final[dict[str, Callable[[Any], bool]]] = {
    "name": _is_name,
    "values": lambda value: _are_values(value, gaps=True),
}
_NUMBER: Final[dict[str, Callable[[Any], bool]]] = {
    "name": _is_name,
    "kind": lambda value: isinstance(value, str) and value in get_args(Kind),
    "median": _is_number,
    "mean": _is_number,
    "std": _is_std,
    "gaps": lambda value: type(value) is bool,
}
_TARGET: Final[dict[str, Callable[[Any], bool]]] = {
    "name": _is_name,
    "classes": lambda value: _are_values(value, gaps=False),
    "mean": _is_number,
    "std": _is_std,
}
_SOUND: Final[dict[str, Callable[[Any], bool]]] = {
    "task": lambda value: isinstance(value, str) and value in get_args(TaskName),
    "categories": lambda value: _are(value, _CATEGORY),
    "numbers": lambda value: _are(value, _NUMBER),
    "targets": lambda value: _are(value, _TARGET, least=1),
    "log_target": lambda value: type(value) is bool,
    "left_out": _are_left_out,
    "cells": lambda value: isinstance(value, str) and value in get_args(Cells),
}
