"""What prediction needs besides weights: columns, their categories and statistics, the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal

from zoo.core.annotations import Option
from zoo.core.checked import checked, format_of, to_json
from zoo.tabular.data.values import LARGEST, WHOLE, Kind, Value, key
from zoo.tabular.options import Name, TaskName

Finite = Annotated[float, Option(low=-LARGEST, high=LARGEST)]
Std = Annotated[float, Option(above=1e-300, high=LARGEST)]
SMALLEST_SPREAD: Final = 1e-100  # the square of a number over it is still finite
Share = Annotated[float, Option(low=0, high=1)]
LEVELS: Final = tuple((2 * i + 1) / 40 for i in range(20))  # of quantiles: .025, .075 ... .975
StoredValue = str | bool | Annotated[int, Option(low=1 - WHOLE, high=WHOLE - 1)] | float

Cells = Literal["exact", "alike"]
"""How cells find their category: "exact" tells 5 and "5" apart (`zoo.tabular.data.encode`)."""


@dataclass(frozen=True)
class Category:
    """A column of categories. Row i + 1 of its embedding is that of value i, row 0 of the unseen.

    Attributes:
        name: name of the column.
        values: values of the training rows, kept exactly; None among them if there were gaps.
    """

    name: Name
    values: tuple[StoredValue | None, ...]

    def __post_init__(self) -> None:
        _require_distinct(self.values)


@dataclass(frozen=True)
class Number:
    """A column of numbers.

    Attributes:
        name: name of the column.
        kind: numbers, times (days since 1970) or durations (days).
        median: median of the training rows, which fills gaps.
        mean: mean of the training rows with their gaps filled.
        std: standard deviation of the same rows.
        gaps: whether the training rows had gaps; then a gap is a category of its own too.
        spread: distance between the quartiles of the training rows. The network sees
            (x - median) / spread, bent towards limits; in format 1, which has no spread,
            (x - mean) / std.
    """

    name: Name
    kind: Kind
    median: Finite
    mean: Finite
    std: Std
    gaps: bool
    spread: Annotated[float | None, Option(above=SMALLEST_SPREAD, high=LARGEST, absent=None)] = None

    @property
    def scale(self) -> tuple[float, float]:
        """What is subtracted from a cell, and what divides it then."""
        return (self.mean, self.std) if self.spread is None else (self.median, self.spread)


@dataclass(frozen=True)
class Distribution:
    """What the training rows hold of an input.

    Attributes:
        name: name of the column.
        shares: of a category, the share of the rows that each of its values has.
        quantiles: of a number, its quantiles at `LEVELS` where it is there.
        gaps: of a number, the share of the rows in which it is missing.
    """

    name: Name
    shares: tuple[Share, ...] = ()
    quantiles: tuple[Finite, ...] = ()
    gaps: Share = 0.0


@dataclass(frozen=True)
class Target:
    """A column to predict.

    Attributes:
        name: name of the column.
        classes: classes of a classification, kept exactly, sorted; none in a regression.
        mean: mean of the training rows (of the logarithm, where that is learnt).
        std: the target's standard deviation; the network's output is (target - mean) / std.
    """

    name: Name
    classes: tuple[StoredValue, ...] = ()
    mean: Finite = 0.0
    std: Std = 1.0

    def __post_init__(self) -> None:
        _require_distinct(self.classes)


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
        distributions: what the training rows hold of each input, in the order of `inputs`; none in
            earlier artifacts.
    """

    FREE_FIELDS: ClassVar = ("left_out", "distributions")  # see `Learner.set_data`

    task: TaskName
    categories: tuple[Category, ...]
    numbers: tuple[Number, ...]
    targets: Annotated[tuple[Target, ...], Option(fewest=1)]
    log_target: bool
    left_out: tuple[tuple[Name, str], ...] = ()
    cells: Annotated[Cells, Option(absent="exact")] = "exact"
    distributions: Annotated[tuple[Distribution, ...], Option(absent=())] = ()

    @property
    def format(self) -> int:
        """The artifact format that a reader must know to predict the same."""
        return max(format_of(one) for one in (self, *self.numbers))

    @property
    def inputs(self) -> list[Name]:
        """The columns that a table to predict must have."""
        return [*(c.name for c in self.categories), *(n.name for n in self.numbers)]

    @property
    def columns(self) -> list[Name]:
        """The names of all columns that training has met."""
        targets = [target.name for target in self.targets]
        return [*self.inputs, *targets, *(name for name, _ in self.left_out)]

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
        return to_json(self)

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> Spec:
        """The spec that `to_json` wrote.

        Raises:
            ValueError: fields are missing or make no sense; all are named.
        """
        spec = checked(cls, tree)
        _require_consistent(spec)
        return spec


def _require_consistent(spec: Spec) -> None:
    names = [*spec.inputs, *(target.name for target in spec.targets)]
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    counts, is_regression = [len(t.classes) for t in spec.targets], spec.task == "regression"
    sound = {
        "columns named twice": not twice,
        "inputs": bool(spec.inputs),
        "classes": not any(counts) if is_regression else len(counts) == 1 and counts[0] > 1,
        "log_target": is_regression or not spec.log_target,
        "distributions": not spec.distributions or _sizes(spec) == _expected_sizes(spec),
    }
    wrong = [name for name, fine in sound.items() if not fine]
    if wrong:
        repeated = f", twice={twice[:3]}" if twice else ""
        raise ValueError(
            "columns must have one name each, some of them inputs, with a distribution each or "
            f"none, and classes be of a classification, got {wrong=}{repeated}"
        )


def _sizes(spec: Spec) -> list[tuple[Name, int, int]]:
    """Names of distributions, and their numbers of shares and quantiles."""
    return [(one.name, len(one.shares), len(one.quantiles)) for one in spec.distributions]


def _expected_sizes(spec: Spec) -> list[tuple[Name, int, int]]:
    categories = [(category.name, len(category.values), 0) for category in spec.categories]
    return [*categories, *((number.name, 0, len(LEVELS)) for number in spec.numbers)]


def _require_distinct(values: tuple[Value, ...]) -> None:
    if len({key(value) for value in values}) != len(values):
        raise ValueError(f"values must differ, got {values!r:.60}")
