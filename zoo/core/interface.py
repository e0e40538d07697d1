"""What a model takes and what it says, told by itself, so that a page can be made of any model.

`Model.interface()` states the fields that an input has (a photo, a text, a column, a visitor's
ratings) and the functions that answer and explain. Who draws a form knows these kinds alone, and
nothing of photos, texts, tables or ratings (`zoo.demo`, `zoo.app`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from zoo.core.explanation import Explanation
from zoo.core.predictions import Labels, Prediction

if TYPE_CHECKING:
    import pandas as pd
    from PIL import Image

Kind = Literal["photo", "text", "choice", "number", "date", "ratings"]
Part = Literal["shares", "picture", "table", "html"]


@dataclass(frozen=True)
class Field:
    """One thing that a model asks for.

    Attributes:
        name: what it is called, such as a column.
        kind: what is given: the file of a photo, a text, one of the choices, a number, a date as
            text, or a mapping from choices to ratings.
        choices: of a choice its values, of ratings the items; a gap is no choice.
        names: text to show for each choice; none where the choice itself tells.
        usual: ends of the usual range of a number, or of the scale of ratings; None where any will
            do, and where a rating only says that an item was chosen.
        start: what stands in it to begin with.
        unit: what a number counts, where its name does not tell.
    """

    name: str
    kind: Kind
    choices: tuple[Any, ...] = field(default=(), repr=False)
    names: tuple[str, ...] = field(default=(), repr=False)
    usual: tuple[float, float] | None = None
    start: Any = None
    unit: str = ""

    @property
    def shown(self) -> tuple[str, ...]:
        """The text of each choice."""
        return self.names or tuple(map(str, self.choices))


@dataclass(frozen=True)
class Reply:
    """What a model says of one input.

    Attributes:
        headline: the answer in a few words.
        shares: probabilities of classes or labels, or shares of a photo, 0..1.
        picture: what the model draws.
        table: a list, such as of recommended items.
        html: what is to be known of the answer beside it, such as the colours of a mask.
    """

    headline: str
    shares: Mapping[str, float] = field(default_factory=dict, repr=False)
    picture: Image.Image | None = field(default=None, repr=False)
    table: pd.DataFrame | None = field(default=None, repr=False)
    html: str = field(default="", repr=False)


@dataclass(frozen=True)
class Interface:
    """How a model is asked.

    Attributes:
        fields: what an input consists of.
        answer: from the values of the fields, in their order, to a reply.
        parts: those of a reply that the model ever fills.
        explain: from the same values to what spoke for the answer; None if the model cannot tell.
    """

    fields: tuple[Field, ...]
    answer: Callable[..., Reply]
    parts: frozenset[Part] = frozenset()
    explain: Callable[..., Explanation[Any]] | None = None


def reply_of(answer: Prediction[Any] | Labels[Any] | float | Mapping[Any, float]) -> Reply:
    """The reply that a prediction is, or a number for each of several targets.

    >>> reply_of(2.5), reply_of(Prediction.of(["cat", "dog"], [0.2, 0.8]))
    (Reply(headline='2.5'), Reply(headline='dog'))
    """
    if isinstance(answer, Mapping):
        return Reply(", ".join(f"{name} {number:.4g}" for name, number in answer.items()))
    if isinstance(answer, float):
        return Reply(f"{answer:.6g}")
    headline = str(answer.label) if isinstance(answer, Prediction) else _several(answer.labels)
    return Reply(headline, {str(name): share for name, share in answer.probabilities.items()})


def shown_parts(classes: Sequence[Any]) -> frozenset[Part]:
    """What replies of a model have: shares where there are classes, of numbers nothing more."""
    return frozenset({"shares"}) if classes else frozenset()


def _several(labels: Sequence[Any]) -> str:
    return ", ".join(map(str, labels)) or "no label"
