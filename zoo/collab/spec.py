"""What prediction needs besides weights: ids of users and items, and the scale of ratings."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, ClassVar, Final, Literal, TypedDict

from zoo.collab.data.ids import IdIndex, Rows
from zoo.collab.models.list_arguments import ListArguments
from zoo.core.annotations import Option
from zoo.core.checked import checked, format_of, to_json

Id = int | str | float | bool
Ids = Annotated[tuple[Id, ...], Option(fewest=1, distinct=True)]
Side = Literal["user", "item"]
POINT: Final = "point {}"  # stands in for the id of a user, by its number


class ColumnNames(TypedDict, total=False):
    """Names of a table's columns, by what they hold."""

    user: str | int
    item: str | int
    rating: str | int
    time: str | int


class Values(TypedDict):
    """A column of features that is encoded as one flag per value."""

    values: list[str]


class Edges(TypedDict):
    """A column of features that is encoded as one column per range of numbers."""

    edges: list[float]


class Flag(TypedDict):
    """A column of features that is 0 or 1."""

    flag: Literal[True]


@dataclass(frozen=True)
class Spec:
    """What prediction needs besides weights. Row r of a table belongs to id number r - 1.

    Attributes:
        users: ids of users in the order of their rows; row 0 is the unknown user.
        items: ids of items in the order of their rows; row 0 is the unknown item.
        mean: mean of the training ratings.
        low: lower end of predicted ratings; None where ratings are not predicted.
        high: upper end of predicted ratings.
        titles: text to show for an item, by its id.
        features: encodings of users' and items' features, by side.
        columns: names of the training table's columns, by role, where the caller stated them.
        n_held_out: number of held-out ratings that the artifact lists: users know those items too.
        lists: parts of the model of lists beside one of ratings, which the last weight file holds.
    """

    FREE_FIELDS: ClassVar = ("titles", "columns", "n_held_out", "lists")  # see `Learner.set_data`

    users: Ids
    items: Ids
    mean: float
    low: float | None = None
    high: float | None = None
    titles: dict[Id, str] = field(default_factory=dict)
    features: dict[Side, dict[str, Values | Edges | Flag]] = field(default_factory=dict)
    columns: Annotated[ColumnNames, Option(absent={})] = field(default_factory=ColumnNames)
    n_held_out: Annotated[int, Option(low=0, absent=0)] = 0
    lists: Annotated[ListArguments, Option(absent={})] = field(default_factory=ListArguments)

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None):
            raise ValueError(f"low and high go together, got low={self.low}, high={self.high}")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"low must be below high, got low={self.low}, high={self.high}")

    @property
    def format(self) -> int:
        """The artifact's format: readers of the first know neither columns nor lists."""
        return format_of(self)

    @property
    def is_anonymous(self) -> bool:
        """Whether points stand in for the users, see `zoo.collab.anonymous`."""
        return self.users[0] == POINT.format(1) and self.users[-1] == POINT.format(len(self.users))

    def user_rows(self, ids: Iterable[Hashable]) -> Rows:
        """The row of each user, 0 for an unknown one. Shape: (n,), int32."""
        return self.index["user"].rows(ids)

    def item_rows(self, ids: Iterable[Hashable]) -> Rows:
        """The row of each item, 0 for an unknown one. Shape: (n,), int32."""
        return self.index["item"].rows(ids)

    def to_json(self) -> dict[str, Any]:
        """Plain values for config.json, titles in the order of the items."""
        titles = [[item, self.titles[item]] for item in self.items if item in self.titles]
        return to_json(self) | {"titles": titles}

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> Spec:
        """The spec that `to_json` wrote.

        Raises:
            ValueError: fields are missing or make no sense; the message names all of them.
        """
        return checked(cls, tree)

    @cached_property
    def index(self) -> dict[str, IdIndex]:
        """The rows of ids by side, "user" or "item"."""
        return {"user": IdIndex(self.users), "item": IdIndex(self.items)}
