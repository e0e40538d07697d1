"""What prediction needs besides weights: who and what is known, and the scale of ratings."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Final

from zoo.collab.data.ids import KnownIds, Rows

ROLES: Final = ("user", "item", "rating", "time")  # of a table's columns


@dataclass(frozen=True)
class Spec:
    """What prediction needs besides weights. Row r of a table belongs to id number r - 1.

    Attributes:
        users: ids in the order of their rows, without row 0, the unknown one.
        items: likewise.
        mean: of the training ratings.
        low: end of the scale that predictions stay above; None where ratings are not predicted.
        high: end that they stay below.
        titles: what to show for an item, by its id.
        features: how users' and items' features are encoded, by side.
        columns: names of the training table's columns, by role, where they were named.
        n_held_out: ratings of the training table that were held out: users know those items too.
    """

    FREE_FIELDS: ClassVar = ("titles", "n_held_out")  # see `Learner.set_data`

    users: tuple[Hashable, ...]
    items: tuple[Hashable, ...]
    mean: float
    low: float | None = None
    high: float | None = None
    titles: dict[Hashable, str] = field(default_factory=dict)
    features: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)
    n_held_out: int = 0

    @property
    def format(self) -> int:
        """The artifact's format: readers of the first know neither columns nor held-out ratings."""
        return 2 if self.columns or self.n_held_out else 1

    def user_rows(self, ids: Iterable[Hashable]) -> Rows:
        """The row of each user, 0 for an unknown one. Shape: (n,), int32."""
        return self.known_users.rows(ids)

    def item_rows(self, ids: Iterable[Hashable]) -> Rows:
        """The row of each item, 0 for an unknown one. Shape: (n,), int32."""
        return self.known_items.rows(ids)

    def to_json(self) -> dict[str, Any]:
        """Plain values for config.json.

        Raises:
            ValueError: an id is neither text nor a number nor a truth value.
        """
        for side, ids in (("user", self.users), ("item", self.items)):
            odd = [value for value in ids if not _is_plain(value)]
            if odd:
                raise ValueError(
                    f"ids in an artifact are text, whole numbers, finite numbers or truth values, "
                    f"however {side}={odd[0]!r} is a {type(odd[0]).__name__} ({len(odd)} such in "
                    "all); map them to text before training"
                )
        titles = [[item, self.titles[item]] for item in self.items if item in self.titles]
        later = {"columns": self.columns, "n_held_out": self.n_held_out}
        return {
            "users": list(self.users),
            "items": list(self.items),
            "mean": self.mean,
            "low": self.low,
            "high": self.high,
            "titles": titles,
            "features": self.features,
            **(later if self.format > 1 else {}),
        }

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> Spec:
        """The spec that `to_json` wrote.

        Raises:
            ValueError: fields are missing or make no sense; all are named.
        """
        checks: dict[str, Callable[[Any], bool]] = {
            "users": _are_ids,
            "items": _are_ids,
            "mean": _is_number,
            "low": lambda value: value is None or _is_number(value),
            "high": lambda value: value is None or _is_number(value),
            "titles": _are_titles,
            "features": _are_encoders,
            "columns": _are_columns,
            "n_held_out": lambda value: type(value) is int and value >= 0,
        }
        later: dict[str, Any] = {"columns": {}, "n_held_out": 0}
        tree = later | tree  # format 1 has neither
        wrong = [
            name for name, sound in checks.items() if name not in tree or not sound(tree[name])
        ]
        if not wrong and (tree["low"] is None) != (tree["high"] is None):
            wrong.append("low without high")
        elif not wrong and tree["low"] is not None and not tree["low"] < tree["high"]:
            wrong.append("low above high")
        if wrong:
            raise ValueError(f"a spec has {', '.join(checks)}, each sound, however {wrong=}")
        values = {name: tree[name] for name in checks}
        values |= {"users": tuple(tree["users"]), "items": tuple(tree["items"])}
        return cls(**(values | {"titles": dict(tree["titles"])}))

    @cached_property
    def known_users(self) -> KnownIds:
        """What finds the row of a user."""
        return KnownIds(self.users)

    @cached_property
    def known_items(self) -> KnownIds:
        """What finds the row of an item."""
        return KnownIds(self.items)


def _is_plain(value: object) -> bool:
    return isinstance(value, (str, bool, int)) or _is_number(value)


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def _are_encoders(value: object) -> bool:
    """Whether features are {"user" or "item": {column: how}}."""
    return isinstance(value, dict) and all(
        side in ("user", "item")
        and isinstance(columns, dict)
        and all(map(_is_how, columns.values()))
        for side, columns in value.items()
    )


def _is_how(how: object) -> bool:
    """Whether a column is encoded in one way that exists."""
    if not isinstance(how, dict) or len(how) != 1:
        return False
    (kind, value), *_ = how.items()
    if kind == "flag":
        return value is True
    sound = {"values": lambda one: isinstance(one, str), "edges": _is_number}.get(kind)
    return sound is not None and isinstance(value, list) and all(map(sound, value))


def _are_columns(value: object) -> bool:
    return isinstance(value, dict) and all(
        role in ROLES and type(name) in (str, int) for role, name in value.items()
    )


def _are_ids(value: object) -> bool:
    return isinstance(value, list) and len(value) > 0 and _are_unique(value)


def _are_unique(ids: list[Any]) -> bool:
    return all(map(_is_plain, ids)) and len(set(ids)) == len(ids)


def _are_titles(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(pair, list)
        and len(pair) == 2
        and _is_plain(pair[0])
        and isinstance(pair[1], str)
        for pair in value
    )
